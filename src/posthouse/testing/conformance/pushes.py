"""What every store must do with pushes: one key says one thing once, whatever is repeated."""

from __future__ import annotations

import msgspec

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import State
from posthouse.model.disposition import NewQuestion
from posthouse.store.journal import AmendKind, NewAmend
from posthouse.store.pushes import KeyUsed, Push, TakenBack, Target, Words
from posthouse.store.upkeep import Retention
from posthouse.testing.conformance.checks import holds, raises, same
from posthouse.testing.conformance.scene import BOT, NONE, Scene, output

TOKEN = 7
KEY = "deploy-42"
HASH = b"hash of the body"
OTHER = b"hash of another."
ABLE = Capabilities(can_edit=True, can_recall=True)


async def _begin(scene: Scene, key: str = KEY) -> Push:
    targets = (Target("room", scene.chat.id, BOT),)
    return await scene.store.pushes.begin(TOKEN, key, HASH, targets, scene.now)


def _words(origin: str, *texts: str) -> Words:
    return Words(
        deliveries=tuple(
            msgspec.structs.replace(output(origin, text), part=part)
            for part, text in enumerate(texts)
        )
    )


async def _pushed(scene: Scene, text: str = "hello") -> Push:
    """Push one message and send it."""
    push = await _begin(scene)
    await scene.store.pushes.put(push.id, 0, _words(push.origin, text), scene.now)
    await scene.deliver(ABLE)
    return push


async def _states(scene: Scene, push: Push) -> list[State]:
    return [delivery.state for delivery in await scene.store.pushes.deliveries(push)]


async def a_key_names_one_push(scene: Scene) -> None:
    first = await _begin(scene)
    elsewhere = (Target("other", 99, BOT),)
    again = await scene.store.pushes.begin(TOKEN, KEY, HASH, elsewhere, scene.now + 60)
    same(again, first, "the push under the same key, its targets as they were found first")
    same(await scene.store.pushes.find(TOKEN, KEY), first, "found by its key")
    same(await scene.store.pushes.find(TOKEN, KEY, HASH), first, "found with its body")
    same(await scene.store.pushes.find(TOKEN, "other"), None, "an unknown key")
    same(await scene.store.pushes.find(TOKEN + 1, KEY), None, "the key of another token")


async def a_key_with_another_body_is_refused(scene: Scene) -> None:
    pushes = scene.store.pushes
    push = await _begin(scene)
    await raises(KeyUsed, pushes.begin(TOKEN, KEY, OTHER, push.targets, scene.now), "another body")
    await raises(KeyUsed, pushes.find(TOKEN, KEY, OTHER), "looking for another body")
    other = await pushes.begin(TOKEN + 1, KEY, OTHER, push.targets, scene.now)
    holds(other.id != push.id, "another token's key is another push")


async def what_is_put_twice_is_said_once(scene: Scene) -> None:
    push = await _begin(scene)
    first = await scene.store.pushes.put(push.id, 0, _words(push.origin, "a", "b"), scene.now)
    again = await scene.store.pushes.put(push.id, 0, _words(push.origin, "c"), scene.now)
    same((len(first), again), (2, first), "the numbers of what was put")
    same((await scene.deliver()).origin, push.origin, "what is said first")
    await scene.deliver()
    same(len(await scene.sends()), 0, "what is left to say")


async def a_question_is_asked_with_its_message_only(scene: Scene) -> None:
    push = await _begin(scene)
    for question in ("q1", "q2"):
        words = Words(
            deliveries=_words(push.origin, "well?").deliveries,
            questions=(
                NewQuestion(
                    id=question,
                    session="1:c",
                    handler="demo",
                    who="",
                    labels=("yes",),
                    expires_at=scene.now + 60,
                    state="",
                    takes_text=False,
                ),
            ),
        )
        await scene.store.pushes.put(push.id, 0, words, scene.now)
    found = await scene.store.questions.find("q1")
    same(found and found.labels, ("yes",), "the question that was asked")
    same(await scene.store.questions.find("q2"), None, "the question of a repeat")


async def an_edit_rewrites_once(scene: Scene) -> None:
    pushes = scene.store.pushes
    push = await _pushed(scene)
    edit = await pushes.begin_edit(push.id, OTHER)
    same((edit.edits, edit.edit_origin(0)), (1, f"push:{TOKEN}:{KEY}~1.0"), "the edit")
    same(await pushes.begin_edit(push.id, OTHER), edit, "the same edit again")
    (was,) = await pushes.deliveries(edit)
    new = output(edit.edit_origin(0), "new words")
    amend = NewAmend(
        delivery=was.id, content=new.content, body=new.body, origin=new.origin, ordinal=1000
    )
    for _ in range(2):
        await pushes.put_edit(edit, 0, Words(amends=(amend,)), ABLE, scene.now)
    claimed = await scene.amend_one(ABLE)
    same((claimed.kind, claimed.delivery.id), (AmendKind.EDIT, was.id), "what is edited")
    same((await pushes.begin_edit(push.id, HASH)).edits, 2, "back to the first words")


async def what_an_edit_says_anew_belongs_to_the_push(scene: Scene) -> None:
    pushes = scene.store.pushes
    push = await _pushed(scene)
    edit = await pushes.begin_edit(push.id, OTHER)
    (was,) = await pushes.deliveries(edit)
    words = Words(deliveries=(output(edit.edit_origin(0), "anew"),), withdraw=(was.id,))
    for _ in range(2):
        await pushes.put_edit(edit, 0, words, ABLE, scene.now)
    same(await _states(scene, push), [State.WITHDRAWING, State.QUEUED], "old and new")
    late = await pushes.put(push.id, 0, _words(push.origin, "old words"), scene.now)
    same(late, (was.id,), "a late repeat of the push puts nothing more")


async def an_older_edit_comes_too_late(scene: Scene) -> None:
    pushes = scene.store.pushes
    push = await _begin(scene)
    older = await pushes.begin_edit(push.id, OTHER)
    await pushes.begin_edit(push.id, HASH)
    await pushes.put_edit(older, 0, _words(older.edit_origin(0), "older"), NONE, scene.now)
    same(await pushes.deliveries(push), (), "what the older edit has put")


async def a_push_that_is_taken_back_says_nothing_more(scene: Scene) -> None:
    pushes = scene.store.pushes
    push = await _begin(scene)
    recalled = await pushes.recall(push.id, scene.now)
    same(recalled.recalled_at, scene.now, "when it was taken back")
    again = await pushes.recall(push.id, scene.now + 60)
    same(again.recalled_at, scene.now, "the first time counts")
    same(await pushes.put(push.id, 0, _words(push.origin, "late"), scene.now), (), "a late repeat")
    await raises(TakenBack, pushes.begin_edit(push.id, OTHER), "an edit")


async def keys_that_begin_alike_are_told_apart(scene: Scene) -> None:
    push, longer = await _begin(scene), await _begin(scene, f"{KEY}-b")
    for each in (push, longer):
        await scene.store.pushes.put(each.id, 0, _words(each.origin, "hello"), scene.now)
    for each in (push, longer):
        origins = {delivery.origin for delivery in await scene.store.pushes.deliveries(each)}
        same(origins, {each.origin}, "whose deliveries they are")


async def an_old_push_is_forgotten_with_what_it_said(scene: Scene) -> None:
    push = await _pushed(scene)
    await scene.wait(100)
    retention = Retention(messages_s=50, seen_s=1e9, raw_s=1e9)
    await scene.store.upkeep.prune(retention, scene.now)
    known = await scene.store.pushes.find(TOKEN, KEY)
    holds(known or not await scene.store.pushes.deliveries(push), "no delivery without its push")
    await scene.answer("question", "the newest row stays, whatever its age")
    await scene.store.upkeep.prune(retention, scene.now)
    await scene.store.upkeep.prune(retention, scene.now)
    same(await scene.store.pushes.find(TOKEN, KEY), None, "the push after its deliveries are gone")
