"""In the worker: from what a command returns to what goes over the wire."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from posthouse import scene

Frame = dict[str, object]

TEXT_CHARACTERS_MAX = 500_000  # more is a file
STATE_CHARACTERS_MAX = 16_000
CHOICES_MAX = 20
UNSEEN = frozenset({"Cc", "Cf"})  # control characters, and those that join or part others


class Nonsense(TypeError):
    """A command returned something that cannot be said."""


def frames_of(result: object) -> Iterator[Frame]:
    """Put one result on the wire; lists and tuples are several.

    Raises:
        Nonsense: it cannot be said.
    """
    if result is None or _is_silent(result):
        return
    if isinstance(result, list | tuple):
        for each in result:
            yield from frames_of(each)
    else:
        yield _frame(result)


def _is_silent(result: object) -> bool:
    """Whether it is a text in which there is nothing to see."""
    text = result.text if isinstance(result, scene.Markdown | scene.Text) else result
    return isinstance(text, str) and not _has_words(text)


def _has_words(text: str) -> bool:
    return any(not each.isspace() and unicodedata.category(each) not in UNSEEN for each in text)


def _frame(result: object) -> Frame:
    match result:
        case scene.Ask():
            return _ask(result)
        case scene.Card():
            return _card(result)
        case scene.Progress(text=text):
            return {"kind": "progress", "text": _text(text)}
        case scene.Push(chat=int(chat), content=content):
            if _is_silent(content):
                raise Nonsense("A Push without words.")
            return {"kind": "push", "chat": chat, "content": _content(content)}
        case _:
            return _content(result)


def _content(result: object) -> Frame:
    match result:
        case str(text) | scene.Markdown(text=text):
            return {"kind": "markdown", "text": _text(text)}
        case scene.Text(text=text):
            return {"kind": "text", "text": _text(text)}
        case scene.Image(source=source, name=name):
            return {"kind": "image", **_file(source, name or "image.png")}
        case scene.File(source=source, name=name):
            return {"kind": "file", **_file(source, name)}
        case bool() | int() | float():
            return {"kind": "text", "text": str(result)}
        case _:
            raise Nonsense(
                f"A command returned {type(result).__name__} {result!r:.100}; return text or one "
                "of the answers in posthouse.scene."
            )


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise Nonsense(f"This is no text: {text!r:.100}")
    if len(text) > TEXT_CHARACTERS_MAX:
        raise Nonsense(
            f"A text of {len(text)} characters; above {TEXT_CHARACTERS_MAX} return a File."
        )
    return text.encode("utf-8", "replace").decode()  # no halves of characters


def _file(source: object, name: str) -> Frame:
    if isinstance(source, bytes | bytearray):
        handle, path = tempfile.mkstemp(prefix="result-")
        with os.fdopen(handle, "wb") as file:
            file.write(source)
        return {"path": path, "name": name or "file", "is_ours": True}
    if isinstance(source, str | os.PathLike):
        given = Path(os.fspath(source)).absolute()
        return {"path": str(given), "name": name or given.name, "is_ours": False}
    raise Nonsense(f"This is neither a path nor bytes: {source!r:.100}")


def _ask(ask: scene.Ask) -> Frame:
    choices = [str(choice) for choice in ask.choices]
    return {
        "kind": "ask",
        "text": _text(ask.question),
        "choices": _few(choices),
        "then": [_name(ask.then)],
        "state": _state(ask.state),
        "anyone": ask.anyone,
        "typed": not choices if ask.typed is None else ask.typed,
        "expires_s": float(ask.expires_s),
    }


def _card(card: scene.Card) -> Frame:
    return {
        "kind": "ask",
        "text": _text(card.text),
        "choices": _few([str(label) for label in card.buttons]),
        "then": [_name(then) for then in card.buttons.values()],
        "state": _state(card.state),
        "anyone": card.anyone,
        "typed": False,
        "expires_s": float(card.expires_s),
    }


def _few(choices: list[str]) -> list[str]:
    if len(choices) > CHOICES_MAX:
        raise Nonsense(f"{len(choices)} buttons; {CHOICES_MAX} is the most.")
    return choices


def _name(then: object) -> str:
    name = then if isinstance(then, str) else getattr(then, "__name__", "")
    if not name or name == "<lambda>":
        raise Nonsense("`then` is a function of the scene, or its name.")
    return str(name)


def _state(state: object) -> str:
    import json

    try:
        written = json.dumps(state, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Nonsense(f"`state` is what JSON can hold: {error}") from None
    if len(written) > STATE_CHARACTERS_MAX:
        raise Nonsense(
            f"`state` has {len(written)} characters; {STATE_CHARACTERS_MAX} is the most."
        )
    return written
