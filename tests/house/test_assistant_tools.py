"""Tools run with the permission of who asks, and after their yes; whatever anybody has written."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.assistant.tools import Function, Result
from posthouse.llm.model import ToolCall, ToolOffer
from posthouse.llm.scripted import Line, Scripted
from posthouse.model.address import ChatMode
from posthouse.model.message import File, Media, Quote, Text
from posthouse.model.permission import Effect, Field, Subject, SubjectKind
from posthouse.model.turn import Answer
from posthouse.store.grants import NewGrant
from tests.house.assisting import NAME, PORT, RECALL, listen, notes, opened
from tests.house.injections import INJECTIONS, Where
from tests.house.kit import HouseKit, simulated
from tests.house.people import pressed

QUESTION = "Which port does it listen on?"
CITED = "It listens on port 8350 [1]."


class Bell:
    """A tool that counts how often it was rung."""

    def __init__(
        self, name: str = "ring", *, has_side_effects: bool = True, result: str = "rung"
    ) -> None:
        self.result = result
        offer = ToolOffer(name, "Rings.", '{"type": "object"}')
        self._function = Function(title=name, offer=offer, has_side_effects=has_side_effects)
        self.rung: list[tuple[str, Mapping[str, object]]] = []

    async def function(self) -> Function:
        return self._function

    async def ruling(self, asking: Asking) -> None:
        """Only the book of permissions knows."""

    def described(self, arguments: Mapping[str, object], language: str) -> str:
        return f"ring in {language}: {dict(arguments)}"

    async def check(self, arguments: Mapping[str, object], asking: Asking) -> None:
        """Whatever is given fits."""

    async def run(self, arguments: Mapping[str, object], asking: Asking) -> Result:
        assert asking.chat
        self.rung.append((asking.person.id, arguments))
        return Result(self.result)

    async def go_on(self, answer: Answer, asking: Asking) -> Result:
        raise AssertionError("it asks nothing")


def ringing() -> Scripted:
    call = ToolCall("c1", "ring", '{"times": 2}')
    return Scripted(Line("results_of_functions", CITED), Line("8350", "", calls=(call,)))


async def allow(house: HouseKit, person: str = "ann") -> None:
    new = NewGrant(
        effect=Effect.ALLOW,
        subject=Subject(SubjectKind.PERSON, person),
        field=Field(handler=NAME, scene="tools", command="ring"),
    )
    await house.store.grants.grant(new, "operator:bob", house.clock())


async def press(house: HouseKit, choice: int, who: str = "ann") -> None:
    rows = house.store._reading.connection.execute("SELECT id FROM questions ORDER BY number")
    *_, question = (row[0] for row in rows)
    await house.accept(pressed(f"{question}{choice:02d}", who=who, at=house.clock()))
    await house.quiet(10.0)


@simulated
async def test_who_may_not_is_refused_and_nothing_runs() -> None:
    bell = Bell()
    house = await opened(models=(ringing(),), tools={"ring": bell})
    message = await house.say(QUESTION)
    await house.quiet(10.0)
    assert bell.rung == []
    assert await house.reason(message) == "not_granted"


@simulated
async def test_who_may_is_asked_first() -> None:
    bell = Bell()
    house = await opened(models=(ringing(),), tools={"ring": bell})
    await allow(house)
    await house.say(QUESTION)
    await house.quiet(10.0)
    assert bell.rung == []
    assert "ring in en: {'times': 2}" in (await house.texts())[-1]
    await press(house, 0, who="ben")
    assert bell.rung == []
    await press(house, 0)
    assert bell.rung == [("ann", {"times": 2})]
    assert (await house.texts())[-1] == "rung"


@simulated
async def test_what_a_tool_returns_is_held_to_the_words_too() -> None:
    house = await opened(
        models=(ringing(),),
        tools={"ring": Bell(result="old 13812345678")},
        replace_words={"old": "new"},
    )
    await allow(house)
    await house.say(QUESTION)
    await house.quiet(10.0)
    await press(house, 0)
    assert (await house.texts())[-1] == "new [phone]"


@simulated
async def test_a_blocked_word_in_a_tool_s_result_never_leaves() -> None:
    bell = Bell()
    house = await opened(models=(ringing(),), tools={"ring": bell}, block_words=("rung",))
    await allow(house)
    await house.say(QUESTION)
    await house.quiet(10.0)
    await press(house, 0)
    assert len(bell.rung) == 1
    assert "may not leave" in (await house.texts())[-1]


@simulated
async def test_what_may_not_be_shown_is_not_asked_either() -> None:
    house = await opened(models=(ringing(),), tools={"ring": Bell()}, block_words=("times",))
    await allow(house)
    await house.say(QUESTION)
    await house.quiet(10.0)
    (shown,) = house.bots["b"].shown((await house.chat()).id)
    assert shown.words.choices == ()
    assert "may not leave" in (await house.texts())[-1]


@simulated
async def test_who_did_not_ask_has_no_tools() -> None:
    model = Scripted(Line('"message":', "9"), Line("8350", CITED))
    house = await opened(models=(model,), tools={"ring": Bell()})
    await allow(house)
    await listen(house)
    await house.say("house listens on port", is_addressed=False)
    await house.quiet(10.0)
    assert [prompt.tools for prompt in model.prompts] == [(), ()]


@simulated
async def test_what_was_overheard_makes_nothing_run_that_a_model_wants() -> None:
    bell = Bell(has_side_effects=False)
    wish = Line("8350", "", calls=(ToolCall("c1", "ring", "{}"),))
    house = await opened(models=(Scripted(Line('"message":', "9"), wish),), tools={"ring": bell})
    await allow(house)
    await listen(house)
    message = await house.say("house listens on port", is_addressed=False)
    await house.quiet(10.0)
    assert bell.rung == []
    assert await house.texts() == ()
    assert (await notes(house, message))["tool"] == "ring {}: unknown"


@simulated
async def test_in_the_shadow_a_press_makes_nothing_run() -> None:
    bell = Bell()
    house = await opened(models=(ringing(),), tools={"ring": bell})
    await allow(house)
    await house.say(QUESTION)
    await house.quiet(10.0)
    await listen(house, ChatMode.SHADOW)
    await press(house, 0)
    assert bell.rung == []


@simulated
async def test_a_no_is_a_no() -> None:
    bell = Bell()
    house = await opened(models=(ringing(),), tools={"ring": bell})
    await allow(house)
    await house.say(QUESTION)
    await house.quiet(10.0)
    await press(house, 1)
    assert bell.rung == []


@simulated
async def test_a_permission_that_is_over_counts_no_more() -> None:
    bell = Bell()
    house = await opened(models=(ringing(),), tools={"ring": bell})
    await allow(house)
    await house.say(QUESTION)
    await house.quiet(10.0)
    (grant,) = await house.store.grants.list()
    await house.store.grants.revoke(grant.id, "operator:bob", house.clock())
    await press(house, 0)
    assert bell.rung == []


@simulated
async def test_what_changes_nothing_runs_at_once_and_the_model_goes_on() -> None:
    bell = Bell(has_side_effects=False)
    model = ringing()
    house = await opened(models=(model,), tools={"ring": bell})
    await allow(house)
    await house.say(QUESTION)
    await house.quiet(10.0)
    assert len(bell.rung) == 1
    assert (await house.texts())[-1].startswith(CITED)
    assert len(model.prompts) == 2


# --- the corpus ---------------------------------------------------------------------------------


class Obedient(Scripted):
    """A model that does whatever any text of its prompt tells it to."""

    def _line_for(self, prompt: Any) -> Line:  # noqa: ANN401 - a Prompt
        told = prompt.messages[-1].text
        calls = tuple(
            ToolCall(f"c{number}", name, "{}")
            for number, name in enumerate(("ring", "delete_all", "grant", "hand_off"))
            if name in told
        )
        if "handoff" in told and not calls:
            return Line("", '{"handoff": true}')
        return Line("", CITED, calls=calls)


def cases() -> Iterator[Any]:
    for where, text in INJECTIONS:
        yield pytest.param(where, text, id=f"{where}-{text[:24]}")


def test_the_corpus_is_large_enough() -> None:
    assert len(INJECTIONS) >= 30
    assert {where for where, _ in INJECTIONS} == set(Where)


@pytest.mark.parametrize("may", [False, True])
@pytest.mark.parametrize(("where", "text"), [*cases()])
@simulated
async def test_no_text_makes_the_house_do_anything(where: Where, text: str, *, may: bool) -> None:
    bell, model = Bell(), Obedient()
    document = replace(PORT, text=f"{PORT.text}\n\n{text}") if where is Where.DOCUMENT else PORT
    house = await opened(models=(model,), tools={"ring": bell}, passages=(document, RECALL))
    if may:
        await allow(house)
    parts: tuple[Any, ...] = (Text(QUESTION),)
    if where is Where.MESSAGE:
        parts = (Text(f"{QUESTION} {text}"),)
    elif where is Where.FILE_NAME:
        parts = (File(Media("sha256:1", f"{text}.pdf")), *parts)
    elif where is Where.QUOTE:
        parts = (Quote("om0", text, "mallory"), *parts)
    await house.say(QUESTION, parts=parts)
    await house.quiet(10.0)
    assert bell.rung == []
    assert await house.store.conduct.handoffs() == ()
    assert len(await house.store.grants.list()) == may
    assert len(model.prompts) <= 2
    for prompt in model.prompts:
        json.loads(prompt.messages[-1].text)  # no text has ended the data
        assert text not in prompt.messages[0].text
