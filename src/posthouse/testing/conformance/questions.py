"""What every store must do with questions: find them, and know which one a typed answer means."""

from __future__ import annotations

from posthouse.model.disposition import Claimant, NewQuestion
from posthouse.model.turn import TurnState
from posthouse.store.journal import Result
from posthouse.store.questions import Underway
from posthouse.testing.conformance.checks import holds, same
from posthouse.testing.conformance.scene import Scene, route


async def a_question_is_found_as_it_was_asked(scene: Scene) -> None:
    await _ask(scene, "q1")
    found = await scene.store.questions.find("q1")
    assert found is not None, "broken: a question is found by its id"
    same((found.id, found.chat, found.session), ("q1", scene.chat.id, scene.session()), "where")
    same((found.handler, found.who, found.labels), ("demo", "ann", ("yes", "no")), "what and whom")
    same((found.expires_at, found.state), (scene.now + 600, "state of q1"), "until when, why")
    same((found.takes_text, found.is_answered), (True, False), "how it is answered")


async def an_unknown_question_is_nothing(scene: Scene) -> None:
    same(await scene.store.questions.find("q9"), None, "an unknown question")
    same(await scene.store.questions.open_in(scene.session(), scene.now), None, "an open one")


async def the_newest_open_question_is_meant(scene: Scene) -> None:
    await _ask(scene, "q1")
    await scene.wait(1)
    await _ask(scene, "q2")
    await scene.wait(1)
    await _ask(scene, "q3", takes_text=False)
    same(await _open(scene), "q2", "what a typed answer answers")
    same(await scene.store.questions.open_in("another", scene.now), None, "in another session")


async def an_answered_question_is_closed(scene: Scene) -> None:
    await _ask(scene, "q1")
    await _ask(scene, "q2")
    await _answer(scene, "q2")
    same(await _open(scene), "q1", "what a typed answer answers now")
    found = await scene.store.questions.find("q2")
    holds(found is not None and found.is_answered, "an answered question says so")


async def an_expired_question_is_closed(scene: Scene) -> None:
    await _ask(scene, "q1")
    await scene.wait(599)
    same(await _open(scene), "q1", "shortly before its end")
    await scene.wait(1.1)
    same(await _open(scene), None, "after its end")
    holds(await scene.store.questions.find("q1") is not None, "an expired question is still known")


async def a_stop_button_finds_its_turn(scene: Scene) -> None:
    receipt = await scene.say("mine")
    assert receipt.turn is not None
    await _underway(scene, receipt.turn, TurnState.WAITING, is_called_off=False)
    claimed = await scene.claim_one()
    await scene.journal.stop_turn(scene.chat.id, receipt.turn, scene.now)
    await _underway(scene, receipt.turn, TurnState.WAITING, is_called_off=True)
    await scene.finish(claimed)
    await _underway(scene, receipt.turn, TurnState.CANCELLED, is_called_off=False)
    same(await scene.store.questions.underway(receipt.turn + 1), None, "an unknown turn")


async def _underway(scene: Scene, turn: int, state: TurnState, *, is_called_off: bool) -> None:
    found = await scene.store.questions.underway(turn)
    same(found, Underway(scene.chat.id, "ann", state, is_called_off), "the turn of a button")


async def _ask(scene: Scene, name: str, *, takes_text: bool = True) -> None:
    await scene.say("ask me")
    question = NewQuestion(
        id=name,
        session=scene.session(),
        handler="demo",
        who="ann",
        labels=("yes", "no"),
        expires_at=scene.now + 600,
        state=f"state of {name}",
        takes_text=takes_text,
    )
    await scene.finish(await scene.claim_one(), result=Result(questions=(question,)))


async def _answer(scene: Scene, name: str) -> None:
    claimant = Claimant(question=name, choice=0)
    await scene.accept(scene.message("yes"), route(scene.session(), claimant=claimant))
    await scene.finish(await scene.claim_one())


async def _open(scene: Scene) -> str | None:
    found = await scene.store.questions.open_in(scene.session(), scene.now)
    return found.id if found else None
