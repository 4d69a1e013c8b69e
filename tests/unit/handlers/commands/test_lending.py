"""Commands lent to another handler: described for machines, run with named arguments."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from posthouse.handlers.commands.lending import Lending
from posthouse.handlers.handler import CannotAnswer
from posthouse.model.action import Ask
from posthouse.model.permission import DOOR
from posthouse.model.turn import Answer
from tests.unit.handlers.asked import Asked
from tests.unit.handlers.commands.stage import Book, Stage, staged, turn_of, words

SCENES = {
    "host": '''
        """Hosts."""
        import pathlib, time
        from datetime import timedelta
        from typing import Literal
        from posthouse.scene import Ask, Push, caller, limit, readonly

        @readonly
        def cmd_load(host: str, last: timedelta | None = None):
            """Say how busy a host is."""
            return f"{host} {last}"

        def cmd_say(
            text: str,
            times: int = 1,
            *tags: Literal["a", "b"],
            share: float = 0.5,
            force: bool = False,
            to: list[str] = [],
        ):
            """Say something."""
            return f"{text!r} {times} {tags} {share} {force} {to} {caller().person.id}"

        @readonly
        def cmd_restart(host: str):
            return Ask(f"Restart {host}?", ("Yes", "No"), then=restart, state=host)

        def restart(answer, host):
            return f"{answer.text}: {host}"

        @limit(give_up_s=0.3)
        def cmd_hang():
            time.sleep(60)

        def cmd_leave(mark: str):
            (pathlib.Path(__file__).parent / "mark").write_text(mark)

        def cmd_tell():
            return Push(5, "hello")
    '''
}
EVERYTHING = {("*", "*", "*")}


@asynccontextmanager
async def lending(tmp_path: Path, **choices: Any) -> AsyncIterator[tuple[Stage, Lending]]:  # noqa: ANN401 - of ``build``
    choices.setdefault("book", Book(set(EVERYTHING)))
    async with staged(tmp_path, private=SCENES, **choices) as stage:
        lent = stage.commands.lending
        assert lent is not None
        yield stage, lent


async def said(lent: Lending, name: str, given: Mapping[str, object], who: str = "ann") -> str:
    """What a lent command says, or why it does not."""
    try:
        found = [each async for each in lent.run(name, given, turn_of("", who=who), Asked("en"))]
    except CannotAnswer as end:
        return end.sentence
    return "\n".join(words(found))


async def test_a_command_is_described_for_machines(tmp_path: Path) -> None:
    async with lending(tmp_path) as (_, lent):
        found = await lent.find("host.say")
        assert found is not None
        assert (found.help, found.is_readonly) == ("Say something.", False)
        described = json.loads(found.parameters)
        assert described["required"] == ["text"]
        assert dict(found.defaults) == {"times": "1", "share": "0.5", "force": "False"}
        assert described["additionalProperties"] is False
        properties = described["properties"]
        assert properties["text"]["type"] == "string"
        assert properties["times"] == {
            "type": "integer",
            "description": "a whole number; otherwise 1",
        }
        assert properties["tags"]["items"] == {"type": "string", "enum": ["a", "b"]}
        assert properties["share"]["type"] == "number"
        assert properties["force"]["type"] == "boolean"
        assert properties["to"]["type"] == "array"
        load = await lent.find("host.load")
        assert load is not None
        assert load.is_readonly
        assert json.loads(load.parameters)["required"] == ["host"]
        assert await lent.find("host.none") is None
        assert await lent.find("none.say") is None
        assert await lent.find("host") is None


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"text": "x"}, "'x' 1 () 0.5 False [] ann"),
        ({"text": "x", "times": 2.0, "force": True}, "'x' 2 () 0.5 True [] ann"),
        ({"text": "x", "tags": ["A", "b"], "share": 1}, "'x' 1 ('a', 'b') 1.0 False [] ann"),
        ({"text": "--force", "to": ["a,b", "c"]}, "'--force' 1 () 0.5 False ['a,b', 'c'] ann"),
        ({"text": "x", "times": None}, "'x' 1 () 0.5 False [] ann"),
        ({"times": 2}, "`text` is missing"),
        ({"text": "x", "times": "many"}, "`times` cannot be “many”"),
        ({"text": {"a": 1}}, "`text` cannot be “{"),
        ({"text": "x", "tags": ["c"]}, "`tags` cannot be “c”"),
        ({"text": "x", "sudo": True}, "There is nothing to do with “sudo”"),
    ],
)
async def test_arguments_stand_under_their_names(
    tmp_path: Path, given: Mapping[str, object], answer: str
) -> None:
    async with lending(tmp_path) as (_, lent):
        assert (await said(lent, "host.say", given)).startswith(answer)


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("host.leave", {"mark": "x"}, ""),
        ("host.leave", {}, "`mark` is missing"),
        ("host.leave", {"mark": ["x"]}, "`mark` cannot be “["),
        ("host.leave", {"mark": "x", "sudo": 1}, "There is nothing to do with “sudo”"),
        ("host.say", {"text": "x", "times": 3.7}, "`times` cannot be “3.7”"),
        ("host.none", {}, "`host.none` has changed"),
    ],
)
async def test_arguments_are_looked_at_without_a_run(
    tmp_path: Path, name: str, given: Mapping[str, object], problem: str
) -> None:
    async with lending(tmp_path) as (stage, lent):
        sentence = ""
        try:
            await lent.check(name, given, turn_of(""), Asked("en"))
        except CannotAnswer as end:
            sentence = end.sentence
        assert sentence.startswith(problem)
        assert bool(sentence) is bool(problem)
        assert not (stage.folder / "mark").exists()


async def test_a_span_is_read_as_it_is_typed(tmp_path: Path) -> None:
    async with lending(tmp_path) as (_, lent):
        assert await said(lent, "host.load", {"host": "w", "last": "1h30m"}) == "w 1:30:00"


async def test_who_may_is_asked_each_time_as_if_they_had_typed_it(tmp_path: Path) -> None:
    book = Book({("ann", "host", "load")})
    async with lending(tmp_path, book=book) as (_, lent):
        assert await lent.refusal("host.load", turn_of(""), Asked("en")) == ""
        assert await lent.refusal("host.say", turn_of(""), Asked("en")) == "not_granted"
        assert "may not use `host say`" in await said(lent, "host.say", {"text": "x"})
        assert "may not use `host load`" in await said(lent, "host.load", {"host": "w"}, "ben")
        assert await said(lent, "host.load", {"host": "w"}) == "w None"
        book.granted.clear()
        assert "may not use `host load`" in await said(lent, "host.load", {"host": "w"})
        assert {wish.handler for wish in book.asked} == {"commands"}


async def test_a_public_scene_is_open_unless_it_is_blocked(tmp_path: Path) -> None:
    async with staged(tmp_path, public=SCENES, book=(book := Book())) as stage:
        lent = stage.commands.lending
        assert lent is not None
        assert await said(lent, "host.load", {"host": "w"}) == "w None"
        book.reason = "blocked"
        assert "barred" in await said(lent, "host.load", {"host": "w"})


async def test_nobody_comes_in_beside_the_handler_s_door(tmp_path: Path) -> None:
    async with staged(tmp_path, public=SCENES, book=(book := Book())) as stage:
        scenes = stage.commands._scenes
        assert scenes is not None
        ajar, closed = (Lending(scenes, is_granted_only=only) for only in (False, True))
        assert await ajar.refusal("host.load", turn_of(""), Asked("en")) == ""
        assert await closed.refusal("host.load", turn_of(""), Asked("en")) == "not_granted"
        book.granted.add(("ann", DOOR, ""))
        assert await closed.refusal("host.load", turn_of(""), Asked("en")) == ""
        book.granted.clear()
        book.blocked.add(("ann", DOOR, ""))
        assert await ajar.refusal("host.load", turn_of(""), Asked("en")) == "blocked"


async def test_a_question_goes_on_with_its_answer(tmp_path: Path) -> None:
    async with lending(tmp_path, book=(book := Book(set(EVERYTHING)))) as (_, lent):
        (asked,) = [
            each async for each in lent.run("host.restart", {"host": "w"}, turn_of(""), Asked("en"))
        ]
        assert isinstance(asked, Ask)
        answer = Answer("q", asked.state, 0)
        found = [each async for each in lent.go_on(answer, turn_of(""), Asked("en"))]
        assert words(found) == ["Yes: w"]
        book.granted.clear()
        with pytest.raises(CannotAnswer):
            [each async for each in lent.go_on(answer, turn_of(""), Asked("en"))]


async def test_it_ends_as_when_somebody_has_typed_it(tmp_path: Path) -> None:
    async with lending(tmp_path) as (_, lent):
        assert "longer than 0.3 s" in await said(lent, "host.hang", {})
        assert "could not send to chat 5" in await said(lent, "host.tell", {})
        assert "has changed" in await said(lent, "host.none", {})
