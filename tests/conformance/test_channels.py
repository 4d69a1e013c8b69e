"""Every channel that ships keeps the promises of ``posthouse.testing.conformance.channel``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.model.address import Chat, ChatKind
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Outcome, Sent, Unknown
from posthouse.model.message import Choice, Content
from posthouse.testing.conformance import channel as suite
from posthouse.testing.conformance.channel import Subject
from posthouse.testing.conformance.checks import Check, checks_of
from posthouse.testing.null_channel import CAPABILITIES, NullChannel, ScriptedChannel
from tests.channels.probe.stage import CHAT, CLASSES, open_stage

Open = Callable[[], AbstractAsyncContextManager[Subject]]

EVERYTHING = Capabilities(
    can_look_up=True, can_edit=True, can_recall=True, slot_s=5.0, choices_max=3
)
BARE = Capabilities()
ENVELOPE: dict[str, Any] = {
    "event_id": "e-1",
    "type": "message",
    "chat": {"id": "c-1", "kind": "group", "title": "Team"},
    "sender": {"id": "u-1", "name": "Ada", "role": "member", "is_bot": False},
    "message_id": "p-1",
    "text": "hello 你好",
    "mentions_bot": True,
    "thread": None,
    "quote": None,
    "media": None,
    "token": None,
    "stamp": None,
    "at": 1700000000.25,
}


def new_keys() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{next(numbers):032x}"


@asynccontextmanager
async def null() -> AsyncIterator[Subject]:
    yield Subject(channel=NullChannel(), chat=CHAT, new_key=new_keys(), keeps_messages=False)


@asynccontextmanager
async def scripted(capabilities: Capabilities) -> AsyncIterator[Subject]:
    yield with_buttons(ScriptedChannel((), capabilities))


def with_buttons(channel: ScriptedChannel) -> Subject:
    chat = Chat(1, "bot", "c-1", ChatKind.GROUP)

    async def buttons(ids: tuple[str, ...]) -> tuple[str, ...]:
        (shown,) = (one for one in channel.shown(chat.id) if (one.id,) == ids)
        return shown.words.choices

    return Subject(channel=channel, chat=chat, new_key=new_keys(), buttons=buttons)


@asynccontextmanager
async def probe(name: str) -> AsyncIterator[Subject]:
    async with open_stage(name) as stage:
        yield Subject(
            channel=stage.channel,
            chat=CHAT,
            new_key=new_keys(),
            decode=stage.channel.decode,
            payloads=(json.dumps(ENVELOPE).encode(),),
            secrets=(f"{name}-token", f"{name}-secret"),
        )


SUBJECTS: dict[str, Open] = {
    "null": null,
    "scripted": partial(scripted, Capabilities(resend_key_window_s=60.0, can_edit=True)),
    "scripted-everything": partial(scripted, EVERYTHING),
    "scripted-bare": partial(scripted, BARE),
    "scripted-growing": partial(scripted, CAPABILITIES),
    **{f"probe-{name}": partial(probe, name) for name in CLASSES},
}


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SUBJECTS)
async def test_promise(name: str, check: Check[Subject]) -> None:
    async with SUBJECTS[name]() as subject:
        await check(subject)


# --- a suite that nothing fails proves nothing --------------------------------------------


class Forgetful(ScriptedChannel):
    """Declares more than it does."""

    def encode(self, *_: object) -> bytes:
        return json.dumps({"text": next(self._numbers)}).encode()

    def encode_slot(self, *_: object) -> bytes:
        return b"{}"

    async def perform(self, part: object, chat: object) -> Outcome:
        return Sent() if getattr(part, "body", b"") else Unknown("?")


@pytest.mark.parametrize(
    "check",
    [
        suite.encoding_is_pure,
        suite.a_slot_is_encoded_where_there_is_one,
        suite.what_is_sent_has_a_name,
        suite.recalling_follows_can_recall,
        suite.looking_up_never_guesses,
    ],
    ids=lambda check: check.__name__,
)
async def test_a_broken_channel_is_seen(check: Check[Subject]) -> None:
    broken = Forgetful((), Capabilities(can_recall=True, can_look_up=True, slot_s=0.0))
    with pytest.raises(AssertionError):
        await check(Subject(channel=broken, chat=CHAT, new_key=new_keys()))


class Sticky(ScriptedChannel):
    """Leaves the buttons of a growing message where they are."""

    def encode(self, content: Content, letter: Letter) -> bytes:
        return super().encode(replace(content, choices=(Choice("Stop", "stop:1"),)), letter)


class Losing(ScriptedChannel):
    """Shows what grows without its buttons."""

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        if part.is_draft and part.verb is Verb.EDIT:
            part = replace(part, body=b'{"text": "ab"}')
        return await super().perform(part, chat)


@pytest.mark.parametrize("broken", [Sticky, Losing])
async def test_a_button_in_the_wrong_place_is_seen(broken: type[ScriptedChannel]) -> None:
    with pytest.raises(AssertionError):
        await suite.a_growing_message_keeps_its_button(with_buttons(broken()))


class Fragile(ScriptedChannel):
    """Raises across the line."""

    async def perform(self, part: object, chat: object) -> Outcome:
        raise ValueError


async def test_a_channel_that_raises_is_seen() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its own error comes through
        await suite.perform_never_raises(Subject(channel=Fragile(), chat=CHAT, new_key=new_keys()))


def careless(payload: bytes) -> Any:  # noqa: ANN401 - the mistake on show
    return json.loads(payload)["type"]


async def test_a_decoder_that_raises_is_seen() -> None:
    subject = Subject(
        channel=NullChannel(), chat=CHAT, new_key=new_keys(), decode=careless, payloads=(b"{}",)
    )
    for check in (suite.decoding_is_total, suite.spoilt_payloads_raise_nothing):
        with pytest.raises((ValueError, LookupError, RecursionError)):
            await check(subject)
