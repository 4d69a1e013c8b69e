"""Settings that change while the house runs: nothing is lost, and only what changed is rebuilt."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from posthouse.channels.channel import Channel, Part
from posthouse.handlers.handler import Handler
from posthouse.house import Builders
from posthouse.model.address import Chat
from posthouse.model.delivery import Outcome
from posthouse.model.errors import OperatorMistake
from posthouse.model.secret import RetiredSecret
from posthouse.settings.rotation import OVERLAP_S
from posthouse.settings.settings import (
    BotSettings,
    HandlerSettings,
    RouteRule,
    ServerSettings,
    Settings,
    WordsSettings,
)
from posthouse.testing.null_channel import ScriptedChannel
from tests.house.kit import HouseKit, Scripted, closed, echo, simulated, thinking
from tests.house.people import BOT
from tests.house.scripts import Script


class SlowChannel(ScriptedChannel):
    """A platform that takes ten seconds for everything; it knows whether it was closed."""

    is_closed = False

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        await asyncio.sleep(10)
        assert not self.is_closed, "a call outlived its channel"
        return await super().perform(part, chat)

    async def close(self) -> None:
        self.is_closed = True


class Resident(Scripted):
    """A handler with something running beside its turns."""

    is_open = False

    async def open(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False


class Heir(Resident):
    """A handler that begins with what the one before it had."""

    before: Handler | None = None

    def follow(self, old: Handler) -> None:
        assert not self.is_open, "it is opened with what it has"
        self.before = old


class Yard:
    """A house, and what was built for it since it was opened."""

    def __init__(self, **choices: Any) -> None:  # noqa: ANN401 - those of ``closed``
        self.house: HouseKit = closed(**choices)
        self.channels: dict[str, ScriptedChannel] = {}
        self.retired: tuple[RetiredSecret, ...] = ()
        self.handlers: list[str] = []
        self.house.builders = Builders(channel=self._channel, handler=self._handler)

    async def change(self, **changed: object) -> None:
        """Let the house read settings in which this is different."""
        await self.house.house.reload(self.house.house.settings.model_copy(update=changed))

    def bots(self, **options: dict[str, str]) -> dict[str, BotSettings]:
        return {name: _bot(**more) for name, more in options.items()}

    def _channel(
        self, name: str, settings: Settings, retired: tuple[RetiredSecret, ...]
    ) -> Channel:
        if settings.bots[name].channel == "broken":
            raise OperatorMistake("no such channel")
        self.retired = retired
        self.channels[name] = self.house.bots[name] = ScriptedChannel(())
        return cast("Channel", self.channels[name])

    def _handler(self, name: str, settings: Settings) -> Handler:
        self.handlers.append(name)
        return Scripted(echo if "fast" in settings.handlers[name].kind else thinking(5))


def _bot(**options: str) -> BotSettings:
    return BotSettings.model_validate({"channel": "scripted"} | options)


async def _opened(**choices: Any) -> Yard:  # noqa: ANN401 - those of ``closed``
    yard = Yard(**choices)
    await yard.house.open()
    return yard


@simulated
async def test_routes_count_for_what_comes_afterwards() -> None:
    yard = await _opened(handler=Scripted(thinking(5)))
    house = yard.house
    await house.say("before")
    await yard.change(routes=(RouteRule(refuse="closed today"),))
    await house.say("after")
    await house.quiet()
    assert sorted(await house.texts()) == ["closed today", "re before"]
    assert yard.channels == {}
    await house.check()


@simulated
async def test_words_count_at_once() -> None:
    yard = await _opened(handler=Scripted(thinking(30)))
    house = yard.house
    asked = await house.say("question")
    await house.quiet(1)
    await yard.change(words=WordsSettings(stop=("enough",)))
    await house.say("enough")
    await house.quiet()
    assert await house.reason(asked) == "stopped"


@simulated
async def test_a_handler_that_changed_takes_the_next_turn_and_the_old_one_ends_its_own() -> None:
    yard = await _opened(handlers={"demo": Scripted(thinking(20))})
    house = yard.house
    await house.say("one", who="ann")
    await house.quiet(1)
    before = house.house.settings.handlers
    changed = {**before, "demo": HandlerSettings(kind="fast")}
    await yard.change(handlers=changed)
    await house.say("two", who="ben")
    await house.quiet(2)
    assert await house.texts() == ("re two",)
    await house.quiet()
    assert await house.texts() == ("re two", "re one")
    assert yard.handlers == ["demo"]


@simulated
async def test_a_handler_that_changed_begins_with_what_the_old_one_had() -> None:
    old, new = Scripted(echo), Heir(echo)
    yard = Yard(handlers={"demo": old})
    yard.house.builders = Builders(channel=yard._channel, handler=lambda *_: new)
    await yard.house.open()
    await yard.change(handlers={"demo": HandlerSettings(kind="fast")})
    assert (new.before, new.is_open) == (old, True)


@simulated
async def test_an_old_handler_is_closed_after_its_last_turn_however_long_that_takes() -> None:
    old = Resident(thinking(300), max_run_s=600.0)
    yard = await _opened(handlers={"demo": old})
    house = yard.house
    await house.say("one")
    await house.quiet(1)
    await yard.change(handlers={"demo": HandlerSettings(kind="fast")})
    await house.quiet(120)
    was_open = old.is_open
    await house.quiet(300)
    assert await house.texts() == ("re one",)
    assert (was_open, old.is_open) == (True, False)
    await house.check()


@simulated
async def test_a_bot_that_is_new_speaks() -> None:
    yard = await _opened()
    house = yard.house
    await yard.change(bots=yard.bots(b={}, second={}))
    await house.say("hello", bot="second")
    await house.say("hello")
    await house.quiet()
    assert await house.texts(bot="second") == ("re hello",)
    assert await house.texts() == ("re hello",)
    assert list(yard.channels) == ["second"], "the other one is not built anew"


@simulated
async def test_a_rebuilt_bot_takes_over_and_calls_under_way_are_completed() -> None:
    slow = SlowChannel(())
    yard = await _opened(bots={BOT: slow})
    house = yard.house
    await house.say("one")
    await house.quiet(1)
    await yard.change(bots=yard.bots(b={"token": "new"}))
    await house.say("two", who="ben")
    await house.quiet()
    chat = (await house.chat()).id
    assert (slow.texts(chat), slow.is_closed) == (("re one",), True)
    assert await house.texts() == ("re two",)
    await house.check()


@simulated
async def test_a_bot_that_is_gone_keeps_its_words_for_its_return() -> None:
    yard = await _opened(bots={BOT: ScriptedChannel(()), "second": ScriptedChannel(())})
    house = yard.house
    script = await Script.allowed(house)
    chat = await house.chat(bot="second")
    both = house.house.settings.bots
    await yard.change(bots={BOT: both[BOT]})
    assert (await script.push(to=chat.id)).status == 400
    assert [bot.name for bot in house.house.vitals_of_bots()] == [BOT]
    await yard.change(bots=both)
    assert (await script.push(to=chat.id, wait="sent")).states == ["sent"]
    await house.check()


@simulated
async def test_what_a_bot_that_is_gone_had_to_say_can_be_taken_back() -> None:
    yard = await _opened(bots={BOT: ScriptedChannel(()), "second": SlowChannel(())})
    house = yard.house
    script = await Script.allowed(house)
    here, there = await house.chat(), await house.chat(bot="second")
    both = house.house.settings.bots
    await script.push(to=there.id, text="first", key="k0")
    await script.push(to=[here.id, there.id])
    await house.quiet(1)
    await yard.change(bots={BOT: both[BOT]})
    answer = await script.ask("DELETE", "/api/v1/messages/k1?wait=sent")
    assert answer.states == ["withdrawn", "dropped"]
    await yard.change(bots=both)
    await house.quiet()
    assert await house.texts() == ()
    assert yard.channels["second"].texts(there.id) == ()
    await house.check()


@simulated
async def test_a_mistake_changes_nothing() -> None:
    yard = await _opened()
    house = yard.house
    before = house.house.settings
    with pytest.raises(OperatorMistake):
        await yard.change(bots=yard.bots(b={}, second={"channel": "broken"}), routes=())
    assert house.house.settings is before
    await house.say("hello")
    await house.quiet()
    assert await house.texts() == ("re hello",)


@simulated
async def test_what_needs_a_restart_stays_as_it_is() -> None:
    yard = await _opened()
    await yard.change(server=ServerSettings(port=1), language="zh")
    settings = yard.house.house.settings
    assert (settings.server.port, settings.language) == (8350, "zh")


@simulated
async def test_an_old_secret_counts_for_an_hour() -> None:
    yard = await _opened()
    house = yard.house
    for secret in ("first", "second", "third"):
        await yard.change(bots=yard.bots(b={"secret": secret}))
        await house.quiet(60)
    changed_at = house.clock() - 60
    assert [(each.name, each.value) for each in yard.retired] == [
        ("secret", "second"),
        ("secret", "first"),
    ]
    assert yard.retired[0].until_at == pytest.approx(changed_at + OVERLAP_S, abs=1)
    await yard.change(bots=yard.bots(b={"secret": "third", "other": "x"}))
    assert len(yard.retired) == 2, "another change leaves them be"
    await house.quiet(OVERLAP_S)
    await yard.change(bots=yard.bots(b={"secret": "third", "other": "y"}))
    assert not yard.retired
