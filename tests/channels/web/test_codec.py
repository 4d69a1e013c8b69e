"""Errands become events and contents become rows, without a room or a road."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.channels.channel import Letter
from posthouse.channels.web.codec import (
    DraftGrown,
    TypingNow,
    decode_wire,
    encode,
    event_of,
    grown,
    message_id,
    nudge_of,
    number_of,
    transient_of,
)
from posthouse.channels.web.mentions import bot_names, mentioned, split
from posthouse.model.address import Chat, ChatKind, Person, Place
from posthouse.model.event import MembersChanged, MessageReceived
from posthouse.model.message import (
    Audio,
    Choice,
    Content,
    File,
    Image,
    Media,
    Mention,
    Quote,
    Text,
    Video,
)
from posthouse.store.rooms import BOT, Errand, ErrandKind, Message, Quoted, Room, Said
from posthouse.wakeup.wakeup import PAYLOAD_BYTES_MAX

ANN = Person(id="p1", name="Ann")
ROOM = Room(id="r1", bot="web", kind=ChatKind.GROUP, title="Team", created_at=1.0)
CHAT = Chat(1, "web", "r1", ChatKind.GROUP)


def errand(kind: ErrandKind, number: int = 7) -> Errand:
    return Errand(id=1, room="r1", kind=kind, version=9, number=number, person=ANN, at=100.0)


def message(said: Said, quoted: Quoted | None = None, *, is_recalled: bool = False) -> Message:
    return Message(
        room="r1",
        number=7,
        version=7,
        sender="p1",
        sender_name="Ann",
        said=said,
        at=100.0,
        quoted=quoted,
        is_recalled=is_recalled,
    )


def told(said: Said, quoted: Quoted | None = None) -> MessageReceived:
    event = event_of(errand(ErrandKind.POSTED), ROOM, message(said, quoted), "驿站")
    assert isinstance(event, MessageReceived)
    return event


def test_a_message_in_parts() -> None:
    me, ben = Person(id="bot", name="驿站", is_bot=True), Person(id="p2", name="Ben")
    media = [Media(ref=f"sha256:{n}", mime=f"{kind}/x") for n, kind in enumerate("iavf")]
    files = tuple(
        Media(ref=one.ref, mime=mime)
        for one, mime in zip(
            media, ("image/png", "audio/ogg", "video/mp4", "application/pdf"), strict=True
        )
    )
    quoted = Quoted(number=3, sender=BOT, sender_name="", text="before", is_recalled=False)
    event = told(Said("@驿站 ask @Ben", media=files, mentions=(me, ben)), quoted)
    assert event.parts == (
        Quote("r1-3", "before", "bot", is_mine=True),
        Mention("bot", "驿站", is_me=True),
        Text(" ask "),
        Mention("p2", "Ben"),
        Image(files[0]),
        Audio(files[1]),
        Video(files[2]),
        File(files[3]),
    )
    assert event.place == Place("web", "r1", ChatKind.GROUP, "Team")
    assert (event.message_id, event.key, event.at) == ("r1-7", "m:r1:r1-7", 100.0)
    assert event.is_addressed


@pytest.mark.parametrize("kind", [ErrandKind.POSTED, ErrandKind.EDITED])
def test_what_is_gone_is_not_told(kind: ErrandKind) -> None:
    assert event_of(errand(kind), ROOM, None, "bot") is None
    gone = message(Said(), is_recalled=True)
    assert event_of(errand(kind), ROOM, gone, "bot") is None


def test_every_errand_has_a_key_of_its_own() -> None:
    there = message(Said("hello"))
    events = [event_of(errand(kind), ROOM, there, "bot") for kind in ErrandKind]
    keys = [event.key for event in events if event is not None]
    members = {ErrandKind.CREATED, ErrandKind.JOINED, ErrandKind.LEFT}
    assert len(keys) == len(ErrandKind)
    assert len(set(keys)) == len(keys) - len(members) + 1  # one room has one change per version


def test_the_bot_speaks_the_language_of_who_opened_the_room() -> None:
    english = Room(
        id="r1", bot="web", kind=ChatKind.GROUP, title="x", created_at=1.0, language="en"
    )
    event = event_of(errand(ErrandKind.CREATED, 0), english, None, "bot")
    assert event is not None
    assert event.place.language == "en"


def test_opening_a_private_room_brings_nobody() -> None:
    private = Room(id="r1", bot="web", kind=ChatKind.PRIVATE, title="x", created_at=1.0)
    assert event_of(errand(ErrandKind.CREATED, 0), private, None, "bot") is None
    event = event_of(errand(ErrandKind.CREATED, 0), ROOM, None, "bot")
    assert isinstance(event, MembersChanged)
    assert event.is_about_me


def test_a_content_as_the_room_stores_it() -> None:
    content = Content(
        "**yes**", media=Media("sha256:1"), choices=(Choice("ok", "q:0"),), mentions=(ANN,)
    )
    letter = Letter(chat=CHAT, quote_message_id="r1-5")
    wire = decode_wire(encode(content, letter))
    assert wire.quote == 5
    assert wire.said == Said(
        "@Ann **yes**", "markdown", (Media("sha256:1"),), (Choice("ok", "q:0"),), (ANN,)
    )
    called = decode_wire(encode(Content("hi @Ann", mentions=(ANN,)), Letter(chat=CHAT)))
    assert (called.said.text, called.quote) == ("hi @Ann", None)


@given(st.text(st.characters(codec="ascii"), max_size=20), st.integers(1, 10**15 - 1))
def test_a_messages_name_brings_back_its_number(room: str, number: int) -> None:
    assert number_of(message_id(room, number)) == number


@pytest.mark.parametrize("name", ["", "r1-", "r1-x", "r1-٣", "r1-1.5", "r1-" + "9" * 30])
def test_foreign_names_have_none(name: str) -> None:
    assert number_of(name) is None


# --- mentions -------------------------------------------------------------------------------


PEOPLE = (Person(id="a", name="Ann"), Person(id="an", name="Ann Lee"), Person(id="x", name="小林"))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("@Ann", ["a"]),
        ("@ann, look", ["a"]),
        ("@Ann Lee", ["an"]),
        ("@Annabel", []),
        ("ann@Ann.example", []),
        ("@小林你好", ["x"]),
        ("谢谢@小林和@Ann", ["a", "x"]),
        ("@@小林", ["x"]),
        ("@", []),
    ],
)
def test_who_is_meant(text: str, ids: list[str]) -> None:
    assert [person.id for person in mentioned(text, PEOPLE)] == ids


def test_the_bot_is_called_by_its_name_or_bot() -> None:
    assert [person.name for person in mentioned("@驿站 @Bot", bot_names("驿站"))] == ["驿站", "bot"]


@given(st.text(max_size=200))
def test_splitting_loses_no_word(text: str) -> None:
    parts = split(text, PEOPLE)
    words = [part.text if isinstance(part, Text) else f"@{part.name}" for part in parts]  # type: ignore[union-attr]
    assert "".join(words).casefold() == text.casefold()


@given(st.text(min_size=1, max_size=10), st.text(max_size=50))
def test_any_name_is_only_a_name(name: str, text: str) -> None:
    mentioned(text, [Person(id="p", name=name)])


# --- what passes by -------------------------------------------------------------------------


@given(st.text(max_size=30_000))
def test_every_draft_fits_a_nudge(text: str) -> None:
    payload = nudge_of(DraftGrown(1, 0, text))
    assert len(payload) <= PAYLOAD_BYTES_MAX
    told = transient_of(payload)
    assert isinstance(told, DraftGrown)
    assert text == text[: told.start] + told.text


@pytest.mark.parametrize("unit", ["字", "\x01", "👩‍👩‍👧", 'a"'])
def test_a_long_draft_travels_by_its_end(unit: str) -> None:
    text = unit * (30_000 // len(unit))
    told = transient_of(nudge_of(DraftGrown(1, 0, text)))
    assert isinstance(told, DraftGrown)
    assert told.start > 0
    assert grown(text[: told.start], told) == text
    assert grown("", told) == f"… {told.text}"


def test_a_nudge_of_another_version_is_only_a_nudge() -> None:
    assert transient_of(b"") is None
    assert transient_of(b'{"type":"wave"}') is None
    assert transient_of(b"\xff") is None
    typing = TypingNow("p1", "Ann", 5.0)
    assert transient_of(nudge_of(typing)) == typing
