"""What may happen between two statements of a claim: races as calls.

Where a store has one writer, these calls follow one another and the checks hold the outcome; where
it has several, they really meet. None of them is about timing: whoever comes first, the sum of all
turns must be right.
"""

from __future__ import annotations

import asyncio

from posthouse.model.errors import FenceLost
from posthouse.store.journal import ClaimedTurn, Gateway, Result
from posthouse.testing.conformance.checks import concurrent, holds, same
from posthouse.testing.conformance.scene import LEASE_S, NONE, Scene, route

SESSIONS = 8
TURNS_EACH = 12


async def a_repeat_that_comes_at_the_same_time_is_a_repeat(scene: Scene) -> None:
    receipts = await asyncio.gather(*(scene.say("hello", message_id="om1") for _ in range(10)))
    same(sum(receipt.is_new for receipt in receipts), 1, "arrivals that are new")
    same(len({receipt.event for receipt in receipts}), 1, "events")
    same(len(await scene.claim()), 1, "turns")


async def a_chat_entered_by_many_has_one_number(scene: Scene) -> None:
    chats = await asyncio.gather(*(scene.room("new room") for _ in range(10)))
    same(len({chat.id for chat in chats}), 1, "numbers")


async def a_name_entered_by_many_has_different_epochs(scene: Scene) -> None:
    enter = scene.journal.enter
    gateways = await asyncio.gather(*(enter("g9", scene.now, LEASE_S) for _ in range(5)))
    same(len({gateway.epoch for gateway in gateways}), 5, "epochs")
    stay = [await scene.journal.renew(each, scene.now, LEASE_S) for each in gateways]
    same(stay.count(True), 1, "gateways that may stay")


async def a_turn_is_claimed_by_one(scene: Scene) -> None:
    for n in range(20):
        await scene.say(f"{n}", who=f"person {n}")
    gateways = await _gateways(scene)
    claims = await asyncio.gather(
        *(scene.journal.claim_turns(gateway, scene.now, 10) for gateway in gateways)
    )
    handed_out = [each.turn.id for claimed in claims for each in claimed]
    same(len(handed_out), 20, "turns handed out")
    same(len(set(handed_out)), 20, "different ones")


async def an_event_that_meets_a_claim_is_in_this_turn_or_the_next(scene: Scene) -> None:
    """Race five: "picture, then question" joins between the claim's snapshot and its lock."""
    for n in range(20):
        who = f"person {n}"
        session = route(scene.session(who), burst_s=1.0)
        await scene.accept(scene.message("picture", who=who), session)
        scene.now += 0.999
        question = scene.accept(scene.message("question", who=who), session)
        claimed, _ = await asyncio.gather(
            scene.journal.claim_turns(scene.gateway, scene.now + 0.001, 1), question
        )
        heard = await _finish_all(scene, claimed)
        await scene.wait(2)
        heard += await _finish_all(scene, await scene.claim())
        same("\n".join(heard), "picture\nquestion", f"what was heard from {who}")


async def an_arrival_that_meets_a_finish_is_not_forgotten(scene: Scene) -> None:
    """A lane that goes to sleep while something arrives would never wake again."""
    await scene.say("0")
    for n in range(1, 30):
        claimed = await scene.claim_one()
        await asyncio.gather(scene.finish(claimed), scene.say(f"{n}"))
    same((await scene.claim_one()).turn.text, "29", "the last one")


async def control_that_meets_a_claim_is_first_or_finds_it_running(scene: Scene) -> None:
    for n in range(10):
        await scene.say(f"{n}")
        claimed, _ = await asyncio.gather(scene.claim(), scene.order("stop"))
        running = await scene.journal.running_turns(scene.chat.id)
        ordinary = tuple(each.turn.id for each in claimed if not each.is_control)
        same(running, ordinary, "turns that control finds running")
        for each in (*claimed, *await scene.claim()):
            await scene.finish(each)
        for each in await scene.claim():
            await scene.finish(each)


async def a_stop_that_meets_a_finish_wins_or_comes_too_late(scene: Scene) -> None:
    for n in range(10):
        receipt = await scene.say(f"{n}")
        claimed = await scene.claim_one()
        stop = scene.journal.stop_session(scene.chat.id, scene.session(), scene.now)
        finished, stopped = await asyncio.gather(
            scene.finish(claimed, *scene.outputs(claimed, "answer")), stop
        )
        road = await scene.road(receipt)
        same(bool(stopped), not road.deliveries, f"either stopped or answered ({finished})")


async def several_gateways_lose_nothing_and_keep_order(scene: Scene) -> None:
    await _work_it_off(scene)


@concurrent
async def many_gateways_lose_nothing_while_more_arrives(scene: Scene) -> None:
    for _ in range(10):
        await _work_it_off(scene)


async def _work_it_off(scene: Scene) -> None:
    """Let several gateways work while messages come in."""
    heard: dict[str, list[str]] = {}
    arriving = asyncio.gather(*(_talk(scene, f"person {n}") for n in range(SESSIONS)))
    gateways = await _gateways(scene)
    workers = [asyncio.ensure_future(_work(scene, each, heard, arriving)) for each in gateways]
    await arriving
    await asyncio.gather(*workers)
    expected = [f"{n}" for n in range(TURNS_EACH)]
    same(heard, {scene.session(f"person {n}"): expected for n in range(SESSIONS)}, "what was heard")


async def _talk(scene: Scene, who: str) -> None:
    for n in range(TURNS_EACH):
        await scene.say(f"{n}", who=who)


async def _work(
    scene: Scene,
    gateway: Gateway,
    heard: dict[str, list[str]],
    arriving: asyncio.Future[list[None]],
) -> None:
    while True:
        is_last = arriving.done()
        claimed = await scene.journal.claim_turns(gateway, scene.now, 4)
        for each in claimed:
            heard.setdefault(each.turn.session, []).append(each.turn.text)
            await scene.journal.finish(
                each.claim, each.turn.id, Result(), NONE, scene.now, is_first_sent=False
            )
        if is_last and not claimed:
            return
        await asyncio.sleep(0)


async def a_gateway_that_dies_between_two_turns_loses_neither(scene: Scene) -> None:
    for n in range(3):
        await scene.say(f"{n}")
    heard = []
    for is_dying in (False, True, False, True, False):
        claimed = await scene.claim_one()
        if is_dying:
            await scene.crash()
            continue
        heard.append(claimed.turn.text)
        await scene.finish(claimed)
    same(heard, ["0", "1", "2"], "turns that were finished")


async def a_late_finish_of_the_dead_changes_nothing(scene: Scene) -> None:
    await scene.say("0")
    await scene.say("1")
    dead = await scene.claim_one()
    await scene.crash()
    living = await scene.claim_one()
    late, done = await asyncio.gather(
        scene.finish(dead, *scene.outputs(dead, "dead")),
        scene.finish(living, *scene.outputs(living, "alive")),
        return_exceptions=True,
    )
    holds(isinstance(late, FenceLost), f"the dead one's finish is refused: {late!r}")
    holds(not isinstance(done, BaseException), f"the living one's counts: {done!r}")
    said = await scene.journal.answers(living.turn.id)
    same([delivery.body for delivery in said], [b"alive"], "what is said")
    same((await scene.claim_one()).turn.text, "1", "the lane goes on")


async def _gateways(scene: Scene) -> list[Gateway]:
    return [await scene.journal.enter(f"worker {n}", scene.now, LEASE_S) for n in range(3)]


async def _finish_all(scene: Scene, claimed: tuple[ClaimedTurn, ...]) -> list[str]:
    for each in claimed:
        await scene.finish(each)
    return [each.turn.text for each in claimed]
