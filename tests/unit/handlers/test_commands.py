"""The built-in commands."""

import pytest
from msgspec.structs import replace

from posthouse.gateway.words import Order
from posthouse.handlers.commands.builtin import BUILTIN, CONTROL_NAMES
from posthouse.handlers.commands.handler import Commands
from posthouse.model.address import Chat, ChatKind, Person, Role
from posthouse.model.message import Audio, File, Image, Media, Part, Unsupported, Video
from posthouse.model.turn import StoredEvent, Turn
from tests.house.people import BOT, NOON, ROOM, said
from tests.unit.handlers.asked import Asked, texts

COMMANDS = Commands(("/", "／"))


def answer(text: str, language: str = "en", *more: Part) -> str:
    event = said(text, role=Role.ADMIN)
    event = replace(event, parts=(*event.parts, *more))
    turn = Turn(
        id=1,
        chat=Chat(7, BOT, ROOM, ChatKind.GROUP),
        session="7:m:ann",
        handler="commands",
        person=Person("ann", "Ann", Role.ADMIN),
        events=(StoredEvent(1, event, NOON),),
    )
    (said_back,) = texts(COMMANDS, turn, Asked(language))
    return said_back


@pytest.mark.parametrize("language", ["zh", "en"])
def test_help_names_everything_one_can_say(language: str) -> None:
    shown = answer("/help", language)
    for name in (*BUILTIN, *CONTROL_NAMES):
        assert f"`/{name}`" in shown


def test_help_knows_every_order_of_the_house() -> None:
    assert set(CONTROL_NAMES) == set(Order)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/echo hello  there", "hello  there"),
        ("／ECHO hello", "hello"),
        ("/echo\nline one\nline two", "line one\nline two"),
        ("/echo /help", "/help"),
        ("/echo", "(nothing)"),
    ],
)
def test_echo_repeats_what_stands_behind_it(text: str, expected: str) -> None:
    assert answer(text) == expected


def test_the_chat_has_a_number_and_a_name_on_its_platform() -> None:
    assert "`7`" in answer("/chat_id")
    assert f"`{ROOM}`" in answer("/chat_id")


@pytest.mark.parametrize(("language", "role"), [("zh", "管理员"), ("en", "administrator")])
def test_one_learns_who_one_is(language: str, role: str) -> None:
    shown = answer("/whoami", language)
    for fact in ("Ann", "`ann`", role):
        assert fact in shown


@pytest.mark.parametrize(
    ("text", "hint"), [("/hepl", "help"), ("/ehco x", "echo"), ("/paus", "pause")]
)
def test_an_unknown_command_gets_the_nearest_one_as_a_hint(text: str, hint: str) -> None:
    assert f"`/{hint}`" in answer(text)


def test_an_unknown_command_without_a_neighbour_gets_the_way_to_the_list() -> None:
    shown = answer("/xyzzy")
    assert "`xyzzy`" in shown
    assert shown.count("`/") == 1
    assert "`/help`" in shown


def test_an_endless_command_is_not_repeated_endlessly() -> None:
    assert len(answer("/" + "x" * 10_000)) < 200


@pytest.mark.parametrize("text", ["/ ", "", "／", "/@bot"])
def test_what_only_looks_like_a_command_gets_an_answer_too(text: str) -> None:
    shown = "There is no command in this. Send `/help` for all commands."
    assert answer(text) == shown


MEDIA = Media("r", "x")


@pytest.mark.parametrize(
    ("part", "kind", "kind_zh"),
    [
        (Image(MEDIA), "a picture", "图片"),
        (File(MEDIA), "a file", "文件"),
        (Audio(MEDIA), "a voice message", "语音"),
        (Video(MEDIA), "a video", "视频"),
        (Unsupported("sticker", "{}"), "something unknown here (sticker)", "sticker"),
    ],
)
def test_who_sends_no_words_learns_what_was_seen(part: Part, kind: str, kind_zh: str) -> None:
    shown = f"Commands are words; this message is {kind}. Send `/help` for all commands."
    assert answer("", "en", part) == shown
    assert kind_zh in answer("", "zh", part)


def test_words_beside_a_picture_are_a_command() -> None:
    assert answer("/echo hi", "en", Image(MEDIA)) == "hi"
