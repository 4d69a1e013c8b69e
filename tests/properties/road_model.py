"""The road, said again in a page: lanes as lists, one thing at a time, control first.

It knows nothing of tables, claims and counters. Where the real journal does something else, one
of the two is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from posthouse.store.journal import BURST_EVENTS_MAX, BURST_MAX_S, Verdict, Wanted


@dataclass
class Said:
    """A message: its id and what it says now."""

    message_id: str
    text: str


@dataclass
class Task:
    """A turn; ``end`` is how it ended, empty while it waits or runs."""

    lane: str
    chat: int
    who: str
    said: list[Said]
    accepted_at: float
    open_until_at: float
    is_control: bool = False
    ready_at: float = 0.0
    is_running: bool = False
    wanted: Wanted = Wanted.NOTHING
    end: str = ""
    outputs: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(said.text for said in self.said)


class Road:
    """All tasks in the order in which they were accepted."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.seen: set[str] = set()

    def accept(self, task: Task, burst_s: float, now: float) -> Task | None:
        """Return the task that the message belongs to; None when it was seen before."""
        (said,) = task.said
        if said.message_id in self.seen:
            return None
        self.seen.add(said.message_id)
        last = next((t for t in reversed(self.tasks) if t.lane == task.lane and not t.end), None)
        if last and self._may_join(last, now):
            last.said.append(said)
            is_full = len(last.said) == BURST_EVENTS_MAX
            until_at = now if is_full else min(now + burst_s, last.accepted_at + BURST_MAX_S)
            last.open_until_at = last.ready_at = until_at
            return last
        task.open_until_at = task.ready_at = now + burst_s
        self.tasks.append(task)
        return task

    def _may_join(self, last: Task, now: float) -> bool:
        """Whether it waits with room, and no order was given since that may be to stop it."""
        later = self.tasks[self.tasks.index(last) + 1 :]
        is_ordered = any(t.is_control and not t.end and t.chat == last.chat for t in later)
        is_open = not last.is_running and now < last.open_until_at
        return is_open and not is_ordered and len(last.said) < BURST_EVENTS_MAX

    def heads(self) -> list[Task]:
        """The first task of each lane."""
        heads: dict[str, Task] = {}
        for task in self.tasks:
            if not task.end:
                heads.setdefault(task.lane, task)
        return list(heads.values())

    def ready(self, now: float) -> list[Task]:
        """What must be handed out now."""
        controlled = {task.chat for task in self.heads() if task.is_control}
        return [
            task
            for task in self.heads()
            if not task.is_running
            and task.ready_at <= now
            and (task.is_control or task.chat not in controlled)
        ]

    def finish(self, task: Task, outputs: list[str], now: float) -> Verdict:
        task.is_running = False
        wanted, task.wanted = task.wanted, Wanted.NOTHING
        if wanted is Wanted.RERUN:
            task.ready_at = now
            return Verdict.RERUN
        task.end = "cancelled" if wanted is Wanted.CANCEL else "done"
        task.outputs = outputs if task.end == "done" else []
        return Verdict.CANCELLED if task.end == "cancelled" else Verdict.DONE

    def crash(self, now: float) -> None:
        """What ran waits again, at once, with whatever was wanted of it."""
        for task in self.tasks:
            if task.is_running:
                task.is_running, task.ready_at = False, now

    def stop(self, lane: str) -> None:
        for task in self.tasks:
            if task.lane == lane and not task.end:
                self._stop_one(task)

    def recall(self, chat: int, who: str) -> None:
        for task in self.tasks:
            if task.is_running and (task.chat, task.who) == (chat, who) and not task.is_control:
                task.wanted = Wanted.CANCEL

    def recall_message(self, task: Task, message_id: str) -> None:
        task.said = [said for said in task.said if said.message_id != message_id]
        if not task.said:
            self._stop_one(task)
        elif task.is_running and task.wanted is Wanted.NOTHING:
            task.wanted = Wanted.RERUN

    @staticmethod
    def _stop_one(task: Task) -> None:
        if task.is_running:
            task.wanted = Wanted.CANCEL
        else:
            task.end = "cancelled"
