"""Operations side by side on one connection, so that their statements travel together.

An operation is plain code that asks and waits for the answer. Here it waits as a *greenlet*: while
its question is under way, others go on until they ask as well, and then all questions travel at
once. Operations about the same thing are not run side by side: one begins when the other has ended,
in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

from greenlet import getcurrent, greenlet

from posthouse.store.postgres.database import Statement, returning_id, statement
from posthouse.store.postgres.pipeline import Answer, Pipeline
from posthouse.store.sql.database import Database, Row, Value

Keys = AbstractSet[object]  # what an operation is about


class Companion:
    """The database as one operation sees it."""

    __slots__ = ("_pipeline",)

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def run(self, sql: str, **values: Value) -> None:
        """Execute a statement whose rows nobody wants; it travels with the next question."""
        self._pipeline.send(statement(sql), values)

    def one(self, sql: str, **values: Value) -> Row | None:
        """Return the first row."""
        rows = self._ask(statement(sql), values).rows
        return rows[0] if rows else None

    def all(self, sql: str, **values: Value) -> list[Row]:
        """Return every row; the query has a limit."""
        return self._ask(statement(sql), values).rows

    def insert(self, sql: str, **values: Value) -> int | None:
        """Insert one row and return its number; None when it conflicts and nothing was done."""
        rows = self._ask(returning_id(sql), values).rows
        return int(rows[0][0]) if rows else None

    def count(self, sql: str, **values: Value) -> int:
        """Execute a change and return how many rows it touched."""
        return self._ask(statement(sql), values).count

    def _ask(self, wanted: Statement, values: dict[str, Value]) -> Answer:
        me = getcurrent()
        self._pipeline.send(wanted, values, me)
        answer: Answer = me.parent.switch()
        return answer


class NotBegun:
    """What came of an operation for which there was no time."""


NOT_BEGUN = NotBegun()


class Together:
    """Runs operations on a connection, once; see the module.

    Args:
        pipeline: where they ask.
        operations: each gets its database.
        about: what each of them is about, in the same order.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        operations: Sequence[Callable[[Database], object]],
        about: Sequence[Keys],
    ) -> None:
        self._pipeline = pipeline
        self._operations = operations
        self._about = about
        self._left = list(range(len(operations)))
        self._under_way: dict[greenlet, int] = {}
        self._results: list[Any] = [NOT_BEGUN] * len(operations)

    def run(self, may_begin: Callable[[], bool] = lambda: True) -> list[Any]:
        """Run them to their end; returns what came of each.

        Args:
            may_begin: whether there is time for those that wait for others.

        Raises:
            Exception: of an operation or the database; the others are given up.
        """
        try:
            self._begin()
            while self._under_way or (self._left and may_begin()):
                if self._under_way:
                    for asker, answer in self._pipeline.answers():
                        self._go_on(cast("greenlet", asker), answer)
                if may_begin():
                    self._begin()
        finally:
            for given_up in tuple(self._under_way):
                given_up.throw()
        return self._results

    def _begin(self) -> None:
        """Begin what is about nothing that an earlier one is about."""
        taken = {key for number in self._under_way.values() for key in self._about[number]}
        waiting, self._left = self._left, []
        for number in waiting:
            if taken.isdisjoint(self._about[number]):
                new = greenlet(self._operations[number])
                self._under_way[new] = number
                self._go_on(new, Companion(self._pipeline))
            else:
                self._left.append(number)
            taken |= self._about[number]

    def _go_on(self, operation: greenlet, given: object) -> None:
        """Let an operation go on until it asks, or has ended."""
        try:
            result = operation.switch(given)
        except BaseException:
            del self._under_way[operation]
            raise
        if operation.dead:
            self._results[self._under_way.pop(operation)] = result
