"""What the assistant has written down, and one that says what a test wants."""

from collections.abc import AsyncGenerator

from msgspec.structs import replace

from posthouse.handlers.trying import Concluded, Source, Stage, Trial, Tried
from posthouse.model.errors import TryLater
from posthouse.store.asked import Question
from posthouse.testing.conformance.scene import BOT
from tests.unit.console.office import Office

PASSAGE = "help:guide.md#1f"


async def asked(
    office: Office, text: str = "how?", answer: str = "", *, who: str = "ann", **fields: object
) -> Question:
    """Somebody asks, and hears an answer if there is one."""
    claimed = await office.scene.answer(text, *([answer] if answer else []), who=who)
    question = Question(
        turn=claimed.turn.id,
        handler="assistant",
        bot=BOT,
        chat=office.chat,
        session=f"{office.chat}:m:{who}",
        person=who,
        at=office.scene.now,
        text=text,
        base="help",
        score=0.41,
        reason="answered" if answer else "not_in_knowledge",
        answer=answer,
        passages=(PASSAGE,) if answer else (),
    )
    question = replace(question, **fields)
    await office.store.asked.record(question)
    return question


class Scripted:
    """Answers what it knows, and remembers as whom it was asked."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = answers
        self.trials: list[Trial] = []

    async def attempt(self, trial: Trial) -> AsyncGenerator[Tried]:
        self.trials.append(trial)
        if trial.question == "busy":
            raise TryLater("the model is busy")
        if trial.question == "broken":
            raise ValueError("a secret detail")
        yield Stage("for_us", "yes")
        answer = self._answers.get(trial.question, "")
        if trial.question == "unknown":
            yield Concluded(reason="not_in_knowledge", answer="nobody knows")
            return
        source = Source(
            number=1, base="help", title="Guide", text="thus it is", key=PASSAGE, score=0.9
        )
        yield Concluded(
            reason="answered" if answer else "unsure 0.41<0.55",
            answer=answer,
            score=0.8 if answer else 0.41,
            threshold=0.55,
            sources=(source,),
        )
