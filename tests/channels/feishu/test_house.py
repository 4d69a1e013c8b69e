"""A whole house in a process of its own, whose bot the app's variables alone have made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from posthouse.cli.laboratory.premises import Premises
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.happenings import Press, Recall, Say
from posthouse.simulators.feishu.record import MessageEntry
from posthouse.simulators.feishu.server import FeishuServer
from posthouse.simulators.feishu.tenant import Tenant

ANSWER_WITHIN_S = 30.0
LOOK_EVERY_S = 0.05
ONE = App(
    name="a",
    app_id="cli_00000000000000aa",
    app_secret="s3cret",
    bot_name="Helper",
    encrypt_key="k3y",
    verification_token="t0ken",
)
WEBHOOK = """
[bots.fs]
channel = "feishu"
entrance = "webhook"
app_id = "cli_00000000000000aa"
app_secret = "s3cret"
encrypt_key = "k3y"
verification_token = "t0ken"
domain = "{}"
"""
DEMO = """
[handlers.demo]
kind = "demo"
"""

pytestmark = pytest.mark.slow

T = TypeVar("T")


class Scene(NamedTuple):
    """A tenant, and a house that serves it."""

    feishu: FeishuServer
    premises: Premises

    def say(self, text: str, **more: object) -> str:
        """Let Ada say something to the bot; returns the message's id."""
        mentions = () if more.get("chat_type") == "p2p" else ("a",)
        said = Say(person="ada", text=text, mentions=mentions, **more)  # type: ignore[arg-type]
        return self.feishu.say(said).message_id or ""

    def shown(self) -> list[MessageEntry]:
        """Return what the bot has said, as people see it now."""
        return list(self.feishu.visible(is_own_only=True))

    async def until(self, find: Callable[[list[MessageEntry]], T | None]) -> T:
        """Wait until people see something."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while True:
                found = find(self.shown())
                if found:
                    return found
                await asyncio.sleep(LOOK_EVERY_S)

    async def until_said(self, words: str, count: int = 1) -> MessageEntry:
        """Wait until the bot has said something, to the end."""

        def find(entries: list[MessageEntry]) -> MessageEntry | None:
            fitting = [each for each in entries if words in each.text and not each.is_streaming]
            return fitting[-1] if len(fitting) >= count else None

        return await self.until(find)


@asynccontextmanager
async def scene(folder: Path, *, by_webhook: bool = False) -> AsyncIterator[Scene]:
    async with FeishuServer(Tenant(7, (ONE,))) as feishu:
        bot = WEBHOOK.format(feishu.address) if by_webhook else ""
        premises = Premises(folder, f"{bot}{DEMO}")
        if by_webhook:
            address = f"{premises.url}/webhooks/fs"
            feishu.switches["a"].webhook = feishu.switches["a"].card_webhook = address
        yield Scene(feishu, premises)


@asynccontextmanager
async def open_house(here: Scene) -> AsyncIterator[None]:
    variables = {
        "POSTHOUSE_LANGUAGE": "en",
        "FEISHU_APP_ID": ONE.app_id,
        "FEISHU_APP_SECRET": ONE.app_secret,
        "FEISHU_DOMAIN": here.feishu.address,
    }
    async with here.premises.house(environ=variables) as house:
        await house.until_open()
        if not here.feishu.switches["a"].webhook:
            await here.feishu.until_connected("a")
        yield


@pytest.mark.parametrize("by_webhook", [False, True])
async def test_a_day_with_the_bot(tmp_path: Path, by_webhook: bool) -> None:  # noqa: FBT001
    async with scene(tmp_path, by_webhook=by_webhook) as here, open_house(here):
        asked = here.say("how are you?")
        answer = await here.until_said("how are you?")
        assert "written" in answer.history[0].what, "it grew"

        here.say("vote")
        question = await here.until_said("Shall I go on?")
        label = question.buttons[0].label
        press = Press(message_id=question.message_id, person="ada", label=label)
        assert (await here.feishu.press(press)).problem == ""
        await here.until_said(f"you chose “{label}”")

        here.feishu.recall(Recall(message_id=asked))
        await here.until(lambda entries: [each for each in entries if each.is_recalled])
        gone = [each.message_id for each in here.shown() if each.is_recalled]
        assert gone == [answer.message_id]


async def test_whoever_presses_is_told_at_once(tmp_path: Path) -> None:
    """A busy machine may be slower than a press can wait; then somebody presses again."""
    async with scene(tmp_path) as here, open_house(here):
        toasts, label = [], ""
        for number in range(1, 6):
            here.say("vote")
            question = await here.until_said("Shall I go on?", number)
            label = question.buttons[0].label
            press = Press(message_id=question.message_id, person="ada", label=label)
            toasts.append((await here.feishu.press(press)).toast)
            if toasts[-1]:
                break
        assert toasts[-1] == label, toasts


async def test_whoever_asked_stops_an_answer_where_it_grows(tmp_path: Path) -> None:
    async with scene(tmp_path) as here, open_house(here):
        here.say("one two three " * 200)
        growing = await here.until(_growing)
        assert [button.label for button in growing.buttons] == ["Stop"]
        foreign, own = [
            await here.feishu.press(
                Press(message_id=growing.message_id, person=person, label="Stop")
            )
            for person in ("bob", "ada")
        ]
        assert foreign.toast.startswith("Only the person who asked"), foreign
        assert own.problem == ""
        stopped = await here.until_said("(stopped)")
        assert (stopped.message_id, stopped.buttons) == (growing.message_id, ())
        assert "one two three" in stopped.text
        assert own.toast in {"Stopped.", ""}, "a busy machine may be slower than a press can wait"
        assert here.feishu.complaints == []
        assert len(here.shown()) == 1


def _growing(entries: list[MessageEntry]) -> MessageEntry | None:
    return next((each for each in entries if each.is_streaming and "three" in each.text), None)


async def test_a_word_takes_answers_back_also_after_a_restart(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        async with open_house(here):
            here.say("remember", chat_type="p2p", app="a")
            answer = await here.until_said("remember")
        async with open_house(here):
            here.say("撤回", chat_type="p2p", app="a")
            await here.until(lambda entries: [each for each in entries if each.is_recalled])
        gone = [each.message_id for each in here.shown() if each.is_recalled]
        assert gone == [answer.message_id]


async def test_what_is_said_while_the_house_is_down_is_answered_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as here:
        async with open_house(here):
            here.say("before")
            await here.until_said("before")
        here.say("meanwhile")
        async with open_house(here):
            await here.until_said("meanwhile")
        assert len([each for each in here.shown() if "meanwhile" in each.text]) == 1
