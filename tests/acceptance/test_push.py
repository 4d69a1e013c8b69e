"""Pushes and changed settings on a real process: from a shell, over HTTP, by a signal."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_cli import MISTAKE, OK, PATIENCE_S, PROBLEM, House, Result, Shell
from tests.architecture.tree import ROOT

pytestmark = pytest.mark.slow

SETTINGS = """
language = "en"
[bots.web]
channel = "web"
"""
REFUSING = SETTINGS + '[[routes]]\nrefuse = "closed today"\n'


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    opened = Shell(tmp_path)
    (tmp_path / "posthouse.toml").write_text(SETTINGS, "utf-8")
    yield opened
    opened.close()


@pytest.fixture
def house(shell: Shell) -> House:
    """A house that knows chat 1, which has the tag night."""
    house = shell.start()
    assert shell.do("chat", "--say", "hello").code == OK
    assert shell.do("chats", "tag", "1", "night").code == OK
    return house


def lines(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.out)["targets"]
    return found


def token(shell: Shell, *scopes: str) -> str:
    wanted = [word for scope in scopes for word in ("--scope", scope)]
    made = shell.do("tokens", "add", "ci", *wanted)
    assert made.code == OK, made
    return made.out.strip()


def test_a_push_from_the_shell(shell: Shell, house: House) -> None:
    listed = shell.do("chats", "list")
    assert "#night" in listed.out
    pushed = shell.do("push", "--to", "tag:night", "build **42**", "--key", "b42", "--json")
    assert pushed.code == OK, pushed
    assert [(line["chat"], line["state"]) for line in lines(pushed)] == [(1, "sent")]
    again = shell.do("push", "--to", "tag:night", "build **42**", "--key", "b42", "--json")
    assert lines(again)[0]["deliveries"] == lines(pushed)[0]["deliveries"]
    other = shell.do("push", "--to", "tag:night", "something else", "--key", "b42")
    assert (other.code, "Idempotency-Key" in other.err) == (MISTAKE, True)
    back = shell.do("push", "--recall", "b42", "--json")
    assert [line["state"] for line in lines(back)] == ["withdrawn"]
    assert house.process.poll() is None


def test_what_cannot_be_pushed_is_said(shell: Shell, house: House) -> None:
    for words in (("--to", "99", "x"), ("--to", "tag:day", "x"), ("x",), ("--to", "night", "x")):
        assert shell.do("push", *words).code == MISTAKE, words
    assert shell.do("push", "--to", "1", "--image", "nothing.png").code == MISTAKE
    assert shell.do("push", "--recall", "never").code == MISTAKE
    assert shell.do("chats", "tag", "1", "two words").code == MISTAKE
    assert shell.do("tokens", "add", "ci", "--scope", "everything").code == MISTAKE
    assert shell.do("tokens", "revoke", "99").code == PROBLEM
    assert house.process.poll() is None


def test_output_of_a_program_is_pushed_without_its_colours(shell: Shell, house: House) -> None:
    writer = shell.attach("push", "--to", "1", "--plain", "--json", "-")
    out, err = writer.communicate(b"\x1b[31mred\x1b[0m\r\n\x07done\n", timeout=PATIENCE_S)
    assert writer.returncode == OK, err
    number = json.loads(out)["targets"][0]["deliveries"][0]
    assert house.process.poll() is None
    assert words_of(shell, number) == "red\ndone"


def test_a_push_over_http(shell: Shell, house: House) -> None:
    secret = token(shell, "push:tag=night")
    environ = {"POSTHOUSE_TOKEN": secret, "POSTHOUSE_URL": house.owner.url}
    words = ("push", "--to", "tag:night", "over http", "--key", "h1", "--json")
    pushed = shell.do(*words, environ=environ)
    assert (pushed.code, lines(pushed)[0]["state"]) == (OK, "sent")
    assert shell.do("push", "--to", "2", "x", environ=environ).code == MISTAKE
    assert "ci" in shell.do("tokens", "list").out
    assert secret not in shell.do("tokens", "list", "--json").out
    assert shell.do("tokens", "revoke", "1").code == OK
    refused = shell.do(*words, environ=environ)
    assert (refused.code, "token" in refused.err) == (MISTAKE, True)


def test_the_script_of_the_how_to_works(shell: Shell, house: House) -> None:
    page = (ROOT / "docs" / "how-to" / "push.md").read_text("utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    script = script.replace("http://127.0.0.1:8350", house.owner.url)
    assert shell.do("chats", "tag", "1", "builds").code == OK
    environ = {"POSTHOUSE_TOKEN": token(shell, "push:tag=builds"), "PATH": os.environ["PATH"]}
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", script], env=environ, check=False)
        assert done.returncode == 0
    with contextlib.closing(sqlite3.connect(shell.data / "posthouse.db")) as book:
        sql = "SELECT content, state FROM deliveries WHERE origin LIKE 'push:%'"
        ((content, state),) = book.execute(sql).fetchall()
    assert (json.loads(content)["text"], state) == ("**Build 42** has failed", "sent")


def test_the_description_is_served(house: House) -> None:
    described = json.loads(house.get("/api/v1/openapi.json"))
    assert "/api/v1/messages" in described["paths"]
    assert b"/api/v1/messages/{key}" in house.get("/api/docs")


def test_without_a_house_nothing_is_pushed(shell: Shell) -> None:
    house = shell.start()
    house.process.terminate()
    house.process.wait(PATIENCE_S)
    for words in (("push", "--to", "1", "x"), ("reload",)):
        result = shell.do(*words)
        assert (result.code, "does not run" in result.err) == (MISTAKE, True), result
    assert token(shell, "read").startswith("ph_")


def test_settings_are_reloaded(shell: Shell, house: House) -> None:
    (shell.folder / "posthouse.toml").write_text(REFUSING, "utf-8")
    looked = shell.do("reload", "--dry-run")
    assert (looked.code, "routes" in looked.out) == (OK, True)
    assert "re:" not in shell.do("chat", "--say", "one").out
    assert shell.do("reload").code == OK
    assert "closed today" in shell.do("chat", "--say", "two").out
    assert "different" in shell.do("reload").out
    (shell.folder / "posthouse.toml").write_text("nonsense = 1", "utf-8")
    assert shell.do("reload").code == MISTAKE
    assert house.process.poll() is None


def test_broken_scenes_are_named(shell: Shell, house: House) -> None:
    folder = shell.folder / "public"
    folder.mkdir()
    for name, text in (("bad", "import os; os._exit(1)"), ("good", "def cmd_x(): ...")):
        (folder / f"{name}.py").write_text(text, "utf-8")
    (shell.folder / "posthouse.toml").write_text(
        SETTINGS + '[handlers.commands]\npublic_dirs = ["public"]\n', "utf-8"
    )
    found = shell.do("reload")
    assert found.code == PROBLEM
    assert "scenes of commands: good" in found.out
    assert "scene bad does not load: ImportError: It ended the process" in found.err
    looked = shell.do("doctor")
    assert (looked.code, "the scene bad does not load" in looked.out) == (PROBLEM, True)


def test_a_signal_reloads(shell: Shell, house: House) -> None:
    (shell.folder / "posthouse.toml").write_text(
        REFUSING + '[bots.second]\nchannel = "web"\npath = "/second"\n', "utf-8"
    )
    os.kill(house.process.pid, signal.SIGHUP)
    until_answered(f"{house.owner.url}/second")
    (shell.folder / "posthouse.toml").write_text("nonsense = 1", "utf-8")
    os.kill(house.process.pid, signal.SIGHUP)
    (shell.folder / "posthouse.toml").write_text(SETTINGS, "utf-8")
    assert shell.do("reload").code == OK
    until_answered(f"{house.owner.url}/second", 404)


def until_answered(url: str, status: int = 200) -> None:
    """Wait until an address is answered so."""
    late_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < late_at:
        try:
            with urllib.request.urlopen(url) as answer:  # noqa: S310 - ours
                seen = answer.status
        except urllib.error.HTTPError as problem:
            seen = problem.code
        if seen == status:
            return
        time.sleep(0.05)
    raise AssertionError(f"{url} is not answered with {status}")


def words_of(shell: Shell, delivery: int) -> str:
    with contextlib.closing(sqlite3.connect(shell.data / "posthouse.db")) as book:
        sql = "SELECT content FROM deliveries WHERE id = ?"
        (content,) = book.execute(sql, (delivery,)).fetchone()
    words: str = json.loads(content)["text"]
    return words
