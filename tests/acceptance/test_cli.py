"""The command line as people use it: real processes, real databases, real signals."""

from __future__ import annotations

import http
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from posthouse.settings.data_directory import owner_of

pytestmark = pytest.mark.slow

PATIENCE_S = 20.0
ENGLISH = {"LANG": "en_US.UTF-8", "PYTHONUTF8": "1"}
OK, PROBLEM, USAGE, MISTAKE, TRY_LATER = range(5)
INTERRUPTED = 130


class Result:
    """What a command did."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Shell:
    """A terminal in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.environ = ENGLISH
        self._running: list[subprocess.Popen[bytes]] = []

    def do(self, *words: str, environ: Mapping[str, str] | None = None) -> Result:
        return Result(
            subprocess.run(
                self._command(words),
                cwd=self.folder,
                env=self._environ(environ),
                capture_output=True,
                check=False,
                timeout=60,
            )
        )

    def attach(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command that goes on; somebody sits at its keyboard."""
        process = subprocess.Popen(
            self._command(words),
            cwd=self.folder,
            env=self._environ(None),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._running.append(process)
        return process

    def start(self, *words: str, environ: Mapping[str, str] | None = None) -> House:
        process = subprocess.Popen(
            self._command(("run", "--port", "0", *words)),
            cwd=self.folder,
            env=self._environ(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._running.append(process)
        return House(process, self.data)

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "posthouse", *words]

    def _environ(self, environ: Mapping[str, str] | None) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, **self.environ, **(environ or {})}

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.communicate()


class House:
    """A running house; it is open when its start-up text has been read."""

    def __init__(self, process: subprocess.Popen[bytes], data: Path) -> None:
        self.process = process
        self.said = "".join(self._welcome())
        owner = owner_of(data)
        assert owner is not None, self.said
        self.owner = owner

    def _welcome(self) -> Iterator[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield line.decode()
            if b"Ctrl+C" in line:
                return

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.owner.url + path, timeout=5) as answer:  # noqa: S310 - ours
            content: bytes = answer.read()
        return content

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; returns the exit code and the log."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, err.decode()


@pytest.fixture(autouse=True)
def _ctrl_c_counts() -> Iterator[None]:
    """Let programs hear Ctrl+C: jobs in the background of a script ignore it, and pass that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.close()


# ── run ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_house_opens_says_where_it_is_and_closes(shell: Shell, number: int) -> None:
    house = shell.start()
    url = house.owner.url
    assert json.loads(house.get("/readyz"))["status"] == "ready"
    assert b"<html" in house.get("/chat")
    begun_at = time.monotonic()
    code, err = house.end(number)
    assert time.monotonic() - begun_at < 10
    assert code == OK
    assert f"{url}/chat" in house.said
    codes = [json.loads(line)["code"] for line in err.splitlines()]
    assert codes == ["house_started", "house_stopping", "house_stopped"]


def test_an_open_page_does_not_hold_the_door(shell: Shell) -> None:
    house = shell.start()
    address = house.owner.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1]))) as idle:
        idle.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        begun_at = time.monotonic()
        assert house.end()[0] == OK
    assert time.monotonic() - begun_at < 5


def test_a_chat_in_progress_does_not_hold_the_door(shell: Shell) -> None:
    house = shell.start()
    chat = shell.attach("chat")
    assert chat.stdout is not None
    assert b"You are in" in chat.stdout.readline()  # its stream is open now
    begun_at = time.monotonic()
    assert house.end()[0] == OK
    assert time.monotonic() - begun_at < 5


def test_ctrl_c_leaves_the_chat_at_once(shell: Shell) -> None:
    chat = shell.attach("chat")
    assert chat.stdout is not None
    chat.stdout.readline()
    chat.send_signal(signal.SIGINT)
    _, err = chat.communicate(timeout=PATIENCE_S)
    assert chat.returncode == INTERRUPTED
    assert b"Traceback" not in err


def test_the_second_ctrl_c_does_not_wait(shell: Shell) -> None:
    (shell.folder / "posthouse.toml").write_text("[handlers.demo]\nword_pause_s = 60\n")
    house = shell.start()
    shell.attach("chat", "--say", "take your time")
    while b'{what="turns_running"} 1.0' not in house.get("/metrics"):
        pass
    begun_at = time.monotonic()
    house.process.send_signal(signal.SIGINT)
    assert house.process.stderr is not None
    while b"house_stopping" not in house.process.stderr.readline():
        pass
    assert house.end(signal.SIGINT)[0] == INTERRUPTED
    assert time.monotonic() - begun_at < 5


def test_it_starts_without_typer(shell: Shell) -> None:
    listing = (
        "import sys, posthouse.bootstrap, posthouse.cli.app, posthouse.cli.run\n"
        "assert 'typer' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, check=False, cwd=shell.folder
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_variable_that_means_nothing_here_is_answered(shell: Shell) -> None:
    house = shell.start(environ={"FEISHU_APP_SECRET": "very-secret-value"})
    _, err = house.end()
    first = json.loads(err.splitlines()[0])
    assert first["name"] == "FEISHU_APP_SECRET"
    assert "very-secret-value" not in err


# ── bad surroundings ─────────────────────────────────────────────────────────────────────────


def test_a_wrong_setting_is_one_sentence(shell: Shell) -> None:
    (shell.folder / "posthouse.toml").write_text("[server]\nprot = 1\n")
    result = shell.do("run")
    assert (result.code, result.out) == (MISTAKE, "")
    assert result.err == "server.prot is no setting (from posthouse.toml); did you mean port?\n"
    chinese = shell.do("run", environ={"LANG": "zh_CN.UTF-8"})
    assert "没有 server.prot 这个设置" in chinese.err
    assert "Traceback" in shell.do("run", "--debug").err


def test_a_port_that_is_taken_leaves_the_data_alone(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = shell.do("run", "--port", str(port))
    assert result.code == MISTAKE
    assert f"Port {port}" in result.err
    assert "--port" in result.err
    assert not (shell.data / "posthouse.db").exists()


def test_two_houses_on_one_directory(shell: Shell) -> None:
    first = shell.start()
    pid = first.owner.pid
    second = shell.do("run", "--port", "0")
    assert second.code == MISTAKE
    assert f"process {pid}" in second.err
    assert "--data" in second.err
    assert first.end()[0] == OK


def test_a_killed_house_leaves_no_lock(shell: Shell) -> None:
    shell.start().end(signal.SIGKILL)
    assert shell.start().end()[0] == OK


def test_a_database_of_a_newer_version_is_left_alone(shell: Shell) -> None:
    shell.start().end()
    with sqlite3.connect(shell.data / "posthouse.db") as database:
        database.execute("PRAGMA user_version = 9999")
    before = (shell.data / "posthouse.db").read_bytes()
    result = shell.do("run", "--port", "0")
    assert result.code == MISTAKE
    assert "9999" in result.err
    assert (shell.data / "posthouse.db").read_bytes() == before


@pytest.mark.parametrize("content", [b"this is no database at all\n" * 100, b"\x00" * 8192])
def test_a_file_that_is_no_database_is_left_alone(shell: Shell, content: bytes) -> None:
    shell.data.mkdir()
    (shell.data / "posthouse.db").write_bytes(content)
    result = shell.do("run", "--port", "0")
    assert result.code == MISTAKE, result
    assert "posthouse.db" in result.err
    assert (shell.data / "posthouse.db").read_bytes() == content


def test_a_damaged_database_is_seen(shell: Shell) -> None:
    shell.start().end()
    file = shell.data / "posthouse.db"
    content = bytearray(file.read_bytes())
    for page in range(3, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = os.urandom(64)
    file.write_bytes(content)
    result = shell.do("db", "check")
    assert result.code in {PROBLEM, MISTAKE, TRY_LATER}, result
    assert "restore" in result.out + result.err


def test_a_directory_that_cannot_be_written_is_a_mistake(shell: Shell) -> None:
    shell.data.write_text("a file stands where the directory should be")
    result = shell.do("run", "--port", "0")
    assert result.code == MISTAKE
    assert "--data" in result.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk"])
def test_a_terminal_that_is_not_utf8_is_no_reason_to_fail(shell: Shell, encoding: str) -> None:
    surroundings = {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding, "LANG": "zh_CN"}
    for words in (("--help",), ("run", "--help"), ("doctor",), ("version",), ("why",)):
        result = shell.do(*words, environ=surroundings)
        assert result.code in {OK, MISTAKE}, result
        assert "Traceback" not in result.err


# ── tools ────────────────────────────────────────────────────────────────────────────────────


def test_wrong_usage_is_two(shell: Shell) -> None:
    assert shell.do("no-such-command").code == USAGE
    assert shell.do("run", "--no-such-option").code == USAGE
    assert shell.do("why", "--limit", "x").code == USAGE
    assert shell.do("held", "send").code == USAGE


def test_init_writes_a_file_that_run_reads(shell: Shell) -> None:
    assert shell.do("init").code == OK
    file = shell.folder / "posthouse.toml"
    written = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    again = shell.do("init")
    assert again.code == MISTAKE
    assert "--force" in again.err
    file.write_text(written.replace("# port = 8350", "port = 0"))
    assert shell.do("doctor", "--json").code == OK
    assert shell.do("init", "--force").code == OK
    assert file.read_text() == written


def test_an_invitation_lets_the_first_person_in_from_elsewhere(shell: Shell) -> None:
    house = shell.start("--host", "0.0.0.0")  # noqa: S104 - what an operator does
    assert "posthouse invite" in house.said
    with pytest.raises(urllib.error.HTTPError) as closed:
        house.get("/chat")
    assert closed.value.code == http.HTTPStatus.FORBIDDEN
    assert "posthouse invite" in closed.value.read().decode()
    done = shell.do("invite", "--data", "data")
    assert done.code == OK, done
    with urllib.request.urlopen(done.out.strip()) as page:  # noqa: S310
        assert "Enter the chat" in page.read().decode()


def test_an_invitation_is_for_a_web_bot(shell: Shell) -> None:
    done = shell.do("invite", "--data", "data", "--bot", "nobody")
    assert done.code == MISTAKE
    assert "--bot" in done.err


def test_tools_need_a_house(shell: Shell) -> None:
    for words in (("why", "1"), ("db", "check"), ("db", "migrate"), ("held", "list")):
        result = shell.do(*words)
        assert result.code == MISTAKE, result
        assert "posthouse run" in result.err
    assert not (shell.data / "posthouse.db").exists()


def test_chat_starts_a_house_and_why_tells_the_road(shell: Shell) -> None:
    said = shell.do("chat", "--name", "Ada", "--say", "/echo one \x1b[31m two")
    assert said.code == OK, said
    assert "one" in said.out
    assert "\x1b" not in said.out
    road = shell.do("why", "1")
    assert road.code == OK
    assert "Ada: /echo one" in road.out
    assert "delivered" in road.out
    assert road.out.rstrip().endswith("⇒ answered")
    machine = json.loads(shell.do("why", "chat:1", "--json").out)
    assert machine["verdicts"][0]["code"] == "answered"
    assert shell.do("why", "no such thing").code == PROBLEM
    assert shell.do("why").code == OK


def test_a_chat_of_its_own_does_not_mind_that_its_port_is_taken(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        variables = {"POSTHOUSE_SERVER__PORT": str(taken.getsockname()[1])}
        said = shell.do("chat", "--name", "Ada", "--say", "/echo one", environ=variables)
    assert said.code == OK, said
    assert "one" in said.out


@pytest.mark.parametrize("question", ["how do I recall a message?", "怎么接入飞书？"])
def test_a_fresh_house_answers_from_its_own_documentation(shell: Shell, question: str) -> None:
    said = shell.do("chat", "--name", "Ada", "--say", question)
    assert said.code == OK, said
    assert "- [1] " in said.out
    assert "docs/how-to/questions.md" in said.out
    assert shell.do("why", "1").out.rstrip().endswith("⇒ answered")


def test_with_a_model_the_answer_is_generated_and_cited(shell: Shell) -> None:
    model = shell.attach("simulate", "model")
    assert model.stdout is not None
    variables = dict(word.split("=", 1) for word in model.stdout.readline().decode().split())
    question = "how do I recall a message?"
    said = shell.do("chat", "--say", question, environ={**variables, "LLM_API_KEY": "any"})
    assert said.code == OK, said
    assert "Sources:" in said.out
    assert "This is what the documents say" not in said.out  # no quotation: it was written


def test_tools_talk_to_the_running_owner(shell: Shell) -> None:
    house = shell.start()
    assert shell.do("chat", "--say", "/echo hello").code == OK
    assert "hello" in shell.do("why", "1").out
    assert shell.do("db", "check", "--json").out == '{\n  "problems": []\n}\n'
    assert shell.do("db", "revive", "99").code == PROBLEM
    migrate = shell.do("db", "migrate")
    assert migrate.code == MISTAKE  # it runs, so it is up to date
    doctor = shell.do("doctor")
    assert doctor.code == OK
    assert f"pid {house.owner.pid}" in doctor.out
    assert house.end()[0] == OK


def test_an_owner_that_does_not_answer_is_tried_later(shell: Shell) -> None:
    shell.start()
    lock = shell.data / "posthouse.lock"
    owner = json.loads(lock.read_text())
    lock.write_text(json.dumps(owner | {"url": "http://127.0.0.1:1"}))
    assert shell.do("held", "list").code == TRY_LATER
    lock.write_text(json.dumps(owner | {"token": "guessed"}))
    assert shell.do("held", "list").code == TRY_LATER
    assert shell.do("doctor").code == PROBLEM


def test_doctor_finds_what_is_wrong(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = shell.do("doctor", "--json", environ={"POSTHOUSE_SERVER__PORT": port})
    assert result.code == PROBLEM
    findings = {finding["subject"]: finding for finding in json.loads(result.out)["findings"]}
    assert findings["port"]["mark"] == "fail"
    assert port in findings["port"]["said"]["zh"]


def test_doctor_shows_where_settings_came_from(shell: Shell) -> None:
    (shell.folder / "posthouse.toml").write_text(
        '[bots.a]\nchannel = "web"\nsome_secret = { env = "S" }\n'
    )
    environ = {"S": "0123456789-secret-abcd", "POSTHOUSE_SERVER__PORT": "0"}
    result = shell.do("doctor", "--settings", environ=environ)
    assert 'bots.a.channel = "web" · from posthouse.toml' in result.out
    assert "bots.a.some_secret = ****abcd · from env S" in result.out
    assert "secret-abcd" not in result.out


# ── backup and restore ───────────────────────────────────────────────────────────────────────


def test_a_restored_house_says_nothing_before_it_is_told(shell: Shell) -> None:
    assert shell.do("chat", "--say", "/echo before").code == OK
    backup = shell.do("backup", "copy.db", "--json")
    assert json.loads(backup.out)["bytes"] == (shell.folder / "copy.db").stat().st_size
    assert shell.do("backup", "copy.db").code == MISTAKE
    assert shell.do("chat", "--say", "/echo after").code == OK

    restored = shell.do("restore", "copy.db")
    assert restored.code == OK, restored
    assert "held list" in restored.out
    kept = list(shell.data.glob("posthouse.db.before-restore-*"))
    assert len(kept) == 1
    assert shell.do("why", "2").code == PROBLEM  # what came after the copy is forgotten

    house = shell.start()
    assert json.loads(house.get("/api/v1/health"))["held"] is True
    asked = shell.do("chat", "--say", "/echo now")  # ends, although nothing is answered
    assert asked.code == OK, asked
    assert "held after a restore" in asked.out
    held = json.loads(shell.do("held", "list", "--json").out)
    assert held["house"]["is_held"] is True
    decided = shell.do("held", "drop", "--all", "--yes")
    assert decided.code == OK
    assert json.loads(house.get("/api/v1/health"))["held"] is False
    assert house.end()[0] == OK
    assert "posthouse held list" in house.said


def test_a_running_house_is_not_restored_over(shell: Shell) -> None:
    house = shell.start()
    assert shell.do("backup", "copy.db").code == OK
    assert shell.do("restore", "copy.db").code == MISTAKE
    assert house.end()[0] == OK


def test_what_is_no_backup_changes_nothing(shell: Shell) -> None:
    shell.start().end()
    before = (shell.data / "posthouse.db").read_bytes()
    (shell.folder / "note.txt").write_text("not a database" * 100)
    assert shell.do("restore", "note.txt").code == MISTAKE
    assert shell.do("restore", "missing.db").code == MISTAKE
    assert (shell.data / "posthouse.db").read_bytes() == before
    assert {path.name for path in shell.data.iterdir() if "restor" in path.name} == set()


def test_a_plain_copy_needs_its_time(shell: Shell) -> None:
    shell.start().end()
    (shell.folder / "copy.db").write_bytes((shell.data / "posthouse.db").read_bytes())
    assert shell.do("restore", "copy.db").code == MISTAKE
    assert shell.do("restore", "copy.db", "--copied-at", "yesterday").code == MISTAKE
    result = shell.do("restore", "copy.db", "--copied-at", "2025-11-20 08:00")
    assert result.code == OK, result
    assert "2025-11-20 08:00:00" in result.out


# ── the rest ─────────────────────────────────────────────────────────────────────────────────


def test_version_and_simulate(shell: Shell) -> None:
    assert set(json.loads(shell.do("version", "--json").out)) >= {"posthouse", "python", "sqlite"}
    assert "probe" in shell.do("simulate", "mars").err
    assert "--seed" in shell.do("simulate", "probe", "--", "--help").out
    assert "--hears-everything" in shell.do("simulate", "feishu", "--", "--help").out
    assert "name=number" in shell.do("simulate", "onebot", "--accounts", "a b").err
    assert "--heartbeat" in shell.do("simulate", "onebot", "--", "--help").out
    assert "accepts" in shell.do("bench", "mars").err


def test_a_benchmark_prints_its_numbers_and_nothing_else(shell: Shell) -> None:
    done = shell.do("bench", "http", "--messages", "100", "--rounds", "1", "--json")
    (figure,) = json.loads(done.out)
    assert figure["name"].startswith("http")
