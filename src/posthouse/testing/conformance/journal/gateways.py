"""Who may write: epochs, leases, fences. Two processes compete; the newer one's word counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from posthouse.model.delivery import NotSent, Sent, State, Step, Unknown
from posthouse.model.errors import FenceLost
from posthouse.model.turn import TurnState
from posthouse.store.journal import Gateway, OnceState, Result, Verdict
from posthouse.testing.conformance.checks import holds, raises, same
from posthouse.testing.conformance.scene import LEASE_S, LOOK_UP, NONE, Scene, output


async def a_restart_keeps_the_number_and_raises_the_epoch(scene: Scene) -> None:
    again = await scene.journal.enter("g1", scene.now, LEASE_S)
    same(again.id, scene.gateway.id, "the number of the same name")
    holds(again.epoch > scene.gateway.epoch, "a restart has a higher epoch")
    same(again.name, "g1", "its name")


async def another_name_is_another_gateway(scene: Scene) -> None:
    other = await scene.journal.enter("g2", scene.now, LEASE_S)
    holds(other.id != scene.gateway.id, "two names are two gateways")
    holds(await scene.journal.renew(scene.gateway, scene.now, LEASE_S), "the first stays")


async def a_connection_is_held_by_one(scene: Scene) -> None:
    other = await scene.journal.enter("g2", scene.now, 3 * LEASE_S)
    same(await scene.journal.hold(scene.gateway, ("b", "c"), scene.now), {"b", "c"}, "first come")
    same(await scene.journal.hold(other, ("b", "d"), scene.now), {"d"}, "what nobody holds")
    same(await scene.journal.hold(scene.gateway, ("b",), scene.now), {"b"}, "asking again")
    same(await scene.journal.hold(other, ("b", "c"), scene.now), {"c"}, "what was let go")
    same(await scene.journal.hold(scene.gateway, (), scene.now), set(), "nothing wanted")
    same(await scene.journal.hold(other, ("b",), scene.now), {"b"}, "all was let go")


async def a_connection_moves_when_its_holder_is_gone(scene: Scene) -> None:
    old = scene.gateway
    other = await scene.journal.enter("g2", scene.now, 3 * LEASE_S)
    await scene.journal.hold(old, ("b", "c"), scene.now)
    same(await scene.journal.hold(other, ("b",), scene.now + LEASE_S - 1), set(), "before its end")
    late = scene.now + LEASE_S + 0.1
    same(await scene.journal.hold(old, ("b",), late), set(), "whose time is up holds nothing")
    same(await scene.journal.hold(other, ("b",), late), {"b"}, "after its end")
    again = await scene.journal.enter("g1", late, LEASE_S)
    same(
        await scene.journal.hold(again, ("b", "c"), late), {"c"}, "come back, it takes what is free"
    )
    await scene.journal.enter("g2", late, LEASE_S)
    same(await scene.journal.hold(other, ("b",), late), set(), "an old epoch holds nothing")
    same(await scene.journal.hold(again, ("b",), late), {"b"}, "and nothing is held for it")


async def a_connection_of_an_earlier_epoch_is_not_held(scene: Scene) -> None:
    await scene.journal.hold(scene.gateway, ("b",), scene.now)
    await scene.crash()
    same(await scene.journal.hold(scene.gateway, (), scene.now), set(), "held since before")


async def a_lease_is_renewed_while_it_lasts(scene: Scene) -> None:
    holds(await scene.journal.renew(scene.gateway, scene.now + 29, LEASE_S), "in time")
    holds(await scene.journal.renew(scene.gateway, scene.now + 58, LEASE_S), "in time again")
    late = scene.now + 58 + LEASE_S + 0.1
    holds(not await scene.journal.renew(scene.gateway, late, LEASE_S), "too late")
    holds(not await scene.journal.renew(scene.gateway, late, LEASE_S), "once late, for ever late")


async def an_old_epoch_cannot_stay(scene: Scene) -> None:
    old = scene.gateway
    await scene.crash()
    holds(not await scene.journal.renew(old, scene.now, LEASE_S), "an old epoch cannot renew")
    holds(await scene.journal.renew(scene.gateway, scene.now, LEASE_S), "the new one can")


async def an_old_epoch_gets_nothing(scene: Scene) -> None:
    old = scene.gateway
    await scene.answer("question", "answer")
    await scene.say("another")
    await scene.crash()
    new, scene.gateway = scene.gateway, old
    await _gets_nothing(scene)
    scene.gateway = new
    same(len(await scene.claim()), 1, "turns for the new epoch")
    same(len(await scene.sends()), 1, "deliveries for the new epoch")


async def a_gateway_whose_time_is_up_gets_nothing(scene: Scene) -> None:
    await scene.answer("question", "answer")
    await scene.say("another")
    scene.now += LEASE_S + 0.1
    await _gets_nothing(scene)


async def a_restart_hands_its_turns_out_again_at_once(scene: Scene) -> None:
    await scene.say("question")
    first = await scene.claim_one()
    same(first.turn.attempt, 1, "the first attempt")
    await scene.crash()
    second = await scene.claim_one()
    same(second.turn.id, first.turn.id, "the turn")
    same((second.turn.attempt, second.turn.crashes), (1, 1), "attempt and crashes after a crash")
    holds(second.turn.is_again, "it was handed out before")
    holds(second.claim.fence > first.claim.fence, "the fence grows with every claim")
    holds(not second.turn.is_started, "nobody said that it was started")


async def crashes_are_counted_apart_from_failures(scene: Scene) -> None:
    await scene.say("one")
    await scene.claim_one()
    await scene.crash()
    failing = await scene.claim_one()
    await scene.journal.retry(failing.claim, failing.turn.id, scene.now, "handler_error")
    await scene.claim_one()
    await scene.crash()
    last = await scene.claim_one()
    same((last.turn.attempt, last.turn.crashes), (2, 2), "attempt and crashes")
    await scene.finish(last)
    await scene.say("two")
    following = await scene.claim_one()
    same((following.turn.attempt, following.turn.crashes), (1, 0), "those of the next turn")


async def a_started_turn_is_known_as_started(scene: Scene) -> None:
    await scene.say("question")
    first = await scene.claim_one()
    holds(await scene.journal.start(first.claim, first.turn.id, scene.now), "begins")
    await scene.crash()
    second = await scene.claim_one()
    holds(second.turn.is_started, "it was started before the crash")
    holds(
        not await scene.journal.start(second.claim, second.turn.id, scene.now),
        "start is False when it had begun before",
    )


async def a_restart_frees_send_and_amend_lanes(scene: Scene) -> None:
    sent = await scene.told("one", "answer one")
    await scene.answer("two", "answer two")
    first = await scene.send_one()
    await scene.crash()
    same(await scene.sends(), (), "a cut delivery waits before it is tried again")
    await scene.wait(60)
    again = await scene.send_one()
    same(again.delivery.id, first.delivery.id, "the delivery handed out again")
    same(await scene.state(sent), State.SENT, "what was settled before the crash")


async def a_newer_claim_refuses_everything_from_an_older_one(scene: Scene) -> None:
    receipt = await scene.say("question")
    old = await scene.claim_one()
    await scene.crash()
    new = await scene.claim_one()
    journal, turn, now = scene.journal, old.turn.id, scene.now
    outputs = (output(f"turn:{turn}", "from the dead"),)
    writes: dict[str, Awaitable[Any]] = {
        "start": journal.start(old.claim, turn, now),
        "put": journal.put(old.claim, turn, outputs, now),
        "once_begin": journal.once_begin(old.claim, turn, "pay"),
        "once_end": journal.once_end(old.claim, turn, "pay", "paid"),
        "retry": journal.retry(old.claim, turn, now + 9, "handler_error"),
        "finish": scene.finish(old, *outputs),
    }
    for name, write in writes.items():
        await raises(FenceLost, write, f"{name} under an old claim")
    road = await scene.road(receipt)
    same(road.deliveries, (), "outputs of the dead")
    same(road.turn and road.turn.state, TurnState.WAITING, "the turn's state")
    once = await journal.once_begin(new.claim, turn, "pay")
    same(once.state, OnceState.NEW, "a side effect that the dead wanted to begin")
    same((await scene.finish(new)).verdict, Verdict.DONE, "the verdict for the living")


async def whatever_a_frozen_gateway_still_writes_is_refused(scene: Scene) -> None:
    await scene.told("one", "answer one")
    await scene.recall()
    amend = await scene.amend_one()
    await scene.answer("two", "answer two")
    delivery = await scene.send_one()
    await scene.say("three")
    turn = await scene.claim_one()
    frozen, now = scene.gateway, scene.now + LEASE_S + 0.1
    scene.now, journal = now, scene.journal
    scene.gateway = await journal.enter("g2", now, 3 * LEASE_S)
    same(await journal.free(now), 3, "lanes freed of the frozen one")
    claim, number = turn.claim, turn.turn.id
    outputs = (output(f"turn:{number}", "from the frozen"),)
    writes: dict[str, Callable[[], Awaitable[Any]]] = {
        "start": lambda: journal.start(claim, number, now),
        "put": lambda: journal.put(claim, number, outputs, now),
        "once_begin": lambda: journal.once_begin(claim, number, "pay"),
        "once_end": lambda: journal.once_end(claim, number, "pay", "paid"),
        "retry": lambda: journal.retry(claim, number, now + 9, "handler_error"),
        "finish": lambda: scene.finish(turn, *outputs),
        "sending": lambda: journal.sending(
            delivery.claim, delivery.delivery.id, b"frozen", NONE, now
        ),
        "settle": lambda: scene.settle(delivery, Sent(("p9",))),
        "settle_amend": lambda: scene.settle_amend(amend, Sent()),
    }
    for name, write in writes.items():
        await raises(FenceLost, write(), f"{name} of a frozen gateway, whose lane is free")
    same(len(await scene.claim()), 1, "turns for the living")
    same(len(await scene.amends()), 1, "amends for the living")
    await scene.sends()  # what was cut waits, and is the living one's to look at
    for name, write in writes.items():
        await raises(FenceLost, write(), f"{name} of a frozen gateway, whose lane is another's")
    holds(not await journal.renew(frozen, now, LEASE_S), "nor does it stay")


async def an_older_claim_of_the_same_gateway_is_worthless(scene: Scene) -> None:
    receipt = await scene.say("question")
    old, turn, journal, now = await scene.claim_one(), receipt.turn or 0, scene.journal, scene.now
    await journal.retry(old.claim, turn, now, "handler_error")
    new = await scene.claim_one()
    same((new.turn.id, new.claim.epoch), (turn, old.claim.epoch), "the turn, and who runs it")
    outputs = scene.outputs(old, "too late")
    writes: dict[str, Awaitable[Any]] = {
        "start": journal.start(old.claim, turn, now),
        "put": journal.put(old.claim, turn, outputs, now),
        "once_begin": journal.once_begin(old.claim, turn, "pay"),
        "retry": journal.retry(old.claim, turn, now, "handler_error"),
        "finish": scene.finish(old, *outputs),
    }
    for name, write in writes.items():
        await raises(FenceLost, write, f"{name} under the claim of the last try")
    await scene.finish(new, *scene.outputs(new, "answer"))


async def an_older_claim_of_the_same_gateway_settles_nothing(scene: Scene) -> None:
    await scene.answer("question", "answer")
    old = await scene.send_one()
    await scene.settle(old, NotSent("cannot_reach"))
    await scene.wait(300)
    new = await scene.send_one()
    same(new.delivery.id, old.delivery.id, "the delivery, tried again")
    await raises(FenceLost, scene.settle(old, Sent(("p1",))), "settle under the last try's claim")
    sending = scene.journal.sending(old.claim, old.delivery.id, b"late", NONE, scene.now)
    await raises(FenceLost, sending, "sending under the last try's claim")
    same((await scene.settle(new, Sent(("p2",)))).platform_ids, ("p2",), "what the living sent")
    await scene.recall()
    amend = await scene.amend_one()
    await scene.settle_amend(amend, NotSent("cannot_reach"))
    await scene.wait(300)
    again = await scene.amend_one()
    same(again.id, amend.id, "the amend, tried again")
    await raises(FenceLost, scene.settle_amend(amend, Sent()), "an amend of the last try")


async def doubt_waits_anew_only_where_nobody_could_look(scene: Scene) -> None:
    await scene.answer("question", "answer")
    claimed = await scene.send_one(LOOK_UP)
    turn = _turn(claimed.delivery.origin)
    await scene.settle(claimed, Unknown("cut"), LOOK_UP)
    began_at = (await scene.delivery(turn)).unclear_since_at
    await scene.wait(5)
    await scene.journal.enter("g2", scene.now, LEASE_S)
    same((await scene.delivery(turn)).unclear_since_at, began_at, "beside one who could look")
    scene.now += 2 * LEASE_S
    await scene.journal.enter("g2", scene.now, LEASE_S)
    same((await scene.delivery(turn)).unclear_since_at, scene.now, "when nobody could")


async def doubt_waits_anew_where_the_dead_was_looking(scene: Scene) -> None:
    journal = scene.journal
    turn = await _looking(scene)
    await journal.enter("g2", scene.now, LEASE_S)
    looked_at = (await scene.delivery(turn)).unclear_since_at
    await journal.enter("g3", scene.now, LEASE_S)
    same((await scene.delivery(turn)).unclear_since_at, looked_at, "while who looks for it lives")
    await scene.crash()
    same((await scene.delivery(turn)).unclear_since_at, scene.now, "when who looked came back")


async def doubt_waits_anew_where_one_was_looking_whose_time_is_up(scene: Scene) -> None:
    journal = scene.journal
    turn = await _looking(scene)
    living = await journal.enter("g2", scene.now, LEASE_S)
    for _ in range(3):
        scene.now += LEASE_S / 2
        holds(await journal.renew(living, scene.now, LEASE_S), "the living one goes on")
    await journal.enter("g3", scene.now, LEASE_S)
    same((await scene.delivery(turn)).unclear_since_at, scene.now, "for what the dead one held")


async def _looking(scene: Scene) -> int:
    """Let our gateway look for a message that is unclear since a while; returns its turn."""
    await scene.answer("question", "answer")
    claimed = await scene.send_one(LOOK_UP)
    await scene.settle(claimed, Unknown("cut"), LOOK_UP)
    await scene.wait(5)
    looking = await scene.send_one(LOOK_UP)
    same(looking.next.step, Step.LOOK_UP, "what is to be done with it")
    return _turn(claimed.delivery.origin)


async def a_crash_without_a_new_claim_leaves_old_claims_worthless(scene: Scene) -> None:
    receipt = await scene.say("question")
    old = await scene.claim_one()
    await scene.crash()
    await raises(
        FenceLost, scene.finish(old, *scene.outputs(old, "dead")), "finish of an old epoch"
    )
    same((await scene.road(receipt)).deliveries, (), "outputs of the dead")
    same((await scene.claim_one()).turn.id, old.turn.id, "the turn handed out again")


async def an_older_claim_of_a_delivery_is_worthless(scene: Scene) -> None:
    await scene.answer("question", "answer")
    old = await scene.send_one()
    await scene.crash()
    await scene.sends()
    await raises(FenceLost, scene.settle(old, Sent(("p1",))), "settle under an old claim")
    holds((await scene.delivery(_turn(old.delivery.origin))).state is not State.SENT, "unsent")


async def an_older_claim_cannot_begin_to_send(scene: Scene) -> None:
    await scene.say("question")
    turn = await scene.claim_one()
    await scene.finish(turn, output(f"turn:{turn.turn.id}", "answer", body=b""))
    old = await scene.send_one()
    await scene.crash()
    new = await scene.send_one()
    sending = scene.journal.sending(old.claim, old.delivery.id, b"dead", NONE, scene.now)
    await raises(FenceLost, sending, "sending under an old claim")
    living = await scene.journal.sending(new.claim, new.delivery.id, b"alive", NONE, scene.now)
    same(living and living.delivery.body, b"alive", "the bytes of the living")


async def an_older_claim_of_an_amend_is_worthless(scene: Scene) -> None:
    sent = await scene.told("question", "answer")
    await scene.recall()
    old = await scene.amend_one()
    await scene.crash()
    new = await scene.amend_one()
    same(new.id, old.id, "the amend handed out again")
    await raises(FenceLost, scene.settle_amend(old, Sent()), "settle_amend under an old claim")
    same(await scene.state(sent), State.WITHDRAWING, "the delivery meanwhile")
    same((await scene.settle_amend(new, Sent())).state, State.WITHDRAWN, "the living's word")


async def a_finished_turn_cannot_be_finished_again(scene: Scene) -> None:
    await scene.say("question")
    claimed = await scene.claim_one()
    await scene.finish(claimed)
    await raises(FenceLost, scene.finish(claimed), "a second finish")


async def free_lets_the_lanes_of_the_dead_go(scene: Scene) -> None:
    await scene.say("one")
    await scene.say("two", who="ben")
    mine = await scene.claim(limit=1)
    dead, scene.gateway = scene.gateway, await scene.journal.enter("g2", scene.now, 3 * LEASE_S)
    theirs = await scene.claim_one()
    same(await scene.journal.free(scene.now), 0, "lanes freed while both live")
    scene.now += LEASE_S + 0.1
    same(await scene.journal.free(scene.now), 1, "lanes freed of the one whose time is up")
    again = await scene.claim_one()
    same(again.turn.id, mine[0].turn.id, "the turn handed out again")
    same((again.turn.attempt, again.turn.crashes), (1, 1), "its attempt and crashes")
    same((await scene.finish(theirs)).verdict, Verdict.DONE, "the living keeps its own")
    holds(dead.id != scene.gateway.id, "two gateways")
    await raises(FenceLost, _finish_as_if_alive(scene, mine[0]), "a late word of the dead")


async def a_claim_without_free_does_not_take_from_the_living(scene: Scene) -> None:
    await scene.say("one")
    await scene.claim_one()
    scene.gateway = await scene.journal.enter("g2", scene.now, LEASE_S)
    same(await scene.claim(), (), "turns that somebody living works on")


async def what_a_clock_that_was_ahead_has_put_off_waits_no_longer(scene: Scene) -> None:
    await scene.wait(3600)
    await scene.answer("question", "one", "two")
    await scene.settle(await scene.send_one(), Sent(("p1",)), pace_s=5)
    await scene.say("the first of a burst", burst_s=1.5)
    scene.now -= 3600
    same((await scene.claim(), await scene.sends()), ((), ()), "what is handed out an hour early")
    await scene.journal.bound_waits(scene.now, 0.0)
    same(len(await scene.claim()), 1, "turns, once no wait is believed")
    same(len(await scene.sends()), 1, "deliveries, once no wait is believed")


async def a_pace_of_a_clock_that_was_ahead_holds_up_nothing_new(scene: Scene) -> None:
    await scene.wait(3600)
    await scene.answer("question", "one")
    await scene.settle(await scene.send_one(), Sent(("p1",)), pace_s=5)
    scene.now -= 3600
    await scene.journal.bound_waits(scene.now, 300.0)
    await scene.answer("question", "two")
    same(len(await scene.sends()), 1, "deliveries to a chat that was used before")


async def waits_within_bounds_stay(scene: Scene) -> None:
    await scene.answer("question", "one")
    await scene.settle(await scene.send_one(), NotSent("rate_limited", retry_after_s=60.0))
    await scene.journal.bound_waits(scene.now, 60.0)
    await scene.wait(59)
    same(await scene.sends(), (), "deliveries before the platform allows them")
    await scene.wait(1)
    same(len(await scene.sends()), 1, "deliveries afterwards")


def _turn(origin: str) -> int:
    return int(origin.removeprefix("turn:"))


async def _finish_as_if_alive(scene: Scene, claimed: Any) -> object:  # noqa: ANN401 - a ClaimedTurn
    return await scene.journal.finish(
        claimed.claim, claimed.turn.id, Result(), NONE, scene.now, is_first_sent=False
    )


async def _gets_nothing(scene: Scene) -> None:
    who: Gateway = scene.gateway
    same(await scene.claim(), (), f"turns for {who}")
    same(await scene.sends(), (), f"deliveries for {who}")
    same(await scene.amends(), (), f"amends for {who}")
