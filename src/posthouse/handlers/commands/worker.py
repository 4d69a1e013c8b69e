"""A worker process: loads scenes, then runs one command after the other until the house hangs up.

Started as ``python -m posthouse.handlers.commands.worker SOCKET LIFE TICKETS MEMORY``: the file
descriptors of the line to the house, of a pipe that ends when the house does, and of the pipe of
``Tickets``; and the limit of the address space in bytes. Frames on the line are JSON behind four
bytes of length.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from posthouse import scene
from posthouse.handlers.commands.arguments import Usage
from posthouse.handlers.commands.descendants import CALL_VARIABLE
from posthouse.handlers.commands.keeper import CurrentCall, keep
from posthouse.handlers.commands.loading import Function, Scene, Source, load
from posthouse.handlers.commands.remains import Remains
from posthouse.handlers.commands.results import Frame, Nonsense, frames_of
from posthouse.handlers.commands.tickets import TICKET_BYTES

if TYPE_CHECKING:
    import asyncio

TRACEBACK_CHARACTERS_MAX = 20_000
SENTENCE_CHARACTERS_MAX = 2000


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Line:
    """The line to the house."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._file = line.makefile("rb")

    def receive(self) -> Any | None:  # noqa: ANN401 - JSON as the house wrote it
        """Read the next frame; None when the house has hung up."""
        head = self._file.read(4)
        if len(head) < 4:  # noqa: PLR2004 - bytes of the length
            return None
        return json.loads(self._file.read(int.from_bytes(head, "big")))

    def send(self, *frames: Frame) -> None:
        """Write frames, all at once."""
        bodies = [_encode(frame).encode() for frame in frames]
        self._line.sendall(b"".join(len(body).to_bytes(4, "big") + body for body in bodies))


class NoSuchFunction(LookupError):
    """The scene has changed since it asked; its function is gone."""


class Worker:
    """Runs what the house asks for."""

    def __init__(self, line: Line, tickets: int, current: CurrentCall) -> None:
        self._line = line
        self._tickets = tickets
        self._ticket = 0  # the last one that was taken
        self._current = current
        self._pid = os.getpid()
        self._is_loaded = False
        self._scenes: dict[str, Scene] = {}
        self._remains: Remains
        self._last: list[Frame] = []  # said together with the end of the call
        self._runner: asyncio.Runner | None = None

    def load(self) -> None:
        """Load what the house sends first, and tell it what there is."""
        wanted = self._line.receive() or {}
        sources = [Source(**each) for each in wanted.get("sources", ())]
        self._scenes, problems = load(sources, wanted.get("folders", ()), self._tell_loading)
        self._is_loaded = True
        self._leave_if_forked()
        described = [each.describe() for each in self._scenes.values()]
        self._line.send({"kind": "ready", "scenes": described, "problems": problems})

    def _tell_loading(self, name: str) -> None:
        self._leave_if_forked()
        if not self._is_loaded:  # a command may import a helper as well
            self._line.send({"kind": "loading", "name": name})

    def serve(self) -> None:
        """Run one call after the other."""
        remains = self._remains = Remains()
        while (call := self._line.receive()) is not None:
            if not self._may_begin(call.get("ticket", 0)):
                continue
            self._last = []
            os.environ[CALL_VARIABLE] = call["id"]  # marks whatever the command starts
            self._current.set(call["id"])
            end = self._answer(call)
            self._leave_if_forked()
            self._current.set("")
            os.environ.pop(CALL_VARIABLE, None)
            for stream in (sys.stdout, sys.stderr):
                _flush(stream)
            self._end_loop()
            if not remains.clear():
                self._line.send({"kind": "spent"}, *self._last, end)
                break
            self._line.send(*self._last, end)
        while call is not None:  # nothing more is begun
            call = self._line.receive()

    def _may_begin(self, ticket: int) -> bool:
        """Take the ticket of a call, if it has one; the house may have been quicker."""
        while self._ticket < ticket:
            try:
                taken = os.read(self._tickets, TICKET_BYTES)
            except BlockingIOError:
                return False
            if not taken:
                return False
            self._ticket = int.from_bytes(taken, "big")
        return ticket in (0, self._ticket)

    def _answer(self, call: dict[str, Any]) -> Frame:
        """Run a call; whatever it raises becomes its end."""
        try:
            self._say_all(self._start(call))
        except Usage as wrong:
            return {
                "kind": "usage",
                "problem": wrong.problem,
                "name": wrong.name,
                "said": wrong.said,
                "wanted": wrong.wanted,
            }
        except scene.Mistake as mistake:
            return {"kind": "mistake", "text": str(mistake)[:SENTENCE_CHARACTERS_MAX]}
        except NoSuchFunction:
            return {"kind": "gone"}
        except BaseException as error:  # noqa: BLE001 - SystemExit and worse end a command, not us
            self._remains.is_out_of_memory |= isinstance(error, MemoryError)
            return _failure(error)
        return {"kind": "done"}

    def _start(self, call: dict[str, Any]) -> object:
        found = self._scenes.get(call["scene"])
        if found is None:
            raise NoSuchFunction
        scene.begin(_caller(call))
        if "answer" in call:
            then = _existing(found.function(call["function"]))
            answer = scene.Answer(call["answer"]["text"], call["answer"]["choice"])
            return then(answer, json.loads(call["state"]))
        if "rest" in call:
            return _existing(found.function(call["function"]))(call["rest"])
        command = _existing(found.commands.get(call["function"]))
        reader = found.arguments[call["function"]]
        if "given" in call:
            arguments, named = reader.take(call["given"])
        else:
            arguments, named = reader.read(call["words"], call["below"])
        if call.get("is_only_read"):
            return None
        return command(*arguments, **named)

    def _say_all(self, result: object) -> None:
        """Say what a command returned, together with its end, or yields one after the other."""
        if hasattr(result, "__await__"):
            result = self._wait_for(result)
        if hasattr(result, "__aiter__"):
            for each in self._each(result):
                self._say(each)
        elif isinstance(result, Iterator):
            for each in result:
                self._say(each)
        else:
            self._last = list(frames_of(result))

    def _say(self, result: object) -> None:
        self._leave_if_forked()
        self._line.send(*frames_of(result))

    def _each(self, results: Any) -> Iterator[object]:  # noqa: ANN401 - an async iterator
        coming, nothing = aiter(results), object()
        while (each := self._wait_for(anext(coming, nothing))) is not nothing:
            yield each

    def _wait_for(self, awaitable: Any) -> object:  # noqa: ANN401 - an awaitable
        if self._runner is None:
            import asyncio  # only where a scene needs it

            self._runner = asyncio.Runner()

        async def wait() -> object:
            return await awaitable

        return self._runner.run(wait())

    def _end_loop(self) -> None:
        """Let the next command find neither tasks nor threads of this one in the loop."""
        runner = self._runner
        if runner is None:
            return
        import asyncio

        loop = runner.get_loop()
        if asyncio.all_tasks(loop) or getattr(loop, "_default_executor", None) is not None:
            self._runner = None
            runner.close()

    def _leave_if_forked(self) -> None:
        """End a copy of this process that a command made: the line belongs to the first."""
        if os.getpid() != self._pid:
            os._exit(0)


def _existing(function: Function | None) -> Function:
    if function is None:
        raise NoSuchFunction
    return function


def _caller(call: dict[str, Any]) -> scene.Call:
    person, chat = call["person"], call["chat"]
    return scene.Call(
        person=scene.Person(person["id"], person["name"], person["role"], tuple(person["groups"])),
        chat=scene.Chat(chat["number"], chat["platform_id"], chat["title"], chat["is_private"]),
        bot=call["bot"],
        language=call["language"],
        text=call["text"],
    )


def _failure(error: BaseException) -> Frame:
    try:
        trace = "".join(traceback.format_exception(error))
    except BaseException:  # noqa: BLE001 - an error that cannot even be shown
        trace = f"{type(error).__name__} (its traceback cannot be shown)"
    kind = "nonsense" if isinstance(error, Nonsense) else "failed"
    return {"kind": kind, "error": type(error).__name__, "trace": trace[-TRACEBACK_CHARACTERS_MAX:]}


def _flush(stream: Any) -> None:  # noqa: ANN401 - whatever a scene put in its place
    with contextlib.suppress(Exception):  # a command may have closed it
        stream.flush()


def _limit_memory(bytes_max: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if bytes_max and sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (bytes_max, bytes_max))


def _give_way_to_the_house() -> None:
    """Do not interrupt whoever has just asked: a call costs the house a tenth less so (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a container may forbid it; it works without
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def main() -> None:
    """Work until the house hangs up."""
    line, life, tickets, memory_bytes_max = map(int, sys.argv[1:5])
    for handle in (line, life, tickets):
        os.set_inheritable(handle, False)  # noqa: FBT003 - it takes no names
    sys.argv[1:] = []
    _limit_memory(memory_bytes_max)
    _give_way_to_the_house()
    current = keep(life, line)
    worker = Worker(Line(socket.socket(fileno=line)), tickets, current)
    worker.load()
    worker.serve()
    os._exit(0)  # no thread of a scene keeps us


if __name__ == "__main__":
    main()
