"""Handing out deliveries and amends, and recording what became of them."""

from __future__ import annotations

from posthouse.model.action import Policy
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import (
    ATTEMPTS_MAX,
    NotSent,
    Sent,
    State,
    Step,
    Unknown,
)
from posthouse.model.message import Content
from posthouse.store.journal import AmendKind, Budget, ClaimedDelivery, NewAmend, Result
from posthouse.testing.conformance.checks import holds, same
from posthouse.testing.conformance.scene import (
    BOT,
    GROWING,
    KEYED,
    LOOK_UP,
    NONE,
    OVERWRITE,
    Scene,
    bodies,
    output,
)

# --- handing out ---------------------------------------------------------------------------


async def bytes_are_stored_before_one_leaves(scene: Scene) -> None:
    turn = await scene.answer("question", "answer")
    claimed = await scene.send_one()
    same((claimed.next.step, claimed.delivery.state), (Step.WRITE, State.SENDING), "what to do")
    same((claimed.delivery.body, claimed.content.text), (b"answer", "answer"), "what to send")
    same(claimed.delivery.key, f"key of turn:{turn.turn.id}/0", "its key")
    same((claimed.chat, claimed.delivery.first_sent_at), (scene.chat, scene.now), "where and when")
    same((await scene.delivery(turn.turn.id)).state, State.SENDING, "what the book says")


async def what_is_not_encoded_is_encoded_first(scene: Scene) -> None:
    claimed = await _bare(scene)
    same((claimed.next.step, claimed.delivery.state), (Step.NOTHING, State.QUEUED), "what to do")
    same((claimed.delivery.body, claimed.content.text), (b"", "answer"), "what to encode")
    same(await scene.sends(), (), "deliveries meanwhile")
    ready = await scene.journal.sending(
        claimed.claim, claimed.delivery.id, b"<answer/>", NONE, scene.now
    )
    assert ready is not None, "broken: nobody took it back"
    same((ready.next.step, ready.delivery.state), (Step.WRITE, State.SENDING), "what to do then")
    same((ready.delivery.body, ready.delivery.attempts), (b"<answer/>", 1), "what to send")
    same((await scene.settle(ready, Sent(("p1",)))).state, State.SENT, "the end")


async def what_was_not_yet_encoded_survives_a_crash(scene: Scene) -> None:
    claimed = await _bare(scene)
    await scene.crash()
    again = await scene.send_one()
    same((again.delivery.id, again.next.step), (claimed.delivery.id, Step.NOTHING), "what to do")
    same(again.delivery.unclear_calls, 0, "calls that nobody can tell about")


async def a_repeat_sends_the_same_bytes(scene: Scene) -> None:
    claimed = await _bare(scene)
    await scene.journal.sending(claimed.claim, claimed.delivery.id, b"<1/>", KEYED, scene.now)
    await scene.crash()
    again = await _after_the_crash(scene, KEYED)
    same((again.next.step, again.delivery.body), (Step.WRITE, b"<1/>"), "the repeat")
    same(again.delivery.key, claimed.delivery.key, "its key")


async def a_chat_is_sent_to_in_order(scene: Scene) -> None:
    await scene.answer("question", "1", "2", "3")
    await scene.answer("another", "4", who="ben")
    for n in range(1, 5):
        claimed = await scene.send_one()
        same(claimed.content.text, f"{n}", "what is sent next")
        same(await scene.sends(), (), "deliveries while one is on its way")
        await scene.settle(claimed, Sent((f"p{n}",)))


async def two_chats_do_not_wait_for_each_other(scene: Scene) -> None:
    await scene.answer("question", "here")
    await scene.answer("question", "there", chat=await scene.room("elsewhere"))
    same(sorted(bodies(await scene.sends())), ["here", "there"], "deliveries")


async def each_bot_gets_what_its_budget_allows(scene: Scene) -> None:
    for n in range(3):
        await scene.answer("question", f"{n}", chat=await scene.room(f"room {n}"))
    await scene.answer("question", "other bot", chat=await scene.room("room", bot="b2"))
    same(await scene.sends(limit=0), (), "with nothing to spend")
    same(len(await scene.sends(limit=2)), 2, "with two to spend")
    same(bodies(await scene.sends(bot="b2")), ["other bot"], "the other bot's")
    budgets = (Budget(BOT, 5, NONE), Budget("b2", 5, NONE))
    rest = await scene.journal.claim_sends(scene.gateway, scene.now, budgets)
    same(len(rest), 1, "the rest")
    same(await scene.journal.claim_sends(scene.gateway, scene.now, ()), (), "for no bot at all")


async def it_is_known_when_to_send_next(scene: Scene) -> None:
    next_send_at = scene.journal.next_send_at
    same(await next_send_at(scene.now, (BOT,)), None, "with nothing to send")
    await scene.answer("question", "one", "two")
    at = await next_send_at(scene.now, (BOT,))
    holds(at is not None and at <= scene.now, "what is ready is ready now")
    same(await next_send_at(scene.now, ("b2",)), None, "for another bot")
    same(await next_send_at(scene.now, ()), None, "for no bot")
    claimed = await scene.send_one()
    same(await next_send_at(scene.now, (BOT,)), None, "while it is on its way")
    await scene.settle(claimed, NotSent("rate_limited", retry_after_s=20.0))
    same(await next_send_at(scene.now, (BOT,)), scene.now + 20, "while it waits")


async def amends_are_next_as_well(scene: Scene) -> None:
    await scene.told("question", "answer")
    await scene.recall()
    at = await scene.journal.next_send_at(scene.now, (BOT,))
    holds(at is not None and at <= scene.now, "a ready withdrawal is ready now")


# --- outcomes ------------------------------------------------------------------------------


async def what_arrived_is_over(scene: Scene) -> None:
    turn = await scene.answer("question", "one", "two")
    settled = await scene.settle(await scene.send_one(), Sent(("p1", "p2")))
    same((settled.state, settled.platform_ids), (State.SENT, ("p1", "p2")), "the delivery")
    same(await scene.delivery(turn.turn.id), settled, "what the book says")
    same(bodies(await scene.sends()), ["two"], "the next")


async def what_did_not_arrive_waits_and_keeps_its_place(scene: Scene) -> None:
    await scene.answer("question", "one", "two")
    settled = await scene.settle(await scene.send_one(), NotSent("cannot_reach"))
    same((settled.state, settled.reason), (State.QUEUED, "cannot_reach"), "the delivery")
    same(await scene.sends(), (), "deliveries before its time")
    await scene.wait(1)
    again = await scene.send_one()
    same((again.content.text, again.delivery.attempts), ("one", 2), "tried again, in its place")


async def the_platforms_wait_is_obeyed(scene: Scene) -> None:
    await scene.answer("question", "one")
    await scene.settle(await scene.send_one(), NotSent("rate_limited", retry_after_s=60.0))
    await scene.wait(59)
    same(await scene.sends(), (), "deliveries before the platform allows them")
    await scene.wait(1)
    same(len(await scene.sends()), 1, "deliveries afterwards")


async def pace_never_shortens_a_wait(scene: Scene) -> None:
    await scene.answer("question", "one")
    claimed = await scene.send_one()
    await scene.settle(claimed, NotSent("rate_limited", retry_after_s=60.0), pace_s=2)
    await scene.wait(59)
    same(await scene.sends(), (), "deliveries before the platform allows them")


async def pace_lengthens_a_wait(scene: Scene) -> None:
    await scene.answer("question", "one", "two")
    await scene.settle(await scene.send_one(), Sent(("p1",)), pace_s=5)
    same(await scene.sends(), (), "deliveries while the chat rests")
    same(await scene.journal.next_send_at(scene.now, (BOT,)), scene.now + 5, "when to look again")
    await scene.wait(5)
    same(bodies(await scene.sends()), ["two"], "deliveries afterwards")


async def pace_lengthens_a_retry(scene: Scene) -> None:
    await scene.answer("question", "one")
    await scene.settle(await scene.send_one(), NotSent("cannot_reach"), pace_s=9)
    await scene.wait(8)
    same(await scene.sends(), (), "deliveries while the chat rests")
    await scene.wait(1)
    same(len(await scene.sends()), 1, "deliveries afterwards")


async def pace_outlives_an_empty_lane(scene: Scene) -> None:
    await scene.answer("question", "one")
    await scene.settle(await scene.send_one(), Sent(("p1",)), pace_s=5)
    await scene.answer("question", "two")
    same(await scene.sends(), (), "deliveries while the chat rests")
    await scene.wait(5)
    same(bodies(await scene.sends()), ["two"], "deliveries afterwards")


async def what_is_refused_for_good_makes_way(scene: Scene) -> None:
    await scene.answer("question", "one", "two")
    refused = NotSent("refused_by_platform 99", is_final=True)
    settled = await scene.settle(await scene.send_one(), refused)
    same((settled.state, settled.reason), (State.FAILED, "refused_by_platform 99"), "the delivery")
    same(bodies(await scene.sends()), ["two"], "the next")


async def what_was_tried_too_often_makes_way(scene: Scene) -> None:
    turn = await scene.answer("question", "one", "two")
    for _ in range(ATTEMPTS_MAX):
        await scene.settle(await scene.send_one(), NotSent("cannot_reach"))
        await scene.wait(400)
    same((await scene.delivery(turn.turn.id)).state, State.FAILED, "the delivery")
    same(bodies(await scene.sends()), ["two"], "the next")


# --- doubt ---------------------------------------------------------------------------------


async def doubt_holds_the_chat(scene: Scene) -> None:
    await scene.answer("question", "one", "two")
    settled = await scene.settle(await scene.send_one(KEYED), Unknown("cut"), KEYED)
    same((settled.state, settled.reason), (State.UNKNOWN, "cut"), "the delivery")
    same(await scene.sends(KEYED), (), "deliveries of the chat")
    await scene.wait(1)
    again = await scene.send_one(KEYED)
    same((again.content.text, again.next.step), ("one", Step.WRITE), "with the same key")
    same((again.delivery.body, again.delivery.may_be_duplicate), (b"one", False), "unmarked")
    await scene.settle(again, Sent(("p1",)), KEYED)
    same(bodies(await scene.sends(KEYED)), ["two"], "the next")


async def doubt_is_looked_up(scene: Scene) -> None:
    await _cut(scene, LOOK_UP)
    claimed = await scene.send_one(LOOK_UP)
    same((claimed.next.step, claimed.delivery.state), (Step.LOOK_UP, State.UNKNOWN), "what to do")
    settled = await scene.settle(claimed, Sent(("p1",)), LOOK_UP)
    same((settled.state, settled.may_be_duplicate), (State.SENT, False), "found")


async def what_is_not_found_is_sent_again(scene: Scene) -> None:
    await _cut(scene, LOOK_UP)
    claimed = await scene.send_one(LOOK_UP)
    await scene.settle(claimed, NotSent("not_found_on_platform"), LOOK_UP)
    await scene.wait(5)
    again = await scene.send_one(LOOK_UP)
    same((again.next.step, again.delivery.may_be_duplicate), (Step.WRITE, False), "sent again")


async def what_could_not_be_reached_goes_when_it_can(scene: Scene) -> None:
    await scene.answer("question", "answer")
    await scene.settle(await scene.send_one(), NotSent("cannot_reach", retry_after_s=60.0))
    await scene.journal.hurry(("another",), scene.now)
    same(await scene.sends(), (), "deliveries after another bot came back")
    await scene.journal.hurry((BOT,), scene.now)
    same(bodies(await scene.sends()), ["answer"], "deliveries after its bot came back")


async def who_was_asked_to_slow_down_is_not_hurried(scene: Scene) -> None:
    await scene.answer("question", "answer")
    await scene.settle(await scene.send_one(), NotSent("rate_limited", retry_after_s=60.0))
    await scene.journal.hurry((BOT,), scene.now)
    same(await scene.sends(), (), "deliveries")


async def doubt_is_overwritten(scene: Scene) -> None:
    await _cut(scene, OVERWRITE)
    claimed = await scene.send_one(OVERWRITE)
    same((claimed.next.step, claimed.delivery.may_be_duplicate), (Step.WRITE, False), "again")


async def doubt_is_repeated_once_and_marked(scene: Scene) -> None:
    await _cut(scene, NONE)
    claimed = await scene.send_one()
    same((claimed.next.step, claimed.delivery.may_be_duplicate), (Step.WRITE, True), "again")
    settled = await scene.settle(claimed, Unknown("cut"))
    same((settled.state, settled.unclear_calls), (State.DOUBTFUL, 2), "given up")
    await scene.wait(3600)
    same(await scene.sends(), (), "never sent again")


async def doubt_about_what_may_be_said_once_is_the_end(scene: Scene) -> None:
    await scene.say("question")
    turn = await scene.claim_one()
    origin = f"turn:{turn.turn.id}"
    once = output(origin, "pay", policy=Policy.AT_MOST_ONCE)
    await scene.finish(turn, once, output(origin, "next", ordinal=1))
    settled = await scene.settle(await scene.send_one(), Unknown("cut"))
    same(settled.state, State.DOUBTFUL, "the delivery")
    same(bodies(await scene.sends()), ["next"], "the next")


async def doubt_does_not_hold_withdrawals(scene: Scene) -> None:
    sent = await scene.told("one", "first")
    await scene.answer("two", "second")
    await scene.settle(await scene.send_one(), Unknown("cut"))
    await scene.recall()
    amend = await scene.amend_one()
    same(amend.delivery.id, sent.id, "what is withdrawn meanwhile")


# --- a crash while sending -----------------------------------------------------------------


async def a_crash_while_sending_is_doubt(scene: Scene) -> None:
    turn = await scene.answer("question", "one")
    await scene.send_one(KEYED)
    await scene.crash()
    same(await scene.sends(KEYED), (), "deliveries at once")
    delivery = await scene.delivery(turn.turn.id)
    same((delivery.state, delivery.reason), (State.UNKNOWN, "crashed"), "what the book says")
    same(delivery.unclear_calls, 1, "calls that nobody can tell about")


async def a_crash_where_keys_count_is_resent_unmarked(scene: Scene) -> None:
    again = await _crash_while_sending(scene, KEYED)
    same((again.next.step, again.delivery.may_be_duplicate), (Step.WRITE, False), "what to do")


async def a_crash_where_chats_can_be_searched_is_looked_up(scene: Scene) -> None:
    again = await _crash_while_sending(scene, LOOK_UP)
    same((again.next.step, again.delivery.state), (Step.LOOK_UP, State.UNKNOWN), "what to do")


async def doubt_that_outlived_the_house_is_looked_up_first(scene: Scene) -> None:
    await _cut(scene, LOOK_UP)
    scene.now += 3600
    await scene.crash()
    claimed = await scene.send_one(LOOK_UP)
    same((claimed.next.step, claimed.delivery.state), (Step.LOOK_UP, State.UNKNOWN), "what to do")
    await scene.settle(claimed, Unknown("cut"), LOOK_UP)
    await scene.wait(60)
    again = await scene.send_one(LOOK_UP)
    same((again.next.step, again.delivery.may_be_duplicate), (Step.WRITE, True), "in the end")


async def a_crash_where_messages_are_overwritten_is_overwritten(scene: Scene) -> None:
    again = await _crash_while_sending(scene, OVERWRITE)
    same((again.next.step, again.delivery.may_be_duplicate), (Step.WRITE, False), "what to do")


async def a_crash_where_nothing_helps_is_repeated_once_and_marked(scene: Scene) -> None:
    again = await _crash_while_sending(scene, NONE)
    same((again.next.step, again.delivery.may_be_duplicate), (Step.WRITE, True), "what to do")
    await scene.crash()
    same(await scene.sends(), (), "deliveries after the second crash")
    await scene.wait(3600)
    same(await scene.sends(), (), "never a second repeat")


async def a_crash_of_what_may_be_said_once_is_the_end(scene: Scene) -> None:
    await scene.say("question")
    turn = await scene.claim_one()
    origin = f"turn:{turn.turn.id}"
    once = output(origin, "pay", policy=Policy.AT_MOST_ONCE)
    await scene.finish(turn, once, output(origin, "next", ordinal=1))
    await scene.send_one()
    await scene.crash()
    handed = [*await scene.sends(), *await scene.sends()]
    same((await scene.delivery(turn.turn.id)).state, State.DOUBTFUL, "the delivery")
    same([each.content.text for each in handed], ["next"], "the next")


async def a_crash_before_the_lane_was_told_is_no_doubt(scene: Scene) -> None:
    await scene.answer("question", "one")
    await scene.crash()
    claimed = await scene.send_one()
    same(claimed.delivery.attempts, 1, "attempts")


async def a_crash_after_the_first_went_at_once_is_doubt(scene: Scene) -> None:
    await scene.say("question")
    turn = await scene.claim_one()
    finished = await scene.finish(turn, *scene.outputs(turn, "one"), is_first_sent=True)
    holds(finished.first, "an idle lane takes the first at once")
    await scene.crash()
    await scene.sends(KEYED)
    same((await scene.delivery(turn.turn.id)).state, State.UNKNOWN, "the delivery")
    again = await _after_the_crash(scene, KEYED)
    same(again.delivery.body, b"one", "the same bytes")


# --- amends --------------------------------------------------------------------------------


async def an_edit_changes_what_the_ledger_shows(scene: Scene) -> None:
    receipt = await scene.say("question")
    turn = await scene.claim_one()
    await scene.finish(turn, *scene.outputs(turn, "first words"))
    sent = await scene.deliver(GROWING)
    await _edit(scene, sent.id, "better words")
    amend = await scene.amend_one(GROWING)
    same((amend.kind, amend.body), (AmendKind.EDIT, b"better words"), "what to do")
    same((amend.delivery.id, amend.delivery.platform_ids), (sent.id, sent.platform_ids), "to what")
    settled = await scene.settle_amend(amend, Sent(), GROWING)
    same(settled.state, State.SENT, "the delivery")
    same([r.text for r in (await scene.road(receipt)).deliveries], ["better words"], "the ledger")
    same(await scene.amends(GROWING), (), "amends afterwards")


async def a_refused_edit_leaves_the_message_as_it_is(scene: Scene) -> None:
    receipt = await scene.say("question")
    turn = await scene.claim_one()
    await scene.finish(turn, *scene.outputs(turn, "first words"))
    sent = await scene.deliver(GROWING)
    await _edit(scene, sent.id, "better words")
    amend = await scene.amend_one(GROWING)
    settled = await scene.settle_amend(amend, NotSent("too_long", is_final=True), GROWING)
    same((settled.state, settled.reason), (State.SENT, sent.reason), "the delivery")
    same([r.text for r in (await scene.road(receipt)).deliveries], ["first words"], "the ledger")
    same(await scene.amends(GROWING), (), "amends afterwards")


async def amends_of_a_chat_go_one_at_a_time_in_order(scene: Scene) -> None:
    sent = await scene.told("question", "answer")
    await _edit(scene, sent.id, "better")
    await _edit(scene, sent.id, "best", ordinal=1)
    for words in (b"better", b"best"):
        amend = await scene.amend_one(GROWING)
        same(amend.body, words, "the next edit")
        same(await scene.amends(GROWING), (), "amends while one is performed")
        await scene.settle_amend(amend, Sent(), GROWING)


async def an_amend_waits_and_is_tried_again(scene: Scene) -> None:
    await scene.told("question", "answer")
    await scene.recall()
    first = await scene.amend_one()
    settled = await scene.settle_amend(first, NotSent("rate_limited", retry_after_s=7.0))
    same(settled.state, State.WITHDRAWING, "the delivery")
    same(await scene.amends(), (), "amends before their time")
    same(await scene.journal.next_send_at(scene.now, (BOT,)), scene.now + 7, "when to look again")
    await scene.wait(7)
    again = await scene.amend_one()
    same(again.id, first.id, "the amend")
    holds(again.tries > first.tries, "tries are counted")


async def an_amend_cut_by_a_crash_is_done_again(scene: Scene) -> None:
    await scene.told("question", "answer")
    await scene.recall()
    first = await scene.amend_one()
    await scene.crash()
    again = await scene.amend_one()
    same(again.id, first.id, "the amend")
    same((await scene.settle_amend(again, Sent())).state, State.WITHDRAWN, "the delivery")


async def an_unclear_amend_is_done_again(scene: Scene) -> None:
    sent = await scene.told("question", "answer")
    await _edit(scene, sent.id, "better")
    await scene.settle_amend(await scene.amend_one(GROWING), Unknown("cut"), GROWING)
    await scene.wait(60)
    again = await scene.amend_one(GROWING)
    same((await scene.settle_amend(again, Sent(), GROWING)).state, State.SENT, "the delivery")
    same(await scene.amends(GROWING), (), "amends afterwards")


async def amends_have_a_budget_of_their_own(scene: Scene) -> None:
    await scene.told("question", "answer")
    await scene.recall()
    claim = scene.journal.claim_amends
    nothing = await claim(scene.gateway, scene.now, (Budget(BOT, 0, NONE),))
    same(nothing, (), "with nothing to spend")
    others = await claim(scene.gateway, scene.now, (Budget("b2", 9, NONE),))
    same(others, (), "for another bot")
    same(len(await scene.amends()), 1, "with something to spend")


# --- notices and operators -----------------------------------------------------------------


async def a_notice_needs_no_turn(scene: Scene) -> None:
    put = scene.journal.put_notice
    number = await put(scene.chat.id, output("notice:away:1", "Away."), scene.now)
    holds(number is not None, "a new notice has a number")
    same(await put(scene.chat.id, output("notice:away:1", "Away."), scene.now), None, "a second")
    claimed = await scene.send_one()
    same((claimed.delivery.id, claimed.content.text), (number, "Away."), "what is sent")


async def an_operator_may_send_what_failed(scene: Scene) -> None:
    await scene.answer("question", "one")
    claimed = await scene.send_one()
    await scene.settle(claimed, NotSent("refused_by_platform", is_final=True))
    retry = scene.journal.retry_delivery
    holds(await retry(claimed.delivery.id, NONE, scene.now), "a failed delivery is sent again")
    holds(not await retry(claimed.delivery.id, NONE, scene.now), "only once")
    again = await scene.send_one()
    same((again.delivery.id, again.delivery.may_be_duplicate), (claimed.delivery.id, False), "it")
    same((await scene.settle(again, Sent(("p1",)))).state, State.SENT, "the end")
    holds(not await retry(claimed.delivery.id, NONE, scene.now), "not what was sent")
    holds(not await retry(99_999, NONE, scene.now), "not what nobody knows")


async def an_operator_may_send_what_is_doubtful(scene: Scene) -> None:
    await _cut(scene, NONE)
    doubtful = await scene.settle(await scene.send_one(), Unknown("cut"))
    same(doubtful.state, State.DOUBTFUL, "the first")
    await scene.answer("later", "two")
    later = await scene.send_one()
    same(later.content.text, "two", "the lane has gone on")
    holds(await scene.journal.retry_delivery(doubtful.id, NONE, scene.now), "sent after all")
    same(await scene.sends(), (), "deliveries while another is on its way")
    await scene.settle(later, Sent(("p2",)))
    again = await scene.send_one()
    same((again.delivery.id, again.delivery.may_be_duplicate), (doubtful.id, True), "marked")


# --- props ---------------------------------------------------------------------------------


async def _bare(scene: Scene) -> ClaimedDelivery:
    """Claim a delivery that nobody has encoded yet."""
    await scene.say("question")
    turn = await scene.claim_one()
    await scene.finish(turn, output(f"turn:{turn.turn.id}", "answer", body=b""))
    return await scene.send_one()


async def _cut(scene: Scene, can: Capabilities) -> None:
    await scene.answer("question", "one")
    await scene.settle(await scene.send_one(can), Unknown("cut"), can)
    await scene.wait(5)


async def _crash_while_sending(scene: Scene, can: Capabilities) -> ClaimedDelivery:
    await scene.answer("question", "one")
    await scene.send_one(can)
    await scene.crash()
    again = await _after_the_crash(scene, can)
    same(again.delivery.body, b"one", "the same bytes")
    return again


async def _after_the_crash(scene: Scene, can: Capabilities) -> ClaimedDelivery:
    same(await scene.sends(can), (), "a cut delivery waits before it is tried again")
    await scene.wait(5)
    return await scene.send_one(can)


async def _edit(scene: Scene, delivery: int, words: str, ordinal: int = 0) -> None:
    await scene.say("change it")
    turn = await scene.claim_one()
    amend = NewAmend(
        delivery=delivery,
        content=Content(text=words),
        body=words.encode(),
        origin=f"turn:{turn.turn.id}",
        ordinal=ordinal,
    )
    await scene.finish(turn, result=Result(amends=(amend,)))
