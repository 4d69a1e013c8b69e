"""Every command of ``posthouse``, in the order in which help lists them."""

from __future__ import annotations

from importlib import import_module

from posthouse.cli.commands.table import app

__all__ = ["app", "perform"]

MODULES = ("house", "road", "book", "people", "push", "kb", "kb_eval", "trying")

for _module in MODULES:  # each enters its commands into the table
    import_module(f"posthouse.cli.commands.{_module}")


def perform(words: list[str]) -> None:
    """Perform one command; leaves by ``SystemExit`` with its code."""
    app(words, prog_name="posthouse")
