"""In the worker: from sources to scenes.

The house reads the files and sends them; so every worker of one generation runs the same code,
whatever happens to the files meanwhile.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import CodeType, ModuleType
from typing import Any

from posthouse.handlers.commands.arguments import Arguments

FRAMES_MAX = 8  # of a traceback, the innermost ones
COMMAND_PREFIX = "cmd_"
PACKAGE = "posthouse_scenes"  # no scene can hide a module of the same name

Function = Callable[..., Any]


class Source:
    """One file of a scene folder."""

    def __init__(self, name: str, path: str, text: str, problem: str, *, is_public: bool) -> None:
        self.name, self.path, self.text, self.is_public = name, path, text, is_public
        self.problem = problem  # why it is left out; empty for most


class Progress:
    """Says which file is being loaded, before it is: one may end the worker, or never end.

    Args:
        tell: told its name; of files that load one another, always the innermost.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._at: list[str] = []

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Blame this file for what happens now."""
        self._at.append(name)
        self._tell(name)
        try:
            yield
        finally:
            self._at.pop()
            if self._at:
                self._tell(self._at[-1])


class Neighbours(MetaPathFinder):
    """Lets scenes import the files beside them, after everything else that has the name."""

    def __init__(self, sources: Mapping[str, Source], progress: Progress) -> None:
        self._sources = sources
        self._progress = progress
        self._elsewhere = [*sys.path]

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - they lie at the top
        target: ModuleType | None = None,  # noqa: ARG002 - a hint for reloads
    ) -> ModuleSpec | None:
        """Find one of the files."""
        source = self._sources.get(fullname)
        if source is None or PathFinder.find_spec(fullname, self._elsewhere) is not None:
            return None
        return _spec(fullname, source, self._progress)


class _SourceLoader(Loader):
    def __init__(self, source: Source, progress: Progress) -> None:
        self._source = source
        self._progress = progress

    def exec_module(self, module: ModuleType) -> None:
        if self._source.problem:
            raise ImportError(self._source.problem)
        with self._progress.at(self._source.name):
            exec(self._code(), module.__dict__)  # noqa: S102 - the operator's own code, in a worker

    def get_source(self, _: str) -> str:
        """Return the text; tracebacks show its lines."""
        return self._source.text

    def _code(self) -> CodeType:
        return compile(self._source.text, self._source.path, "exec", dont_inherit=True)


def _spec(fullname: str, source: Source, progress: Progress) -> ModuleSpec | None:
    loader = _SourceLoader(source, progress)
    return importlib.util.spec_from_file_location(fullname, source.path, loader=loader)


class Scene:
    """One loaded file."""

    def __init__(self, source: Source, module: ModuleType) -> None:
        self.source, self.module = source, module
        self.commands: dict[str, Function] = {
            name.removeprefix(COMMAND_PREFIX): function
            for name, function in vars(module).items()
            if name.startswith(COMMAND_PREFIX) and callable(function)
        }
        self.arguments = {name: Arguments(each) for name, each in self.commands.items()}

    def describe(self) -> dict[str, object]:
        """Describe it for the catalogue."""
        return {
            "name": self.source.name,
            "is_public": self.source.is_public,
            "help": inspect.cleandoc(self.module.__doc__ or ""),
            "commands": [self._describe(name) for name in self.commands],
        }

    def _describe(self, name: str) -> dict[str, object]:
        function = self.commands[name]
        return {
            "name": name,
            "help": inspect.cleandoc(function.__doc__ or ""),
            "parameters": self.arguments[name].describe(),
            "give_up_s": getattr(function, "give_up_s", None),
            "is_readonly": getattr(function, "is_readonly", False) is True,
        }

    def function(self, name: str) -> Function | None:
        """Return a function that is written in this file, by its name."""
        found = vars(self.module).get(name)
        is_own = getattr(found, "__module__", None) == self.module.__name__
        return found if is_own and inspect.isroutine(found) else None


def load(
    sources: Sequence[Source], folders: Sequence[str], tell: Callable[[str], None]
) -> tuple[dict[str, Scene], dict[str, str]]:
    """Load scenes; of two with one name the first counts.

    Args:
        sources: the files.
        folders: where they may import from; of the files there, those in ``sources`` count.
        tell: told of each before it is loaded.

    Returns:
        the scenes by name, and for each that could not be loaded why.
    """
    first: dict[str, Source] = {}
    for source in sources:
        first.setdefault(source.name, source)
    progress = Progress(tell)
    sys.meta_path.insert(sys.meta_path.index(PathFinder), Neighbours(first, progress))
    sys.path += folders
    scenes: dict[str, Scene] = {}
    problems: dict[str, str] = {}
    for name, source in first.items():
        if name.startswith("_"):
            if source.problem:
                problems[name] = source.problem
            continue
        try:
            scenes[name] = Scene(source, _module(source, progress))
        except BaseException as error:  # noqa: BLE001 - whatever a file does, the others are loaded
            problems[name] = _why(error)
    return scenes, problems


def _why(error: BaseException) -> str:
    """Return a traceback that begins where the author's own file does."""
    found = traceback.TracebackException.from_exception(error, limit=-FRAMES_MAX)
    theirs = [frame for frame in found.stack if frame.filename != __file__]
    found.stack = traceback.StackSummary.from_list(theirs)
    return "".join(found.format())


def _module(source: Source, progress: Progress) -> ModuleType:
    fullname = f"{PACKAGE}.{source.name}"
    spec = _spec(fullname, source, progress)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[fullname] = module
    spec.loader.exec_module(module)
    return module
