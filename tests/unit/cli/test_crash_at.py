"""Where the house is told to die, it dies, and nowhere else."""

import pytest

from posthouse.cli.crash_at import POINTS, crash_at
from posthouse.model.errors import OperatorMistake


def deaths_at(wanted: str, *passed: str) -> list[int]:
    """Return after how many of the ``passed`` points it died."""
    deaths: list[int] = []
    done: list[str] = []
    hook = crash_at({"POSTHOUSE_CRASH_AT": wanted}, lambda: deaths.append(len(done)))
    assert hook is not None
    for point in passed:
        done.append(point)
        hook(point)
    return deaths


def test_it_dies_when_it_comes_to_the_point_so_often() -> None:
    passed = ("send:before", "send:after", "send:after", "send:after")
    assert deaths_at("send:after:2", *passed) == [3]


def test_points_with_the_same_beginning_are_told_apart() -> None:
    assert deaths_at("accept:after-commit:1", "accept:before-commit") == []


def test_without_the_variable_there_is_nothing_to_tell() -> None:
    assert crash_at({}) is None
    assert crash_at({"POSTHOUSE_CRASH_AT": ""}) is None


@pytest.mark.parametrize("wanted", ["settle:1", "send:after", "send:after:0", "send:after:x"])
def test_a_point_that_is_not_there_is_a_mistake(wanted: str) -> None:
    with pytest.raises(OperatorMistake, match="write point:times"):
        crash_at({"POSTHOUSE_CRASH_AT": wanted})


def test_every_point_can_be_named() -> None:
    for point in POINTS:
        assert deaths_at(f"{point}:1", point) == [1]
