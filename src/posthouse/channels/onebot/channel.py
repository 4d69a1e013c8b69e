"""A QQ bot behind OneBot v11 (NapCat, Lagrange, go-cqhttp, …), by either kind of WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial

import structlog
from starlette.routing import BaseRoute
from starlette.websockets import WebSocket

from posthouse.channels.channel import (
    ChannelTools,
    ConnectionState,
    Door,
    Letter,
    Part,
    Status,
    Verb,
)
from posthouse.channels.keep_connected import BadCredentials, Policy, Pulse, keep_connected
from posthouse.channels.onebot import codec, media, words
from posthouse.channels.onebot.codec import Context, Frame
from posthouse.channels.onebot.forward import Forward, ping_for_ever
from posthouse.channels.onebot.history import (
    CHATS_MAX,
    GAP_S_MAX,
    MARGIN_S,
    CannotTell,
    NoHistory,
    contacts,
    missed_in,
)
from posthouse.channels.onebot.intake import Intake
from posthouse.channels.onebot.line import Line, Role, hold
from posthouse.channels.onebot.lines import Lines
from posthouse.channels.onebot.reverse import SELF_ID, Entrance, Guard, ReverseSocket, role_of
from posthouse.channels.onebot.settings import OneBotOptions
from posthouse.channels.options import read_options
from posthouse.model.address import Chat
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown
from posthouse.model.errors import PosthouseError
from posthouse.model.message import Content, Media
from posthouse.store.media import Shelf

ALARM_AFTER_S = 120.0  # without a connection
HOLD_S = 5.0  # what is live waits so long for what is older; most are asked about sooner
HISTORY_WITHIN_S = 5.0
ERRANDS_MAX = 16
IS_THERE_WITHIN_S = 3.0  # the answer of an older connection, before a newer one takes its place
REPLACED = 1008
MEDIA = "media"  # files by content, below the data directory

log = structlog.get_logger("posthouse.onebot")


class WrongAccount(BadCredentials):
    """Another QQ account answers there than self_id says; correct self_id or the address."""


class OneBotChannel:
    """One QQ bot."""

    def __init__(self, name: str, options: OneBotOptions, tools: ChannelTools) -> None:
        self._name = name
        self._options = options
        self._tools = tools
        self._capabilities = options.capabilities()
        self._door: Door | None = None
        self._intake = Intake(name, tools.sleep)
        self._errands: set[asyncio.Task[None]] = set()
        self._lines = Lines(tools.clock)
        self._status = (
            Status(state=ConnectionState.CONNECTING, since_at=tools.clock())
            if options.url
            else words.status_of(self._lines, options, tools)
        )
        self._guard = _guard(options, tools)
        self._forward = Forward(options.url, options.token.get_secret_value(), tools.http)
        self._files = media.Files(
            Shelf(tools.data_dir / MEDIA), tools.http, options.files, options.file_bytes_max
        )

    @classmethod
    def build(cls, name: str, options: Mapping[str, object], tools: ChannelTools) -> OneBotChannel:
        """Build the bot ``name``.

        Raises:
            OperatorMistake: a key of the options is wrong, or the entrance would be open to all.
        """
        read = read_options(OneBotOptions, name, options)
        words.refuse_an_open_door(name, read, tools)
        return cls(name, read, tools)

    def __repr__(self) -> str:
        return f"OneBotChannel({self._name}, {self._status.state})"

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def status(self) -> Status:
        return self._status

    # --- in -----------------------------------------------------------------------------

    def attach(self, door: Door) -> None:
        self._door = door

    def routes(self) -> Sequence[BaseRoute]:
        if self._options.url:
            return ()
        return (Entrance(self._options.path, self._options.self_id, self._serve),)

    async def run(self, door: Door) -> None:
        self._door = door
        self._lines.opening()
        connecting = self._connect_for_ever if self._options.url else self._wait_for_ever
        tasks = [
            asyncio.ensure_future(each)
            for each in (
                self._intake.run(door),
                connecting(),
            )
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            await self._lines.close()
            for task in (*self._errands, *reversed(tasks)):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, line: Line, frame: Frame, payload: str | bytes) -> None:
        """Let a frame's events wait for the book."""
        self._look_at(frame)
        if frame.post_type == "meta_event":
            return
        context = Context(self._name, self._tools.clock(), self._lines.sent)
        wanted = self._options.self_id
        if wanted and frame.self_id and str(frame.self_id) != wanted:
            raise WrongAccount
        try:
            events = codec.events_of(frame, payload, context)
        except codec.UNREADABLE as problem:
            await self._take_unreadable(payload, f"{type(problem).__name__}: {problem}")
            return
        for event in events:
            await self._intake.put(event)
        approval = codec.approval_of(
            frame, friends=self._options.approve_friends, groups=self._options.approve_groups
        )
        if approval:
            self._beside(self._approve(line, approval))

    async def _take_unreadable(self, payload: str | bytes, problem: str) -> None:
        context = Context(self._name, self._tools.clock())
        await self._intake.put(codec.undecodable(payload, problem, context))

    def _look_at(self, frame: Frame) -> None:
        """Notice whether QQ itself is there."""
        is_online = codec.is_online(frame)
        if is_online is not None and is_online is not self._lines.is_online:
            self._lines.is_online = is_online
            self._note(words.status_of(self._lines, self._options, self._tools))

    async def _approve(self, line: Line, approval: bytes) -> None:
        """Say yes to a request, once it stands in the book."""
        await self._intake.until_accepted()
        outcome = await line.perform(approval, Verb.SEND, self._options.answer_within_s)
        log.info("onebot_approved", bot=self._name, outcome=type(outcome).__name__)

    def _begin_to_look_back(self, line: Line) -> None:
        """Ask for what was said since the last connection; what is live waits a moment for it."""
        if self._options.history:
            self._intake.hold()  # now: the first frame may be there already
            timer = asyncio.get_running_loop().call_later(HOLD_S, self._intake.release)
            self._beside(self._fill_gap(line, timer))

    async def _fill_gap(self, line: Line, timer: asyncio.TimerHandle) -> None:
        try:
            since = await self._heard_lately()
            if since:
                await self._look_back(line, since)
        except OSError as problem:
            log.warning("onebot_look_back_cut", bot=self._name, problem=type(problem).__name__)
        finally:
            timer.cancel()
            self._intake.release()

    async def _heard_lately(self) -> dict[str, float]:
        """Return the chats that spoke in the last day, and since when to ask about each."""
        reader, since_at = self._tools.reader, self._tools.clock() - GAP_S_MAX
        chats = await reader.heard_lately(self._name, since_at, CHATS_MAX) if reader else ()
        return {chat.platform_id: chat.heard_at - MARGIN_S for chat in chats}

    async def _look_back(self, line: Line, since: dict[str, float]) -> None:
        async def ask(action: str, params: dict[str, object]) -> Frame:
            return await line.ask(codec.encode_call(action, params), HISTORY_WITHIN_S)

        context = Context(self._name, self._tools.clock(), self._lines.sent)
        newly_at = max(since.values())  # whoever else has spoken since then was not heard
        since = dict.fromkeys(await contacts(newly_at, ask), newly_at) | since
        found, refused, kinds_without = 0, 0, set[str]()
        for chat, since_at in since.items():
            kind = chat.partition(":")[0]
            if kind in kinds_without:
                continue
            try:
                events = await missed_in(chat, since_at, ask, line.self_id, context)
            except NoHistory:
                kinds_without.add(kind)
                log.info("onebot_no_history", bot=self._name, kind=kind)
            except CannotTell:  # of this chat; the bot may have been removed from it
                refused += 1
            else:
                self._intake.put_older(events)
                found += len(events)
        log.info(
            "onebot_looked_back",
            bot=self._name,
            chats=len(since),
            events=found,
            refused=refused,
        )

    # --- connections: implementations come to us ---------------------------------------------

    async def _serve(self, socket: WebSocket) -> None:
        role, self_id = role_of(socket), socket.headers.get(SELF_ID, "")
        if self._door is None or not self._guard.admits(socket, self._tools.clock()):
            await self._turn_away(socket)
            return
        if not await self._is_free(role, self_id):
            await self._turn_away(socket)
            return
        await socket.accept()
        line = Line(ReverseSocket(socket), role, self_id, self._tools.clock)
        await self._replace(line)
        self._note_lines()
        try:
            await self._hold(line)
        except PosthouseError as end:
            log.info("onebot_ended", bot=self._name, why=str(end))
        finally:
            self._lines.remove(line)
            self._note_lines()

    async def _turn_away(self, socket: WebSocket) -> None:
        log.warning("onebot_turned_away", bot=self._name)
        await socket.close()

    async def _is_free(self, role: Role, self_id: str) -> bool:
        """Whether no other connection for the same purpose is alive."""
        old = self._lines.of(role)
        if old is None:
            return True
        is_same = not old.self_id or not self_id or old.self_id == self_id
        return is_same and (role is Role.EVENT or not await self._is_there(old))

    async def _replace(self, line: Line) -> None:
        """Use a connection instead of the one that was there for the same purpose."""
        old = self._lines.of(line.role)
        self._lines.add(line)
        if old is not None:
            await old.close(REPLACED, "a newer connection has come")

    async def _is_there(self, line: Line) -> bool:
        try:
            await line.ask(codec.encode_call("get_status", {}), IS_THERE_WITHIN_S)
        except Exception:  # noqa: BLE001 - whatever it is, nobody answers
            return False
        return True

    async def _hold(self, line: Line) -> None:
        if line.role is not Role.EVENT:
            self._begin_to_look_back(line)
        await hold(line, partial(self._take, line), self._take_unreadable, self._tools.sleep)

    def _beside(self, errand: Coroutine[object, object, None]) -> None:
        """Do something while the connection is read; more than a few at once are left."""
        if len(self._errands) >= ERRANDS_MAX:
            errand.close()
            return
        task = asyncio.ensure_future(errand)
        self._errands.add(task)
        task.add_done_callback(self._errand_done)

    def _errand_done(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("onebot_errand_failed", bot=self._name, exc_info=task.exception())

    async def _wait_for_ever(self) -> None:
        """Keep the status true while nobody is connected."""
        self._note_lines()
        while True:
            await self._tools.sleep(ALARM_AFTER_S)
            self._note_lines()

    def _note_lines(self) -> None:
        if not self._options.url:
            self._note(words.status_of(self._lines, self._options, self._tools))

    # --- connections: we go to the implementation ---------------------------------------------

    async def _connect_for_ever(self) -> None:
        await keep_connected(
            self._connect_and_read,
            Policy(),
            self._tools.clock,
            self._tools.sleep,
            self._tools.random,
            self._note,
        )

    async def _connect_and_read(self, pulse: Pulse) -> None:
        socket = await self._forward.connect(pulse)
        line = Line(socket, Role.UNIVERSAL, self._options.self_id, self._tools.clock)
        self._lines.add(line)
        pulse.connected()
        pinging = asyncio.ensure_future(ping_for_ever(socket, self._tools.sleep))
        try:
            await self._hold(line)
        finally:
            pinging.cancel()
            self._lines.remove(line)
            await asyncio.gather(pinging, return_exceptions=True)

    def _note(self, status: Status) -> None:
        is_news = (status.state, status.detail, status.is_alarming, status.failures) != (
            self._status.state,
            self._status.detail,
            self._status.is_alarming,
            self._status.failures,
        )
        if is_news:
            self._status = status
            self._tools.on_status(self._name, status)

    # --- out ----------------------------------------------------------------------------

    def encode(self, content: Content, letter: Letter) -> bytes:
        return codec.encode(content, letter)

    def encode_slot(self, content: Content, letter: Letter) -> bytes | None:  # noqa: ARG002
        return None  # a connection has no response

    async def perform(self, part: Part, chat: Chat) -> Outcome:  # noqa: ARG002 - the body names it
        match part.verb:
            case Verb.SEND:
                return await self._send(part)
            case Verb.RECALL:
                return await self._recall(part)
            case Verb.EDIT:
                return NotSent("cannot_edit", is_final=True)
            case Verb.LOOK_UP:
                return Unknown("cannot_look_up")
            case Verb.TYPING:
                return Sent()  # nobody is shown that

    async def _send(self, part: Part) -> Outcome:
        body = part.body
        if body.startswith(b'{"media":'):
            try:
                body = await self._files.put_in(codec.decode_call(body))
            except (*codec.UNREADABLE, PosthouseError, OSError) as problem:
                log.warning("onebot_no_file", bot=self._name, problem=type(problem).__name__)
                return NotSent("cannot_encode", is_final=True)
        elif not (body.startswith(b'{"action":"') and body.endswith(b"}")):
            return NotSent("cannot_encode", is_final=True)
        outcome = await self._call(body, Verb.SEND)
        if isinstance(outcome, Sent):
            self._lines.sent.add(*outcome.ids)
        return outcome

    async def _recall(self, part: Part) -> Outcome:
        if not part.message_ids:
            return NotSent("no_platform_id", is_final=True)
        names = [codec.number(name) for name in part.message_ids]
        if any(isinstance(name, str) for name in names):
            return NotSent("not_found_on_platform", is_final=True)
        for name in names:
            outcome = await self._recall_one(name)
            if not isinstance(outcome, Sent):
                return outcome
        return Sent(part.message_ids)

    async def _recall_one(self, name: int | str) -> Outcome:
        """Take a message back; implementations word "not there any more" too freely to trust."""
        if str(name) in self._lines.recalled:
            return Sent()
        outcome = await self._call(
            codec.encode_call("delete_msg", {"message_id": name}), Verb.RECALL
        )
        if isinstance(outcome, Sent):
            self._lines.recalled.add(str(name))
        return outcome

    async def _call(self, body: bytes, verb: Verb) -> Outcome:
        line = await self._lines.caller()
        if line is None:
            return NotSent("not_connected", retry_after_s=1.0)
        return await line.perform(body, verb, self._options.answer_within_s)

    def download(self, media: Media) -> AsyncIterator[bytes]:
        return self._files.download(media.ref, self._ask)

    async def _ask(self, action: str, params: dict[str, object]) -> Frame:
        line = await self._lines.caller()
        if line is None:
            raise ConnectionResetError
        return await line.ask(codec.encode_call(action, params), self._options.answer_within_s)

    async def close(self) -> None:
        with suppress(BadCredentials):
            await self._lines.close()
        await self._forward.close()
        await self._files.close()


def _guard(options: OneBotOptions, tools: ChannelTools) -> Guard:
    token = options.token.get_secret_value()
    retired = [(each.value, each.until_at) for each in tools.retired if each.name == "token"]
    tokens = [(token, float("inf")), *retired] if token else []
    return Guard(tuple((value.encode(), until_at) for value, until_at in tokens), options.insecure)
