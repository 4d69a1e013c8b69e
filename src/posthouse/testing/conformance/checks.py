"""What a conformance suite is made of: checks, and a way to find and run them.

A check is a public coroutine function of a suite's module: it gets something fresh to look at and
raises ``AssertionError`` with a sentence when the promise it is named after is broken. Nothing
here needs a test runner::

    for check in checks_of(posthouse.testing.conformance.chats):
        await run(check, my_store)  # an async context manager that gives a fresh ``Store``
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from types import ModuleType
from typing import Any, TypeVar

Subject = TypeVar("Subject")
Check = Callable[[Subject], Awaitable[None]]

_CONCURRENT = "_needs_concurrent_writers"
_RUNNERS = ("run", "run_restored")  # a suite's way to run a check is not a check


def concurrent(check: Check[Subject]) -> Check[Subject]:
    """Mark a check that needs a store with several writers at once."""
    setattr(check, _CONCURRENT, True)
    return check


def needs_concurrent_writers(check: Check[Any]) -> bool:
    """Say whether a check means nothing on a store with one writer."""
    return bool(getattr(check, _CONCURRENT, False))


def checks_of(*suites: ModuleType) -> tuple[Check[Any], ...]:
    """Return every check of the suites, in the order in which they are written."""
    return tuple(
        thing
        for suite in suites
        for name, thing in vars(suite).items()
        if iscoroutinefunction(thing)
        and thing.__module__ == suite.__name__
        and not name.startswith("_")
        and name not in _RUNNERS
    )


def same(actual: object, expected: object, what: str) -> None:
    """Raise ``AssertionError`` when the two differ; ``what`` says what they are."""
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


def holds(condition: object, what: str) -> None:
    """Raise ``AssertionError`` when the condition does not hold; ``what`` is the promise."""
    if not condition:
        raise AssertionError(f"broken: {what}")


async def raises(error: type[Exception], doing: Awaitable[object], what: str) -> None:
    """Raise ``AssertionError`` unless awaiting raises ``error``."""
    try:
        result = await doing
    except error:
        return
    raise AssertionError(f"{what}: expected {error.__name__}, got {result!r}")
