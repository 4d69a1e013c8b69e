"""The start-up text is the tutorial: where the page is from where you sit, and what comes next."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.api.vitals import BotVitals
from posthouse.channels.channel import ConnectionState, Status
from posthouse.cli.welcome import ssh_command, welcome
from posthouse.settings.load import load

SSH = {"SSH_CONNECTION": "192.0.2.7 51234 203.0.113.9 22", "USER": "ops"}
URL = "http://127.0.0.1:8350"


def bot(name: str = "web", channel: str = "web", state: str = "off", detail: str = "") -> BotVitals:
    status = Status(state=ConnectionState(state), since_at=0.0, detail=detail)
    return BotVitals(name=name, channel=channel, status=status)


def text(
    *bots: BotVitals, environ: dict[str, str] | None = None, is_held: bool = False, **flags: object
) -> str:
    given = {"LANG": "en_US.UTF-8"} | (environ or {})
    loaded = load(
        given, {key.replace("__", "."): value for key, value in flags.items()}, None, Path("/")
    )
    return welcome(loaded, URL, bots or (bot(),), given, is_held=is_held)


def test_it_says_where_what_next_and_how_to_stop() -> None:
    said = text()
    for word in (f"{URL}/chat", "web · web · ready", "/help", "posthouse chat", "Ctrl+C"):
        assert word in said
    assert "ssh" not in said


def test_it_says_how_the_first_operator_comes() -> None:
    loaded = load({"LANG": "en_US.UTF-8"}, {}, None, Path("/"))
    said = welcome(loaded, URL, (bot(),), {}, is_held=False, claim="482913")
    assert "/claim 482913" in said
    assert "/claim" not in text()


def test_it_says_it_in_chinese() -> None:
    said = text(environ={"LANG": "zh_CN.UTF-8"})
    for word in ("驿站", "网页", "下一步", "停止", "就绪"):
        assert word in said


def test_from_afar_it_gives_the_ready_line() -> None:
    assert "ssh -L 8350:localhost:8350 ops@203.0.113.9" in text(environ=SSH)


def test_a_house_that_listens_to_the_network_needs_no_tunnel() -> None:
    assert "ssh -L" not in text(environ=SSH, server__host="0.0.0.0")  # noqa: S104 - pretended


@pytest.mark.parametrize(
    ("connection", "command"),
    [
        ("192.0.2.7 1 203.0.113.9 2222", "ssh -p 2222 -L 8350:localhost:8350 ops@203.0.113.9"),
        ("::1 1 2001:db8::9 22", "ssh -L 8350:localhost:8350 ops@2001:db8::9"),
        ("nonsense", None),
        ("", None),
    ],
)
def test_the_line_fits_the_connection(connection: str, command: str | None) -> None:
    assert ssh_command(URL, {"SSH_CONNECTION": connection, "USER": "ops"}) == command


def test_the_address_people_use_is_shown_when_it_is_known() -> None:
    said = text(server__public_url="https://bots.example.com/house/")
    assert "https://bots.example.com/house/chat" in said
    assert URL not in said


def test_every_bot_is_listed_with_its_state() -> None:
    said = text(bot(), bot("sales", "other", "refused", "app id unknown"))
    assert "sales · other · the credentials were refused (app id unknown)" in said


def test_a_restored_house_says_what_to_do_first() -> None:
    assert "posthouse held list" in text(is_held=True)
