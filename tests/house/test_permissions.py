"""Who may talk to a handler, who is told so, and how operators steer from inside a chat."""

import json
from collections.abc import AsyncGenerator
from typing import Any

from posthouse.gateway.operators import QUESTIONS_MAX
from posthouse.gateway.router import token_of
from posthouse.handlers.handler import CannotAnswer, TurnContext
from posthouse.model.action import Action, Send, Who
from posthouse.model.address import ChatKind, ChatMode, Role, SessionKind
from posthouse.model.event import MessageReceived
from posthouse.model.message import Content, Mention, Part, Text
from posthouse.model.permission import Effect, Field, Subject, SubjectKind, Wish
from posthouse.model.secret import hashed
from posthouse.model.turn import OnCrash, Turn
from posthouse.settings.settings import HandlerSettings
from posthouse.store.access import AuditLine
from posthouse.store.grants import ChatOperator, NewGrant
from tests.house import test_questions as questions
from tests.house.kit import HouseKit, Scripted, closed, echo, opened, simulated
from tests.house.people import BOT, pressed, recalled

STRANGER = "You have not been allowed to use this yet; the operators will see that you asked."
BLOCKED = "An operator does not allow you to use this."
PRIVATE = "private-boss"
DAY_S = 86400.0


async def guarded(**choices: Any) -> HouseKit:  # noqa: ANN401 - those of ``closed``
    """A house whose demo answers only who was allowed."""
    house = closed(**choices)
    handlers = {**house.settings.handlers, "demo": HandlerSettings(access="granted")}
    house.settings = house.settings.model_copy(update={"handlers": handlers})
    await house.open()
    return house


async def write(
    house: HouseKit,
    effect: Effect = Effect.ALLOW,
    *,
    who: str = "ann",
    bot: str = BOT,
    handler: str = "demo",
    from_at: float | None = None,
    until_at: float | None = None,
) -> int:
    subject, field = Subject(SubjectKind.PERSON, who), Field(bot=bot, handler=handler)
    new = NewGrant(effect=effect, subject=subject, field=field, from_at=from_at, until_at=until_at)
    return (await house.store.grants.grant(new, "cli", house.clock())).id


async def ask(house: HouseKit, text: str, **details: Any) -> MessageReceived:  # noqa: ANN401
    message = await house.say(text, **details)
    await house.quiet(5.0)
    return message


async def steering(house: HouseKit, *, chat: int | None = None) -> None:
    """Boss is an operator."""
    boss = ChatOperator(bot=BOT, person="boss", name="Boss", chat=chat)
    await house.store.grants.make_operator(boss, "cli", house.clock())


async def private_chat(house: HouseKit) -> int:
    return (await house.chat(PRIVATE)).id


def order(text: str, *mentioned: str, rest: str = "") -> tuple[Part, ...]:
    people = tuple(Mention(who, who.title()) for who in mentioned)
    return (Mention("bot-id", "Posthouse", is_me=True), Text(text), *people, Text(rest))


# --- the door --------------------------------------------------------------------------------


@simulated
async def test_an_open_handler_answers_everybody() -> None:
    house = await opened()
    await ask(house, "hello")
    assert await house.texts() == ("re hello",)


@simulated
async def test_a_guarded_handler_tells_a_stranger_once() -> None:
    handler = Scripted(echo)
    house = await guarded(handler=handler)
    first, second = await ask(house, "hello"), await ask(house, "hello?")
    assert await house.texts() == (STRANGER,)
    assert [await house.reason(one) for one in (first, second)] == ["not_granted"] * 2
    assert handler.seen == []
    (stranger,) = await house.store.grants.strangers()
    assert (stranger.person, stranger.name, stranger.handler) == ("ann", "Ann", "demo")
    await house.check()


@simulated
async def test_who_was_allowed_is_answered() -> None:
    house = await guarded()
    await write(house)
    await ask(house, "hello")
    await ask(house, "hello", who="bob")
    assert await house.texts() == ("re hello", STRANGER)


@simulated
async def test_a_block_closes_an_open_handler_too() -> None:
    house = await opened()
    await write(house, Effect.BLOCK)
    refused = await ask(house, "hello")
    await ask(house, "hello", who="bob")
    assert await house.texts() == (BLOCKED, "re hello")
    assert await house.reason(refused) == "blocked"
    assert await house.store.grants.strangers() == ()


@simulated
async def test_a_permission_ends_by_the_clock() -> None:
    house = await guarded()
    await write(house, until_at=house.clock() + 60)
    await ask(house, "one")
    await house.quiet(60)
    late = await ask(house, "two")
    shown = await house.texts()
    assert shown[0] == "re one"
    assert shown[1].startswith("Your permission ended on ")
    assert (await house.reason(late)).startswith("grant_expired ")
    assert len(shown) == 2


@simulated
async def test_a_permission_begins_by_the_clock() -> None:
    house = await guarded()
    await write(house, from_at=house.clock() + 60)
    early = await ask(house, "one")
    await house.quiet(60)
    await ask(house, "two")
    assert (await house.texts())[0].startswith("Your permission begins on ")
    assert (await house.texts())[1] == "re two"
    assert (await house.reason(early)).startswith("grant_not_yet ")


@simulated
async def test_what_is_revoked_counts_from_the_next_message_on() -> None:
    house = await guarded()
    number = await write(house)
    await ask(house, "one")
    await house.store.grants.revoke(number, "cli", house.clock())
    await ask(house, "two")
    assert await house.texts() == ("re one", STRANGER)


@simulated
async def test_the_ruling_is_about_the_moment_when_the_turn_starts() -> None:
    house = await guarded()
    number = await write(house)
    running = house.house.dispatcher._turns_max
    house.house.dispatcher._turns_max = 0
    await ask(house, "waiting")
    await house.store.grants.revoke(number, "cli", house.clock())
    house.house.dispatcher._turns_max = running
    await house.quiet()
    assert await house.texts() == (STRANGER,)


@simulated
async def test_a_chat_may_be_allowed() -> None:
    house = await guarded()
    chat = await house.chat()
    new = NewGrant(
        effect=Effect.ALLOW,
        subject=Subject(SubjectKind.CHAT, str(chat.id)),
        field=Field(bot=BOT, handler="demo"),
    )
    await house.store.grants.grant(new, "cli", house.clock())
    await ask(house, "here")
    await ask(house, "there", room="another")
    assert await house.texts() == ("re here",)
    assert await house.texts("another") == (STRANGER,)


@simulated
async def test_what_strangers_say_is_left_out_of_a_shared_turn() -> None:
    handler = Scripted(echo, burst_s=5.0)
    house = await guarded(handler=handler)
    await write(house)
    await house.store.chats.set_session_kind((await house.chat()).id, SessionKind.CHAT)
    await house.say("secret please", who="eve")
    await house.say("the weather?")
    await house.quiet(30.0)
    assert await house.texts() == ("re the weather?",)


@simulated
async def test_a_handler_that_reports_does_not_begin_for_strangers() -> None:
    handler = Scripted(echo, on_crash=OnCrash.REPORT)
    house = await guarded(handler=handler)
    message = await ask(house, "hello")
    assert handler.seen == []
    turn = (await house.road(message)).turn
    assert turn is not None
    assert turn.reason == "not_granted"


@simulated
async def test_a_crash_before_the_sentence_does_not_swallow_it() -> None:
    house = await guarded()

    async def die(call: str) -> None:
        if call == "finish":
            house.troubles = None
            house.life.is_over = True

    house.troubles = die
    await ask(house, "hello")
    assert house.life.is_over
    assert len(await house.store.grants.strangers()) == 1
    await house.open()
    await house.quiet(60.0)
    assert await house.texts() == (STRANGER,)


@simulated
async def test_shadow_tells_nobody() -> None:
    house = await guarded()
    await house.store.chats.set_mode((await house.chat()).id, ChatMode.SHADOW, house.clock())
    await ask(house, "hello")
    assert await house.texts() == ()
    assert await house.store.grants.strangers() == ()


@simulated
async def test_who_was_turned_away_can_take_their_message_back() -> None:
    house = await guarded()
    message = await ask(house, "hello")
    await house.accept(recalled(message, at=house.clock()))
    await house.quiet()
    assert await house.texts() == ()


# --- the first operator ------------------------------------------------------------------------


async def put_claim(house: HouseKit, code: str = "482913") -> None:
    now = house.clock()
    await house.store.access.put_code("claim", hashed(code), now + 60, now)


@simulated
async def test_who_knows_the_code_is_the_operator() -> None:
    house = await opened()
    await put_claim(house)
    await ask(house, "/claim 482913", who="boss", room=PRIVATE, kind=ChatKind.PRIVATE)
    (said,) = await house.texts(PRIVATE)
    assert said.startswith("You are an operator of the bot b now")
    (operator,) = await house.store.grants.operators()
    assert (operator.person, operator.chat) == ("boss", await private_chat(house))


@simulated
async def test_operators_are_asked_in_private_only() -> None:
    """Whoever claims in a group does not have strangers decided about before everybody."""
    house = await opened()
    await put_claim(house)
    await ask(house, "/claim 482913", who="boss")
    (operator,) = await house.store.grants.operators()
    assert (operator.person, operator.chat) == ("boss", None)


@simulated
async def test_a_code_is_worth_nothing_after_ten_wrong_tries() -> None:
    house = await opened()
    await put_claim(house)
    for guess in range(10):
        await ask(house, f"/claim {guess:06d}", who="eve")
    await ask(house, "/claim 482913", who="eve")
    assert await house.store.grants.operators() == ()
    assert set(await house.texts()) == {
        "This code is wrong or over; `posthouse operators claim-code` makes another."
    }


@simulated
async def test_a_code_is_used_once_and_ends_by_the_clock() -> None:
    house = await opened()
    await put_claim(house)
    await ask(house, "/claim 482913", who="boss")
    await ask(house, "/claim 482913", who="eve")
    await put_claim(house, "111111")
    await house.quiet(60)
    await ask(house, "/claim 111111", who="eve")
    assert [one.person for one in await house.store.grants.operators()] == ["boss"]


# --- orders ------------------------------------------------------------------------------------


@simulated
async def test_only_operators_give_orders() -> None:
    house = await opened()
    for text in ("/grant chat *", "/block chat *", "/revoke 1", "/grants"):
        await ask(house, text, role=Role.OWNER)
    assert len(set(await house.texts())) == 1
    assert (await house.texts())[0].startswith("Only an operator may do that.")
    assert await house.store.grants.list() == ()


@simulated
async def test_an_operator_grants_by_mentioning_somebody() -> None:
    house = await opened()
    await steering(house)
    parts = order("/grant", "ann", rest="deploy.start 30d")
    await ask(house, "", who="boss", parts=parts)
    (grant,) = await house.store.grants.list()
    assert grant.subject == Subject(SubjectKind.PERSON, "ann")
    assert grant.field == Field(bot=BOT, handler="commands", scene="deploy", command="start")
    assert grant.author == "person:b:boss"
    (said,) = await house.texts()
    assert said.startswith(f"#{grant.id} allowed person:ann deploy.start until ")
    assert said.endswith(" · Ann")
    wish = Wish(person="ann", chat=1, bot=BOT, handler="commands", scene="deploy", command="start")
    now = house.clock()
    ruled = [await house.store.grants.rule(wish, at) for at in (now, now + 31 * DAY_S)]
    assert [ruling.is_allowed for ruling in ruled] == [True, False]


@simulated
async def test_a_written_name_is_no_identity() -> None:
    house = await opened()
    await steering(house)
    await ask(house, "/grant @Ann deploy", who="boss")
    assert (await house.texts())[0].startswith("For example: /grant")
    assert await house.store.grants.list() == ()


@simulated
async def test_what_is_granted_in_the_chat_opens_the_door() -> None:
    house = await guarded()
    await steering(house)
    await ask(house, "one")
    await ask(house, "", who="boss", parts=order("/grant", "ann", rest="handler:demo"))
    await ask(house, "two")
    (grant,) = await house.store.grants.list()
    await ask(house, f"/revoke {grant.id}", who="boss")
    await ask(house, "three", who="ann")
    shown = await house.texts()
    assert shown[0] == STRANGER
    assert shown[2] == "re two"
    assert shown[3:] == (f"Struck out: {grant.id}.",), "she has been told already"


@simulated
async def test_an_operator_blocks_somebody() -> None:
    house = await opened()
    await steering(house)
    await ask(house, "", who="boss", parts=order("/block", "ann", rest="*"))
    await ask(house, "hello")
    assert (await house.texts())[-1] == BLOCKED


@simulated
async def test_the_lines_are_listed() -> None:
    house = await opened()
    await steering(house)
    await ask(house, "/grants", who="boss")
    await write(house)
    await write(house, Effect.BLOCK, who="eve", until_at=house.clock() - 1)
    await ask(house, "/grants", who="boss")
    await ask(house, "", who="boss", parts=order("/grants", "ann"))
    nothing, everything, of_ann = await house.texts()
    assert nothing == "Nothing is written down."
    assert [line.split()[1] for line in everything.splitlines()] == ["blocked", "allowed"]
    assert everything.splitlines()[0].endswith("(over)")
    assert of_ann == "#1 allowed person:ann handler:demo"


@simulated
async def test_an_unknown_line_is_not_struck_out() -> None:
    house = await opened()
    await steering(house)
    for text in ("/revoke 7", "/revoke", "/revoke seven", f"/revoke {'9' * 30}"):
        await ask(house, text, who="boss")
    usage = "For example: /revoke 7; see /grants."
    unknown = "This bot has no line 7 of its own; an administrator can revoke the others."
    assert await house.texts() == (unknown, usage, usage, usage)


@simulated
async def test_an_operator_strikes_out_only_lines_of_their_own_bot() -> None:
    house = await opened()
    await steering(house)
    ours = await write(house)
    theirs = await write(house, bot="other")
    everywhere = await write(house, bot="*")
    for number in (ours, theirs, everywhere):
        await ask(house, f"/revoke {number}", who="boss")
    assert {line.id for line in await house.store.grants.list()} == {theirs, everywhere}


@simulated
async def test_an_operator_may_pause_everywhere() -> None:
    house = await opened()
    await steering(house)
    await ask(house, "/pause", who="boss")
    await ask(house, "/pause", who="ann")
    assert (await house.chat()).mode is ChatMode.PAUSED
    assert [line.author for line in await audit(house)] == ["person:b:boss"]
    assert await house.texts() == (
        "Paused. Send /resume to go on.",
        "Only the owner or an administrator of the chat may do that.",
    )


async def audit(house: HouseKit) -> list[AuditLine]:
    """What was changed about chats, oldest first."""
    lines = await house.store.access.audit_lines()
    return [line for line in reversed(lines) if line.subject.startswith("chat:")]


@simulated
async def test_who_changed_the_mode_is_in_the_audit() -> None:
    house = await opened()
    await steering(house)
    chat = (await house.chat()).id
    for text in ("/mode listen", "/pause 1h", "/resume", "/mode", "/resume", "/pause never"):
        await ask(house, text, who="boss")
    lines = await audit(house)
    assert {(line.author, line.subject) for line in lines} == {("person:b:boss", f"chat:{chat}")}
    found = [(line.action, json.loads(line.details)) for line in lines]
    assert [(action, details["mode"]) for action, details in found] == [
        ("mode", "listen"),
        ("pause", "paused"),
        ("resume", "listen"),
    ]
    assert found[1][1]["until_at"] == lines[1].at + 3600


@simulated
async def test_an_operator_recalls_everything() -> None:
    house = await opened()
    await steering(house)
    await ask(house, "one")
    await ask(house, "two", who="bob")
    await ask(house, "recall", who="boss")
    assert await house.texts() == ("Took back 2.",)


@simulated
async def test_who_was_dropped_gives_no_orders() -> None:
    house = await opened()
    await steering(house)
    await house.store.grants.drop_operator(BOT, "boss", "cli", house.clock())
    await ask(house, "/grants", who="boss")
    assert (await house.texts())[0].startswith("Only an operator may do that.")


# --- strangers -----------------------------------------------------------------------------------


async def press(house: HouseKit, choice: int, *, who: str = "boss") -> None:
    rows = house.store._reading.connection.execute("SELECT id FROM questions ORDER BY number")
    question = [row[0] for row in rows][-1]
    token = token_of(question, choice)
    press = pressed(token, who=who, room=PRIVATE, kind=ChatKind.PRIVATE, at=house.clock())
    await house.accept(press)
    await house.quiet(5.0)


async def asked() -> HouseKit:
    house = await guarded()
    await steering(house, chat=await private_chat(house))
    await ask(house, "hello")
    return house


@simulated
async def test_the_operator_is_asked_about_a_stranger_once() -> None:
    house = await asked()
    await ask(house, "hello?")
    (question,) = house.bots[BOT].shown(await private_chat(house))
    assert question.words.text == (
        "Ann (ann) would like to use demo (Room room) and has not been allowed yet."
    )
    assert question.words.choices == ("Allow", "Allow for 30 days", "Block")


@simulated
async def test_operators_are_not_asked_about_themselves() -> None:
    async def demand(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        if turn.text == "deploy":
            raise CannotAnswer("not_granted deploy", "You may not.")
        yield Send(Content(turn.text))

    house = await opened(handler=Scripted(demand))
    await steering(house, chat=await private_chat(house))
    other = ChatOperator(
        bot=BOT, person="eve", name="Eve", chat=(await house.chat("private-eve")).id
    )
    await house.store.grants.make_operator(other, "cli", house.clock())
    await ask(house, "deploy", who="boss")
    assert await house.texts(PRIVATE) == ()
    (question,) = await house.texts("private-eve")
    assert question.startswith("Boss (boss) would like to use deploy")


@simulated
async def test_allowing_a_stranger_lets_them_in_and_says_so() -> None:
    house = await asked()
    await press(house, 0)
    assert (await house.texts(PRIVATE))[-1] == "Ann may use demo now."
    assert (await house.texts())[-1].startswith("Ann, an operator has allowed you in")
    await ask(house, "again")
    assert (await house.texts())[-1] == "re again"
    (grant,) = await house.store.grants.list()
    assert (grant.author, grant.until_at) == ("person:b:boss", None)
    await house.check()


@simulated
async def test_the_operator_is_asked_about_one_scene_and_allows_only_that() -> None:
    refused: list[str] = []

    async def demand(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        wish = Wish(
            person=turn.person.id, chat=turn.chat.id, bot=BOT, handler="demo", scene=turn.text
        )
        ruling = await house.store.grants.rule(wish, house.clock())
        if not ruling.is_allowed:
            refused.append(turn.text)
            raise CannotAnswer(f"not_granted {turn.text}", "You may not.")
        yield Send(Content(f"did {turn.text}"))

    house = await opened(handler=Scripted(demand))
    await steering(house, chat=await private_chat(house))
    await ask(house, "deploy")
    refusal = await ask(house, "deploy")
    assert await house.reason(refusal) == "not_granted deploy"
    (question,) = house.bots[BOT].shown(await private_chat(house))
    assert question.words.text.startswith("Ann (ann) would like to use deploy (Room room)")
    await press(house, 0)
    await ask(house, "deploy")
    await ask(house, "billing")
    assert (await house.texts())[-2:] == ("did deploy", "You may not.")
    assert refused == ["deploy", "deploy", "billing"]


@simulated
async def test_letting_somebody_in_at_the_door_opens_nothing_inside() -> None:
    house = await asked()
    await press(house, 0)
    wish = Wish(person="ann", chat=1, bot=BOT, handler="demo", scene="deploy", command="start")
    assert not (await house.store.grants.rule(wish, house.clock())).is_allowed


@simulated
async def test_allowing_for_a_while_ends_by_the_clock() -> None:
    house = await asked()
    await press(house, 1)
    await ask(house, "again")
    assert (await house.texts())[-1] == "re again"
    house.skew_s += 30 * DAY_S
    late = await ask(house, "and again")
    await house.quiet(60)
    assert (await house.reason(late)).startswith("grant_expired")


@simulated
async def test_blocking_a_stranger_is_final() -> None:
    house = await asked()
    await press(house, 2)
    assert (await house.texts(PRIVATE))[-1] == "Ann is blocked."
    again = await ask(house, "again")
    assert await house.reason(again) == "blocked"


@simulated
async def test_nobody_else_answers_for_the_operator() -> None:
    house = await asked()
    await press(house, 0, who="ann")
    assert await house.store.grants.list() == ()


@simulated
async def test_who_is_no_operator_any_more_decides_nothing() -> None:
    house = await asked()
    await house.store.grants.drop_operator(BOT, "boss", "cli", house.clock())
    await press(house, 0)
    assert await house.store.grants.list() == ()


@simulated
async def test_an_operator_without_a_private_chat_is_reached_after_the_first_order() -> None:
    house = await guarded()
    await steering(house)
    await ask(house, "hello")
    await ask(house, "/grants", who="boss", room=PRIVATE, kind=ChatKind.PRIVATE)
    await ask(house, "hello", who="bob")
    assert len(await house.texts(PRIVATE)) == 2
    assert [one.person for one in await house.store.grants.strangers()] == ["bob", "ann"]


@simulated
async def test_a_crowd_of_strangers_does_not_bury_the_operator() -> None:
    house = await guarded()
    await steering(house, chat=await private_chat(house))
    for number in range(QUESTIONS_MAX + 10):
        await house.say("hello", who=f"stranger{number}")
    await house.quiet()
    assert len(await house.texts(PRIVATE)) == QUESTIONS_MAX
    assert len(await house.store.grants.strangers(1000)) == QUESTIONS_MAX + 10


@simulated
async def test_who_is_turned_away_does_not_use_a_question_up() -> None:
    house = await guarded(handler=questions.asking(who=Who.ANYONE))
    await write(house)
    await ask(house, "order")
    await questions.press(house, who="ben")
    assert (await house.texts())[1:] == (STRANGER,)
    await questions.press(house, who="ann")
    assert (await house.texts())[2:] == ("order 7: 0",)
