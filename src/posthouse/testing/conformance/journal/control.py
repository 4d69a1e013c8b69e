"""Taking back and stopping: what waits, what runs, what is on its way, what was said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from posthouse.model.delivery import Delivery, Kind, NotSent, Sent, State, Unknown
from posthouse.model.turn import EventState, OnEdit, TurnState
from posthouse.store.journal import AmendKind, ClaimedTurn, Result, Verdict, Wanted
from posthouse.testing.conformance.checks import holds, same
from posthouse.testing.conformance.scene import (
    KEYED,
    NO_RECALL,
    NONE,
    Scene,
    bodies,
    output,
    texts,
)

# --- recall: what was said -----------------------------------------------------------------


async def what_waits_to_be_sent_is_dropped(scene: Scene) -> None:
    turn = await scene.answer("question", "one", "two")
    recall = await scene.recall()
    same((recall.dropped, recall.pending, recall.chat), (2, 0, scene.chat.id), "the recall")
    same(await scene.sends(), (), "deliveries")
    for ordinal in (0, 1):
        delivery = await scene.delivery(turn.turn.id, ordinal)
        same((delivery.state, delivery.reason), (State.DROPPED, "recalled"), "a dropped delivery")


async def what_was_sent_is_withdrawn(scene: Scene) -> None:
    sent = await scene.told("question", "answer")
    recall = await scene.recall()
    same((recall.pending, recall.withdrawn), (1, 0), "the recall at first")
    same(await scene.state(sent), State.WITHDRAWING, "the delivery at first")
    amend = await scene.amend_one()
    same((amend.kind, amend.delivery.id), (AmendKind.RECALL, sent.id), "what is to be done")
    same(amend.delivery.platform_ids, sent.platform_ids, "the platform's names for it")
    same((await scene.settle_amend(amend, Sent())).state, State.WITHDRAWN, "the delivery")
    after = await scene.journal.recall_state(recall.id)
    assert after is not None, "broken: a recall is remembered"
    same((after.pending, after.withdrawn, after.kept), (0, 1, 0), "the recall afterwards")


async def what_is_being_encoded_is_dropped(scene: Scene) -> None:
    await scene.say("question")
    turn = await scene.claim_one()
    origin = f"turn:{turn.turn.id}"
    await scene.finish(turn, output(origin, "one", body=b""))
    claimed = await scene.send_one()
    same((await scene.recall()).dropped, 1, "dropped deliveries")
    sending = scene.journal.sending(claimed.claim, claimed.delivery.id, b"one", NONE, scene.now)
    same(await sending, None, "sending what was dropped meanwhile")
    same((await scene.delivery(turn.turn.id)).state, State.DROPPED, "the delivery")


async def the_lane_goes_on_after_what_was_dropped_meanwhile(scene: Scene) -> None:
    await scene.say("question")
    turn = await scene.claim_one()
    await scene.finish(turn, output(f"turn:{turn.turn.id}", "one", body=b""))
    claimed = await scene.send_one()
    await scene.recall()
    await scene.journal.sending(claimed.claim, claimed.delivery.id, b"one", NONE, scene.now)
    await scene.journal.put_notice(scene.chat.id, output("notice:1", "next"), scene.now)
    await _read_report(scene)
    same(bodies(await scene.sends()), ["next"], "what is sent next")


async def what_is_on_its_way_is_withdrawn_when_it_arrived(scene: Scene) -> None:
    await scene.answer("question", "answer")
    claimed = await scene.send_one()
    recall = await scene.recall()
    same((recall.dropped, recall.pending), (0, 1), "the recall")
    holds((await scene.journal.answers(_turn(claimed.delivery)))[0].withdraw_wanted, "wanted back")
    settled = await scene.settle(claimed, Sent(("p1",)))
    same(settled.state, State.WITHDRAWING, "the delivery when it arrived")
    await _read_no_report(scene)
    await scene.settle_amend(await scene.amend_one(), Sent())
    after = await scene.journal.recall_state(recall.id)
    same(after and (after.pending, after.withdrawn), (0, 1), "the recall afterwards")
    await _read_report(scene)


async def what_is_on_its_way_and_did_not_arrive_is_dropped(scene: Scene) -> None:
    await scene.answer("question", "answer")
    claimed = await scene.send_one()
    recall = await scene.recall()
    same((await scene.settle(claimed, NotSent("cannot_reach"))).state, State.DROPPED, "it")
    after = await scene.journal.recall_state(recall.id)
    same(after and after.pending, 0, "what is still pending")
    await _read_report(scene)
    same(await scene.sends(), (), "deliveries")


async def what_is_unclear_is_named_when_nobody_can_tell(scene: Scene) -> None:
    await scene.answer("question", "answer")
    await scene.settle(await scene.send_one(), Unknown("cut"))
    recall = await scene.recall()
    same(recall.pending, 1, "what is pending while it is unclear")
    await _read_no_report(scene)
    await scene.wait(60)
    same(await scene.sends(), (), "it is not repeated")
    after = await scene.journal.recall_state(recall.id)
    same(after and (after.pending, after.doubtful), (0, 1), "the recall afterwards")
    await _read_report(scene)


async def what_is_unclear_and_keyed_is_sent_once_more_and_withdrawn(scene: Scene) -> None:
    await scene.answer("question", "answer")
    await scene.settle(await scene.send_one(KEYED), Unknown("cut"), KEYED)
    await scene.recall(can=KEYED)
    await scene.wait(60)
    settled = await scene.settle(await scene.send_one(KEYED), Sent(("p1",)), KEYED)
    same(settled.state, State.WITHDRAWING, "the delivery")
    same(len(await scene.amends(KEYED)), 1, "amends")
    await scene.crash()
    await scene.settle_amend(await scene.amend_one(), Sent())
    await _read_report(scene)


async def what_cannot_be_withdrawn_is_counted_with_its_reason(scene: Scene) -> None:
    sent = await scene.told("question", "answer")
    recall = await scene.recall(can=NO_RECALL)
    same((recall.pending, recall.kept), (0, 1), "the recall")
    same(recall.kept_reasons, ("cannot_recall",), "the reasons")
    same(await scene.state(sent), State.KEPT, "the delivery")
    await _read_report(scene)


async def what_the_platform_keeps_is_counted_with_its_reason(scene: Scene) -> None:
    await scene.told("one", "first")
    await scene.told("two", "second")
    recall = await scene.recall()
    same(recall.pending, 2, "what is pending")
    for outcome in (NotSent("refused_by_platform 230", is_final=True), Sent()):
        await scene.settle_amend(await scene.amend_one(), outcome)
    after = await scene.journal.recall_state(recall.id)
    assert after is not None, "broken: a recall is remembered"
    same((after.pending, after.kept, after.withdrawn), (0, 1, 1), "the recall afterwards")
    same(after.kept_reasons, ("refused_by_platform 230",), "the reasons")


async def what_was_taken_back_is_not_taken_back_twice(scene: Scene) -> None:
    await scene.told("question", "answer")
    await scene.recall(turn=1)
    await scene.settle_amend(await scene.amend_one(), Sent())
    await _read_report(scene)
    again = await scene.recall(turn=2)
    same((again.pending, again.withdrawn, again.dropped), (0, 0, 0), "a second recall")
    same(await scene.amends(), (), "amends")


async def asking_again_returns_the_first(scene: Scene) -> None:
    await scene.told("question", "answer")
    first = await scene.recall(turn=77)
    await scene.answer("later", "later answer")
    again = await scene.recall(turn=77)
    same((again.id, again.dropped), (first.id, 0), "the same recall")
    same(bodies(await scene.sends()), ["later answer"], "what was said since stays")
    same(len(await scene.amends()), 1, "amends")


async def a_recall_reaches_only_what_was_said_to_its_person(scene: Scene) -> None:
    mine = await scene.told("mine", "to ann")
    theirs = await scene.told("theirs", "to ben", who="ben")
    await scene.recall(who="ann")
    same(await scene.state(mine), State.WITHDRAWING, "what ann was told")
    same(await scene.state(theirs), State.SENT, "what ben was told")


async def a_recall_of_everything_reaches_everybody_and_notices(scene: Scene) -> None:
    await scene.told("mine", "to ann")
    await scene.told("theirs", "to ben", who="ben")
    await scene.journal.put_notice(scene.chat.id, output("notice:1", "hear"), scene.now)
    await scene.deliver()
    same((await scene.recall(who=None)).pending, 3, "what is taken back")


async def a_recall_reaches_what_somebody_was_told_beside_their_turns(scene: Scene) -> None:
    await scene.journal.put_notice(scene.chat.id, output("notice:1", "ann"), scene.now, "ann")
    await scene.journal.put_notice(scene.chat.id, output("notice:2", "ben"), scene.now, "ben")
    await scene.deliver()
    same((await scene.recall(who="ann")).pending, 1, "what is taken back")


async def a_recall_reaches_as_far_back_as_it_says(scene: Scene) -> None:
    old = await scene.told("old", "old answer")
    await scene.wait(100)
    new = await scene.told("new", "new answer")
    await scene.recall(since_at=scene.now - 50)
    same(await scene.state(old), State.SENT, "what was said long ago")
    same(await scene.state(new), State.WITHDRAWING, "what was said lately")


async def a_recall_stays_in_its_chat(scene: Scene) -> None:
    elsewhere = await scene.room("elsewhere")
    turn = await scene.answer("question", "answer", chat=elsewhere)
    await scene.recall(who=None)
    same((await scene.delivery(turn.turn.id)).state, State.QUEUED, "a delivery elsewhere")


async def a_growing_message_is_withdrawn_once(scene: Scene) -> None:
    await scene.say("question")
    claimed = await scene.claim_one()
    origin = f"turn:{claimed.turn.id}"
    draft = output(origin, "…", kind=Kind.DRAFT)
    (number,) = await scene.journal.put(claimed.claim, claimed.turn.id, (draft,), scene.now)
    await scene.deliver()
    await scene.finish(claimed, output(origin, "end", ordinal=1, kind=Kind.SETTLE, target=number))
    await scene.settle(await scene.send_one(), Sent((f"p{number}",)))
    recall = await scene.recall()
    same(recall.pending, 1, "what is pending")
    await scene.settle_amend(await scene.amend_one(), Sent())
    same(await scene.amends(), (), "amends for the same message")
    after = await scene.journal.recall_state(recall.id)
    same(after and (after.pending, after.withdrawn), (0, 1), "the recall afterwards")


async def a_report_appears_exactly_when_all_is_known(scene: Scene) -> None:
    await scene.told("one", "first")
    await scene.told("two", "second")
    recall = await scene.recall()
    for _ in range(2):
        await _read_no_report(scene)
        await scene.settle_amend(await scene.amend_one(), Sent())
    report = await _read_report(scene)
    same(report.turn.chat.id, scene.chat.id, "the chat of the report")
    same(report.turn.session, str(recall.id), "the recall that it is about")
    holds(report.is_control, "a report is a control turn")
    await _read_no_report(scene)


async def a_recall_of_nothing_is_reported_too(scene: Scene) -> None:
    recall = await scene.recall()
    same((recall.pending, recall.dropped, recall.cancelled), (0, 0, 0), "the recall")
    await _read_report(scene)


async def a_report_is_not_taken_back(scene: Scene) -> None:
    await scene.told("question", "answer")
    await scene.recall(turn=1)
    await scene.settle_amend(await scene.amend_one(), Sent())
    report = _the_report(await scene.claim())
    await scene.finish(report, *scene.outputs(report, "One message taken back."))
    said = await scene.deliver()
    again = await scene.recall(who=None, turn=2)
    same((again.pending, again.dropped), (0, 0), "the second recall")
    same(await scene.state(said), State.SENT, "the report")


async def a_recall_that_nobody_asked_for_is_unknown(scene: Scene) -> None:
    same(await scene.journal.recall_state(12_345), None, "an unknown recall")


# --- recall: what runs and waits -----------------------------------------------------------


async def what_runs_is_cancelled_and_what_waits_survives(scene: Scene) -> None:
    """Received 1, 2, 3, undo: handled undo, 2, 3; the running one is not run again."""
    for word in ("1", "2", "3"):
        await scene.say(word)
    running = await scene.claim_one()
    order = await scene.order("undo")
    control = await scene.claim_one()
    assert order.turn is not None
    recall = await scene.recall(turn=order.turn)
    same(recall.cancelled, 1, "cancelled turns")
    same(await scene.journal.wanted(running.turn.id), Wanted.CANCEL, "wanted of the running one")
    same(await scene.journal.wanted(control.turn.id), Wanted.NOTHING, "wanted of the undo itself")
    finished = await scene.finish(running, *scene.outputs(running, "too late"))
    same(finished.verdict, Verdict.CANCELLED, "the verdict")
    await scene.finish(control)
    report = _the_report(await scene.claim())
    await scene.finish(report)
    for word in ("2", "3"):
        claimed = await scene.claim_one()
        same(claimed.turn.text, word, "what waited is handled")
        await scene.finish(claimed)
    same(await scene.sends(), (), "what the cancelled one wanted to say")


async def a_wish_to_cancel_survives_a_crash(scene: Scene) -> None:
    """Whoever gets the turn next asks ``wanted`` before running it, and only ends it."""
    receipt = await scene.say("work")
    await scene.say("next")
    running = await scene.claim_one()
    await scene.recall()
    await scene.crash()
    await _read_report(scene)
    again = await scene.claim_one()
    same(again.turn.id, running.turn.id, "the turn that was running")
    same(await scene.journal.wanted(again.turn.id), Wanted.CANCEL, "what is wanted of it")
    stopped = output(f"turn:{again.turn.id}", "Stopped.", ordinal=9)
    result = Result(deliveries=scene.outputs(again, "zombie"), if_cancelled=(stopped,))
    finished = await scene.finish(again, result=result)
    same(finished.verdict, Verdict.CANCELLED, "the verdict")
    same(bodies(await scene.sends()), ["Stopped."], "what is said")
    road = await scene.road(receipt)
    same(road.turn and road.turn.state, TurnState.CANCELLED, "the turn")
    same(road.turn and road.turn.reason, "recalled", "its reason")
    same((await scene.claim_one()).turn.text, "next", "the lane goes on")


async def somebody_elses_turn_is_not_cancelled(scene: Scene) -> None:
    await scene.say("work", who="ben")
    running = await scene.claim_one()
    same((await scene.recall(who="ann")).cancelled, 0, "cancelled turns")
    same(await scene.journal.wanted(running.turn.id), Wanted.NOTHING, "what is wanted of it")
    same((await scene.recall(who=None, turn=2)).cancelled, 1, "cancelled by one who may")


async def what_a_running_turn_has_said_is_taken_back(scene: Scene) -> None:
    await scene.say("long work")
    claimed = await scene.claim_one()
    outputs = scene.outputs(claimed, "said", "not yet said")
    await scene.journal.put(claimed.claim, claimed.turn.id, outputs, scene.now)
    await scene.deliver()
    recall = await scene.recall()
    same((recall.dropped, recall.pending, recall.cancelled), (1, 1, 1), "the recall")


async def running_turns_are_those_that_somebody_works_on(scene: Scene) -> None:
    await scene.say("one")
    await scene.say("two", who="ben")
    await scene.say("elsewhere", chat=await scene.room("elsewhere"))
    same(await scene.journal.running_turns(scene.chat.id), (), "before")
    claimed = await scene.claim()
    await scene.order("undo")
    await scene.claim_one()
    here = [each.turn.id for each in claimed if each.turn.chat.id == scene.chat.id]
    running = await scene.journal.running_turns(scene.chat.id)
    same(sorted(running), sorted(here), "turns in work; control is not counted")


# --- a person takes a message back ---------------------------------------------------------


async def recalling_what_waits_leaves_nothing_to_do(scene: Scene) -> None:
    receipt = await scene.say("oops", message_id="om1")
    await scene.say("next")
    same(await _recall_message(scene, "om1"), (), "running turns")
    same(texts(await scene.claim()), ["next"], "turns")
    road = await scene.road(receipt)
    same(road.turn and road.turn.state, TurnState.CANCELLED, "the turn that is empty now")
    same(road.event.state, EventState.RECALLED, "the event")


async def recalling_one_of_a_burst_leaves_the_others(scene: Scene) -> None:
    for n in (1, 2, 3):
        await scene.say(f"{n}", message_id=f"om{n}", burst_s=1.5)
    await _recall_message(scene, "om2")
    await scene.wait(1.5)
    claimed = await scene.claim_one()
    same(claimed.turn.text, "1\n3", "the words that are left")
    same(len(claimed.turn.events), 2, "the events that are left")


async def removing_an_event_raises_the_fence(scene: Scene) -> None:
    """Else a claim on another gateway that has read the old body would hand it out."""
    fences = []
    for who, is_recalled in (("quiet", False), ("busy", True)):
        await scene.say("1", who=who, message_id=f"{who}1", burst_s=1.5)
        await scene.say("2", who=who, message_id=f"{who}2", burst_s=1.5)
        if is_recalled:
            await _recall_message(scene, f"{who}2")
        await scene.wait(1.5)
        claimed = await scene.claim_one()
        await scene.finish(claimed)
        fences.append(claimed.claim.fence)
    holds(fences[1] > fences[0], "the fence grows with every change of a waiting turn")


async def recalling_what_runs_cancels_it(scene: Scene) -> None:
    await scene.say("oops", message_id="om1")
    claimed = await scene.claim_one()
    same(await _recall_message(scene, "om1"), (claimed.turn.id,), "turns wanted to stop")
    same(await scene.journal.wanted(claimed.turn.id), Wanted.CANCEL, "what is wanted of it")
    finished = await scene.finish(claimed, *scene.outputs(claimed, "answer"))
    same(finished.verdict, Verdict.CANCELLED, "the verdict")
    same(await scene.sends(), (), "deliveries")
    same(await scene.claim(), (), "turns afterwards")


async def recalling_one_message_of_what_runs_runs_it_without(scene: Scene) -> None:
    await scene.say("1", message_id="om1", burst_s=1.5)
    await scene.say("2", message_id="om2", burst_s=1.5)
    await scene.wait(1.5)
    claimed = await scene.claim_one()
    same(await _recall_message(scene, "om2"), (claimed.turn.id,), "turns wanted to stop")
    same(await scene.journal.wanted(claimed.turn.id), Wanted.RERUN, "what is wanted of it")
    finished = await scene.finish(claimed, *scene.outputs(claimed, "answer to both"))
    same(finished.verdict, Verdict.RERUN, "the verdict")
    again = await scene.claim_one()
    same((again.turn.id, again.turn.text), (claimed.turn.id, "1"), "run again without it")
    await scene.finish(again, *scene.outputs(again, "answer to 1"))
    same(bodies(await scene.sends()), ["answer to 1"], "deliveries")


async def recalling_everything_of_what_runs_cancels_it(scene: Scene) -> None:
    for n in (1, 2):
        await scene.say(f"{n}", message_id=f"om{n}", burst_s=1.5)
    await scene.wait(1.5)
    claimed = await scene.claim_one()
    await _recall_message(scene, "om1")
    await _recall_message(scene, "om2")
    same(await scene.journal.wanted(claimed.turn.id), Wanted.CANCEL, "what is wanted of it")


async def recalling_what_was_answered_withdraws_the_answer(scene: Scene) -> None:
    sent = await scene.told("oops", "answer", message_id="om1")
    other = await scene.told("fine", "other answer", message_id="om2")
    same(await _recall_message(scene, "om1"), (), "running turns")
    same(await scene.state(sent), State.WITHDRAWING, "its answer")
    same(await scene.state(other), State.SENT, "another answer")
    await scene.settle_amend(await scene.amend_one(), Sent())
    same(await scene.state(sent), State.WITHDRAWN, "its answer afterwards")


async def recalling_what_was_answered_drops_what_waits(scene: Scene) -> None:
    turn = await scene.answer("oops", "answer", message_id="om1")
    await _recall_message(scene, "om1")
    same((await scene.delivery(turn.turn.id)).state, State.DROPPED, "its answer")
    same(await scene.sends(), (), "deliveries")


async def recalling_something_unknown_is_harmless(scene: Scene) -> None:
    await scene.say("hello", message_id="om1")
    same(await _recall_message(scene, "om9"), (), "running turns")
    same(texts(await scene.claim()), ["hello"], "turns")


async def recalling_twice_is_recalling_once(scene: Scene) -> None:
    await scene.told("oops", "answer", message_id="om1")
    await _recall_message(scene, "om1")
    await _recall_message(scene, "om1")
    same(len(await scene.amends()), 1, "amends")


# --- stop and new --------------------------------------------------------------------------


async def stopping_ends_what_runs_and_what_waits(scene: Scene) -> None:
    receipts = [await scene.say(f"{n}") for n in range(3)]
    theirs = await scene.say("theirs", who="ben")
    first, second = await scene.claim()
    mine = first if first.turn.person.id == "ann" else second
    stopped = await scene.journal.stop_session(scene.chat.id, scene.session(), scene.now)
    same(stopped, tuple(receipt.turn for receipt in receipts), "what was stopped")
    same((await scene.finish(mine)).verdict, Verdict.CANCELLED, "the verdict")
    same(await scene.claim(), (), "turns afterwards")
    for receipt in receipts[1:]:
        road = await scene.road(receipt)
        turn = road.turn
        assert turn is not None
        same((turn.state, turn.reason), (TurnState.CANCELLED, "stopped"), "what waited")
    holds(theirs.turn is not None, "theirs is a turn")
    same(await scene.journal.wanted(theirs.turn or 0), Wanted.NOTHING, "somebody else's")


async def after_a_stop_the_session_goes_on(scene: Scene) -> None:
    await scene.say("one")
    await scene.journal.stop_session(scene.chat.id, scene.session(), scene.now)
    await scene.say("two")
    same(texts(await scene.claim()), ["two"], "turns")


async def a_stop_leaves_what_was_asked_after_it(scene: Scene) -> None:
    await scene.say("before", burst_s=5.0)
    order = await scene.order("/stop")
    await scene.say("after", burst_s=5.0)
    await scene.wait(6)
    stopping = await scene.claim_one()
    same(stopping.turn.id, order.turn, "the order comes first")
    session = scene.session()
    await scene.journal.stop_session(scene.chat.id, session, scene.now, before=stopping.turn.id)
    await scene.finish(stopping)
    same(texts(await scene.claim()), ["after"], "what is left to answer")


async def stopping_one_turn_leaves_the_others(scene: Scene) -> None:
    mine, theirs = await scene.say("mine"), await scene.say("theirs", who="ben")
    waiting = await scene.say("mine too")
    claimed = {one.turn.id: one for one in await scene.claim()}
    assert mine.turn is not None
    assert theirs.turn is not None
    assert waiting.turn is not None
    for _ in range(2):  # a control turn may be run twice
        holds(await scene.journal.stop_turn(scene.chat.id, mine.turn, scene.now), "it is stopped")
    verdict = (await scene.finish(claimed[mine.turn])).verdict
    same(verdict, Verdict.CANCELLED, "the verdict")
    same(await scene.journal.wanted(theirs.turn), Wanted.NOTHING, "somebody else's")
    same(texts(await scene.claim()), ["mine too"], "what was asked after it")
    holds(
        not await scene.journal.stop_turn(scene.chat.id, mine.turn, scene.now),
        "what is over cannot be stopped",
    )


async def only_turns_of_the_chat_are_stopped(scene: Scene) -> None:
    receipt = await scene.say("mine")
    assert receipt.turn is not None
    for chat, turn in ((scene.chat.id + 1, receipt.turn), (scene.chat.id, receipt.turn + 1)):
        holds(not await scene.journal.stop_turn(chat, turn, scene.now), "there is no such turn")
    same(await scene.journal.wanted(receipt.turn), Wanted.NOTHING, "what is wanted of it")


async def a_turn_that_nobody_has_begun_is_stopped_at_once(scene: Scene) -> None:
    receipt = await scene.say("mine")
    assert receipt.turn is not None
    holds(await scene.journal.stop_turn(scene.chat.id, receipt.turn, scene.now), "it is stopped")
    same(await scene.claim(), (), "turns afterwards")
    turn = (await scene.road(receipt)).turn
    assert turn is not None
    same((turn.state, turn.reason), (TurnState.CANCELLED, "stopped"), "what became of it")


async def what_had_begun_to_speak_is_handed_out_to_settle_it(scene: Scene) -> None:
    for stop in (scene.journal.stop_turn, _stop_session(scene)):
        receipt = await scene.say("mine")
        assert receipt.turn is not None
        claimed = await scene.claim_one()
        await scene.journal.put(
            claimed.claim, receipt.turn, scene.outputs(claimed, "it is …"), scene.now
        )
        await scene.journal.retry(claimed.claim, receipt.turn, scene.now, "stopping")
        await stop(scene.chat.id, receipt.turn, scene.now)
        same(await scene.journal.wanted(receipt.turn), Wanted.CANCEL, "what is wanted of it")
        same((await scene.finish(await scene.claim_one())).verdict, Verdict.CANCELLED, "its end")


def _stop_session(scene: Scene) -> Callable[[int, int, float], Awaitable[object]]:
    async def stop(chat: int, _: int, now: float) -> object:
        return await scene.journal.stop_session(chat, scene.session(), now)

    return stop


async def a_new_beginning_keeps_what_was_asked_after_it(scene: Scene) -> None:
    await scene.told("before", "old answer")
    order = await scene.order("/new")
    after = await scene.say("after")
    beginning = await scene.claim_one()
    await scene.journal.forget_before(scene.session(), order.event, scene.now)
    await scene.finish(beginning)
    await scene.finish(await scene.claim_one())
    history = await scene.journal.history(scene.session(), 8000)
    same(history, (("person", "after"),), "the history")
    holds(after.event > order.event, "it came later")


async def a_new_beginning_ends_what_could_begin_anew(scene: Scene) -> None:
    for on_edit, verdict in ((OnEdit.RERUN, Verdict.CANCELLED), (OnEdit.IGNORE, Verdict.DONE)):
        await scene.say("question", on_edit=on_edit)
        running = await scene.claim_one()
        order = await scene.order("/new")
        ended = await scene.journal.forget_before(scene.session(), order.event, scene.now)
        same(ended, (running.turn.id,) if on_edit is OnEdit.RERUN else (), "what is cancelled")
        same((await scene.finish(running)).verdict, verdict, "the verdict")
        await scene.finish(await scene.claim_one())


async def a_new_beginning_forgets_what_was_said(scene: Scene) -> None:
    await scene.told("before", "old answer")
    order = await scene.order("/new")
    await scene.wait(1)
    await scene.finish(await scene.claim_one())
    await scene.journal.forget_before(scene.session(), order.event, scene.now)
    await scene.wait(1)
    await scene.told("after", "new answer")
    history = await scene.journal.history(scene.session(), 8000)
    same(history, (("person", "after"), ("bot", "new answer")), "the history")


# --- props ---------------------------------------------------------------------------------


def _turn(delivery: Delivery) -> int:
    return int(delivery.origin.removeprefix("turn:"))


async def _recall_message(scene: Scene, message_id: str) -> tuple[int, ...]:
    key = scene.key(message_id)
    return await scene.journal.recall_message(scene.chat.id, key, NONE, scene.now)


def _reports(claimed: tuple[ClaimedTurn, ...]) -> list[ClaimedTurn]:
    return [each for each in claimed if each.turn.handler == "recall_report"]


def _the_report(claimed: tuple[ClaimedTurn, ...]) -> ClaimedTurn:
    reports = _reports(claimed)
    same(len(reports), 1, "recall reports among the turns")
    return reports[0]


async def _read_report(scene: Scene) -> ClaimedTurn:
    report = _the_report(await scene.claim())
    await scene.finish(report)
    return report


async def _read_no_report(scene: Scene) -> None:
    same(len(_reports(await scene.claim())), 0, "recall reports before all is known")
