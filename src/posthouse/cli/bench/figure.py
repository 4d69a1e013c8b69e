"""What a benchmark found: one number with its unit, beside the number that was aimed at."""

from __future__ import annotations

from msgspec import Struct


class Figure(Struct, frozen=True, kw_only=True):
    """One measured number."""

    name: str
    value: float
    unit: str
    target: float | None = None
    is_smaller_better: bool = True
    note: str = ""

    @property
    def is_reached(self) -> bool | None:
        """Whether the target was reached; None where there is none."""
        if self.target is None:
            return None
        return self.value <= self.target if self.is_smaller_better else self.value >= self.target
