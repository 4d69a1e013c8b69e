"""The page about the life of a delivery says what the table says."""

import pytest

from posthouse.model.delivery import TABLE, State
from posthouse.testing.delivery_life import draw, redraw
from tests.architecture.tree import ROOT

PAGE = ROOT / "docs" / "explanation" / "delivery-life.md"


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert redraw(page) == page, f"run: python -m posthouse.testing.delivery_life {PAGE.name}"


def test_the_drawing_has_every_row_and_every_state() -> None:
    drawing = draw()
    assert drawing.count("\n| ") == len(TABLE) + 1  # and the heading
    assert all(f"| {state} | " in drawing for state in State)
    assert "    queued --> sending: taken from its lane" in drawing
    assert "    sending --> unknown: nobody can tell" in drawing


def test_a_page_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="put a line"):
        redraw("# A page\n")
