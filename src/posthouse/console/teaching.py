"""Training the gate of a base from all that is known of which messages want answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import structlog
from msgspec import Struct

from posthouse.knowledge.evaluation import Evaluation, cases_of, evaluation
from posthouse.knowledge.gate.gate import dump, shipped
from posthouse.knowledge.gate.training import Case, check, decided, learn, nested, newest
from posthouse.knowledge.labels import Labelled
from posthouse.knowledge.room import ReadingRoom
from posthouse.model.errors import PosthouseError
from posthouse.store.asked import Asked
from posthouse.store.conduct import Conduct

log = structlog.get_logger("posthouse.console")


class Figures(Struct, frozen=True):
    """How well messages are told apart: by the shipped gate, and by one that was trained.

    Both are told of messages that the gate never saw: each block is judged by a gate that was
    trained without it.
    """

    before: Evaluation
    after: Evaluation


class Lesson(Struct, frozen=True):
    """A training that goes on, or why the last one came to nothing."""

    done: int = 0
    total: int = 0
    problem: PosthouseError | None = None


class Teaching:
    """One training of a base at a time, in a process of its own: it takes a core for a while.

    Args:
        room: finds what a bot would find.
        asked: knows the labels.
        conduct: keeps what was trained.
        clock: seconds since the epoch.
    """

    def __init__(
        self, room: ReadingRoom, asked: Asked, conduct: Conduct, clock: Callable[[], float]
    ) -> None:
        self._room = room
        self._asked = asked
        self._conduct = conduct
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._lessons: dict[str, Lesson] = {}

    def lesson(self, base: str) -> Lesson | None:
        """Tell how far the training of a base is; None when there is nothing to tell."""
        return self._lessons.get(base)

    def begin(self, base: str, author: str) -> None:
        """Train beside everything else; a base that is being trained goes on."""
        if base in self._tasks:
            return
        self._lessons[base] = Lesson()
        task = asyncio.create_task(self._train(base, author))
        self._tasks[base] = task
        task.add_done_callback(lambda _: self._tasks.pop(base, None))

    async def _train(self, base: str, author: str) -> None:
        try:
            cases = await self._cases(base)
            check(cases)
            model, figures = await _apart(cases)
            await self._conduct.add_gate(base, model, figures, author, self._clock())
            del self._lessons[base]
        except PosthouseError as problem:
            self._lessons[base] = Lesson(problem=problem)
        except Exception:
            log.exception("training_failed", base=base)
            self._lessons[base] = Lesson(problem=PosthouseError("the log says what", zh="见日志"))

    async def _cases(self, base: str) -> list[Case]:
        labels = await self._asked.labels(base)
        known = newest((label.text, label.is_wanted) for label in labels)
        lessons = [Labelled(text, is_wanted) for text, is_wanted in known]
        await self._room.freshen((base,))

        def tell(count: int) -> None:
            done = self._lessons[base].done + count
            self._lessons[base] = Lesson(done=done, total=len(lessons))

        return await cases_of(lessons, lambda text: self._room.find((base,), text), tell)


async def _apart(cases: Sequence[Case]) -> tuple[bytes, str]:
    """Train where no answer waits for it; what that needs is imported by who trains."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return await asyncio.get_running_loop().run_in_executor(process, train, list(cases))


def train(cases: Sequence[Case]) -> tuple[bytes, str]:
    """Train a gate; returns it with its ``Figures`` as JSON.

    Args:
        cases: oldest first.

    Raises:
        OperatorMistake: there are too few of either kind.
    """
    before = shipped()
    figures = Figures(
        before=evaluation("shipped", list(decided(before, cases)), before.points),
        after=evaluation("trained", nested(cases), None),
    )
    return dump(learn(cases)), msgspec.json.encode(figures).decode()
