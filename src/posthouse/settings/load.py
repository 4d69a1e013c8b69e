"""Settings from everywhere, in order: defaults, the file, the environment, the command line."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from pydantic import ValidationError

from posthouse.model.errors import OperatorMistake
from posthouse.settings.known_bots import from_bot_variables, half_made
from posthouse.settings.known_models import from_model_variables, half_made_model
from posthouse.settings.language import Said, language_of
from posthouse.settings.legacy import remarks
from posthouse.settings.mistakes import as_mistake
from posthouse.settings.origin import Layer, Origin, is_secret_name, masked, origin_of
from posthouse.settings.secrets import Resolver, is_reference
from posthouse.settings.settings import Settings
from posthouse.settings.store_address import password_of, without_password

FILE_NAME = "posthouse.toml"
FILE_BYTES_MAX = 1024 * 1024
PREFIX = "POSTHOUSE_"
CONFIG_VARIABLE = "POSTHOUSE_CONFIG"
CRASH_VARIABLE = "POSTHOUSE_CRASH_AT"  # for the laboratory: no setting, and nothing to keep
FOLDER_LISTS = frozenset({"scene_dirs", "public_dirs"})  # of handlers
PLACES = "sources"  # of knowledge bases: folders, files, addresses
STORE = "store.url"  # an address, in which a password may stand
TOKEN_VARIABLE = "POSTHOUSE_TOKEN"  # noqa: S105 - for `posthouse push`, as is the next one
URL_VARIABLE = "POSTHOUSE_URL"
NO_SETTINGS = frozenset({CONFIG_VARIABLE, CRASH_VARIABLE, TOKEN_VARIABLE, URL_VARIABLE})

# What other programs call a setting of ours; our own name wins.
KNOWN_VARIABLES = {"DATABASE_URL": ("store", "url"), "LOG_LEVEL": ("log", "level")}

# A container platform sets these by itself for a service that is called posthouse.
_NOT_OURS = re.compile(r"POSTHOUSE_(SERVICE_.*|PORT(_\d+_(TCP|UDP)(_.*)?)?)")

Table = dict[str, object]
KeyPath = tuple[str, ...]
Entries = Iterator[tuple[KeyPath, object, str]]  # where, what, and who says so


class Loaded(Struct, frozen=True, kw_only=True):
    """Settings, and everything worth knowing about how they came to be."""

    settings: Settings
    file: Path | None
    origins: Mapping[str, Origin]
    secrets: frozenset[str]  # values that must never be shown
    remarks: tuple[tuple[str, Said], ...]  # variables that mean nothing here, and why

    def sources(self) -> Iterator[tuple[str, str, Origin]]:
        """Yield each setting: its key, its value with secrets masked, and where it came from."""
        values = self.settings.model_dump(mode="json", exclude_none=True)
        for key, value in sorted(_leaves(values)):
            origin = origin_of(key, self.origins)
            is_secret = bool(origin.reference) or (
                is_secret_name(key.rpartition(".")[2]) and not isinstance(value, int | float)
            )
            if key == STORE and not is_secret:
                value = without_password(str(value))  # noqa: PLW2901 - the rest of it is no secret
            shown = masked(str(value)) if is_secret else json.dumps(value, ensure_ascii=False)
            yield key, shown, origin


def load(
    environ: Mapping[str, str],
    flags: Mapping[str, object] | None = None,
    config: Path | None = None,
    folder: Path = Path(),
) -> Loaded:
    """Read the settings.

    Args:
        environ: the process's variables.
        flags: what the command line says, by dotted key; None values count as not given.
        config: the file to read; without it ``$POSTHOUSE_CONFIG``, then ``posthouse.toml`` in
            ``folder`` if there is one.
        folder: where the process was started.

    Raises:
        OperatorMistake: a setting is unknown, wrong or missing, or the file cannot be read.
    """
    file = _find(config, environ, folder)
    merged, origins = _merged(
        environ,
        (_from_file(file), Layer.FILE),
        (_from_known_variables(environ), Layer.ENVIRONMENT),
        (_from_variables(environ), Layer.ENVIRONMENT),
        (_from_flags(flags or {}), Layer.FLAG),
    )
    bots, models = _tables(merged, "bots"), _tables(merged, "models")
    for path, value, name in (
        *from_bot_variables(environ, bots),
        *from_model_variables(environ, models),
    ):
        _put(merged, origins, path, value, Origin(Layer.ENVIRONMENT, name))
    resolver = Resolver(environ, file.parent if file else folder)
    resolved = resolver.resolve(merged)
    origins |= {key: _with(origin_of(key, origins), ref) for key, ref in resolver.found.items()}
    try:
        settings = Settings.model_validate(resolved)
    except ValidationError as error:
        raise as_mistake(error, origins) from None
    settings.hide(resolver.variables)
    return Loaded(
        settings=settings,
        file=file,
        origins=origins,
        secrets=frozenset(resolver.values) | _written_secrets(settings),
        remarks=(
            *remarks(environ),
            *half_made(environ, bots),
            *half_made_model(environ, models),
        ),
    )


def _merged(
    environ: Mapping[str, str], *layers: tuple[Entries, Layer]
) -> tuple[Table, dict[str, Origin]]:
    """Lay layers over one another, the last on top; the language of the place lies below all."""
    merged: Table = {}
    origins: dict[str, Origin] = {}
    if (language := language_of(environ)) is not None:
        _put(merged, origins, ("language",), language, Origin(Layer.LOCALE, "LANG"))
    for entries, layer in layers:
        for path, value, name in entries:
            _put(merged, origins, path, value, Origin(layer, name))
    return merged, origins


def _tables(merged: Table, key: str) -> Table:
    tables = merged.get(key, {})
    return dict(tables) if isinstance(tables, dict) else {}


def _with(origin: Origin, reference: str) -> Origin:
    return Origin(origin.layer, origin.name, reference)


def _written_secrets(settings: Settings) -> frozenset[str]:
    leaves = _leaves(settings.model_dump(mode="json"))
    named = (
        value
        for key, value in leaves
        if isinstance(value, str) and value and is_secret_name(key.rpartition(".")[2])
    )
    return frozenset(named) | (frozenset({password_of(settings.store.url)}) - {""})


def _leaves(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _put(
    merged: Table, origins: dict[str, Origin], path: KeyPath, value: object, origin: Origin
) -> None:
    """Put one value where its path leads; what stood there, or below, is replaced."""
    *tables, last = path
    at = merged
    for step in tables:
        inner = at.get(step)
        if not isinstance(inner, dict):
            inner = at[step] = {}
        at = inner
    at[last] = value
    origins[".".join(path)] = origin


# ── the file ─────────────────────────────────────────────────────────────────────────────────


def _find(config: Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    named = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    if named is not None:
        return folder / named
    usual = folder / FILE_NAME
    return usual if usual.exists() else None


def _from_file(file: Path | None) -> Entries:
    if file is None:
        return
    for path, value in _entries(_parse(file, _read(file))):
        yield path, _beside(file, path, value), file.name


def _beside(file: Path, path: KeyPath, value: object) -> object:
    """Let a relative path begin at the file that names it."""
    if path == ("data",) and isinstance(value, str):
        return str(file.parent / value)
    is_list_of_folders = path[0] == "handlers" and path[-1] in FOLDER_LISTS
    if (is_list_of_folders or path == ("source_roots",)) and isinstance(value, list):
        return [str(file.parent / each) if isinstance(each, str) else each for each in value]
    if path[0] == "knowledge" and path[-1] == PLACES and isinstance(value, list):
        return [
            str(file.parent / each) if isinstance(each, str) and "://" not in each else each
            for each in value
        ]
    return value


def _entries(table: Table, above: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Yield the leaves; an empty table is one (``[bots.web]`` alone names a bot)."""
    for key, value in table.items():
        if isinstance(value, dict) and value and not is_reference(value):
            yield from _entries(value, (*above, key))
        else:
            yield (*above, key), value


def _read(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise OperatorMistake(
            f"Cannot read {file}: {error.strerror}."
            f" Name another file with --config, or let `posthouse init` write one.",
            zh=f"读不了配置文件 {file}：{error.strerror}。"
            "请用 --config 指定文件，或用 posthouse init 生成一个。",
        ) from None
    if len(raw) > FILE_BYTES_MAX:
        raise OperatorMistake(
            f"{file} is larger than {FILE_BYTES_MAX} bytes; this is not a settings file.",
            zh=f"{file} 超过 {FILE_BYTES_MAX} 字节，不像是配置文件。",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise OperatorMistake(
            f"{file}, line {line}: not UTF-8. Save the file as UTF-8.",
            zh=f"{file} 第 {line} 行不是 UTF-8 编码。请把文件另存为 UTF-8。",
        ) from None


def _parse(file: Path, text: str) -> Table:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, line = _place(str(error), text)
        raise OperatorMistake(
            f"{file}, line {line}: not TOML: {what}."
            " Texts stand in quotes, tables begin with [name].",
            zh=f"{file} 第 {line} 行不是正确的 TOML：{what}。文字要加引号，表以 [名称] 开头。",
        ) from None
    except RecursionError:
        raise OperatorMistake(f"{file} is nested too deeply.", zh=f"{file} 嵌套太深。") from None


def _place(message: str, text: str) -> tuple[str, int]:
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    if found is None:
        return message, 1
    return message[: found.start()], int(found[1] or text.count("\n") + 1)


# ── the environment and the command line ─────────────────────────────────────────────────────


def _from_known_variables(environ: Mapping[str, str]) -> Entries:
    for name, path in KNOWN_VARIABLES.items():
        if environ.get(name):
            yield path, environ[name], name


def _from_variables(environ: Mapping[str, str]) -> Entries:
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NO_SETTINGS or _NOT_OURS.fullmatch(name):
            continue
        if environ[name]:  # compose files set what they do not know to nothing
            path = tuple(name.removeprefix(PREFIX).lower().split("__"))
            yield path, _value(name, environ[name]), name


def _value(name: str, text: str) -> object:
    """Read lists and tables as JSON; the types turn everything else into what they need."""
    if not text.startswith(("[", "{")):
        return text
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        raise OperatorMistake(
            f"{name} begins like a list or table, but is not JSON. Write it like"
            """ '["a", "b"]' or '{"env": "NAME"}'.""",
            zh=f"""{name} 看起来是列表或表，但不是 JSON。请写成 '["a", "b"]' 或"""
            """ '{"env": "名称"}'。""",
        ) from None
    return value


def _from_flags(flags: Mapping[str, object]) -> Entries:
    for key, value in flags.items():
        if value is not None:
            path = tuple(key.split("."))
            yield path, value, f"--{path[-1]}"
