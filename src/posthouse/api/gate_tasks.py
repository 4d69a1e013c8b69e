"""What operators' tools ask about gates: train one, look at them, choose one."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from posthouse.api.desk import Desk, Task
from posthouse.api.push_tasks import CLI
from posthouse.knowledge.gate.training import WANTED_PRECISION
from posthouse.knowledge.labels import Labelled
from posthouse.knowledge.teaching import KeptGate, Looking, Teaching
from posthouse.model.errors import TryLater


class TrainGate(Struct, frozen=True, kw_only=True):
    """A gate that is wanted, and labels to be remembered first."""

    base: str
    labels: tuple[Labelled, ...] = ()
    precision: float = WANTED_PRECISION
    is_used: bool = False


class OfBase(Struct, frozen=True):
    """A knowledge base."""

    base: str


class UseGate(Struct, frozen=True):
    """The gate that is to decide; 0 for the shipped one."""

    base: str
    gate: int


class Done(Struct, frozen=True):
    """It was done, or has begun."""


async def train(desk: Desk, wanted: TrainGate) -> Done:
    """Remember labels, and begin to train a gate with all that is known.

    Raises:
        OperatorMistake: there is no such base, or one is being trained for it.
    """
    teaching = _teaching(desk)
    if wanted.labels:
        await teaching.tell(wanted.base, wanted.labels)
    await teaching.begin(wanted.base, CLI, wanted.precision, is_used=wanted.is_used)
    return Done()


async def looking(desk: Desk, wanted: OfBase) -> Looking:
    """Tell how far the training of a base is."""
    return _teaching(desk).looking(wanted.base)


async def stop(desk: Desk, wanted: OfBase) -> Done:
    """Give a training up."""
    await _teaching(desk).stop(wanted.base)
    return Done()


async def gates(desk: Desk, wanted: OfBase) -> tuple[KeptGate, ...]:
    """Return the gates of a base, newest first."""
    return await _teaching(desk).gates(wanted.base)


async def use(desk: Desk, wanted: UseGate) -> Done:
    """Decide with a gate from now on."""
    await _teaching(desk).use(wanted.base, wanted.gate, CLI)
    return Done()


def _teaching(desk: Desk) -> Teaching:
    if desk.room is None or desk.room.teaching is None:
        raise TryLater("This house has no knowledge.", zh="这个驿站没有知识库。")
    return desk.room.teaching


TRAIN_GATE = Task("train_gate", TrainGate, train, Done)
GATE_LOOKING = Task("gate_looking", OfBase, looking, Looking)
STOP_TRAINING = Task("stop_training", OfBase, stop, Done)
GATES = Task("gates", OfBase, gates, tuple[KeptGate, ...])
USE_GATE = Task("use_gate", UseGate, use, Done)

GATE_TASKS: Mapping[str, Task[Struct, object]] = {
    task.name: task  # type: ignore[misc]  # each task checks its own arguments
    for task in (TRAIN_GATE, GATE_LOOKING, STOP_TRAINING, GATES, USE_GATE)
}
