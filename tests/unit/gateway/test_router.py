"""Who deals with an event: every decision, and which comes before which."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from posthouse.gateway.router import (
    AWAY,
    CONTROL,
    Routing,
    default_rules,
    route,
    split_token,
    token_of,
)
from posthouse.handlers.handler import Traits
from posthouse.model.address import Chat, ChatKind, ChatMode, Person, SessionKind
from posthouse.model.disposition import Disposition, Question
from posthouse.model.event import (
    Event,
    Internal,
    ReactionChanged,
    Undecodable,
)
from posthouse.model.reasons import REASONS
from posthouse.model.turn import EventState, LaneKind, OnEdit
from posthouse.settings.settings import RouteRule, WordsSettings
from tests.house.people import (
    BOT,
    NOON,
    ROOM,
    edited,
    joined,
    mentioning,
    place,
    pressed,
    recalled,
    said,
)

ROUTED, IGNORED, REFUSED, LATE = (
    EventState.ROUTED,
    EventState.IGNORED,
    EventState.REFUSED,
    EventState.LATE,
)

WORDS = WordsSettings()
TRAITS: Mapping[str, Traits] = {
    "commands": Traits(answers_to=("help", "echo"), session_queue_max=2000, answer_within_s=120.0),
    "assistant": Traits(burst_s=1.5, session_queue_max=50, answer_within_s=900.0),
    "agent": Traits(),
}
CHAT = Chat(7, BOT, ROOM, ChatKind.GROUP)
QUESTION = Question(
    id="q" * 22,
    chat=7,
    session="7:m:ann",
    handler="agent",
    who="ann",
    labels=("yes", "no"),
    expires_at=NOON + 600,
    state="s",
    takes_text=True,
    is_answered=False,
)


def routing(*rules: RouteRule, snapshot_at: float | None = None, language: str = "en") -> Routing:
    return Routing(
        rules=rules or default_rules(WORDS, TRAITS),
        words=WORDS,
        traits=TRAITS,
        language=language,
        snapshot_at=snapshot_at,
    )


def decide(
    event: Event,
    *rules: RouteRule,
    chat: Chat = CHAT,
    question: Question | None = None,
    now: float = NOON,
    snapshot_at: float | None = None,
) -> Disposition:
    chat = replace(chat, bot=event.place.bot)
    decided = route(event, chat, routing(*rules, snapshot_at=snapshot_at), question, now)
    if decided.reason:
        assert decided.reason in REASONS
    return decided


def ends(decided: Disposition) -> tuple[EventState, str]:
    return decided.state, decided.reason


def goes_to(decided: Disposition) -> tuple[str, LaneKind, str]:
    assert decided.state is ROUTED, decided
    return decided.handler, decided.lane_kind, decided.session


# --- to whom ------------------------------------------------------------------------------


def test_what_is_said_to_the_bot_goes_to_the_first_handler_in_the_persons_session() -> None:
    assert goes_to(decide(said("hello"))) == ("assistant", LaneKind.TURN, "7:m:ann")


def test_what_begins_with_a_prefix_goes_to_the_commands() -> None:
    assert goes_to(decide(said("/help")))[0] == "commands"
    assert goes_to(decide(said("／whatever")))[0] == "commands"


def test_a_turn_takes_over_what_its_handler_declares() -> None:
    decided = decide(said("hello"))
    assert (decided.burst_s, decided.queue_max, decided.on_edit) == (1.5, 50, OnEdit.RERUN)
    assert decided.overload is not None
    assert "later" in decided.overload.text


def test_each_overload_has_an_origin_of_its_own() -> None:
    first, second = decide(said("1")).overload, decide(said("2")).overload
    assert first is not None
    assert second is not None
    assert first.origin != second.origin


@pytest.mark.parametrize(
    ("kind", "thread", "session"),
    [
        (SessionKind.MEMBER, "t1", "7:m:ann"),
        (SessionKind.CHAT, "t1", "7:c"),
        (SessionKind.THREAD, "t1", "7:t:t1"),
        (SessionKind.THREAD, "", "7:c"),
    ],
)
def test_whose_session_it_is_is_the_chats_choice(
    kind: SessionKind, thread: str, session: str
) -> None:
    chat = replace(CHAT, session_kind=kind)
    assert decide(said("hello", thread=thread), chat=chat).session == session


def test_without_a_rule_that_fits_nobody_wants_it() -> None:
    rule = RouteRule(prefix="#", handler="agent")
    assert ends(decide(said("hello"), rule)) == (IGNORED, "no_route")


@pytest.mark.parametrize(
    ("rule", "fits", "fits_not"),
    [
        (RouteRule(bot="b", handler="agent"), said("x"), said("x", bot="other")),
        (RouteRule(chat=7, handler="agent"), said("x"), None),
        (RouteRule(chat=8, handler="agent"), None, said("x")),
        (RouteRule(chat_kind=ChatKind.GROUP, handler="agent"), said("x"), None),
        (RouteRule(chat_kind=ChatKind.PRIVATE, handler="agent"), None, said("x")),
        (RouteRule(addressed=True, handler="agent"), said("x"), said("x", is_addressed=False)),
        (RouteRule(addressed=False, handler="agent"), said("x", is_addressed=False), said("x")),
        (RouteRule(prefix="#", handler="agent"), said("  #1"), said("1#")),
        (RouteRule(person="ann", handler="agent"), said("x"), said("x", who="ben")),
        (RouteRule(pattern=r"\d{3}", handler="agent"), said("no 123"), said("no 12")),
    ],
)
def test_every_condition_of_a_rule_counts(
    rule: RouteRule, fits: Event | None, fits_not: Event | None
) -> None:
    if fits is not None:
        assert goes_to(decide(fits, rule))[0] == "agent"
    if fits_not is not None:
        assert ends(decide(fits_not, rule)) == (IGNORED, "no_route")


def test_the_first_rule_that_fits_wins_and_all_its_conditions_must_hold() -> None:
    rules = (
        RouteRule(person="ann", pattern="bill", handler="agent"),
        RouteRule(person="ann", handler="assistant"),
    )
    assert goes_to(decide(said("the bill"), *rules))[0] == "agent"
    assert goes_to(decide(said("the sun"), *rules))[0] == "assistant"


# --- the handler that was chosen for a chat -----------------------------------------------


CHOSEN = replace(CHAT, handler="agent")


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (RouteRule(handler="assistant"),),
        (RouteRule(chat=7, addressed=True, handler="assistant"),),
        (RouteRule(ignore=True),),
        (RouteRule(refuse="Not here."),),
        (RouteRule(chat=8, handler="assistant"),),
    ],
)
def test_the_handler_of_a_chat_wins_over_the_routes(rules: tuple[RouteRule, ...]) -> None:
    assert goes_to(decide(said("hello"), *rules, chat=CHOSEN))[0] == "agent"


def test_what_a_route_wants_specially_still_goes_there() -> None:
    special = RouteRule(pattern="bill", handler="assistant")
    rest = RouteRule(handler="commands")
    assert goes_to(decide(said("/help"), chat=CHOSEN))[0] == "commands"
    assert goes_to(decide(said("the bill"), special, rest, chat=CHOSEN))[0] == "assistant"
    assert goes_to(decide(said("the sun"), special, rest, chat=CHOSEN))[0] == "agent"


def test_the_handler_of_a_chat_does_not_make_it_listen() -> None:
    overheard = said("hello", is_addressed=False)
    assert ends(decide(overheard, chat=CHOSEN)) == (IGNORED, "not_addressed")
    listening = replace(CHOSEN, mode=ChatMode.LISTEN)
    assert goes_to(decide(overheard, chat=listening))[0] == "agent"


def test_a_handler_that_is_gone_leaves_it_to_the_routes() -> None:
    assert goes_to(decide(said("hello"), chat=replace(CHAT, handler="old")))[0] == "assistant"


def test_a_rule_may_ignore() -> None:
    assert ends(decide(said("hello"), RouteRule(ignore=True))) == (IGNORED, "rule_ignores")


def test_a_rule_may_refuse_with_a_sentence() -> None:
    decided = decide(said("hello"), RouteRule(refuse="Not here."))
    assert ends(decided) == (REFUSED, "rule_refuses")
    assert decided.notice is not None
    assert decided.notice.text == "Not here."


def test_a_refusal_is_not_said_to_those_who_did_not_ask() -> None:
    decided = decide(said("hello", is_addressed=False), RouteRule(refuse="Not here."))
    assert (*ends(decided), decided.notice) == (IGNORED, "not_addressed", None)


# --- whether at all -----------------------------------------------------------------------


def test_what_is_said_among_people_is_not_answered() -> None:
    assert ends(decide(said("hello", is_addressed=False))) == (IGNORED, "not_addressed")


def test_a_chat_set_to_listen_is_heard() -> None:
    chat = replace(CHAT, mode=ChatMode.LISTEN)
    assert goes_to(decide(said("hello", is_addressed=False), chat=chat))[0] == "assistant"


def test_a_command_addresses_the_bot_by_itself_when_somebody_answers_to_it() -> None:
    assert goes_to(decide(said("/help", is_addressed=False)))[0] == "commands"
    assert ends(decide(said("/deploy", is_addressed=False))) == (IGNORED, "not_addressed")


def test_bots_are_never_answered_not_even_their_orders() -> None:
    for text in ("hello", "/help", "撤回"):
        assert ends(decide(said(text, is_bot=True))) == (IGNORED, "from_bot")


def test_in_a_shadow_everything_is_decided_as_if_it_were_answered() -> None:
    chat = replace(CHAT, mode=ChatMode.SHADOW)
    assert goes_to(decide(said("hello"), chat=chat))[0] == "assistant"


# --- orders -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["撤回", "/stop", "/new", "/pause 30m", "/resume", "/mode listen"])
def test_orders_run_in_the_control_lane(text: str) -> None:
    assert goes_to(decide(said(text, is_addressed=False)))[:2] == (CONTROL, LaneKind.CONTROL)


def test_orders_come_before_rules_and_pauses() -> None:
    chat = replace(CHAT, mode=ChatMode.PAUSED)
    decided = decide(said("/resume"), RouteRule(ignore=True), chat=chat)
    assert goes_to(decided)[0] == CONTROL


def test_an_order_is_as_good_when_it_is_old() -> None:
    assert goes_to(decide(said("撤回", at=NOON - 86400)))[0] == CONTROL


def test_a_mention_before_the_order_does_not_hide_it() -> None:
    assert goes_to(decide(said("", parts=mentioning("撤回"))))[0] == CONTROL


def test_an_edit_never_becomes_an_order() -> None:
    assert goes_to(decide(edited(said("hello"), "撤回")))[0] == "assistant"


def test_a_recalled_message_and_the_bots_own_arrival_are_orders_too() -> None:
    assert goes_to(decide(recalled(said("hello"))))[:2] == (CONTROL, LaneKind.CONTROL)
    assert goes_to(decide(joined()))[:2] == (CONTROL, LaneKind.CONTROL)
    assert ends(decide(joined(is_about_me=False))) == (IGNORED, "no_route")


# --- paused, late, restored ---------------------------------------------------------------


def test_a_paused_chat_is_told_once_per_pause() -> None:
    chat = replace(CHAT, mode=ChatMode.PAUSED, mode_since_at=NOON - 60)
    first, second = decide(said("1"), chat=chat), decide(said("2"), chat=chat)
    later = decide(said("3"), chat=replace(chat, mode_since_at=NOON))
    assert ends(first) == (REFUSED, "paused")
    assert first.notice is not None
    assert first.notice == second.notice
    assert later.notice is not None
    assert later.notice.origin != first.notice.origin


def test_a_pause_says_nothing_to_those_who_did_not_ask() -> None:
    chat = replace(CHAT, mode=ChatMode.PAUSED)
    decided = decide(said("hello", is_addressed=False), chat=chat)
    assert (*ends(decided), decided.notice) == (REFUSED, "paused", None)


def test_a_pause_ends_by_itself() -> None:
    chat = replace(CHAT, mode=ChatMode.PAUSED, mode_until_at=NOON)
    assert goes_to(decide(said("hello"), chat=chat, now=NOON))[0] == "assistant"
    assert ends(decide(said("hello"), chat=chat, now=NOON - 1)) == (REFUSED, "paused")


def test_a_press_in_a_paused_chat_leaves_its_question_open() -> None:
    chat = replace(CHAT, mode=ChatMode.PAUSED)
    decided = decide(pressed(token_of(QUESTION.id, 0)), chat=chat, question=QUESTION)
    assert (*ends(decided), decided.claimant) == (REFUSED, "paused", None)


def test_what_is_older_than_its_handler_answers_gets_one_line_in_the_control_lane() -> None:
    decided = decide(said("hello", at=NOON - 901))
    assert ends(decided) == (LATE, "late")
    assert (decided.handler, decided.lane_kind) == (AWAY, LaneKind.CONTROL)
    assert decided.burst_s > 0
    assert goes_to(decide(said("hello", at=NOON - 900)))[0] == "assistant"


def test_each_handler_has_its_own_age() -> None:
    assert ends(decide(said("/help", at=NOON - 121))) == (LATE, "late")
    assert goes_to(decide(said("/help", at=NOON - 119)))[0] == "commands"


def test_overheard_and_late_is_only_stored() -> None:
    chat = replace(CHAT, mode=ChatMode.LISTEN)
    decided = decide(said("hello", is_addressed=False, at=NOON - 901), chat=chat)
    assert (*ends(decided), decided.handler) == (LATE, "late", "")


def test_a_message_from_the_future_is_answered() -> None:
    assert goes_to(decide(said("hello", at=NOON + 3600)))[0] == "assistant"


@pytest.mark.parametrize(
    "event",
    [
        said("hello"),
        said("撤回"),
        edited(said("hello"), "hi"),
        pressed(token_of(QUESTION.id, 0)),
        joined(),
    ],
)
def test_a_restored_house_answers_nothing_from_before_its_snapshot(event: Event) -> None:
    decided = decide(event, question=QUESTION, snapshot_at=NOON)
    assert (*ends(decided), decided.handler) == (LATE, "restored", "")
    assert decide(event, question=QUESTION, snapshot_at=NOON - 1).state is ROUTED


def test_a_restored_house_still_obeys_an_old_recall() -> None:
    assert goes_to(decide(recalled(said("hello")), snapshot_at=NOON))[0] == CONTROL


# --- questions ----------------------------------------------------------------------------


def test_a_token_names_question_and_choice() -> None:
    token = token_of("q" * 22, 7)
    assert len(token.encode()) <= 24
    assert split_token(token) == ("q" * 22, 7)


@pytest.mark.parametrize("token", ["", "1", "ab", "nonsense"])
def test_any_other_token_names_no_choice(token: str) -> None:
    assert split_token(token)[1] is None


def test_a_press_goes_to_whoever_asked_in_the_session_that_was_asked() -> None:
    decided = decide(pressed(token_of(QUESTION.id, 1)), question=QUESTION)
    assert goes_to(decided) == ("agent", LaneKind.TURN, QUESTION.session)
    assert decided.claimant is not None
    assert (decided.claimant.question, decided.claimant.choice) == (QUESTION.id, 1)
    assert decided.claimant.refused is not None


@pytest.mark.parametrize(
    ("question", "token", "who", "reason"),
    [
        (None, "zz00", "ann", "question_unknown"),
        (replace(QUESTION, chat=8), token_of(QUESTION.id, 0), "ann", "question_unknown"),
        (QUESTION, token_of(QUESTION.id, 2), "ann", "question_unknown"),
        (QUESTION, QUESTION.id, "ann", "question_unknown"),
        (QUESTION, token_of(QUESTION.id, 0), "ben", "question_foreign"),
        (replace(QUESTION, expires_at=NOON), token_of(QUESTION.id, 0), "ann", "question_late"),
    ],
)
def test_a_press_that_does_not_count_gets_one_sentence(
    question: Question | None, token: str, who: str, reason: str
) -> None:
    decided = decide(pressed(token, who=who), question=question)
    assert ends(decided) == (IGNORED, reason)
    assert decided.notice is not None


def test_anyone_may_press_where_anyone_was_asked() -> None:
    question = replace(QUESTION, who="")
    assert decide(pressed(token_of(question.id, 0), who="ben"), question=question).claimant


def test_a_typed_answer_counts_also_where_nobody_was_mentioned() -> None:
    decided = decide(said("yes", is_addressed=False), question=QUESTION)
    assert goes_to(decided)[0] == "agent"
    assert decided.claimant is not None
    assert decided.claimant.choice is None


@pytest.mark.parametrize(
    ("event", "question"),
    [
        (said("yes", who="ben"), QUESTION),
        (said("/help"), QUESTION),
        (said("yes"), replace(QUESTION, takes_text=False)),
        (said("yes"), replace(QUESTION, is_answered=True)),
        (said("yes"), replace(QUESTION, expires_at=NOON)),
        (edited(said("yes"), "no"), QUESTION),
    ],
)
def test_what_is_no_answer_goes_its_normal_way(event: Event, question: Question) -> None:
    decided = decide(event, question=question)
    assert (decided.state, decided.claimant) == (ROUTED, None)


def test_an_order_is_no_answer() -> None:
    assert goes_to(decide(said("撤回"), question=QUESTION))[0] == CONTROL


# --- the rest -----------------------------------------------------------------------------


def test_what_the_house_tells_itself_goes_where_it_says() -> None:
    event = Internal(
        key="x:1",
        place=place(),
        sender=Person("ann"),
        kind="timer",
        at=NOON,
        session="7:m:ann",
        handler="agent",
    )
    assert goes_to(decide(event)) == ("agent", LaneKind.TURN, "7:m:ann")
    assert ends(decide(replace(event, handler=""))) == (IGNORED, "no_route")


def test_what_nobody_could_read_is_kept_as_that() -> None:
    event = Undecodable(
        key="x:1", place=place(), sender=Person(""), raw="{", problem="json", at=NOON
    )
    assert ends(decide(event)) == (EventState.UNDECODABLE, "undecodable")


def test_reactions_are_not_routed_yet() -> None:
    event = ReactionChanged(
        key="x:1", place=place(), sender=Person("ann"), message_id="om1", emoji="👍", at=NOON
    )
    assert ends(decide(event)) == (IGNORED, "no_route")


def test_a_chat_is_told_in_its_own_language() -> None:
    zh, en = (
        decide(pressed("zz00"), chat=replace(CHAT, language=language)).notice
        for language in ("zh", "en")
    )
    assert zh is not None
    assert en is not None
    assert "按钮" in zh.text
    assert "button" in en.text
