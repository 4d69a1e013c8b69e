"""Commands of scenes on the road. Workers live in real time, so the house does as well here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from posthouse.gateway.router import token_of
from posthouse.model.address import ChatMode, Entrance, SessionKind
from posthouse.model.capabilities import Capabilities
from posthouse.model.event import Event
from posthouse.testing.null_channel import CAPABILITIES
from tests.house.kit import HouseKit, closed
from tests.house.people import edited, pressed, said
from tests.unit.handlers.commands.stage import Book, Stage, build, is_there, until

SCENES = {
    "work": '''
        """Work."""
        import os, pathlib, time
        from posthouse.scene import Ask, Progress, Push

        def cmd_add(a: int, b: int):
            return f"{a + b}"

        def cmd_steps(go: pathlib.Path):
            yield "one"
            while not go.exists():
                time.sleep(0.01)
            yield "two"

        def cmd_block(begun: pathlib.Path):
            with begun.open("a") as file:
                file.write(f"{os.getpid()}\\n")
            time.sleep(60)

        def cmd_open():
            return Ask("Really?", ("yes", "no"), answered, 7, anyone=True, typed=True)

        def cmd_ask():
            return Ask("Sure?", ("yes", "no"), then=answered, state=7)

        def answered(answer, state):
            return f"{state}: {answer.text}"

        def cmd_tell(chat: int, text: str):
            yield Push(chat, text)
            yield "told"

        def cmd_grow(go: pathlib.Path):
            yield Progress("half")
            while not go.exists():
                time.sleep(0.01)
            yield "whole"

        def cmd_boom():
            yield "so far"
            raise ValueError("boom")
    '''
}
ALL = {("*", "*", "*")}
SLOT = Capabilities(slot_s=5.0, can_recall=True)


@asynccontextmanager
async def house_with(
    tmp_path: Path, *, book: Book | None = None, can: Capabilities = CAPABILITIES
) -> AsyncIterator[HouseKit]:
    """Open a house with scenes; whatever became of it, its workers end."""
    stage = _stage(tmp_path, book)
    house = closed(handlers={"commands": stage.commands}, can=can)
    await house.open()
    try:
        yield house
    finally:
        await house.close()
        await stage.commands.close()


def _stage(tmp_path: Path, book: Book | None = None) -> Stage:
    return build(tmp_path, private=SCENES, book=book or Book(set(ALL)))


async def after(house: HouseKit, calls: int) -> tuple[str, ...]:
    """What the chat shows when the platform has been called so often."""
    async with asyncio.timeout(20):
        await house.bots["b"].until_called(calls)
    return await house.texts()


async def ended(house: HouseKit, message: Event) -> str:
    """The reason with which a message ends."""
    async with asyncio.timeout(20):
        while not (reason := await house.reason(message)):  # noqa: ASYNC110 - the book tells nobody
            await asyncio.sleep(0.01)
    return reason


@pytest.mark.parametrize("is_addressed", [True, False])
async def test_an_answer(tmp_path: Path, *, is_addressed: bool) -> None:
    async with house_with(tmp_path) as house:
        message = await house.say("/work add 1 2", is_addressed=is_addressed)
        assert await after(house, 1) == ("3",)
        assert await ended(house, message) == "answered"
        await house.check()


@pytest.mark.parametrize(
    ("text", "answer", "calls"),
    [
        ("/work add 1 2", "3", 1),
        ('/work add 1 "2', "has no end", 1),
        ("/work add one 2", "it is a whole number", 1),
        ("/work boom", "failed (ValueError)", 2),
    ],
)
async def test_an_edited_command_is_not_run_again_and_nobody_is_told_anything(
    tmp_path: Path, text: str, answer: str, calls: int
) -> None:
    async with house_with(tmp_path) as house:
        message = await house.say(text)
        await ended(house, message)
        before = await after(house, calls)
        assert answer in before[-1]
        edit = edited(message, "/work add 20 20", at=house.clock())
        await house.accept(edit)
        assert await ended(house, edit) == "edit_ignored"
        await house.say("/work add 1 1")
        assert await after(house, len(before) + 1) == (*before, "2")


async def test_a_command_that_still_waits_runs_with_the_edited_words(tmp_path: Path) -> None:
    async with house_with(tmp_path) as house:
        await house.say(f"/work steps {tmp_path}/go")
        await after(house, 1)
        waiting = await house.say("/work add 1 2")
        await house.accept(edited(waiting, "/work add 20 20", at=house.clock()))
        (tmp_path / "go").touch()
        assert await after(house, 3) == ("one", "two", "40")


async def test_everything_goes_to_commands_where_nothing_else_answers(tmp_path: Path) -> None:
    async with house_with(tmp_path) as house:
        await house.say("work add 1 2")
        assert await after(house, 1) == ("3",)


async def test_what_comes_in_steps_is_seen_in_steps(tmp_path: Path) -> None:
    async with house_with(tmp_path) as house:
        await house.say(f"/work steps {tmp_path}/go")
        assert await after(house, 1) == ("one",)
        (tmp_path / "go").touch()
        assert await after(house, 2) == ("one", "two")


async def test_a_quick_answer_travels_in_the_reply_slot(tmp_path: Path) -> None:
    async with house_with(tmp_path, can=SLOT) as house:
        door = house.house.inbox.door(house.house.bots["b"])
        message = said("/work add 1 2", at=house.clock())
        body = await door.answer((message,), Entrance.WEBHOOK, 5.0)
        assert body is not None
        assert '"3"' in body.decode()
        await door.answered((message,), is_written=True)
        assert house.bots["b"].calls == []


async def test_a_question_is_answered_in_the_next_life_of_the_house(tmp_path: Path) -> None:
    async with house_with(tmp_path) as house:
        await house.say("/work ask")
        assert await after(house, 1) == ("Sure?",)
        await house.crash()
        stage = _stage(tmp_path / "next")
        house.handlers["commands"] = stage.commands
        await house.open()
        rows = house.store._reading.connection.execute("SELECT id FROM questions")
        ((question,),) = rows
        await house.accept(pressed(token_of(question, 1), at=house.clock()))
        assert await after(house, 2) == ("Sure?", "7: no")


async def test_what_was_running_when_the_house_died_is_reported_and_not_run_again(
    tmp_path: Path,
) -> None:
    begun = tmp_path / "begun"
    async with house_with(tmp_path) as house:
        message = await house.say(f"/work block {begun}")
        await until(lambda: begun.exists() and begun.read_text() != "")
        await house.crash()
        house.handlers["commands"] = _stage(tmp_path / "next").commands
        await house.open()
        (shown,) = await after(house, 1)
        assert "may be half done; it was not run again" in shown
        assert await ended(house, message) == "interrupted"
        assert len(begun.read_text().splitlines()) == 1


async def test_a_stopped_command_is_ended(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    async with house_with(tmp_path) as house:
        message = await house.say(f"/work block {begun}")
        await until(lambda: begun.exists() and begun.read_text() != "")
        await house.say("stop")
        assert await after(house, 1) == ("Stopped.",)
        assert await ended(house, message) == "stopped"
        pid = int(begun.read_text())
        await until(lambda: not is_there(pid))


async def test_progress_grows_into_the_answer(tmp_path: Path) -> None:
    async with house_with(tmp_path) as house:
        message = await house.say(f"/work grow {tmp_path}/go")
        assert await after(house, 1) == ("half",)
        (tmp_path / "go").touch()
        assert await ended(house, message) == "answered"
        assert (await after(house, 2))[-1] == "whole"
        assert await house.texts() == ("whole",)


async def test_a_push_reaches_another_chat(tmp_path: Path) -> None:
    async with house_with(tmp_path) as house:
        other = await house.chat("other room")
        await house.say(f"/work tell {other.id} hello")
        assert await after(house, 2) == ("told",)
        assert await house.texts("other room") == ("hello",)
        await house.say("/work tell 999 hello")
        refusal = (await after(house, 3))[-1]
        assert "could not send to chat 999" in refusal


async def test_a_command_in_the_shadow_says_nothing_elsewhere_either(tmp_path: Path) -> None:
    async with house_with(tmp_path) as house:
        other = await house.chat("other room")
        here = await house.chat()
        await house.store.chats.set_mode(here.id, ChatMode.SHADOW, house.clock())
        message = await house.say(f"/work tell {other.id} hello")
        assert await ended(house, message) == "shadow"
        assert await house.texts("other room") == ()
        assert await house.texts() == ()


async def test_a_refusal_is_in_the_book_with_its_reason(tmp_path: Path) -> None:
    async with house_with(tmp_path, book=Book(reason="grant_expired 2026-11-03")) as house:
        message = await house.say("/work add 1 2")
        (shown,) = await after(house, 1)
        assert "ended on 2026-11-03" in shown
        assert await ended(house, message) == "grant_expired 2026-11-03"


async def test_an_error_leaves_what_was_said_and_a_reference(tmp_path: Path) -> None:
    async with house_with(tmp_path) as house:
        message = await house.say("/work boom")
        first, error = await after(house, 2)
        assert first == "so far"
        assert "`work boom` failed (ValueError); tell an administrator this reference: " in error
        assert "{" not in error
        assert await ended(house, message) == "handler_error"
        await house.check()


# ── who may answer ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_typed", [False, True])
async def test_who_may_not_run_a_command_does_not_use_its_question_up(
    tmp_path: Path, *, is_typed: bool
) -> None:
    book = Book({("ann", "work", "*")})
    async with house_with(tmp_path, book=book) as house:
        await house.store.chats.set_session_kind((await house.chat()).id, SessionKind.CHAT)
        await house.say("/work open")
        assert await after(house, 1) == ("Really?",)
        await answer(house, "ben", is_typed=is_typed)
        assert "You may not use `work open`." in (await after(house, 2))[1]
        assert await house.store.grants.strangers() != ()
        await answer(house, "ann", is_typed=is_typed)
        assert (await after(house, 3))[2] == "7: yes"


async def answer(house: HouseKit, who: str, *, is_typed: bool) -> None:
    """Press the first button of the only question, or type what stands on it."""
    if is_typed:
        await house.say("yes", who=who)
        return
    rows = house.store._reading.connection.execute("SELECT id FROM questions")
    ((question,),) = list(rows)
    await house.accept(pressed(token_of(question, 0), who=who, at=house.clock()))
