"""Secrets by reference: ``{ env = "NAME" }`` and ``{ file = "path" }`` in the place of a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from posthouse.model.errors import OperatorMistake

SECRET_BYTES_MAX = 64 * 1024


def is_reference(table: Mapping[str, object]) -> bool:
    """Whether a table stands for a value that lies elsewhere."""
    return set(table) in ({"env"}, {"file"}) and all(isinstance(v, str) for v in table.values())


class Resolver:
    """Puts values where references stand, and remembers which ones it put where.

    Args:
        environ: the process's variables.
        folder: where relative files begin: the config file's folder.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._folder = folder
        self.found: dict[str, str] = {}  # key → "env X" or "file x"
        self.values: set[str] = set()
        self.variables: set[str] = set()  # the names of those that hold secrets

    def resolve(self, value: object, key: str = "") -> object:
        """Return ``value`` with every reference in it replaced.

        Raises:
            OperatorMistake: what a reference names does not exist; says the key and the remedy.
        """
        match value:
            case {"env": str(name), **rest} if not rest:
                return self._keep(key, f"env {name}", self._from_environment(key, name))
            case {"file": str(name), **rest} if not rest:
                return self._keep(key, f"file {name}", self._from_file(key, name))
            case dict():
                return {
                    step: self.resolve(inner, _below(key, step)) for step, inner in value.items()
                }
            case list():
                return [self.resolve(inner, _below(key, str(n))) for n, inner in enumerate(value)]
            case _:
                return value

    def _keep(self, key: str, reference: str, secret: str) -> str:
        self.found[key] = reference
        self.values.add(secret)
        return secret

    def _from_environment(self, key: str, name: str) -> str:
        secret = self._environ.get(name, "")
        if not secret:
            raise OperatorMistake(
                f"{key} asks for the environment variable {name}, which is not set."
                f" Set {name}, or write the value in another way.",
                zh=f"{key} 需要环境变量 {name}，但它没有设置。请设置 {name}，或换一种写法。",
            )
        self.variables.add(name)
        return secret

    def _from_file(self, key: str, name: str) -> str:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                raw = file.read(SECRET_BYTES_MAX + 1)
            secret = raw.decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise OperatorMistake(
                f"{key} asks for the file {path}, which cannot be read: {why}."
                " Create it with one line, the value.",
                zh=f"{key} 需要文件 {path}，但读不了：{why}。请建立该文件，内容只有一行，即该值。",
            ) from None
        if not secret or len(raw) > SECRET_BYTES_MAX:
            raise OperatorMistake(
                f"{key} asks for the file {path}, which is empty or not a secret."
                " Write one line into it, the value.",
                zh=f"{key} 需要文件 {path}，但它是空的或太大。请写入一行，即该值。",
            )
        return secret


def _below(key: str, step: str) -> str:
    return f"{key}.{step}" if key else step
