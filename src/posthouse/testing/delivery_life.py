"""Draw the page about the life of a delivery from its table.

``python -m posthouse.testing.delivery_life docs/explanation/delivery-life.md`` rewrites what stands
between the page's two markers; the words around them are written by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

from posthouse.model.delivery import TABLE, Row, State, Step

BEGIN = "<!-- drawn from model/delivery.py: begin -->"
END = "<!-- drawn from model/delivery.py: end -->"

_LASTING = (State.DOUBTFUL, State.FAILED, State.DROPPED, State.WITHDRAWN, State.KEPT)


def draw() -> str:
    """Return the diagram and the table of every row, as Markdown."""
    return "\n".join([BEGIN, "", *_diagram(), "", *_table(), "", END])


def redraw(page: str) -> str:
    """Return the page with its drawn part made anew.

    Raises:
        ValueError: the page has no markers.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"put a line {BEGIN!r} and a line {END!r} where the drawing belongs")
    return before + draw() + after


def _diagram() -> list[str]:
    arrows = dict.fromkeys((row.state, row.becomes, _happening(row)) for row in TABLE)
    return [
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {State.QUEUED}",
        *(f"    {state} --> {becomes}: {happening}" for state, becomes, happening in arrows
          if state is not becomes),
        *(f"    {state} --> [*]" for state in (State.SENT, *_LASTING)),
        "```",
    ]  # fmt: skip


def _table() -> list[str]:
    return [
        "| in state | when | and | it becomes | and the deliverer |",
        "|---|---|---|---|---|",
        *(_line(row) for row in TABLE),
    ]


def _line(row: Row) -> str:
    becomes = "—" if row.becomes is row.state else row.becomes
    step = "—" if row.step is Step.NOTHING else f"`{row.step}`"
    return f"| {row.state} | {_happening(row)} | {row.when.words or '—'} | {becomes} | {step} |"


_WORDS = {
    "Taken": "taken from its lane",
    "Sent": "it arrived",
    "NotSent": "it did not arrive",
    "Unknown": "nobody can tell",
    "WithdrawWanted": "wanted back",
    "RetryWanted": "an operator sends it again",
}

_WITHDRAWAL_WORDS = {
    "Sent": "the platform took it back",
    "NotSent": "the platform did not take it back",
}


def _happening(row: Row) -> str:
    name = row.happening.__name__
    words = _WITHDRAWAL_WORDS if row.state is State.WITHDRAWING else {}
    return words.get(name, _WORDS[name])


def main(path: str) -> None:
    """Rewrite the page at ``path``."""
    page = Path(path)
    page.write_text(redraw(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
