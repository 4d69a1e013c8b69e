"""Handing out turns and ending them: order, control first, finishing, trying again, once."""

from __future__ import annotations

from msgspec.structs import replace

from posthouse.model.delivery import Kind, Sent, State, Step
from posthouse.model.disposition import NewQuestion
from posthouse.model.turn import TurnState
from posthouse.store.journal import (
    ClaimedTurn,
    OnceState,
    Receipt,
    Result,
    Verdict,
    Wanted,
)
from posthouse.testing.conformance.checks import holds, same
from posthouse.testing.conformance.scene import Scene, bodies, output, route, texts

# --- order ---------------------------------------------------------------------------------


async def turns_of_a_session_run_one_at_a_time_in_order(scene: Scene) -> None:
    for n in range(5):
        await scene.say(f"{n}")
    for n in range(5):
        claimed = await scene.claim_one()
        same(claimed.turn.text, f"{n}", "the turn that is next")
        same(await scene.claim(), (), "turns while one of the session runs")
        await scene.finish(claimed)
    same(await scene.claim(), (), "turns after the last")


async def two_people_never_wait_for_each_other(scene: Scene) -> None:
    await scene.say("one", who="ann")
    await scene.say("two", who="ben")
    await scene.say("three", chat=await scene.room("elsewhere"))
    same(sorted(texts(await scene.claim())), ["one", "three", "two"], "turns side by side")


async def no_more_are_handed_out_than_asked_for(scene: Scene) -> None:
    for n in range(5):
        await scene.say(f"{n}", who=f"person {n}")
    same(len(await scene.claim(limit=2)), 2, "turns")
    same(len(await scene.claim(limit=0)), 0, "turns")
    same(len(await scene.claim(limit=9)), 3, "the rest")


async def who_waits_longest_is_first(scene: Scene) -> None:
    for n in (3, 1, 2):
        await scene.say(f"{n}", who=f"person {n}")
        scene.now += 1
    order = [texts(await scene.claim(limit=1)) for _ in range(3)]
    same(order, [["3"], ["1"], ["2"]], "the order")


async def a_flooding_session_takes_one_place(scene: Scene) -> None:
    for n in range(100):
        await scene.say(f"{n}", who="flood")
    scene.now += 1
    await scene.say("me", who="ann")
    same(texts(await scene.claim(limit=2)), ["0", "me"], "who gets the two places")


async def it_is_known_when_to_look_again(scene: Scene) -> None:
    same(await scene.journal.next_turn_at(scene.now), None, "with nothing to do")
    await scene.say("one", burst_s=1.5)
    same(await scene.journal.next_turn_at(scene.now), scene.now + 1.5, "with a burst open")
    await scene.say("two", who="ben", burst_s=0.5)
    same(await scene.journal.next_turn_at(scene.now), scene.now + 0.5, "with an earlier one")
    await scene.wait(2)
    at = await scene.journal.next_turn_at(scene.now)
    holds(at is not None and at <= scene.now, "what is ready is ready now")
    await scene.claim()
    same(await scene.journal.next_turn_at(scene.now), None, "while all are worked on")


async def waiting_turns_behind_a_running_one_are_not_next(scene: Scene) -> None:
    await scene.say("one")
    await scene.claim_one()
    await scene.say("two")
    same(await scene.journal.next_turn_at(scene.now), None, "behind a running turn")


# --- handed out as they are accepted ---------------------------------------------------------


class Hands:
    """Takes as many turns at once as there is room for."""

    def __init__(self, scene: Scene, room: int = 9) -> None:
        self.gateway = scene.gateway
        self.taken: list[ClaimedTurn] = []
        self.room = room

    def reserve(self, count: int) -> int:
        """Keep room."""
        kept = min(count, self.room)
        self.room -= kept
        return kept

    def take(self, claimed: tuple[ClaimedTurn, ...], reserved: int) -> None:
        """Keep what is given."""
        self.taken += claimed
        self.room += reserved - len(claimed)


async def _accept(scene: Scene, hands: Hands, *messages: tuple[str, str]) -> tuple[Receipt, ...]:
    arrivals = tuple(
        scene.arrival(scene.message(text, who=who), route(scene.session(who)))
        for text, who in messages
    )
    return await scene.journal.accept(arrivals, scene.now, hands)


async def what_stands_first_may_be_taken_as_it_is_accepted(scene: Scene) -> None:
    hands = Hands(scene)
    receipts = await _accept(scene, hands, ("one", "ann"), ("two", "ann"), ("three", "ben"))
    taken = tuple(hands.taken)
    same([one.turn.id for one in taken], [r.turn for r in receipts if r.is_taken], "the taken")
    same(hands.room, 9 - len(taken), "the room that is left")
    claimed = (*taken, *await scene.claim())
    same(sorted(texts(claimed)), ["one", "three"], "each first turn once, whoever handed it out")
    for each in claimed:
        same((each.turn.attempt, len(each.turn.events)), (1, 1), "its try, and its events")
        same((await scene.finish(each)).verdict, Verdict.DONE, "the verdict")
    same(texts(await scene.claim()), ["two"], "who waited behind the first")


async def a_taken_turn_is_the_turn_that_a_claim_would_show(scene: Scene) -> None:
    hands = Hands(scene)
    await _accept(scene, hands, ("hello", "ann"))
    for taken in hands.taken:
        await scene.journal.retry(taken.claim, taken.turn.id, scene.now, "stopping")
        claimed = await scene.claim_one()
        same(claimed.turn, taken.turn, "the turn, as it is written")


async def no_more_are_taken_than_there_is_room_for(scene: Scene) -> None:
    hands = Hands(scene, room=1)
    await _accept(scene, hands, ("one", "ann"), ("two", "ben"))
    holds(len(hands.taken) <= 1, "taken with room for one")
    same(sorted(texts((*hands.taken, *await scene.claim()))), ["one", "two"], "all")


async def a_repeat_is_not_taken_again(scene: Scene) -> None:
    hands = Hands(scene)
    arrival = scene.arrival(scene.message("one", message_id="m1"), route(scene.session()))
    await scene.journal.accept((arrival,), scene.now, hands)
    taken = len(hands.taken)
    await scene.journal.accept((arrival,), scene.now, hands)
    same(len(hands.taken), taken, "taken after the repeat")


async def nothing_is_taken_while_control_has_something_in_the_chat(scene: Scene) -> None:
    await scene.order("undo")
    hands = Hands(scene)
    await _accept(scene, hands, ("hello", "ann"))
    same(hands.taken, [], "taken behind an order")


async def an_epoch_that_is_over_is_given_nothing_at_once(scene: Scene) -> None:
    hands = Hands(scene)
    await scene.crash()
    await _accept(scene, hands, ("hello", "ann"))
    same(hands.taken, [], "taken by who is no more")
    same(texts(await scene.claim()), ["hello"], "handed out to who is there")


# --- control -------------------------------------------------------------------------------


async def control_is_first_and_alone_in_its_chat(scene: Scene) -> None:
    elsewhere = await scene.room("elsewhere")
    await scene.say("1")
    await scene.say("2")
    await scene.say("someone else's", who="ben")
    await scene.say("elsewhere", chat=elsewhere)
    scene.now += 1
    await scene.order("undo")
    claimed = await scene.claim()
    same(texts(claimed), ["undo", "elsewhere"], "turns, control first")
    same([each.is_control for each in claimed], [True, False], "which is control")
    same(await scene.claim(), (), "other lanes of that chat while control runs")
    await scene.finish(claimed[0])
    same(sorted(texts(await scene.claim())), ["1", "someone else's"], "turns afterwards")


async def control_waits_for_nobody(scene: Scene) -> None:
    await scene.say("1")
    running = await scene.claim_one()
    await scene.order("stop")
    same(texts(await scene.claim()), ["stop"], "turns while another of the chat runs")
    same((await scene.finish(running)).verdict, Verdict.DONE, "the running one, unless asked")


async def control_turns_keep_their_own_order(scene: Scene) -> None:
    for word in ("undo", "stop", "pause"):
        await scene.order(word, who=f"the one who says {word}")
    for word in ("undo", "stop", "pause"):
        claimed = await scene.claim_one()
        same(claimed.turn.text, word, "the control turn that is next")
        await scene.finish(claimed)


async def control_holds_the_send_lane(scene: Scene) -> None:
    await scene.answer("question", "answer")
    await scene.order("undo")
    same(await scene.sends(), (), "deliveries while control waits")
    control = await scene.claim_one()
    same(await scene.sends(), (), "deliveries while control runs")
    await scene.finish(control)
    same(bodies(await scene.sends()), ["answer"], "deliveries afterwards")


async def control_holds_the_amend_lane(scene: Scene) -> None:
    await scene.told("question", "answer")
    await scene.recall()
    await scene.order("undo")
    same(await scene.amends(), (), "amends while control waits")
    await _finish_control(scene)
    same(len(await scene.amends()), 1, "amends afterwards")


async def control_that_failed_still_holds_its_chat(scene: Scene) -> None:
    """An undo that is tried again in a second must not let the next answer slip out before."""
    await scene.order("undo")
    await scene.say("1")
    control = await scene.claim_one()
    await scene.journal.retry(control.claim, control.turn.id, scene.now + 5, "handler_error")
    same(await scene.claim(), (), "other lanes of the chat meanwhile")
    await scene.wait(5)
    same(texts(await scene.claim()), ["undo"], "first again")


async def _finish_control(scene: Scene) -> None:
    for claimed in await scene.claim():
        await scene.finish(claimed)


# --- start and put -------------------------------------------------------------------------


async def starting_is_remembered(scene: Scene) -> None:
    await scene.say("pay")
    claimed = await scene.claim_one()
    start = scene.journal.start
    holds(await start(claimed.claim, claimed.turn.id, scene.now), "the first start")
    holds(not await start(claimed.claim, claimed.turn.id, scene.now), "a second start is False")


async def outputs_put_early_are_sent_before_the_end(scene: Scene) -> None:
    await scene.say("long work")
    claimed = await scene.claim_one()
    outputs = scene.outputs(claimed, "working", "half way")
    numbers = await scene.journal.put(claimed.claim, claimed.turn.id, outputs, scene.now)
    same(len(numbers), 2, "numbers")
    same((await scene.deliver()).id, numbers[0], "the first that is sent")
    same((await scene.deliver()).id, numbers[1], "the second")
    same((await scene.finish(claimed)).verdict, Verdict.DONE, "the verdict")


async def putting_twice_is_putting_once(scene: Scene) -> None:
    await scene.say("work")
    claimed = await scene.claim_one()
    origin = f"turn:{claimed.turn.id}"
    put = scene.journal.put
    first = (output(origin, "first"),)
    numbers = await put(claimed.claim, claimed.turn.id, first, scene.now)
    both = (output(origin, "changed"), output(origin, "second", ordinal=1))
    again = await put(claimed.claim, claimed.turn.id, both, scene.now)
    same(again[0], numbers[0], "the number of what exists")
    await scene.finish(claimed, *both, output(origin, "third", ordinal=2))
    said = await scene.journal.answers(claimed.turn.id)
    same([d.body for d in said], [b"first", b"second", b"third"], "what exists stays")


async def a_turn_that_is_to_stop_puts_nothing(scene: Scene) -> None:
    await scene.say("work")
    claimed = await scene.claim_one()
    await scene.journal.stop_session(scene.chat.id, scene.session(), scene.now)
    outputs = scene.outputs(claimed, "too late")
    numbers = await scene.journal.put(claimed.claim, claimed.turn.id, outputs, scene.now)
    same(numbers, (), "numbers")
    same(await scene.sends(), (), "deliveries")


# --- finish --------------------------------------------------------------------------------


async def finishing_stores_everything(scene: Scene) -> None:
    receipt = await scene.say("question")
    claimed = await scene.claim_one()
    question = _question(scene, "q1")
    result = Result(
        reason="answered",
        deliveries=scene.outputs(claimed, "one", "two"),
        questions=(question,),
        notes=(("score", "0.9"), ("passage", "7")),
    )
    finished = await scene.finish(claimed, result=result)
    same((finished.verdict, finished.first), (Verdict.DONE, None), "what finish did")
    road = await scene.road(receipt)
    turn = road.turn
    assert turn is not None, "broken: the event belongs to a turn"
    same((turn.state, turn.reason), (TurnState.FINISHED, "answered"), "the turn")
    same(sorted(turn.notes), [("passage", "7"), ("score", "0.9")], "its notes")
    same([row.text for row in road.deliveries], ["one", "two"], "its deliveries")
    found = await scene.store.questions.find("q1")
    same(found and found.state, question.state, "its question")


async def a_finish_that_fails_changes_nothing(scene: Scene) -> None:
    """Whatever the store makes of a question that exists: either all of it or nothing."""
    await scene.say("first")
    await scene.finish(await scene.claim_one(), result=Result(questions=(_question(scene, "q"),)))
    receipt = await scene.say("second")
    claimed = await scene.claim_one()
    twice = Result(
        deliveries=scene.outputs(claimed, "answer"),
        questions=(_question(scene, "q"), _question(scene, "q")),
        notes=(("score", "0.9"),),
    )
    try:
        await scene.finish(claimed, result=twice)
    except Exception:  # noqa: BLE001 - any refusal is fine, half a result is not
        road = await scene.road(receipt)
        same(road.deliveries, (), "deliveries of a finish that failed")
        same(road.turn and road.turn.state, TurnState.WAITING, "the turn of a finish that failed")
        same((await scene.finish(claimed)).verdict, Verdict.DONE, "a second, sound finish")
        return
    same(len((await scene.road(receipt)).deliveries), 1, "deliveries of a finish that went well")


async def the_first_delivery_may_go_at_once(scene: Scene) -> None:
    claimed = await _asked(scene)
    outputs = scene.outputs(claimed, "one", "two")
    finished = await scene.finish(claimed, *outputs, is_first_sent=True)
    first = finished.first
    assert first is not None, "broken: an idle send lane takes the first delivery at once"
    same((first.delivery.state, first.next.step), (State.SENDING, Step.WRITE), "the first")
    same((first.delivery.body, first.delivery.attempts), (b"one", 1), "its bytes and attempts")
    same((first.chat, first.content.text), (scene.chat, "one"), "where it goes")
    same(await scene.sends(), (), "deliveries while the first is on its way")
    await scene.settle(first, Sent(("p1",)))
    same(bodies(await scene.sends()), ["two"], "the second, afterwards")


async def nothing_goes_at_once_unasked(scene: Scene) -> None:
    claimed = await _asked(scene)
    finished = await scene.finish(claimed, *scene.outputs(claimed, "one"))
    same(finished.first, None, "the first")
    same(bodies(await scene.sends()), ["one"], "deliveries")


async def nothing_goes_at_once_without_bytes(scene: Scene) -> None:
    claimed = await _asked(scene)
    bare = output(f"turn:{claimed.turn.id}", "one", body=b"")
    finished = await scene.finish(claimed, bare, is_first_sent=True)
    same(finished.first, None, "the first")
    same((await scene.send_one()).next.step, Step.NOTHING, "encode it first")


async def nothing_goes_at_once_past_what_waits(scene: Scene) -> None:
    await scene.answer("early", "early answer")
    claimed = await _asked(scene)
    finished = await scene.finish(claimed, *scene.outputs(claimed, "late"), is_first_sent=True)
    same(finished.first, None, "the first")
    same((await scene.deliver()).body, b"early answer", "what is sent first")
    same((await scene.deliver()).body, b"late", "what is sent then")


async def nothing_goes_at_once_while_another_is_on_its_way(scene: Scene) -> None:
    await scene.answer("early", "early answer")
    await scene.send_one()
    claimed = await _asked(scene)
    finished = await scene.finish(claimed, *scene.outputs(claimed, "late"), is_first_sent=True)
    same(finished.first, None, "the first")


async def nothing_goes_at_once_into_a_chat_that_must_rest(scene: Scene) -> None:
    await scene.answer("early", "early answer")
    await scene.settle(await scene.send_one(), Sent(("p1",)), pace_s=5)
    claimed = await _asked(scene)
    finished = await scene.finish(claimed, *scene.outputs(claimed, "late"), is_first_sent=True)
    same(finished.first, None, "the first, before the chat may be sent to again")
    same(await scene.sends(), (), "deliveries before the chat may be sent to again")
    await scene.wait(5)
    same(bodies(await scene.sends()), ["late"], "deliveries afterwards")


async def nothing_goes_at_once_past_control(scene: Scene) -> None:
    claimed = await _asked(scene)
    await scene.order("undo")
    finished = await scene.finish(claimed, *scene.outputs(claimed, "late"), is_first_sent=True)
    same(finished.first, None, "the first")


async def nothing_goes_at_once_past_running_control(scene: Scene) -> None:
    claimed = await _asked(scene)
    await scene.order("undo")
    await scene.claim_one()
    finished = await scene.finish(claimed, *scene.outputs(claimed, "late"), is_first_sent=True)
    same(finished.first, None, "the first")


async def control_answers_at_once(scene: Scene) -> None:
    await scene.order("undo")
    claimed = await scene.claim_one()
    outputs = scene.outputs(claimed, "Taken back.")
    finished = await scene.finish(claimed, *outputs, is_first_sent=True)
    holds(finished.first, "a control turn's own lane does not hold its answer back")


async def finishing_lets_the_lane_go_on(scene: Scene) -> None:
    await scene.say("one")
    claimed = await scene.claim_one()
    await scene.say("two")
    await scene.finish(claimed)
    same(texts(await scene.claim()), ["two"], "the next turn, that came while the first ran")


async def a_cancelled_turn_leaves_only_what_it_says_about_that(scene: Scene) -> None:
    receipt = await scene.say("work")
    claimed = await scene.claim_one()
    same(await scene.journal.wanted(claimed.turn.id), Wanted.NOTHING, "wanted at first")
    await scene.journal.stop_session(scene.chat.id, scene.session(), scene.now)
    same(await scene.journal.wanted(claimed.turn.id), Wanted.CANCEL, "wanted after a stop")
    stopped = output(f"turn:{claimed.turn.id}", "Stopped.", ordinal=9)
    result = Result(
        deliveries=scene.outputs(claimed, "the answer"),
        if_cancelled=(stopped,),
        questions=(_question(scene, "q1"),),
    )
    finished = await scene.finish(claimed, result=result, is_first_sent=True)
    same(finished.verdict, Verdict.CANCELLED, "the verdict")
    road = await scene.road(receipt)
    same([row.text for row in road.deliveries], ["Stopped."], "what is said")
    same(road.turn and road.turn.state, TurnState.CANCELLED, "the turn")
    same(await scene.store.questions.find("q1"), None, "its question")
    same(await scene.claim(), (), "it does not run again")


async def what_a_turn_takes_back_is_withdrawn(scene: Scene) -> None:
    sent = await scene.told("question", "wrong")
    claimed = await _asked(scene)
    await scene.finish(claimed, result=Result(withdraw=(sent.id,)))
    amend = await scene.amend_one()
    same(amend.delivery.id, sent.id, "what is withdrawn")
    same(await scene.state(sent), State.WITHDRAWING, "its state")


async def a_growing_message_knows_where_it_grows(scene: Scene) -> None:
    claimed = await _asked(scene)
    origin = f"turn:{claimed.turn.id}"
    draft = replace(output(origin, "…"), kind=Kind.DRAFT)
    (number,) = await scene.journal.put(claimed.claim, claimed.turn.id, (draft,), scene.now)
    await scene.settle(await scene.send_one(), Sent(("p1",)))
    final = output(origin, "the end", ordinal=1, kind=Kind.SETTLE, target=number)
    await scene.finish(claimed, final)
    send = await scene.send_one()
    same((send.delivery.kind, send.delivery.target), (Kind.SETTLE, number), "what it settles")
    same(send.target_ids, ("p1",), "the platform's names of the growing message")


# --- trying again --------------------------------------------------------------------------


async def a_failed_turn_waits_at_the_head_of_its_lane(scene: Scene) -> None:
    await scene.say("one")
    await scene.say("two")
    claimed = await scene.claim_one()
    at = scene.now + 4
    verdict = await scene.journal.retry(claimed.claim, claimed.turn.id, at, "handler_error")
    same(verdict, Verdict.DONE, "the verdict")
    same(await scene.claim(), (), "turns before its time")
    same(await scene.journal.next_turn_at(scene.now), at, "when to look again")
    await scene.wait(4)
    again = await scene.claim_one()
    same((again.turn.text, again.turn.attempt), ("one", 2), "the turn and its attempt")


async def what_arrives_meanwhile_does_not_shorten_the_wait(scene: Scene) -> None:
    await scene.say("one")
    claimed = await scene.claim_one()
    await scene.journal.retry(claimed.claim, claimed.turn.id, scene.now + 4, "handler_error")
    await scene.say("two")
    same(await scene.claim(), (), "turns before its time")
    await scene.wait(4)
    same(texts(await scene.claim()), ["one"], "the order")


async def a_failed_turn_that_is_to_stop_stops(scene: Scene) -> None:
    await scene.say("one")
    claimed = await scene.claim_one()
    await scene.journal.stop_session(scene.chat.id, scene.session(), scene.now)
    retry = scene.journal.retry(claimed.claim, claimed.turn.id, scene.now, "handler_error")
    same(await retry, Verdict.CANCELLED, "the verdict")
    same(await scene.claim(), (), "turns afterwards")


async def a_buried_turn_can_be_revived(scene: Scene) -> None:
    receipt = await scene.say("one")
    claimed = await scene.claim_one()
    buried = Result(state=TurnState.BURIED, reason="buried")
    await scene.finish(claimed, result=buried)
    await scene.say("two")
    road = await scene.road(receipt)
    same(road.turn and road.turn.state, TurnState.BURIED, "the turn")
    holds(await scene.journal.revive(claimed.turn.id, scene.now), "a buried turn is revived")
    holds(not await scene.journal.revive(claimed.turn.id, scene.now), "only once")
    second = await scene.claim_one()
    same(second.turn.text, "two", "who is first")
    holds(not await scene.journal.revive(second.turn.id, scene.now), "not one that runs")
    await scene.finish(second)
    revived = await scene.claim_one()
    same((revived.turn.id, revived.turn.text), (claimed.turn.id, "one"), "at the end of its lane")
    finished = await scene.finish(revived, *scene.outputs(revived, "answer"))
    same(finished.verdict, Verdict.DONE, "the verdict")
    holds(not await scene.journal.revive(claimed.turn.id, scene.now), "not one that is finished")
    holds(not await scene.journal.revive(99_999, scene.now), "not one that nobody knows")


# --- once ----------------------------------------------------------------------------------


async def a_side_effect_is_begun_once(scene: Scene) -> None:
    claimed = await _asked(scene)
    claim, turn, journal = claimed.claim, claimed.turn.id, scene.journal
    same((await journal.once_begin(claim, turn, "pay")).state, OnceState.NEW, "the first time")
    same((await journal.once_begin(claim, turn, "mail")).state, OnceState.NEW, "another name")
    await journal.once_end(claim, turn, "pay", "receipt 7")
    paid = await journal.once_begin(claim, turn, "pay")
    same((paid.state, paid.result), (OnceState.DONE, "receipt 7"), "when it is done")


async def a_side_effect_cut_by_a_crash_is_unclear(scene: Scene) -> None:
    claimed = await _asked(scene)
    await scene.journal.once_begin(claimed.claim, claimed.turn.id, "pay")
    await scene.journal.once_begin(claimed.claim, claimed.turn.id, "mail")
    await scene.journal.once_end(claimed.claim, claimed.turn.id, "mail", "sent")
    await scene.crash()
    again = await scene.claim_one()
    begin = scene.journal.once_begin
    same((await begin(again.claim, again.turn.id, "pay")).state, OnceState.BEGUN, "begun")
    mail = await begin(again.claim, again.turn.id, "mail")
    same((mail.state, mail.result), (OnceState.DONE, "sent"), "done before the crash")


async def side_effects_belong_to_their_turn(scene: Scene) -> None:
    first = await _asked(scene)
    await scene.journal.once_begin(first.claim, first.turn.id, "pay")
    await scene.finish(first)
    second = await _asked(scene)
    once = await scene.journal.once_begin(second.claim, second.turn.id, "pay")
    same(once.state, OnceState.NEW, "the same name in another turn")


# --- props ---------------------------------------------------------------------------------


async def _asked(scene: Scene) -> ClaimedTurn:
    await scene.say("question")
    return await scene.claim_one()


def _question(scene: Scene, name: str) -> NewQuestion:
    return NewQuestion(
        id=name,
        session=scene.session(),
        handler="demo",
        who="ann",
        labels=("yes", "no"),
        expires_at=scene.now + 600,
        state="order 7",
        takes_text=True,
    )
