"""What becomes of one frame of a bot server: read, done or not, answered or not."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial

import msgspec
from msgspec import Struct

from posthouse.simulators.onebot import segments
from posthouse.simulators.onebot.accounts import Account
from posthouse.simulators.onebot.actions import ACTIONS, Action, Params, Result
from posthouse.simulators.onebot.faults import Fault, FaultPlan, Verb
from posthouse.simulators.onebot.record import CallEntry
from posthouse.simulators.onebot.segments import Malformed
from posthouse.simulators.onebot.state import Event, Failed, Network

BAD_PARAMS = 1400
UNKNOWN_ACTION = 1404
TIMED_OUT = "Timeout: NTEvent serviceAndMethod:NodeIKernelMsgService/sendMsg"
SUFFIXES = ("_async", "_rate_limited")
ECHO_SHOWN = 256
TEXT_SHOWN = 8_192

Emit = Callable[[Event], object]


class Manner(StrEnum):
    """How much of the answer reaches the bot server, and when."""

    WHOLE = "whole"
    TWICE = "twice"
    HALF = "half"
    LAST = "last"  # after the next one
    NONE = "none"
    CUT = "cut"  # none, and the socket goes as well


class Answer(Struct):
    """What is written back; the echo stands in it exactly as it came, or not at all."""

    status: str
    retcode: int
    data: object = None
    message: str = ""
    wording: str = ""
    echo: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Reply(Struct, kw_only=True, eq=False):
    """What to answer, how, and when."""

    text: str
    manner: Manner
    entry: CallEntry
    delay_s: float = 0.0
    later: Callable[[], str] | None = None  # does it after the delay, and returns the text


class _Course(Struct, frozen=True):
    """What a fault does to an action."""

    is_done: bool = True
    manner: Manner = Manner.WHOLE


_COURSES = {
    None: _Course(),
    Fault.DELAY: _Course(),
    Fault.SLOW: _Course(),
    Fault.RESET_BEFORE: _Course(is_done=False, manner=Manner.CUT),
    Fault.RESET_AFTER: _Course(manner=Manner.CUT),
    Fault.SILENT_BEFORE: _Course(is_done=False, manner=Manner.NONE),
    Fault.SILENT_AFTER: _Course(manner=Manner.NONE),
    Fault.HALF_RESPONSE: _Course(manner=Manner.HALF),
    Fault.TWICE: _Course(manner=Manner.TWICE),
    Fault.OVERTAKEN: _Course(manner=Manner.LAST),
    Fault.REFUSED: _Course(is_done=False),
    Fault.FAILED_AFTER: _Course(),
    Fault.ASYNC: _Course(),
}


class _Frame(Struct, frozen=True):
    """A frame as far as it can be read."""

    action: str
    params: dict[str, object] | None = None
    echo: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Desk:
    """Takes the frames of all accounts: does each at once or never, and says how to answer."""

    def __init__(self, network: Network, faults: FaultPlan, emit: Emit) -> None:
        self._network = network
        self._faults = faults
        self._emit = emit

    @property
    def delay_s(self) -> float:
        """How long an overtaken answer waits for the next one."""
        return self._faults.settings.delay_s

    def take(self, account: Account, raw: str, *, is_online: bool = True) -> Reply | str:
        """Handle a frame; a bare text is the answer to one that is no action at all."""
        frame = self._read(account, raw)
        if isinstance(frame, str):
            return frame
        action = ACTIONS.get(_without_suffix(frame.action)[0])
        verb = action.verb if action is not None else Verb.OTHER
        fault = self._faults.draw(account.name, verb)
        entry = self._enter(account, frame, verb, fault)
        work = partial(self._answer, account, frame, entry, raw, is_online=is_online)
        return Reply(
            text="" if fault is Fault.SLOW else work(),
            later=work if fault is Fault.SLOW else None,
            manner=_COURSES[fault].manner,
            entry=entry,
            delay_s=self.delay_s if fault in (Fault.DELAY, Fault.SLOW) else 0.0,
        )

    def close(self, reply: Reply, *, is_written: bool) -> None:
        """Note how an action ended."""
        entry = reply.entry
        entry.ended_at = self._network.now
        is_whole = is_written and reply.manner in (Manner.WHOLE, Manner.TWICE, Manner.LAST)
        entry.is_clear = (
            is_whole and entry.status != "async" and entry.fault is not Fault.FAILED_AFTER
        )

    # --- reading --------------------------------------------------------------------------------

    def _read(self, account: Account, raw: str) -> _Frame | str:
        try:
            frame = msgspec.json.decode(raw, type=_Frame)
        except (msgspec.MsgspecError, RecursionError) as error:
            self._network.notes.complain(account.name, f"no action: {error}", raw)
            return _encoded(_failed("json解析失败,请检查数据格式", BAD_PARAMS))
        if frame.echo is msgspec.UNSET:
            self._network.notes.complain(account.name, "echo is missing", raw)
        return frame

    def _enter(self, account: Account, frame: _Frame, verb: Verb, fault: Fault | None) -> CallEntry:
        params = frame.params or {}
        message_id = params.get("message_id")
        entry = CallEntry(
            bot=account.name,
            chat=self._chat_of(account, params),
            action=frame.action,
            verb=verb,
            echo=_as_text(frame.echo),
            message_id=message_id if isinstance(message_id, int) else None,
            began_at=self._network.now,
            text=_words_of(params),
            fault=fault,
        )
        self._network.notes.calls.add(entry)
        self._network.stir()
        return entry

    def _chat_of(self, account: Account, params: dict[str, object]) -> str:
        if params.get("group_id") and params.get("message_type") != "private":
            return f"group:{params['group_id']}"
        if params.get("user_id"):
            return f"private:{params['user_id']}"
        message_id = params.get("message_id")
        found = self._network.find(account, message_id) if isinstance(message_id, int) else None
        return found.chat if found is not None else ""

    # --- doing ----------------------------------------------------------------------------------

    def _answer(
        self, account: Account, frame: _Frame, entry: CallEntry, raw: str, *, is_online: bool
    ) -> str:
        """Do what is asked, as far as its fault allows, and write the answer."""
        fault, settings = entry.fault, self._faults.settings
        answer = _failed(settings.wording, settings.retcode)
        if _COURSES[fault].is_done:
            answer = self._do(account, frame, entry, raw, is_online=is_online)
        if fault is Fault.FAILED_AFTER:
            answer = _failed(TIMED_OUT)
        is_async = fault is Fault.ASYNC or _without_suffix(frame.action)[1]
        if is_async and answer.retcode == 0:
            answer = Answer("async", 1)
        entry.status, entry.retcode = answer.status, answer.retcode
        answer.echo = frame.echo
        return _encoded(answer)

    def _do(
        self, account: Account, frame: _Frame, entry: CallEntry, raw: str, *, is_online: bool
    ) -> Answer:
        try:
            result = self._act(account, frame, raw, is_online=is_online)
        except Malformed as error:
            self._network.notes.complain(account.name, str(error), raw)
            return _failed(str(error), BAD_PARAMS)
        except Failed as failed:
            return _failed(failed.wording, failed.retcode)
        self._follow(account, entry, result, raw)
        return Answer("ok", 0, result.data)

    def _act(self, account: Account, frame: _Frame, raw: str, *, is_online: bool) -> Result:
        action = ACTIONS.get(_without_suffix(frame.action)[0])
        if action is None:
            self._network.notes.complain(account.name, f"no action {frame.action!r}", raw)
            raise Failed(f"不支持的Api {frame.action}", UNKNOWN_ACTION)
        params = self._params(account, action, frame, raw)
        if not is_online:
            raise Failed("账号已离线")
        return action.act(self._network, account, params)

    def _params(self, account: Account, action: Action[Params], frame: _Frame, raw: str) -> Params:
        """Read what an action is about; ``"7"`` for 7 is taken, and complained about."""
        given = frame.params or {}
        try:
            return msgspec.convert(given, action.params)
        except msgspec.ValidationError as error:
            strict = f"{frame.action}: {error}"
        known = {name: given[name] for name in action.params.__struct_fields__ if name in given}
        try:
            params = msgspec.convert(known, action.params, strict=False)
        except msgspec.ValidationError:
            raise Malformed(strict) from None
        self._network.notes.complain(account.name, strict, raw)
        return params

    def _follow(self, account: Account, entry: CallEntry, result: Result, raw: str) -> None:
        shown = result.message
        if shown is not None:
            entry.message_id, entry.text = shown.message_id, shown.text
            shown.echo = entry.echo
            for mistake in segments.mistakes(shown.segments):
                self._network.notes.complain(account.name, mistake, raw)
            if shown.quote is not None and not self._is_there(account, shown.quote, shown.chat):
                self._network.notes.complain(
                    account.name, f"reply to {shown.quote}, which is not in this chat", raw
                )
        for event in result.events:
            self._emit(event)

    def _is_there(self, account: Account, message_id: int, chat: str) -> bool:
        found = self._network.find(account, message_id)
        return found is not None and found.chat == chat


def _encoded(answer: Answer) -> str:
    return msgspec.json.encode(answer).decode()


def _failed(wording: str, retcode: int = 1200) -> Answer:
    return Answer("failed", retcode, None, wording, wording)


def _without_suffix(action: str) -> tuple[str, bool]:
    """Split off what makes any action one that is only accepted, not answered."""
    for suffix in SUFFIXES:
        if action.endswith(suffix):
            return action.removesuffix(suffix), True
    return action, False


def _words_of(params: dict[str, object]) -> str:
    """Say what was to be said, also when nothing came of it."""
    try:
        said = segments.read(params["message"]) if "message" in params else ()
    except Malformed:
        return ""
    return segments.words(said)[:TEXT_SHOWN]


def _as_text(echo: msgspec.Raw | msgspec.UnsetType) -> str:
    return "" if isinstance(echo, msgspec.UnsetType) else bytes(echo).decode()[:ECHO_SHOWN]
