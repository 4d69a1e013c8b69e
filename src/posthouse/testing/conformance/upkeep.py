"""What every store must do for its own health: removing what is over, and only that."""

from __future__ import annotations

from posthouse.model.address import Person, Place
from posthouse.model.delivery import NotSent, Sent, Unknown
from posthouse.model.disposition import Disposition
from posthouse.model.event import Undecodable, other_key
from posthouse.model.turn import EventState, TurnState
from posthouse.store.journal import Result
from posthouse.store.upkeep import Pruned, Retention
from posthouse.testing.conformance.checks import holds, same
from posthouse.testing.conformance.scene import BOT, Scene, bodies, texts

DAY_S = 86400.0
RETENTION = Retention(messages_s=30 * DAY_S, seen_s=7 * DAY_S, raw_s=7 * DAY_S)
ROUNDS_MAX = 50


async def what_is_young_stays(scene: Scene) -> None:
    receipt = await scene.say("question", message_id="om1")
    turn = await scene.claim_one()
    await scene.finish(turn, *scene.outputs(turn, "answer"))
    await scene.deliver()
    await scene.wait(6.9 * DAY_S)
    same(await _prune(scene), (0, 0, 0, 0), "removed")
    road = await scene.road(receipt)
    same([row.text for row in road.deliveries], ["answer"], "what was said")
    holds(not (await scene.say("question", message_id="om1")).is_new, "the key is known")


async def what_is_over_and_old_goes(scene: Scene) -> None:
    receipt = await scene.say("question")
    turn = await scene.claim_one()
    await scene.finish(turn, *scene.outputs(turn, "answer"))
    await scene.deliver()
    await scene.wait(31 * DAY_S)
    await scene.told("a newer question", "a newer answer")
    events, turns, deliveries, _ = await _prune(scene)
    same((events, turns, deliveries), (1, 1, 1), "removed")
    same(await scene.store.reader.road(receipt.event), None, "the event")
    same(await scene.journal.answers(turn.turn.id), (), "the answers")


async def keys_are_kept_for_at_least_seven_days(scene: Scene) -> None:
    """Even when somebody configures less: platforms redeliver for days."""
    hasty = Retention(messages_s=0.0, seen_s=0.0, raw_s=0.0)
    await scene.answer("question", "answer", message_id="om1")
    await scene.deliver()
    await scene.wait(6.9 * DAY_S)
    await _prune(scene, hasty)
    again = await scene.say("question", message_id="om1")
    holds(not again.is_new, "a key is known for at least seven days, whatever else is gone")
    same(await scene.claim(), (), "turns")


async def old_keys_are_forgotten(scene: Scene) -> None:
    await scene.answer("question", "answer", message_id="om1")
    await scene.deliver()
    await scene.wait(8 * DAY_S)
    *_, keys = await _prune(scene)
    same(keys, 1, "removed keys")
    holds((await scene.say("question", message_id="om1")).is_new, "after that it is new")


async def what_waits_to_be_handled_stays(scene: Scene) -> None:
    await scene.say("waits")
    await scene.wait(90 * DAY_S)
    await _prune(scene)
    same(texts(await scene.claim()), ["waits"], "turns")


async def what_runs_stays(scene: Scene) -> None:
    await scene.say("runs")
    claimed = await scene.claim_one()
    await scene.wait(90 * DAY_S)
    await _prune(scene)
    await scene.finish(claimed, *scene.outputs(claimed, "answer"))
    same(bodies(await scene.sends()), ["answer"], "deliveries")


async def what_waits_to_be_sent_stays(scene: Scene) -> None:
    await scene.answer("question", "waits")
    await scene.wait(90 * DAY_S)
    await _prune(scene)
    same(bodies(await scene.sends()), ["waits"], "deliveries")


async def what_is_unclear_stays(scene: Scene) -> None:
    turn = await scene.answer("question", "unclear")
    await scene.settle(await scene.send_one(), Unknown("cut"))
    await scene.wait(90 * DAY_S)
    await _prune(scene)
    same(len(await scene.journal.answers(turn.turn.id)), 1, "answers")


async def what_is_being_withdrawn_stays(scene: Scene) -> None:
    await scene.told("question", "answer")
    recall = await scene.recall()
    await scene.wait(90 * DAY_S)
    await _prune(scene)
    await scene.settle_amend(await scene.amend_one(), Sent())
    after = await scene.journal.recall_state(recall.id)
    same(after and (after.pending, after.withdrawn), (0, 1), "the recall")


async def what_is_buried_or_doubtful_is_over(scene: Scene) -> None:
    """An operator has ninety days to look; then it goes like everything else."""
    await scene.say("question")
    claimed = await scene.claim_one()
    await scene.finish(claimed, result=Result(state=TurnState.BURIED, reason="buried"))
    await scene.answer("another", "failed")
    refused = NotSent("too_long", is_final=True)
    await scene.settle(await scene.send_one(), refused)
    await scene.wait(29 * DAY_S)
    same((await _prune(scene))[:3], (0, 0, 0), "removed before its time")
    holds(await scene.journal.revive(claimed.turn.id, scene.now), "it can still be revived")


async def raw_payloads_have_their_own_age(scene: Scene) -> None:
    event = Undecodable(
        key=other_key("ev1"),
        place=Place(BOT, "room"),
        sender=Person(""),
        raw="{",
        problem="unexpected end",
        at=scene.now,
    )
    disposition = Disposition(state=EventState.UNDECODABLE, reason="undecodable")
    receipt = await scene.accept(event, disposition)
    await scene.wait(6 * DAY_S)
    await _prune(scene)
    holds(await scene.store.reader.road(receipt.event), "kept for its time")
    await scene.wait(2 * DAY_S)
    await scene.say("something newer")
    await _prune(scene)
    same(await scene.store.reader.road(receipt.event), None, "afterwards")


async def what_must_stay_does_not_hide_what_is_over(scene: Scene) -> None:
    """A bot that is switched off for months may have more waiting than one round looks at."""
    off = await scene.room("room", bot="switched off")
    for n in range(12):
        await scene.answer("question", f"waits {n}", who=f"person {n}", chat=off)
        await scene.say("never handled", who=f"waiting person {n}", chat=off)
        await scene.claim()
    turn = await scene.answer("question", "over")
    await scene.deliver()
    await scene.wait(31 * DAY_S)
    await scene.told("a newer question", "a newer answer")
    await _prune(scene)
    same(await scene.journal.answers(turn.turn.id), (), "answers that are over")
    same(bodies(await scene.sends(bot="switched off")), ["waits 0"], "what waits")


async def numbers_are_never_given_twice(scene: Scene) -> None:
    """A late word about a delivery that is gone must not meet another one of the same number."""
    old = await scene.told("question", "answer")
    await scene.wait(31 * DAY_S)
    await _prune(scene)
    new = await scene.told("question", "answer")
    holds(new.id > old.id, "a pruned number is not given again")


async def one_round_is_bounded(scene: Scene) -> None:
    for n in range(30):
        await scene.say(f"{n}", who=f"person {n}")
    for claimed in await scene.claim():
        await scene.finish(claimed)
    await scene.wait(90 * DAY_S)
    first = await scene.store.upkeep.prune(RETENTION, scene.now, rows_max=10)
    largest = max(first.events, first.turns, first.keys)
    holds(largest > 0, "something is removed")
    holds(largest <= 10, "at most rows_max of a kind")
    holds(not first.is_done, "there is more to do")
    await _prune(scene)
    last = await scene.store.upkeep.prune(RETENTION, scene.now, rows_max=10)
    same(last, Pruned(events=0, turns=0, deliveries=0, keys=0, is_done=True), "the last round")


async def the_gauges_count(scene: Scene) -> None:
    before = await scene.store.upkeep.counts()
    await scene.say("waits")
    after = await scene.store.upkeep.counts()
    changed = {name: after[name] - before.get(name, 0) for name in after}
    holds(1 in changed.values(), f"some gauge counts a waiting turn: {after}")


async def the_size_is_known(scene: Scene) -> None:
    holds(await scene.store.upkeep.size_bytes() > 0, "a database takes room")


async def nothing_is_wrong_with_a_fresh_store(scene: Scene) -> None:
    same(await scene.store.upkeep.check(), (), "what is wrong")


async def _prune(scene: Scene, retention: Retention = RETENTION) -> tuple[int, int, int, int]:
    """Prune until all is done; returns removed events, turns, deliveries and keys."""
    rounds = []
    for _ in range(ROUNDS_MAX):
        rounds.append(await scene.store.upkeep.prune(retention, scene.now, rows_max=10))
        if rounds[-1].is_done:
            break
    holds(rounds[-1].is_done, "pruning comes to an end")
    return (
        sum(each.events for each in rounds),
        sum(each.turns for each in rounds),
        sum(each.deliveries for each in rounds),
        sum(each.keys for each in rounds),
    )
