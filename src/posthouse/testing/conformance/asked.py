"""What every store must do with questions: keep them, queue them, and learn from them.

Each check gets fresh, empty ``Books``. See ``checks.py`` for how to run these.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from posthouse.model.delivery import Sent
from posthouse.model.turn import OnEdit
from posthouse.store.asked import (
    Asked,
    Label,
    LabelOrigin,
    Question,
    Share,
    Spending,
    SpendingOn,
    Spent,
    TrialSpending,
    Verdict,
)
from posthouse.store.upkeep import Retention
from posthouse.testing.conformance.checks import same
from posthouse.testing.conformance.scene import BEGAN_AT, Scene, route

NOW = BEGAN_AT
DAY_S = 86400.0
FAR = 10_000  # a turn that nothing on the road belongs to


@dataclass(frozen=True)
class Books:
    """What the checks look at."""

    asked: Asked
    scene: Scene


def _question(turn: int, *, base: str = "help", answer: str = "42", at: float = NOW) -> Question:
    return Question(
        turn=turn,
        handler="assistant",
        bot="b",
        chat=7,
        session="7:m:ann",
        person="ann",
        at=at,
        text=f"question {turn}",
        base=base,
        score=0.5,
        reason="answered" if answer else "not_in_knowledge",
        answer=answer,
        passages=(f"help:guide.md#{turn}",) if answer else (),
    )


async def _record(asked: Asked, *questions: Question) -> None:
    for question in questions:
        await asked.record(question)


def _turns(questions: tuple[Question, ...]) -> list[int]:
    return [question.turn for question in questions]


# --- questions -------------------------------------------------------------------------------


async def a_question_is_kept(books: Books) -> None:
    question = replace(_question(FAR), score=None, is_addressed=False)
    await _record(books.asked, question)
    same(await books.asked.of_turn(FAR), question, "it")
    same(await books.asked.of_turn(FAR + 1), None, "another turn's")


async def a_turn_that_is_run_again_is_one_question(books: Books) -> None:
    asked = books.asked
    await _record(asked, _question(FAR, answer="wrong", base="help,old"))
    await asked.judge(FAR, Verdict.BAD, "person:ann", NOW)
    await asked.resolve(FAR, "operator:bob", NOW + 1)
    again = replace(_question(FAR), passages=("help:guide.md#new",))
    await _record(asked, again)
    kept = replace(again, verdict=Verdict.BAD, resolved_at=NOW + 1)
    same(await asked.recent(), (kept,), "it, with what people thought of it")
    same(await asked.told(f"help:guide.md#{FAR}"), (), "what it does not rest on any more")
    same(await asked.recent("old"), (), "what is not searched any more")


async def questions_come_newest_first_page_by_page(books: Books) -> None:
    asked = books.asked
    await _record(asked, *(_question(turn, base="help,faq") for turn in (1, 2, 3)))
    await _record(asked, _question(4, base="faq"), _question(5, base="helpdesk"))
    same(_turns(await asked.recent()), [5, 4, 3, 2, 1], "all")
    same(_turns(await asked.recent("help")), [3, 2, 1], "of a base")
    same(_turns(await asked.recent("faq", limit=2)), [4, 3], "a page")
    same(_turns(await asked.recent("faq", before=3)), [2, 1], "the next page")
    same(_turns(await asked.recent(before=2)), [1], "before a turn")


async def answers_are_counted_by_person(books: Books) -> None:
    asked = books.asked
    await _record(asked, _question(1, at=NOW - 9), _question(2), _question(3), _question(4))
    await _record(asked, _question(5, answer=""), replace(_question(6), person="bob"))
    await _record(asked, replace(_question(7), bot="other"))
    same(await asked.count(NOW, "b", "ann"), 3, "answers since then")
    same(await asked.count(NOW, "b", "ann", but_turn=3), 2, "but that of one turn")
    same(await asked.count(NOW, "b", "nobody"), 0, "of somebody else")


async def the_queue_holds_what_wants_an_operator(books: Books) -> None:
    asked = books.asked
    await _record(asked, _question(1), _question(2), _question(3, answer=""))
    await _record(asked, _question(4, answer="", base="faq"), _question(5, answer=""))
    await _record(asked, replace(_question(6, answer=""), is_addressed=False))
    await _record(asked, replace(_question(7, answer=""), is_addressed=False))
    await _record(asked, replace(_question(8), reason="held_for_review"))
    await asked.judge(1, Verdict.GOOD, "person:ann", NOW)
    await asked.judge(2, Verdict.BAD, "person:ann", NOW)
    await asked.judge(5, Verdict.GOOD, "operator:bob", NOW)
    await asked.judge(7, Verdict.BAD, "operator:bob", NOW)
    same(_turns(await asked.open_questions()), [8, 7, 4, 3, 2], "all that wait for somebody")
    same(_turns(await asked.open_questions("help")), [8, 7, 3, 2], "of a base")
    same(_turns(await asked.open_questions("help", before=7, limit=1)), [3], "a page")
    await asked.resolve(3, "operator:bob", NOW)
    await _record(asked, _question(8))
    await asked.judge(2, Verdict.NONE, "person:ann", NOW)
    same(_turns(await asked.open_questions()), [7, 4], "what is left")


async def who_was_told_a_passage_is_known(books: Books) -> None:
    asked = books.asked
    long = "help:" + "很长" * 2000 + "#1f"
    await _record(asked, replace(_question(1), passages=(long, "help:a#1", long)))
    await _record(asked, replace(_question(2), passages=(long,)), _question(3))
    same(_turns(await asked.told(long)), [2, 1], "newest first, each once")
    same(_turns(await asked.told(long, limit=1)), [2], "so many")
    same(_turns(await asked.told("help:a#1")), [1], "another passage")
    same(_turns(await asked.told("help:a")), [], "a part of its name")


# --- labels ----------------------------------------------------------------------------------


async def a_given_label_counts_once(books: Books) -> None:
    asked = books.asked
    no = Label(text="hello all", is_wanted=False, origin=LabelOrigin.FILE, at=NOW)
    yes = Label(text="how?", is_wanted=True, origin=LabelOrigin.FILE, at=NOW - 1, is_addressed=True)
    await asked.add_labels("help", (no, yes))
    await asked.add_labels("help", (no,))
    same(await asked.labels("help"), (yes, no), "all, oldest first")
    other = replace(no, is_wanted=True, at=NOW + 1)
    await asked.add_labels("help", (other,))
    same(await asked.labels("help"), (yes, other), "who says so again has changed their mind")
    reviewed = replace(no, origin=LabelOrigin.REVIEW, at=NOW + 2)
    await asked.add_labels("help", (reviewed,))
    same(await asked.labels("help"), (yes, other, reviewed), "from elsewhere it counts as well")
    same(await asked.labels("help", limit=2), (other, reviewed), "the newest of many")
    same(await asked.labels("faq"), (), "of another base")


async def labels_of_a_file_keep_its_order(books: Books) -> None:
    asked = books.asked
    lines = tuple(
        Label(text=f"message {number}", is_wanted=number == 1, origin=LabelOrigin.FILE, at=NOW)
        for number in range(4)
    )
    await asked.add_labels("help", lines)
    same(await asked.labels("help"), lines, "written down at one instant")


async def verdicts_are_labels(books: Books) -> None:
    asked = books.asked
    await _record(asked, _question(1), _question(2), _question(3, answer=""))
    await _record(asked, _question(4, answer=""), _question(5), _question(6, base="faq"))
    await asked.judge(1, Verdict.GOOD, "person:ann", NOW + 1)
    await asked.judge(2, Verdict.BAD, "person:ann", NOW + 2)
    await asked.judge(3, Verdict.GOOD, "operator:bob", NOW + 3)
    await asked.judge(4, Verdict.BAD, "operator:bob", NOW + 4)
    await asked.judge(5, Verdict.BAD, "operator:bob", NOW + 5)
    await asked.judge(6, Verdict.BAD, "person:ann", NOW + 6)
    found = [(each.text, each.is_wanted, each.origin) for each in await asked.labels("help")]
    same(
        found,
        [
            ("question 1", True, LabelOrigin.THUMB),
            ("question 2", False, LabelOrigin.THUMB),
            ("question 3", False, LabelOrigin.REVIEW),
            ("question 4", True, LabelOrigin.REVIEW),
            ("question 5", False, LabelOrigin.REVIEW),
        ],
        "what follows",
    )


async def an_answer_that_was_taken_back_is_a_label(books: Books) -> None:
    asked, scene = books.asked, books.scene
    turns = [
        (await scene.answer("one", "first")).turn.id,
        (await scene.answer("two", "second", message_id="om2", on_edit=OnEdit.RERUN)).turn.id,
        (await scene.answer("three", "third", who="bob")).turn.id,
        (await scene.answer("four", "fourth")).turn.id,
    ]
    await _record(asked, *map(_question, turns))
    for _ in turns:
        await scene.deliver()
    await asked.judge(turns[3], Verdict.GOOD, "person:ann", NOW)
    rerun = route(scene.session(), on_edit=OnEdit.RERUN)
    await scene.accept(scene.edit("two!", message_id="om2"), rerun)
    await scene.recall()
    for _ in turns[:2] + turns[3:]:
        await scene.settle_amend(await scene.amend_one(), Sent())
    label, judged = sorted(await asked.labels("help"), key=lambda each: each.origin)
    same((label.text, label.is_wanted), (f"question {turns[0]}", False), "what was taken back")
    same(label.origin, LabelOrigin.RECALL, "how it is known")
    same((judged.text, judged.is_wanted), (f"question {turns[3]}", True), "a verdict says more")


# --- spending --------------------------------------------------------------------------------


def _call(turn: int, call: int = 0, *, model: str = "small", at: float = NOW) -> Spending:
    return Spending(
        turn=turn,
        call=call,
        model=model,
        bot="b",
        chat=7,
        person="ann",
        at=at,
        prompt_tokens=100,
        answer_tokens=10,
        cost_micro=5,
    )


async def a_call_counts_once(books: Books) -> None:
    asked = books.asked
    for call in (_call(1), _call(1), _call(1, 1), _call(2, at=NOW - 1)):
        await asked.spend(call)
    both = Spent(calls=2, prompt_tokens=200, answer_tokens=20, cost_micro=10)
    same(await asked.spent(NOW), both, "what was spent since then")
    same((await asked.spent(NOW - 1)).calls, 3, "since a moment before")
    same(await asked.spent(NOW + 1), Spent(), "since later")


async def spending_is_added_up_by_whom_it_was_for(books: Books) -> None:
    asked = books.asked
    await asked.spend(_call(1))
    await asked.spend(replace(_call(2), chat=8, model="large", cost_micro=50))
    await asked.spend(replace(_call(3), person="bob"))
    await asked.spend(replace(_call(4), bot="other", chat=9))
    by_scope = {
        "all": await asked.spent(NOW),
        "a bot": await asked.spent(NOW, bot="b"),
        "a model": await asked.spent(NOW, bot="b", model="small"),
        "a chat": await asked.spent(NOW, chat=7),
        "somebody there": await asked.spent(NOW, chat=7, person="bob"),
        "somebody": await asked.spent(NOW, bot="b", person="ann"),
        "somebody, by a model": await asked.spent(NOW, person="ann", model="large"),
        "a chat, by a model": await asked.spent(NOW, chat=8, model="small"),
    }
    same([spent.calls for spent in by_scope.values()], [4, 3, 2, 2, 1, 2, 1, 0], "calls")
    same(by_scope["somebody, by a model"].cost_micro, 50, "their cost")


async def shares_come_dearest_first(books: Books) -> None:
    asked = books.asked
    for call in (_call(1), _call(2), _call(3, at=NOW - 1)):
        await asked.spend(call)
    await asked.spend(replace(_call(4), chat=8, model="large", cost_micro=50))
    dear = Spent(calls=1, prompt_tokens=100, answer_tokens=10, cost_micro=50)
    cheap = Spent(calls=2, prompt_tokens=200, answer_tokens=20, cost_micro=10)
    same(
        await asked.shares(SpendingOn.MODEL, NOW),
        (Share(model="large", turn=4, spent=dear), Share(model="small", turn=2, spent=cheap)),
        "models",
    )
    same(
        await asked.shares(SpendingOn.CHAT, NOW),
        (Share(bot="b", chat=8, turn=4, spent=dear), Share(bot="b", chat=7, turn=2, spent=cheap)),
        "chats",
    )
    same(len(await asked.shares(SpendingOn.CHAT, NOW, limit=1)), 1, "so many")
    people = [(each.bot, each.person) for each in await asked.shares(SpendingOn.PERSON, NOW)]
    same(people, [("b", "ann")], "people")
    same([each.bot for each in await asked.shares(SpendingOn.BOT, NOW)], ["b"], "bots")


def _trial(author: str, *, at: float = NOW, person: str = "") -> TrialSpending:
    return TrialSpending(
        handler="assistant",
        author=author,
        model="small",
        bot="b",
        chat=7,
        person=person,
        at=at,
        prompt_tokens=100,
        answer_tokens=10,
        cost_micro=5,
    )


async def trials_are_paid_apart(books: Books) -> None:
    asked = books.asked
    await asked.spend(_call(1))
    for trial in (_trial("token:crm"), _trial("token:crm"), _trial("token:crm", at=NOW - 1)):
        await asked.spend_on_trial(trial)
    dear = replace(_trial("operator:ann", person="ben"), cost_micro=50)
    await asked.spend_on_trial(dear)
    await asked.spend_on_trial(replace(_trial("operator:ann"), handler="other"))
    same((await asked.spent(NOW)).calls, 1, "calls for people")
    same((await asked.spent(NOW, chat=7)).calls, 1, "calls in the chat that was tried in")
    of_handler = await asked.spent_on_trials(NOW, "assistant")
    same(of_handler.calls, 3, "trials of a handler")
    same((of_handler.prompt_tokens, of_handler.answer_tokens), (300, 30), "their tokens")
    same((await asked.spent_on_trials(NOW)).cost_micro, 65, "what all of them cost")
    same((await asked.spent_on_trials(NOW + 1)), Spent(), "since later")
    shares = await asked.trial_shares(NOW)
    authors = [(each.author, each.bot, each.chat, each.person) for each in shares]
    as_ben, as_nobody = ("operator:ann", "b", 7, "ben"), ("operator:ann", "b", 7, "")
    same(authors, [as_ben, ("token:crm", "b", 7, ""), as_nobody], "who tried as whom where")
    same([each.spent.cost_micro for each in shares], [50, 10, 5], "what that cost")
    same(len(await asked.trial_shares(NOW, limit=1)), 1, "so many")


# --- what is old -----------------------------------------------------------------------------


async def what_is_old_is_forgotten(books: Books) -> None:
    asked, scene = books.asked, books.scene
    old = tuple(_question(turn, at=NOW - 40 * DAY_S) for turn in range(1, 6))
    await _record(asked, *old, _question(6, at=NOW))
    for question in old:
        await asked.spend(_call(question.turn, at=question.at))
        await asked.spend_on_trial(_trial("token:crm", at=question.at))
    await asked.spend(_call(6))
    await asked.spend_on_trial(_trial("token:crm"))
    keep = Retention(messages_s=30 * DAY_S)
    rounds = 1
    while not (await scene.store.upkeep.prune(keep, NOW, rows_max=2)).is_done:
        rounds += 1
    same(_turns(await asked.recent()), [6], "questions")
    same(_turns(await asked.recent("help")), [6], "by their base")
    same(await asked.told("help:guide.md#1"), (), "by a passage")
    same((await asked.spent(0)).calls, 1, "calls")
    same((await asked.spent_on_trials(0)).calls, 1, "calls of trials")
    same(rounds, 4, "rounds, each of so many rows")
    later = NOW + 60 * DAY_S
    while not (await scene.store.upkeep.prune(keep, later, rows_max=2)).is_done:
        pass
    same(await asked.recent(), (), "all of it, at last")
