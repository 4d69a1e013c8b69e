"""Signs of life on long work, on standard error and only where a person looks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from posthouse.cli.terminal import Terminal


@contextlib.contextmanager
def at_work(terminal: Terminal, zh: str, en: str) -> Iterator[None]:
    """Show that something is being done whose length nobody knows."""
    if not terminal.is_shown:
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{terminal.words(zh, en)} …"):
        yield


@contextlib.contextmanager
def progressing(
    terminal: Terminal, total: int, zh: str, en: str
) -> Iterator[Callable[[int], None]]:
    """Show a bar; the value is to be called with each number of bytes or pieces that are done."""
    if not terminal.is_shown:
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(terminal.words(zh, en), total=total)
        yield lambda done: progress.advance(task, done)
