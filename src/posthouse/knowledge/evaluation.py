"""How well the house knows when to be silent: a gate beside the length of the message alone.

Length is a strong confounder: questions for a knowledge base are longer than chatter. A gate is
worth something where it is better than length, also among messages of the same length.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict

from posthouse.knowledge.gate.gate import Points
from posthouse.knowledge.gate.measures import Decided, Quality, auc, best, curve, quality
from posthouse.knowledge.gate.training import Case, case
from posthouse.knowledge.labels import Labelled
from posthouse.knowledge.passage import Found

BANDS: Final = ((1, 10), (11, 15), (16, 22), (23, 35), (36, None))  # characters

Find = Callable[[str], Awaitable[Found]]


class Band(Struct, frozen=True, kw_only=True):
    """Messages of about the same length."""

    characters: str
    labels: int
    wanted: int
    auc: float
    length_auc: float


class Evaluation(Quality, frozen=True, kw_only=True):
    """What is printed; ``threshold`` is that of ``f1``, ``precision`` and ``recall``."""

    gate: str
    threshold: float | None  # None: each block has its own
    sure_threshold: float | None
    length_baseline_f1: float
    length_baseline_auc: float
    bands: tuple[Band, ...]


async def cases_of(
    labels: Sequence[Labelled], find: Find, progress: Callable[[int], None] = lambda _done: None
) -> list[Case]:
    """Search for every message, the way a bot would."""
    cases: list[Case] = []
    for label in labels:
        cases.append(case(label.text, label.is_wanted, await find(label.text)))
        progress(1)
    return cases


def evaluation(gate: str, decided: Sequence[Decided], points: Points | None) -> Evaluation:
    """Measure decisions, beside the baseline with the threshold that suits it best."""
    lengths = [float(len(one.text)) for one in decided]
    wanted = [one.is_wanted for one in decided]
    return Evaluation(
        **asdict(quality(decided)),
        gate=gate,
        threshold=None if points is None else points.balanced,
        sure_threshold=None if points is None else points.sure,
        length_baseline_f1=best(list(curve(lengths, wanted))).f1,
        length_baseline_auc=auc(lengths, wanted),
        bands=tuple(_band(decided, first, last) for first, last in BANDS),
    )


def _band(decided: Sequence[Decided], first: int, last: int | None) -> Band:
    inside = [
        one for one in decided if len(one.text) >= first and (last is None or len(one.text) <= last)
    ]
    wanted = [one.is_wanted for one in inside]
    return Band(
        characters=f"{first}-{last}" if last else f"{first}+",
        labels=len(inside),
        wanted=sum(wanted),
        auc=auc([one.score for one in inside], wanted),
        length_auc=auc([float(len(one.text)) for one in inside], wanted),
    )
