"""What the book tells later: the answers of a turn, the history of a session."""

from __future__ import annotations

from posthouse.model.delivery import NotSent, Sent
from posthouse.model.turn import OnEdit
from posthouse.testing.conformance.checks import holds, same
from posthouse.testing.conformance.scene import NONE, Scene, route


async def the_answers_of_a_turn_come_in_order(scene: Scene) -> None:
    turn = await scene.answer("question", "one", "two", "three")
    said = await scene.journal.answers(turn.turn.id)
    same([delivery.ordinal for delivery in said], [0, 1, 2], "ordinals")
    same(await scene.journal.answers(99_999), (), "answers of an unknown turn")


async def a_correction_knows_what_it_corrects(scene: Scene) -> None:
    first = await scene.answer("helo", "one", message_id="om1", on_edit=OnEdit.RERUN)
    edit = scene.edit("hello", message_id="om1")
    await scene.accept(edit, route(scene.session(), on_edit=OnEdit.RERUN))
    second = await scene.claim_one()
    said = await scene.journal.answers(second.turn.id)
    same([d.origin for d in said], [f"turn:{first.turn.id}"], "what there is to correct")


async def history_is_what_was_said(scene: Scene) -> None:
    for n in (1, 2):
        await scene.told(f"question {n}", f"answer {n}")
        await scene.wait(1)
    history = await scene.journal.history(scene.session(), 8000)
    expected = tuple(
        line for n in (1, 2) for line in (("person", f"question {n}"), ("bot", f"answer {n}"))
    )
    same(history, expected, "the history")


async def history_belongs_to_its_session(scene: Scene) -> None:
    await scene.told("mine", "to ann")
    await scene.told("theirs", "to ben", who="ben")
    history = await scene.journal.history(scene.session("ben"), 8000)
    same(history, (("person", "theirs"), ("bot", "to ben")), "the history")


async def history_keeps_the_newest_within_its_limit(scene: Scene) -> None:
    for n in range(9):
        await scene.told(f"q{n}", f"a{n}")
        await scene.wait(1)
    history = await scene.journal.history(scene.session(), 12)
    holds(sum(len(text) for _, text in history) <= 12, "at most that many characters")
    same(history[-2:], (("person", "q8"), ("bot", "a8")), "the newest")
    same(await scene.journal.history(scene.session(), 0), (), "with no room at all")


async def history_can_begin_later(scene: Scene) -> None:
    await scene.told("before", "old")
    await scene.wait(1)
    since_at = scene.now
    await scene.wait(1)
    await scene.told("after", "new")
    history = await scene.journal.history(scene.session(), 8000, since_at)
    same(history, (("person", "after"), ("bot", "new")), "the history since then")


async def what_was_withdrawn_is_not_history(scene: Scene) -> None:
    await scene.told("question", "wrong")
    await scene.recall()
    await scene.settle_amend(await scene.amend_one(), Sent())
    history = await scene.journal.history(scene.session(), 8000)
    holds(("bot", "wrong") not in history, "a withdrawn answer is not history")


async def what_failed_to_be_said_is_not_history(scene: Scene) -> None:
    await scene.answer("question", "never seen")
    refused = NotSent("too_long", is_final=True)
    await scene.settle(await scene.send_one(), refused)
    history = await scene.journal.history(scene.session(), 8000)
    holds(("bot", "never seen") not in history, "what nobody could read is not history")


async def what_was_recalled_by_its_author_is_not_history(scene: Scene) -> None:
    await scene.told("secret", "answer", message_id="om1")
    await scene.journal.recall_message(scene.chat.id, scene.key("om1"), NONE, scene.now)
    history = await scene.journal.history(scene.session(), 8000)
    holds(all("secret" not in text for _, text in history), "a recalled message is not history")


async def an_edited_message_is_history_as_it_reads_now(scene: Scene) -> None:
    await scene.say("helo", message_id="om1")
    await scene.accept(
        scene.edit("hello", message_id="om1"), route(scene.session(), on_edit=OnEdit.RERUN)
    )
    claimed = await scene.claim_one()
    await scene.finish(claimed, *scene.outputs(claimed, "hi"))
    await scene.deliver()
    history = await scene.journal.history(scene.session(), 8000)
    same(history, (("person", "hello"), ("bot", "hi")), "the history")
