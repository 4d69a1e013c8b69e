"""What operators tell the assistant in a chat."""

import pytest

from posthouse.model.capabilities import Capabilities
from posthouse.model.message import Mention, Part, Text
from posthouse.store.conduct import Rule, Scope
from posthouse.store.grants import ChatOperator
from tests.house.assisting import NAME, asked, opened
from tests.house.kit import HouseKit, simulated
from tests.house.people import place

QUESTION = "Which port does it listen on?"
OFFICE = "private-bob"


async def with_operator(**choices: object) -> HouseKit:
    """A house whose operator Bob can be reached in his private chat."""
    house = await opened(**choices)
    office = await house.store.chats.resolve(place(OFFICE), house.clock())
    operator = ChatOperator(bot="b", person="bob", name="Bob", chat=office.id)
    await house.store.grants.make_operator(operator, "cli", house.clock())
    return house


async def order(house: HouseKit, text: str, **details: object) -> str:
    await house.say(text, who="bob", **details)
    await house.quiet(10.0)
    return ("", *await house.texts())[-1]


async def own_rule(house: HouseKit, person: str = "") -> Rule:
    chat = (await house.chat()).id
    return await house.store.conduct.rule(Scope(handler=NAME, bot="b", chat=chat, person=person))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("/assistant knowledge docs, faq", Rule(bases=("docs", "faq"))),
        ("/assistant 知识 docs", Rule(bases=("docs",))),
        ("/assistant model qwen", Rule(model="qwen")),
        ("/assistant model none", Rule(model="")),
        ("/assistant tone short and friendly", Rule(tone="short and friendly")),
        ("/assistant language 中文", Rule(language="zh")),
        ("/assistant hours Mon-Fri 09:00-18:00", Rule(hours="Mon-Fri 09:00-18:00")),
        ("/assistant questions 20", Rule(questions_per_day=20)),
        ("/assistant 额度 100000", Rule(tokens_per_day=100_000)),
    ],
)
@simulated
async def test_a_rule_is_set_shown_and_taken_away(text: str, rule: Rule) -> None:
    house = await with_operator()
    shown = await order(house, text)
    assert await own_rule(house) == rule
    assert f"for {NAME} here" in shown
    await order(house, f"{' '.join(text.split()[:2])} default")
    assert await own_rule(house) == Rule()
    await house.check()


@pytest.mark.parametrize(
    "text",
    [
        "/assistant hours whenever",
        "/assistant questions many",
        "/assistant language tlh",
        "/assistant",
    ],
)
@simulated
async def test_what_is_not_understood_changes_nothing(text: str) -> None:
    house = await with_operator()
    assert "/assistant resume" in await order(house, text)
    assert await own_rule(house) == Rule()


ANN = Mention("ann", "Ann")


@pytest.mark.parametrize(
    "parts",
    [
        (Text("/assistant tone dry and short "), ANN),
        (Text("/assistant "), ANN, Text(" tone dry and short")),
        (Text("/assistant tone dry and short person:ann"),),
    ],
)
@simulated
async def test_a_rule_can_be_one_persons(parts: tuple[Part, ...]) -> None:
    house = await with_operator()
    shown = await order(house, "", parts=parts)
    assert "for Ann" in shown or "for ann" in shown
    assert "tone: dry and short" in shown
    assert await own_rule(house, "ann") == Rule(tone="dry and short")
    assert await own_rule(house, "ben") == await own_rule(house) == Rule()
    (line, *_) = await house.store.access.audit_lines()
    assert line.author == "person:b:bob"
    await order(house, "", parts=(Text("/assistant tone default "), ANN))
    assert await own_rule(house, "ann") == Rule()


@simulated
async def test_what_holds_for_a_person_is_shown() -> None:
    house = await with_operator()
    await order(house, "/assistant questions 5")
    shown = await order(house, "", parts=(Text("/assistant "), ANN))
    assert "for Ann" in shown
    assert "questions_per_day: 5" in shown


@simulated
async def test_a_rule_of_two_people_is_not_understood() -> None:
    house = await with_operator()
    both = (Text("/assistant questions 5 "), ANN, Mention("ben", "Ben"))
    assert "/assistant resume" in await order(house, "", parts=both)
    assert await own_rule(house, "ann") == await own_rule(house, "ben") == Rule()


@pytest.mark.parametrize("mention", [(), (ANN,)])
@simulated
async def test_only_operators_may(mention: tuple[Part, ...]) -> None:
    house = await with_operator()
    await house.say("", who="ann", parts=(Text("/assistant model qwen "), *mention))
    await house.quiet(10.0)
    assert "Only an operator" in (await house.texts())[-1]
    assert await own_rule(house, "ann") == Rule()


@simulated
async def test_an_operator_is_told_of_a_handoff_and_gives_it_back() -> None:
    house = await with_operator()
    await house.say(QUESTION)
    await house.quiet(10.0)
    await house.say("转人工")
    await house.quiet(10.0)
    (notice,) = await house.texts(OFFICE)
    assert "Ann" in notice
    assert QUESTION in notice
    assert f"/assistant resume chat:{(await house.chat()).id}" in notice
    assert "I answer 1 again" in await order(house, "/assistant resume")
    await house.say(QUESTION)
    await house.quiet(10.0)
    assert "8350" in (await house.texts())[-1]


@simulated
async def test_an_operator_who_asks_for_a_human_is_not_told_of_themselves() -> None:
    house = await with_operator()
    assert "No operator could be told" in await order(house, "human")
    assert await house.texts(OFFICE) == ()


@simulated
async def test_a_handoff_is_given_back_from_another_chat_and_for_one_person() -> None:
    house = await with_operator()
    for who in ("ann", "ben"):
        await house.say("转人工", who=who)
        await house.quiet(10.0)
    number = (await house.chat()).id
    parts = (Text(f"/assistant resume chat:{number}"), Mention("ann", "Ann"))
    await house.say("", who="bob", room=OFFICE, parts=parts)
    await house.quiet(10.0)
    assert [each.person for each in await house.store.conduct.handoffs()] == ["ben"]


@simulated
async def test_an_answer_that_waits_is_let_out() -> None:
    house = await with_operator(hold_words=("8350",))
    await house.say(QUESTION)
    await house.quiet(10.0)
    (notice,) = await house.texts(OFFICE)
    (question,) = await asked(house)
    assert f"/assistant send {question.turn}" in notice
    assert await order(house, f"/assistant send {question.turn}", room=OFFICE)
    assert "8350" in (await house.texts())[-1]
    assert (await house.texts(OFFICE))[-1] == "Sent."
    await order(house, f"/assistant send {question.turn}", room=OFFICE)
    assert "No such answer" in (await house.texts(OFFICE))[-1]
    await house.check()


@simulated
async def test_who_asked_takes_back_an_answer_that_was_let_out() -> None:
    house = await with_operator(hold_words=("8350",), can=Capabilities(can_recall=True))
    await house.say(QUESTION)
    await house.quiet(10.0)
    (question,) = await asked(house)
    await order(house, f"/assistant send {question.turn}", room=OFFICE)
    assert "8350" in (await house.texts())[-1]
    await house.say("撤回")
    await house.quiet(10.0)
    shown = house.bots["b"].shown((await house.chat()).id)
    assert "8350" not in "".join(each.words.text for each in shown)
