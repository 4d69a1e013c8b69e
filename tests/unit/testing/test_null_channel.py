"""The scripted channel shows what a chat would show, whatever its script reports."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.model.address import Chat, ChatKind
from posthouse.model.capabilities import Capabilities, SendsFrom
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown
from posthouse.model.errors import Refused
from posthouse.model.message import Content, Media
from posthouse.testing.null_channel import (
    ARRIVED_UNKNOWN,
    LIMITED,
    LOST_UNKNOWN,
    REFUSED,
    Answer,
    NullChannel,
    ScriptedChannel,
    chances,
)

CHAT = Chat(1, "bot", "c-1", ChatKind.GROUP)
NO_KEYS = Capabilities()


async def send(channel: NullChannel, text: str = "hello", key: str = "k") -> Outcome:
    body = channel.encode(Content(text), Letter(chat=CHAT))
    return await channel.perform(Part(verb=Verb.SEND, body=body, key=key), CHAT)


async def test_the_script_is_followed_then_everything_succeeds() -> None:
    channel = ScriptedChannel([LIMITED, None, REFUSED])
    outcomes = [await send(channel, key=str(number)) for number in range(5)]
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [NotSent, Sent, NotSent, Sent, Sent]
    assert [call.outcome for call in channel.calls] == outcomes


@pytest.mark.parametrize(
    ("answer", "shown"),
    [(ARRIVED_UNKNOWN, ("hello",)), (LOST_UNKNOWN, ())],
    ids=["arrived", "lost"],
)
async def test_what_nobody_can_tell_is_shown_or_not(answer: Answer, shown: tuple[str, ...]) -> None:
    channel = ScriptedChannel([answer])
    assert isinstance(await send(channel), Unknown)
    assert channel.texts(CHAT.id) == shown


@pytest.mark.parametrize(("capabilities", "shown"), [(None, 1), (NO_KEYS, 2)])
async def test_a_repeat_is_seen_where_the_platform_keeps_no_keys(
    capabilities: Capabilities | None, shown: int
) -> None:
    script = [ARRIVED_UNKNOWN]
    channel = ScriptedChannel(script, capabilities) if capabilities else ScriptedChannel(script)
    await send(channel)
    await send(channel)
    assert len(channel.shown(CHAT.id)) == shown


async def test_a_recalled_message_is_gone_and_an_edited_one_changed() -> None:
    channel = ScriptedChannel()
    first, second = await send(channel, "a", "1"), await send(channel, "b", "2")
    assert isinstance(first, Sent)
    assert isinstance(second, Sent)
    body = channel.encode(Content("c"), Letter(chat=CHAT))
    await channel.perform(Part(verb=Verb.RECALL, message_ids=first.ids), CHAT)
    await channel.perform(Part(verb=Verb.EDIT, message_ids=second.ids, body=body), CHAT)
    assert channel.texts(CHAT.id) == ("c",)


async def test_calls_can_be_held_between_leaving_and_the_answer() -> None:
    channel = ScriptedChannel()
    channel.hold()
    sending = asyncio.ensure_future(send(channel))
    await channel.until_begun()
    assert channel.texts(CHAT.id) == ()
    channel.release()
    await sending
    assert channel.texts(CHAT.id) == ("hello",)
    assert channel.in_flight == []


async def test_a_defect_can_be_played() -> None:
    with pytest.raises(RuntimeError):
        await send(ScriptedChannel([RuntimeError("defect")]))


async def test_without_its_connection_it_sends_nothing() -> None:
    channel = ScriptedChannel((), Capabilities(sends_from=SendsFrom.CONNECTION))
    channel.is_connected = False
    assert await send(channel) == NotSent("not_connected", retry_after_s=1.0)
    assert channel.texts(CHAT.id) == ()


async def test_a_file_is_given_or_refused() -> None:
    channel = NullChannel()
    channel.files["sha256:00"] = b"bytes"
    assert [chunk async for chunk in channel.download(Media("sha256:00"))] == [b"bytes"]
    with pytest.raises(Refused):
        await anext(aiter(channel.download(Media("sha256:01"))))


async def test_chances_are_the_same_from_the_same_seed() -> None:
    first, second = (chances(Random(7), unknown=0.3, not_sent=0.3) for _ in range(2))
    drawn = [next(first) for _ in range(200)]
    assert drawn == [next(second) for _ in range(200)]
    unknown = [a for a in drawn if a is not None and isinstance(a.outcome, Unknown)]
    assert {answer.has_arrived for answer in unknown} == {True, False}
