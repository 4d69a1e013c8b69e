"""Writing arrivals into the book: keys, states, notices, bursts, overload, edits, answers."""

from __future__ import annotations

from msgspec.structs import replace

from posthouse.model.address import Person, Place
from posthouse.model.disposition import Claimant, Disposition, NewQuestion, Notice
from posthouse.model.event import Undecodable, other_key
from posthouse.model.message import Image, Media
from posthouse.model.turn import EventState, OnEdit
from posthouse.store.journal import (
    BURST_EVENTS_MAX,
    BURST_MAX_S,
    ClaimedTurn,
    Gateway,
    Receipt,
    Result,
    Verdict,
    Wanted,
)
from posthouse.testing.conformance.checks import holds, same
from posthouse.testing.conformance.scene import BOT, Scene, bodies, route, texts

# --- keys ----------------------------------------------------------------------------------


async def a_message_becomes_a_turn(scene: Scene) -> None:
    receipt = await scene.say("hello")
    same((receipt.is_new, receipt.state), (True, EventState.ROUTED), "the receipt")
    claimed = await scene.claim_one()
    turn = claimed.turn
    same(receipt.turn, turn.id, "the turn in the receipt")
    same(turn.text, "hello", "its words")
    same(turn.person, Person("ann"), "who asked")
    same(turn.chat, scene.chat, "the chat")
    same((turn.session, turn.handler), (scene.session(), "demo"), "session and handler")
    same(turn.events[0].id, receipt.event, "the event's number")
    same((turn.events[0].accepted_at, turn.accepted_at), (scene.now, scene.now), "the times")
    same((turn.attempt, turn.is_started, turn.replaces), (1, False, None), "a fresh turn")
    same((turn.answer, claimed.is_control), (None, False), "an ordinary turn")


async def a_key_seen_before_changes_nothing(scene: Scene) -> None:
    first = await scene.say("hello", message_id="om1")
    again = await scene.say("hello, changed", message_id="om1")
    same((again.event, again.is_new), (first.event, False), "the repeat's receipt")
    same((again.state, again.turn), (first.state, first.turn), "what the book says of the first")
    claimed = await scene.claim_one()
    same(claimed.turn.text, "hello", "the words")
    await scene.finish(claimed)
    third = await scene.say("hello", message_id="om1")
    same((third.event, third.is_new), (first.event, False), "a repeat after the answer")
    same(await scene.claim(), (), "turns after the repeat")


async def a_repeat_inside_one_batch_is_a_repeat(scene: Scene) -> None:
    arrival = scene.arrival(scene.message("hello", message_id="om1"), route(scene.session()))
    first, again = await scene.journal.accept((arrival, arrival), scene.now)
    same((first.is_new, again.is_new), (True, False), "the receipts of one batch")
    same(again.event, first.event, "the event's number")
    same(texts(await scene.claim()), ["hello"], "turns")


async def a_key_belongs_to_its_bot(scene: Scene) -> None:
    other = await scene.room("room", bot="b2")
    await scene.say("to one bot", message_id="om1")
    receipt = await scene.say("to the other", message_id="om1", chat=other)
    holds(receipt.is_new, "the same message id on another bot is another message")
    same(len(await scene.claim()), 2, "turns")


async def a_batch_keeps_its_order(scene: Scene) -> None:
    words = [f"{n}" for n in range(30)]
    arrivals = tuple(scene.arrival(scene.message(w), route(scene.session())) for w in words)
    receipts = await scene.journal.accept(arrivals, scene.now)
    same([receipt.event for receipt in receipts], sorted(r.event for r in receipts), "numbers")
    heard = []
    for _ in words:
        claimed = await scene.claim_one()
        heard.append(claimed.turn.text)
        await scene.finish(claimed)
    same(heard, words, "the order of the turns")


async def an_empty_batch_is_nothing(scene: Scene) -> None:
    same(await scene.journal.accept((), scene.now), (), "receipts for nothing")


async def what_is_not_routed_is_kept_with_its_reason(scene: Scene) -> None:
    for state, reason in (
        (EventState.IGNORED, "not_addressed"),
        (EventState.LATE, "late"),
        (EventState.REFUSED, "paused"),
    ):
        disposition = Disposition(state=state, reason=reason)
        receipt = await scene.accept(scene.message(f"{state}"), disposition)
        same((receipt.state, receipt.reason, receipt.turn), (state, reason, None), "the receipt")
        road = await scene.road(receipt)
        same((road.event.state, road.event.reason), (state, reason), "what the book says")
    same(await scene.claim(), (), "turns")


async def what_cannot_be_read_is_kept(scene: Scene) -> None:
    event = Undecodable(
        key=other_key("ev1"),
        place=Place(BOT, "room"),
        sender=Person(""),
        raw='{"half": ',
        problem="unexpected end",
        at=scene.now,
    )
    disposition = Disposition(state=EventState.UNDECODABLE, reason="undecodable")
    receipt = await scene.accept(event, disposition)
    same(receipt.state, EventState.UNDECODABLE, "the receipt")
    same((await scene.road(receipt)).event.kind, "undecodable", "its kind in the book")


async def a_turn_knows_who_waits_for_it(scene: Scene) -> None:
    await scene.accept(scene.message("hello"), has_slot=True)
    holds((await scene.claim_one()).turn.events[0].has_slot, "the turn knows that somebody waits")


async def a_repeat_gets_the_answer_of_the_slot(scene: Scene) -> None:
    hello = scene.message("hello", message_id="om1")
    first = await scene.accept(hello, has_slot=True)
    same(first.slot_body, None, "a slot before the answer")
    holds(not (await scene.accept(hello, has_slot=True)).is_over, "a repeat may wait with it")
    claimed = await scene.claim_one()
    await scene.finish(claimed, result=Result(slot_body=b"<xml/>"))
    again = await scene.accept(hello, has_slot=True)
    same((again.is_new, again.slot_body), (False, b"<xml/>"), "the repeat's answer")
    holds(again.is_over, "of a turn that has ended")
    other = await scene.accept(scene.message("other"), has_slot=True)
    same(other.slot_body, None, "somebody else's slot")


# --- recalled early ------------------------------------------------------------------------


async def a_recall_may_arrive_before_its_message(scene: Scene) -> None:
    recall = Disposition(state=EventState.IGNORED, reason="recalled")
    await scene.accept(scene.withdrawal(message_id="om1"), recall)
    receipt = await scene.say("oops", message_id="om1")
    same((receipt.state, receipt.turn), (EventState.RECALLED, None), "the receipt")
    same(receipt.reason, "recalled_early", "the reason")
    other = await scene.say("fine", message_id="om2")
    same(other.state, EventState.ROUTED, "another message")
    same(texts(await scene.claim()), ["fine"], "turns")


async def a_recall_of_another_chat_is_none_of_ours(scene: Scene) -> None:
    recall = Disposition(state=EventState.IGNORED, reason="recalled")
    await scene.accept(scene.withdrawal(message_id="om1"), recall)
    other = await scene.room("another room")
    receipt = await scene.say("hello", message_id="om1", chat=other)
    same(receipt.state, EventState.ROUTED, "the same message id in another chat")


# --- notices -------------------------------------------------------------------------------


async def a_notice_is_put_once(scene: Scene) -> None:
    notice = Notice("notice:paused:1", "A person has taken over.")
    disposition = Disposition(state=EventState.REFUSED, reason="paused", notice=notice)
    await scene.accept(scene.message("one"), disposition)
    await scene.accept(scene.message("two"), disposition)
    claimed = await scene.sends()
    same(bodies(claimed), ["A person has taken over."], "notices on their way")
    same(claimed[0].delivery.origin, "notice:paused:1", "where it comes from")


async def notices_of_one_batch_meet_as_well(scene: Scene) -> None:
    notice = Notice("notice:away:1", "Away.")
    disposition = Disposition(state=EventState.LATE, reason="late", notice=notice)
    arrivals = tuple(scene.arrival(scene.message(f"{n}"), disposition) for n in range(3))
    await scene.journal.accept(arrivals, scene.now)
    same(bodies(await scene.sends()), ["Away."], "notices on their way")


# --- bursts --------------------------------------------------------------------------------


async def a_burst_is_one_turn(scene: Scene) -> None:
    session = route(scene.session(), burst_s=1.5)
    await scene.accept(scene.message("picture"), session)
    scene.now += 1.0
    receipt = await scene.accept(scene.message("question"), session)
    same(await scene.journal.next_turn_at(scene.now), scene.now + 1.5, "when it may be taken")
    scene.now += 1.4
    same(await scene.claim(), (), "turns while the window is open")
    scene.now += 0.1
    claimed = await scene.claim_one()
    same(claimed.turn.text, "picture\nquestion", "its words")
    same(claimed.turn.id, receipt.turn, "the turn of the one that joined")


async def a_burst_ends_ten_seconds_after_its_first(scene: Scene) -> None:
    began_at = scene.now
    while scene.now < began_at + BURST_MAX_S - 1:
        await scene.say(f"{scene.now - began_at:.0f}", burst_s=1.5)
        scene.now += 1.0
    await scene.say("the last that joins", burst_s=1.5)
    at = await scene.journal.next_turn_at(scene.now)
    same(at, began_at + BURST_MAX_S, "when it may be taken at the latest")
    scene.now = began_at + BURST_MAX_S + 0.1
    await scene.say("too late to join", burst_s=1.5)
    scene.now += 1.5
    claimed = await scene.claim_one()
    holds(claimed.turn.text.endswith("the last that joins"), "the burst is over after 10 s")


async def a_burst_has_a_largest_size(scene: Scene) -> None:
    for n in range(BURST_EVENTS_MAX + 1):
        await scene.say(f"{n}", burst_s=1.5)
    await scene.wait(1.5)
    first = await scene.claim_one()
    same(len(first.turn.events), BURST_EVENTS_MAX, "events of the first turn")
    await scene.finish(first)
    second = await scene.claim_one()
    same(second.turn.text, str(BURST_EVENTS_MAX), "the one too many")


class _Eager:
    """Takes whatever it is given at once."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.taken: list[ClaimedTurn] = []

    def reserve(self, count: int) -> int:
        return count

    def take(self, claimed: tuple[ClaimedTurn, ...], reserved: int) -> None:  # noqa: ARG002 - as the protocol
        self.taken += claimed


async def a_burst_that_fills_in_one_write_is_handed_out_whole(scene: Scene) -> None:
    routed = route(scene.session(), burst_s=1.5)
    many = tuple(
        scene.arrival(scene.message(str(number)), routed) for number in range(BURST_EVENTS_MAX)
    )
    eager = _Eager(scene.gateway)
    await scene.store.journal.accept(many, scene.now, eager)
    taken = eager.taken or list(await scene.claim())
    same([len(each.turn.events) for each in taken], [BURST_EVENTS_MAX], "events of its turn")


async def without_a_window_every_message_is_a_turn(scene: Scene) -> None:
    await scene.say("one")
    await scene.say("two")
    same(texts(await scene.claim()), ["one"], "the first turn")


async def another_handler_is_another_turn(scene: Scene) -> None:
    await scene.accept(scene.message("one"), route(scene.session(), burst_s=1.5))
    other = route(scene.session(), burst_s=1.5, handler="other")
    receipt = await scene.accept(scene.message("two"), other)
    await scene.wait(1.5)
    first = await scene.claim_one()
    same(first.turn.text, "one", "the first turn")
    holds(receipt.turn != first.turn.id, "two handlers, two turns")


async def another_session_is_another_turn(scene: Scene) -> None:
    await scene.say("one", burst_s=1.5)
    await scene.say("two", who="ben", burst_s=1.5)
    await scene.wait(1.5)
    same(sorted(texts(await scene.claim())), ["one", "two"], "turns")


async def a_closed_window_is_another_turn(scene: Scene) -> None:
    await scene.say("one", burst_s=1.5)
    scene.now += 1.6
    await scene.say("two", burst_s=1.5)
    same((await scene.claim_one()).turn.text, "one", "the first turn")


async def a_turn_in_work_is_never_joined(scene: Scene) -> None:
    """Not even when the clock was set back, so that its window looks open again."""
    await scene.say("one", burst_s=1.5)
    scene.now += 1.5
    claimed = await scene.claim_one()
    scene.now -= 1.0
    receipt = await scene.say("two", burst_s=1.5)
    holds(receipt.turn != claimed.turn.id, "a turn in work is not joined")
    same((await scene.finish(claimed)).verdict, Verdict.DONE, "the first is finished")
    scene.now += 3.0
    same((await scene.claim_one()).turn.text, "two", "the second")


async def a_finished_turn_is_never_joined(scene: Scene) -> None:
    await scene.say("one", burst_s=1.5)
    scene.now += 1.5
    await scene.finish(await scene.claim_one())
    scene.now -= 1.0
    await scene.say("two", burst_s=1.5)
    scene.now += 3.0
    same((await scene.claim_one()).turn.text, "two", "the second")


async def a_burst_behind_a_running_turn_keeps_its_window(scene: Scene) -> None:
    """What becomes the head when its predecessor ends is ready when its own burst is over."""
    await scene.say("first")
    claimed = await scene.claim_one()
    await scene.say("picture", burst_s=1.5)
    await scene.finish(claimed)
    same(await scene.claim(), (), "turns while the window is open")
    same(await scene.journal.next_turn_at(scene.now), scene.now + 1.5, "when to look again")
    await scene.say("question", burst_s=1.5)
    await scene.wait(1.5)
    same((await scene.claim_one()).turn.text, "picture\nquestion", "one turn")


async def a_join_raises_the_fence(scene: Scene) -> None:
    """Else a claim on another gateway that has read the old body would hand it out (race five)."""
    before = await _claimed_fence(scene, "quiet", joined=False)
    after = await _claimed_fence(scene, "busy", joined=True)
    holds(after > before, "the fence grows with every change of a waiting turn")


async def _claimed_fence(scene: Scene, who: str, *, joined: bool) -> int:
    await scene.say("picture", who=who, burst_s=1.5)
    if joined:
        await scene.say("question", who=who, burst_s=1.5)
    await scene.wait(1.5)
    claimed = await scene.claim_one()
    await scene.finish(claimed)
    return claimed.claim.fence


# --- overload ------------------------------------------------------------------------------


async def a_full_queue_refuses_and_says_so_once(scene: Scene) -> None:
    receipts = [await _say_into_a_queue_of_four(scene, n) for n in range(6)]
    same([r.state for r in receipts[:4]], [EventState.ROUTED] * 4, "the first four")
    for receipt in receipts[4:]:
        same((receipt.state, receipt.reason), (EventState.REFUSED, "overload"), "the others")
        same(receipt.turn, None, "a refused event's turn")
    same(bodies(await scene.sends()), ["Too much (4)."], "what is said about it")


async def overload_is_said_again_after_draining_to_half(scene: Scene) -> None:
    for n in range(5):
        await _say_into_a_queue_of_four(scene, n)
    await scene.deliver()
    await scene.finish(await scene.claim_one())
    same((await _say_into_a_queue_of_four(scene, 5)).state, EventState.ROUTED, "a free place")
    same((await _say_into_a_queue_of_four(scene, 6)).state, EventState.REFUSED, "full again")
    same(await scene.sends(), (), "said twice although it had not drained to half")
    for _ in range(2):
        await scene.finish(await scene.claim_one())
    for n in (7, 8):
        same((await _say_into_a_queue_of_four(scene, n)).state, EventState.ROUTED, "a free place")
    same((await _say_into_a_queue_of_four(scene, 9)).state, EventState.REFUSED, "full once more")
    same(bodies(await scene.sends()), ["Too much (9)."], "what is said about the second episode")


async def a_full_queue_is_somebody_elses_problem(scene: Scene) -> None:
    for n in range(5):
        await _say_into_a_queue_of_four(scene, n)
    same((await scene.say("me too", who="ben")).state, EventState.ROUTED, "another session")


async def a_repeat_of_a_refused_event_stays_refused(scene: Scene) -> None:
    for n in range(5):
        await _say_into_a_queue_of_four(scene, n)
    await scene.finish(await scene.claim_one())
    again = await _say_into_a_queue_of_four(scene, 4)
    same((again.is_new, again.state), (False, EventState.REFUSED), "the repeat's receipt")


async def _say_into_a_queue_of_four(scene: Scene, n: int) -> Receipt:
    overload = Notice(f"notice:overload:{n}", f"Too much ({n}).")
    disposition = route(scene.session(), queue_max=4, overload=overload)
    return await scene.accept(scene.message(f"{n}", message_id=f"q{n}"), disposition)


# --- edits ---------------------------------------------------------------------------------


async def editing_what_waits_replaces_its_words(scene: Scene) -> None:
    first = await scene.say("helo", message_id="om1")
    edited = await _edit(scene, "hello", OnEdit.RERUN)
    same((edited.state, edited.turn), (EventState.ROUTED, first.turn), "the edit's receipt")
    claimed = await scene.claim_one()
    same(claimed.turn.text, "hello", "the words")
    same(len(claimed.turn.messages), 1, "messages of the turn")


async def editing_one_of_a_burst_changes_only_that_one(scene: Scene) -> None:
    await scene.say("one", message_id="om0", burst_s=1.5)
    await scene.say("tow", message_id="om1", burst_s=1.5)
    await scene.say("three", message_id="om2", burst_s=1.5)
    await _edit(scene, "two", OnEdit.RERUN)
    await scene.wait(1.5)
    same((await scene.claim_one()).turn.text, "one\ntwo\nthree", "the words")


async def an_edit_of_what_waits_raises_the_fence(scene: Scene) -> None:
    before = await _claimed_fence(scene, "quiet", joined=False)
    await scene.say("helo", message_id="om1")
    await _edit(scene, "hello", OnEdit.RERUN)
    claimed = await scene.claim_one()
    holds(claimed.claim.fence > before, "the fence grows with every change of a waiting turn")


async def editing_what_runs_has_it_run_again(scene: Scene) -> None:
    await scene.say("helo", message_id="om1", on_edit=OnEdit.RERUN)
    await scene.say("and then?")
    claimed = await scene.claim_one()
    await _edit(scene, "hello", OnEdit.RERUN)
    same(await scene.journal.wanted(claimed.turn.id), Wanted.RERUN, "what is wanted of it")
    finished = await scene.finish(claimed, *scene.outputs(claimed, "answer to helo"))
    same(finished.verdict, Verdict.RERUN, "the verdict")
    same(await scene.sends(), (), "its outputs are refused")
    again = await scene.claim_one()
    same((again.turn.id, again.turn.text), (claimed.turn.id, "hello"), "at the head, new words")
    same(await scene.journal.wanted(again.turn.id), Wanted.NOTHING, "wanted of the second run")
    finished = await scene.finish(again, *scene.outputs(again, "answer to hello"))
    same(finished.verdict, Verdict.DONE, "the second verdict")
    same(bodies(await scene.sends()), ["answer to hello"], "what is said")
    same((await scene.claim_one()).turn.text, "and then?", "the lane goes on")


async def a_wish_to_run_again_survives_a_crash(scene: Scene) -> None:
    await scene.say("helo", message_id="om1", on_edit=OnEdit.RERUN)
    await scene.claim_one()
    await _edit(scene, "hello", OnEdit.RERUN)
    await scene.crash()
    again = await scene.claim_one()
    same(again.turn.text, "hello", "the words")
    same(await scene.journal.wanted(again.turn.id), Wanted.RERUN, "what is wanted of it")
    same((await scene.finish(again)).verdict, Verdict.RERUN, "the verdict")
    fresh = await scene.claim_one()
    same(await scene.journal.wanted(fresh.turn.id), Wanted.NOTHING, "wanted of the fresh run")
    same((await scene.finish(fresh)).verdict, Verdict.DONE, "its verdict")


async def editing_what_runs_may_change_nothing(scene: Scene) -> None:
    await scene.say("helo", message_id="om1", on_edit=OnEdit.IGNORE)
    claimed = await scene.claim_one()
    receipt = await _edit(scene, "hello", OnEdit.IGNORE)
    same((receipt.state, receipt.reason), (EventState.IGNORED, "edit_ignored"), "the receipt")
    same(await scene.journal.wanted(claimed.turn.id), Wanted.NOTHING, "what is wanted of it")
    same((await scene.finish(claimed)).verdict, Verdict.DONE, "the verdict")


async def editing_what_was_answered_asks_anew(scene: Scene) -> None:
    first = await scene.answer("helo", "answer", message_id="om1", on_edit=OnEdit.RERUN)
    receipt = await _edit(scene, "hello", OnEdit.RERUN)
    claimed = await scene.claim_one()
    same(receipt.turn, claimed.turn.id, "the turn in the receipt")
    same(claimed.turn.replaces, first.turn.id, "the turn that it corrects")
    same(claimed.turn.text, "hello", "the new words")
    holds(claimed.turn.id != first.turn.id, "a new turn")


async def editing_again_reaches_back_to_the_first_answer(scene: Scene) -> None:
    first = await scene.answer("helo", "one", message_id="om1", on_edit=OnEdit.RERUN)
    await _edit(scene, "hullo", OnEdit.RERUN, stamp="1")
    second = await scene.claim_one()
    await scene.finish(second, *scene.outputs(second, "two"))
    await _edit(scene, "hello", OnEdit.RERUN, stamp="2")
    third = await scene.claim_one()
    same(third.turn.text, "hello", "the newest words")
    said = await scene.journal.answers(third.turn.id)
    origins = [delivery.origin for delivery in said]
    same(origins, [f"turn:{first.turn.id}", f"turn:{second.turn.id}"], "all that was answered")


async def editing_what_was_answered_may_change_nothing(scene: Scene) -> None:
    await scene.answer("helo", "answer", message_id="om1")
    receipt = await _edit(scene, "hello", OnEdit.IGNORE)
    same((receipt.state, receipt.reason), (EventState.IGNORED, "edit_ignored"), "the receipt")
    same(await scene.claim(), (), "turns")


async def an_edit_of_something_unknown_is_kept(scene: Scene) -> None:
    ignored = Disposition(state=EventState.IGNORED, reason="not_addressed")
    receipt = await scene.accept(scene.edit("hello", message_id="never seen"), ignored)
    same((receipt.state, receipt.turn), (EventState.IGNORED, None), "the receipt")
    same(await scene.claim(), (), "turns")


async def an_edit_that_is_wanted_is_answered_like_a_message(scene: Scene) -> None:
    """Its message was overheard, or came before the bot joined; now it addresses the bot."""
    receipt = await _edit(scene, "@bot hello", OnEdit.RERUN)
    same(receipt.state, EventState.ROUTED, "the receipt")
    same((await scene.claim_one()).turn.text, "@bot hello", "its words")


async def a_repeated_edit_changes_nothing(scene: Scene) -> None:
    await scene.answer("helo", "answer", message_id="om1", on_edit=OnEdit.RERUN)
    first = await _edit(scene, "hello", OnEdit.RERUN)
    again = await _edit(scene, "hello", OnEdit.RERUN)
    same((again.is_new, again.event), (False, first.event), "the repeat's receipt")
    await scene.finish(await scene.claim_one())
    same(await scene.claim(), (), "turns after the first")


async def _edit(scene: Scene, text: str, on_edit: OnEdit, stamp: str = "1") -> Receipt:
    event = scene.edit(text, message_id="om1", stamp=stamp)
    return await scene.accept(event, route(scene.session(), on_edit=on_edit))


# --- answers to questions ------------------------------------------------------------------


async def an_answer_brings_back_what_the_asker_wanted_to_know(scene: Scene) -> None:
    await _ask(scene)
    receipt = await _press(scene, choice=1)
    same(receipt.state, EventState.ROUTED, "the receipt")
    answer = (await scene.claim_one()).turn.answer
    holds(answer, "the turn of a press has an answer")
    assert answer is not None
    same((answer.question, answer.state, answer.choice), ("q1", "order 7", 1), "the answer")


async def a_typed_answer_carries_its_words(scene: Scene) -> None:
    await _ask(scene)
    claimant = Claimant(question="q1", choice=None)
    await scene.accept(scene.message("the red one"), route(scene.session(), claimant=claimant))
    answer = (await scene.claim_one()).turn.answer
    assert answer is not None, "broken: the turn of a typed answer has an answer"
    same((answer.choice, answer.text), (None, "the red one"), "the answer")


async def a_question_is_answered_once(scene: Scene) -> None:
    await _ask(scene)
    await _press(scene, choice=0)
    second = await _press(scene, choice=1)
    same((second.state, second.reason), (EventState.IGNORED, "question_taken"), "the receipt")
    same(bodies(await scene.sends()), ["Too late."], "what the second is told")
    same(len(await scene.claim()), 1, "turns")


async def an_expired_question_is_not_answered(scene: Scene) -> None:
    await _ask(scene)
    await scene.wait(600.1)
    receipt = await _press(scene, choice=0)
    same((receipt.state, receipt.reason), (EventState.IGNORED, "question_late"), "the receipt")
    same(bodies(await scene.sends()), ["Too late."], "what the late one is told")
    same(await scene.claim(), (), "turns")


async def a_press_that_comes_twice_is_one_answer(scene: Scene) -> None:
    await _ask(scene)
    claimant = Claimant(question="q1", choice=0, refused=Notice("notice:q1", "Too late."))
    press = scene.arrival(scene.message("press"), route(scene.session(), claimant=claimant))
    first, again = await scene.journal.accept((press, press), scene.now)
    same((first.is_new, again.is_new), (True, False), "the receipts")
    same(await scene.sends(), (), "nobody is told off for the platform's repeat")


async def _ask(scene: Scene) -> ClaimedTurn:
    await scene.say("order")
    claimed = await scene.claim_one()
    question = NewQuestion(
        id="q1",
        session=scene.session(),
        handler="demo",
        who="ann",
        labels=("yes", "no"),
        expires_at=scene.now + 600,
        state="order 7",
        takes_text=True,
    )
    await scene.finish(claimed, result=Result(questions=(question,)))
    return claimed


async def _press(scene: Scene, choice: int) -> Receipt:
    refused = Notice(f"notice:q1:{choice}", "Too late.")
    claimant = Claimant(question="q1", choice=choice, refused=refused)
    return await scene.accept(scene.message("press"), route(scene.session(), claimant=claimant))


# --- parts ---------------------------------------------------------------------------------


async def every_part_comes_back_as_it_was(scene: Scene) -> None:
    media = Media(ref="sha256:00", name="图.png", mime="image/png", size_bytes=7)
    said = scene.message("看 \U0001f600 \u0000 end")
    parts = (*said.parts, Image(media))
    sender = Person("ann", name="安")
    message = replace(said, sender=sender, parts=parts, thread="t1", is_addressed=True)
    await scene.accept(message)
    same((await scene.claim_one()).turn.events[0].event, message, "the event")
