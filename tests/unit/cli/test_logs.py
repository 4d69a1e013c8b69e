"""Log records: a code, fields and a sentence; no secret, nothing that steers a terminal."""

from __future__ import annotations

import ast
import io
import json
import logging
import string
import threading
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.cli.log_sentences import LOG_SENTENCES
from posthouse.cli.logs import LineWriter, Renderer, configure_logs
from posthouse.cli.redaction import Redaction, escaped
from posthouse.settings.settings import LogSettings
from tests.architecture.tree import SOURCE

AT = 1_763_600_000.0


def renderer(
    *, is_json: bool = False, language: str = "en", secrets: tuple[str, ...] = ()
) -> Renderer:
    return Renderer(
        language=language, is_json=is_json, redaction=Redaction(secrets), clock=lambda: AT
    )


def text(code: str, **fields: object) -> str:
    return renderer()(None, "warning", {"event": code, **fields})


def text_with(secret: str, **fields: object) -> str:
    return renderer(secrets=(secret,))(None, "warning", {"event": "library", **fields})


def record(code: str, **fields: object) -> dict[str, object]:
    line = renderer(is_json=True)(None, "warning", {"event": code, **fields})
    assert "\n" not in line
    decoded: dict[str, object] = json.loads(line)
    return decoded


# ── what a record looks like ─────────────────────────────────────────────────────────────────


def test_text_has_sentence_code_and_fields() -> None:
    line = text("lease_not_renewed", problem="disk slow")
    assert line == (
        "00:53:20 WARN  the lease was not renewed: disk slow  "
        '[lease_not_renewed] problem="disk slow"'
    )
    chinese = renderer(language="zh")(
        None, "error", {"event": "lease_not_renewed", "problem": "慢"}
    )
    assert "错误 租约没有续上：慢" in chinese


def test_json_has_the_same() -> None:
    assert record("turn_fence_lost", turn=7) == {
        "at": "2025-11-20T00:53:20.000+00:00",
        "level": "warning",
        "code": "turn_fence_lost",
        "text": "another process has taken turn 7 over",
        "turn": 7,
    }


def test_a_code_without_a_sentence_and_a_missing_field_are_shown() -> None:
    assert "[no_such_code]" in text("no_such_code")
    assert "another process has taken turn ? over" in text("turn_fence_lost")


def test_a_traceback_stands_below_and_is_redacted() -> None:
    problem = ValueError("token hunter2-hunter2\x1b[2J")
    shown = text_with("hunter2-hunter2", exc_info=problem)
    first, *rest = shown.splitlines()
    assert first.endswith("[library]")
    assert rest[-1] == "    ValueError: token ****\\x1b[2J"


# ── what must not be read ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["token", "app_secret", "appSecret", "password", "Authorization", "cookie", "api_key"]
)
def test_secrets_are_hidden_by_name(name: str) -> None:
    shown = text("library", **{name: "hunter2"}) + text("library", deep={"in": [{name: "hunter2"}]})
    assert "hunter2" not in shown
    assert shown.count("****") == 2


def test_names_that_only_look_alike_are_shown() -> None:
    assert "monkey=7" in text("library", monkey=7)
    assert "tokens_max=4" in text("library", tokens_max=4)  # a number is a count


def test_secrets_are_hidden_by_value_wherever_they_stand() -> None:
    shown = text_with("s3cret-value", said="GET /x?a=s3cret-value failed")
    assert "s3cret-value" not in shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("https://h/bot123456:AAF-abcdefghijklmnopqrstu/send", "https://h/bot123456:****/send"),
        ("GET /e?access_token=abc&x=1", "GET /e?access_token=****&x=1"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ****"),
        ("postgresql://me:pass@host/db", "postgresql://me:****@host/db"),
    ],
)
def test_secrets_are_hidden_by_how_they_look(said: str, shown: str) -> None:
    assert Redaction().text(said) == shown


def test_a_secret_across_the_cut_is_hidden_before_it_is_cut() -> None:
    secret = "x" * 50
    assert "xxx" not in Redaction([secret]).text("a" * 3990 + secret)


def test_what_steers_a_terminal_is_escaped() -> None:
    assert escaped("a\x1b[31m\r\n\x9b\u202e\ud800b") == "a\\x1b[31m\\r\\n\\x9b\\u202e\\ud800b"
    assert escaped("驿站 😀") == "驿站 😀"
    assert "\x1b" not in text("library", said="\x1b]0;title\x07")
    assert record("library", said="\x9b\ud800x")["said"] == "\x9b\ud800x"
    line = renderer(is_json=True)(None, "warning", {"event": "library", "said": "\x9b\u202e\x1b"})
    assert line == escaped(line)


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.text() | st.binary() | st.floats() | st.integers() | st.booleans(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    ),
    st.booleans(),
)
@settings(deadline=None)
def test_whatever_is_logged_it_is_one_readable_line(
    fields: dict[str, object],
    is_json: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    line = renderer(is_json=is_json)(None, "info", {"event": "library", **fields})
    assert "log_failed" not in line
    assert escaped(line) == line


def test_what_cannot_even_be_shown_does_not_raise() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert "log_failed" in text("library", said=Hostile())


# ── the way out ──────────────────────────────────────────────────────────────────────────────


class Terminal(io.TextIOWrapper):
    """A stream with an encoding of its own."""

    def __init__(self, encoding: str) -> None:
        self.raw_bytes = io.BytesIO()
        super().__init__(self.raw_bytes, encoding=encoding, write_through=True)


def test_a_stream_that_is_not_utf8_gets_what_it_can_take() -> None:
    stream = Terminal("ascii")
    writer = LineWriter(stream)
    writer.write("驿站 ok")
    writer.close()
    assert stream.raw_bytes.getvalue() == b"\\u9a7f\\u7ad9 ok\n"


def test_a_stream_that_nobody_reads_holds_nobody_up() -> None:
    stream = Terminal("utf-8")
    writer = LineWriter(stream)
    stream.close()
    writer.write("into the void")
    writer.close()


class Slow(io.StringIO):
    """A stream that takes nothing before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_write = threading.Event()

    def write(self, text: str) -> int:
        self.may_write.wait()
        return super().write(text)


def test_lines_that_come_too_fast_are_counted() -> None:
    stream = Slow()
    writer = LineWriter(stream, lines_max=2)
    for number in range(10):
        writer.write(str(number))  # returns at once, although nothing can be written
    stream.may_write.set()
    writer.close()
    shown = stream.getvalue().splitlines()
    written = [line for line in shown if line.isdigit()]
    assert 2 <= len(written) <= 3
    assert f"{10 - len(written)} lines left out" in " ".join(shown)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Configure logging for real, and put everything back."""
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    writer = configure_logs(
        LogSettings(level="info", format="json"),
        language="zh",
        secrets=["known-secret"],
        stream=stream,
    )
    yield stream
    writer.close()
    structlog.configure(**before)
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO, count: int) -> list[dict[str, object]]:
    written: list[str] = []
    while len(written) < count:
        written = stream.getvalue().splitlines()
    return [json.loads(line) for line in written]


def test_levels_below_the_chosen_one_cost_nothing(logged: io.StringIO) -> None:
    log = structlog.get_logger("posthouse.test")
    log.debug("library", library="a", said="b")
    log.info("house_started", url="http://h")
    (only,) = lines(logged, 1)
    assert only["text"] == "驿站已开门：http://h"


def test_what_libraries_say_is_a_record_like_every_other(logged: io.StringIO) -> None:
    logging.getLogger("some.library").warning("bad %s known-secret", "thing")
    logging.getLogger("some.library").info("chatter")
    (only,) = lines(logged, 1)
    assert (only["code"], only["library"], only["said"]) == (
        "library",
        "some.library",
        "bad thing ****",
    )


def test_an_exception_of_a_library_keeps_its_traceback(logged: io.StringIO) -> None:
    logging.getLogger("some.library").error("it broke", exc_info=OSError("gone"))
    (only,) = lines(logged, 1)
    assert str(only["traceback"]).endswith("OSError: gone")


# ── the catalogue ────────────────────────────────────────────────────────────────────────────

METHODS = {"debug", "info", "warning", "error", "critical", "exception"}


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Every call to a logger in the source: where, its code, the names of its fields."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr=attr),
                    args=[ast.Constant(value=str(code))],
                ) if attr in METHODS:
                    where = f"{path.relative_to(SOURCE)}:{node.lineno}"
                    yield where, code, {keyword.arg or "" for keyword in node.keywords}


def fields_of(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_every_code_has_a_sentence_in_both_languages() -> None:
    missing = {f"{where} {code}" for where, code, _ in calls() if code not in LOG_SENTENCES}
    assert missing == set()
    assert [code for code, said in LOG_SENTENCES.items() if not (said.zh and said.en)] == []


def test_both_languages_use_the_same_fields() -> None:
    differing = {
        code for code, said in LOG_SENTENCES.items() if fields_of(said.zh) != fields_of(said.en)
    }
    assert differing == set()


def test_every_call_gives_what_its_sentence_needs() -> None:
    lacking = {
        f"{where} {code}: {needed - given_fields}"
        for where, code, given_fields in calls()
        if (needed := fields_of(LOG_SENTENCES[code].en)) - given_fields
    }
    assert lacking == set()


def test_no_field_has_a_name_that_hides_it() -> None:
    hidden = {
        f"{where} {code}: {field}"
        for where, code, given_fields in calls()
        for field in given_fields
        if Redaction().field(field, "plain") != "plain"
    }
    assert hidden == set()


def test_the_search_finds_what_it_is_for() -> None:
    assert len(list(calls())) > 10
