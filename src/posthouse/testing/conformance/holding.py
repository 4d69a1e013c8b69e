"""What every store must do after a restore: listen, say nothing, and let an operator decide.

A hold comes from restoring a copy, so the factory of these checks opens a store that was restored:
``prepare`` fills the original, ``restore`` gives a held store made from its copy.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from posthouse.model.delivery import Sent, State
from posthouse.store.holding import Decision
from posthouse.testing.conformance.checks import Check, holds, same
from posthouse.testing.conformance.scene import NONE, Factory, Scene, Store, bodies

Restore = Callable[[Store], AbstractAsyncContextManager[Store]]


async def run_restored(check: Check[Scene], store: Factory, restore: Restore) -> None:
    """Run one check on a store that was restored from a copy: one answer was sent, two wait."""
    async with store() as original:
        before = await Scene.open(original)
        await before.told("earlier question", "zero")
        await before.answer("question", "one", "two")
        async with restore(original) as restored:
            await check(await Scene.open(restored))
            same(await restored.upkeep.check(), (), "what the store finds wrong with itself")


async def a_restored_house_is_held(scene: Scene) -> None:
    house = await scene.store.holding.house()
    holds(house.is_held, "a restored house is held")
    holds(house.snapshot_at is not None, "it knows how old its copy is")


async def nothing_is_said_while_held(scene: Scene) -> None:
    same(await scene.sends(), (), "deliveries while held")
    held = await scene.store.holding.held()
    same([each.text for each in held], ["one", "two"], "what waits, oldest first")
    same({each.state for each in held}, {State.QUEUED}, "their states")
    same({(each.bot, each.chat) for each in held}, {("b", scene.chat.id)}, "where they go")


async def the_house_listens_and_thinks_while_held(scene: Scene) -> None:
    await scene.say("another question", message_id="after the copy")
    claimed = await scene.claim_one()
    outputs = scene.outputs(claimed, "three")
    finished = await scene.finish(claimed, *outputs, is_first_sent=True)
    same(finished.first, None, "a first delivery that goes at once")
    same(await scene.sends(), (), "deliveries while held")
    held = await scene.store.holding.held()
    same([each.text for each in held], ["one", "two", "three"], "what waits")


async def a_first_answer_in_a_quiet_chat_waits_too(scene: Scene) -> None:
    elsewhere = await scene.room("elsewhere")
    await scene.say("another question", chat=elsewhere, message_id="after the copy")
    claimed = await scene.claim_one()
    finished = await scene.finish(claimed, *scene.outputs(claimed, "three"), is_first_sent=True)
    same(finished.first, None, "a first delivery that goes at once")


async def nothing_is_taken_back_while_held(scene: Scene) -> None:
    sent = await scene.delivery(turn=1)
    same(sent.state, State.SENT, "the answer to the earlier question")
    await scene.journal.take_back((sent.id,), NONE, scene.now)
    same(await scene.amends(), (), "withdrawals while held")
    await scene.store.holding.release()
    same([amend.delivery.id for amend in await scene.amends()], [sent.id], "and afterwards")


async def a_limit_is_kept(scene: Scene) -> None:
    held = await scene.store.holding.held(limit=1)
    same([each.text for each in held], ["one"], "the oldest")


async def what_is_dropped_is_never_sent(scene: Scene) -> None:
    first, second = await scene.store.holding.held()
    holding = scene.store.holding
    same(await holding.decide(Decision.DROP, (first.id,), scene.now), 1, "decided")
    holds((await holding.house()).is_held, "held while something is undecided")
    same(await holding.decide(Decision.SEND, (second.id,), scene.now), 1, "decided")
    holds(not (await holding.house()).is_held, "with none left, the hold ends")
    claimed = await scene.send_one()
    same(claimed.content.text, "two", "what is sent")
    await scene.settle(claimed, Sent(("p2",)))
    same(await scene.sends(), (), "deliveries afterwards")


async def what_was_sent_before_is_sent(scene: Scene) -> None:
    first, second = await scene.store.holding.held()
    holding = scene.store.holding
    same(await holding.decide(Decision.SENT, (first.id,), scene.now), 1, "decided")
    same([each.id for each in await holding.held()], [second.id], "what is still undecided")
    await holding.release()
    same(bodies(await scene.sends()), ["two"], "what is sent")


async def all_can_be_dropped_at_once(scene: Scene) -> None:
    same(await scene.store.holding.decide(Decision.DROP, None, scene.now), 2, "decided")
    holds(not (await scene.store.holding.house()).is_held, "with none left, the hold ends")
    same(await scene.sends(), (), "deliveries")


async def all_can_be_sent_at_once(scene: Scene) -> None:
    same(await scene.store.holding.decide(Decision.SEND, None, scene.now), 2, "decided")
    holds(not (await scene.store.holding.house()).is_held, "with none left, the hold ends")
    same(bodies(await scene.sends()), ["one"], "what is sent first")


async def a_decision_about_something_else_changes_nothing(scene: Scene) -> None:
    same(await scene.store.holding.decide(Decision.DROP, (99_999,), scene.now), 0, "decided")
    same(len(await scene.store.holding.held()), 2, "what waits")


async def a_release_sends_what_waits(scene: Scene) -> None:
    await scene.store.holding.release()
    holds(not (await scene.store.holding.house()).is_held, "released")
    same(bodies(await scene.sends()), ["one"], "what is sent first")


async def what_waited_for_days_is_still_sent(scene: Scene) -> None:
    await scene.wait(3 * 86400)
    await scene.store.holding.decide(Decision.SEND, None, scene.now)
    same(bodies(await scene.sends()), ["one"], "what an operator wants sent is sent")


async def what_is_recalled_while_held_is_dropped(scene: Scene) -> None:
    same((await scene.recall()).dropped, 2, "dropped")
    same(await scene.store.holding.held(), (), "what waits")
