"""The web as a channel: it keeps what every channel promises, and never says a thing twice."""

import asyncio
from itertools import count

import pytest

from posthouse.channels.catalogue import load
from posthouse.channels.channel import Letter, Part, Verb
from posthouse.channels.web.channel import CAPABILITIES, WebChannel
from posthouse.model.capabilities import SendsFrom
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown
from posthouse.model.errors import OperatorMistake, StorageFull, TryLater
from posthouse.model.message import Content
from posthouse.testing.conformance import channel as suite
from posthouse.testing.conformance.channel import Subject
from posthouse.testing.conformance.checks import Check, checks_of
from tests.channels.web.stage import Stage


@pytest.fixture
async def subject(stage: Stage) -> Subject:
    room, _ = await stage.team("Ann")
    numbers = count(1)

    async def buttons(ids: tuple[str, ...]) -> tuple[str, ...]:
        message = await stage.rooms.message(room, int(ids[0].rpartition("-")[2]))
        assert message is not None
        return tuple(choice.label for choice in message.said.choices)

    return Subject(
        channel=stage.channel,
        chat=stage.chat(room),
        new_key=lambda: f"{next(numbers):032x}",
        buttons=buttons,
        secrets=((stage.data / "web.key").read_bytes().hex(),),
    )


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
async def test_what_every_channel_promises(check: Check[Subject], subject: Subject) -> None:
    await check(subject)


async def perform(stage: Stage, room: str, verb: Verb, text: str = "", **more: object) -> Outcome:
    chat = stage.chat(room)
    body = stage.channel.encode(Content(text), Letter(chat=chat))
    return await stage.channel.perform(Part(verb=verb, body=body, **more), chat)  # type: ignore[arg-type]


async def shown(stage: Stage, room: str) -> list[str]:
    return [message.said.text for message in await stage.rooms.before(room, None, 100)]


def test_the_catalogue_names_it() -> None:
    assert load("web") is WebChannel


async def test_a_resend_after_a_restart_shows_one_message(stage: Stage) -> None:
    room, _ = await stage.team("Ann")
    first = await perform(stage, room, Verb.SEND, "answer", key="k" * 32)
    chat = stage.chat(room)
    body = stage.channel.encode(Content("answer"), Letter(chat=chat))
    again = await stage.again().perform(Part(verb=Verb.SEND, body=body, key="k" * 32), chat)
    assert first == again
    assert await shown(stage, room) == ["answer"]
    assert stage.channel.capabilities.resend_key_window_s > 30 * 365 * 86400
    assert stage.channel.capabilities.sends_from is SendsFrom.ANY


async def test_editing_and_recalling_what_is_gone_is_a_final_no(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    sent = await perform(stage, room, Verb.SEND, "answer", key="k")
    assert isinstance(sent, Sent)
    await perform(stage, room, Verb.RECALL, message_ids=sent.ids)
    gone = NotSent("not_found_on_platform", is_final=True)
    assert await perform(stage, room, Verb.EDIT, "x", message_ids=sent.ids) == gone
    number = (await ann.say(room, "hers")).json["number"]
    for foreign in (f"{room}-{number}", f"{room}-999", f"other-{number}", str(number), "x"):
        assert await perform(stage, room, Verb.RECALL, message_ids=(foreign,)) == gone
        assert await perform(stage, room, Verb.EDIT, "x", message_ids=(foreign,)) == gone
    assert await shown(stage, room) == ["", "hers"]


async def test_a_room_of_another_bot_is_not_there(stage: Stage) -> None:
    room, _ = await stage.team("Ann")
    other = WebChannel.build("other", {"path": "/other"}, stage.tools)
    chat = stage.chat(room)
    body = other.encode(Content("x"), Letter(chat=chat))
    outcome = await other.perform(Part(verb=Verb.SEND, body=body, key="k"), chat)
    assert outcome == NotSent("not_found_on_platform", is_final=True)


async def test_a_store_that_cannot_write_has_certainly_not_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, _ = await stage.team("Ann")

    async def full(*_: object) -> None:
        raise StorageFull

    monkeypatch.setattr(stage.rooms, "post", full)  # the disk itself cannot be filled here
    assert await perform(stage, room, Verb.SEND, "x", key="k") == NotSent("cannot_reach", 30.0)


async def test_what_nobody_foresaw_is_unclear(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, _ = await stage.team("Ann")

    async def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(stage.rooms, "post", broken)
    assert await perform(stage, room, Verb.SEND, "x", key="k") == Unknown("platform_error")


async def test_what_a_full_house_left_over_is_told_again(stage: Stage) -> None:
    pauses: asyncio.Queue[float] = asyncio.Queue()
    turns = asyncio.Semaphore(0)

    async def sleep(seconds: float) -> None:
        pauses.put_nowait(seconds)
        await turns.acquire()

    room, (ann,) = await stage.team("Ann")
    told = len(stage.door.events)
    stage.door.refusal = TryLater()
    await ann.say(room, "hello")
    tools = type(stage.tools)(
        **{name: getattr(stage.tools, name) for name in stage.tools.__struct_fields__}
        | {"sleep": sleep}
    )
    running = asyncio.ensure_future(WebChannel.build("web", {}, tools).run(stage.door))
    await pauses.get()
    assert len(stage.door.events) == told
    stage.door.refusal = None
    turns.release()
    await asyncio.wait_for(stage.door.until_accepted(told + 1), 5)
    running.cancel()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bot_nmae": "x"}, "bot_name"),
        ({"path": "chat"}, "/chat"),
        ({"path": "/../x"}, "/chat"),
        ({"bot_name": ""}, "bot_name"),
        ({"anonymous": "always"}, "anonymous"),
        ({"suggestions": ["x"] * 5}, "suggestions"),
        ({"upload_bytes_max": 0}, "upload_bytes_max"),
    ],
)
async def test_a_wrong_option_is_named(stage: Stage, options: dict[str, object], said: str) -> None:
    with pytest.raises(OperatorMistake, match=said):
        WebChannel.build("web", options, stage.tools)


def test_what_it_declares() -> None:
    assert CAPABILITIES.can_edit
    assert CAPABILITIES.can_recall
    assert CAPABILITIES.choices_max == 10
    assert CAPABILITIES.text_max == 30_000
