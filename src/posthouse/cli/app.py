"""``posthouse``: the door to all commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from posthouse.cli.terminal import OK, Terminal
from posthouse.model.errors import PosthouseError

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Perform one command and return its exit code.

    0 done, 1 a problem was found, 2 wrong usage, 3 the operator must change something, 4 try later.
    With ``--debug`` errors keep their traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_debug = "--debug" in words
    try:
        return _perform([word for word in words if word != "--debug"])
    except PosthouseError as error:
        if is_debug:
            raise
        return Terminal().mistake(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as leaving:
        if isinstance(leaving.code, str):  # a program's last words; Python would print them
            sys.stderr.write(f"{leaving.code}\n")
        return leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))


def _perform(words: Sequence[str]) -> int:
    if words[:1] == ["run"]:
        from posthouse.cli.run import run

        return run(words[1:])
    from posthouse.cli.commands.every import perform

    perform(list(words))
    return OK
