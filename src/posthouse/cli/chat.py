"""``posthouse chat``: the web chat in a terminal, over the page's own interface.

Without a running house, one is started for as long as the chat lasts.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import secrets
import sys
import threading
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, CookieJar

from posthouse.cli.terminal import OK, Terminal
from posthouse.cli.welcome import web_path
from posthouse.model.errors import OperatorMistake, TryLater
from posthouse.settings.data_directory import DataDirectory, owner_of
from posthouse.settings.load import Loaded
from posthouse.settings.settings import Settings

ANSWER_WITHIN_S = 120.0
QUIET_S = 0.5  # after an answer began: nothing more is coming
LINE_BYTES_MAX = 8 * 1024 * 1024  # of an event
NAME_MAX = 40
RECONNECT_AFTER_S = 1.0

ANSWERED = "answered"

Json = dict[str, Any]  # what the page's interface answers


async def chat(loaded: Loaded, name: str, lines: Sequence[str]) -> int:
    """Talk with the house until the end of input; with ``lines``, say those, wait, and leave.

    Raises:
        OperatorMistake: the house has no web bot.
    """
    path = _path_of_web_bot(loaded.settings)
    async with _house(loaded) as url, _session() as session:
        room = await _enter(session, url + path + "/api", name or _own_name())
        talk = Talk(session, url + path, room, Terminal())
        if lines:
            await talk.say_all(lines)
        else:
            await talk.go_on()
    return OK


def _path_of_web_bot(settings: Settings) -> str:
    for bot in settings.bots.values():
        if (path := web_path(bot)) is not None:
            return path
    raise OperatorMistake(
        'No bot here has channel = "web"; add [bots.web] with it to the settings.',
        zh='这里没有 channel = "web" 的机器人；请在配置里加上 [bots.web]。',
    )


@contextlib.asynccontextmanager
async def _house(loaded: Loaded) -> AsyncIterator[str]:
    """Yield the address of the running house, or of one that runs as long as the chat."""
    owner = owner_of(loaded.settings.data)
    if owner is not None and owner.url:
        yield owner.url
        return
    from posthouse.cli.run import logs_of, running

    directory = DataDirectory(loaded.settings.data)
    writer = logs_of(loaded, level="warning")  # a chat is not the place for the rest
    try:
        house = running(loaded.settings, directory, writer, is_port_fixed=False)
        async with house as (_, url, _serving):
            yield url
    finally:
        directory.release()
        writer.close()


def _session() -> ClientSession:
    return ClientSession(
        cookie_jar=CookieJar(unsafe=True),  # the house has no name, only an address
        timeout=ClientTimeout(total=None),
        read_bufsize=LINE_BYTES_MAX,
    )


def _own_name() -> str:
    try:
        return getpass.getuser()[:NAME_MAX]
    except (OSError, KeyError):
        return "me"


async def _enter(session: ClientSession, api: str, name: str) -> Json:
    """Give a name at the door, and return the room where the bot is."""
    await _call(session, "PUT", f"{api}/me", {"name": name})
    rooms = await _call(session, "GET", f"{api}/rooms")
    private = [room for room in rooms if room["kind"] == "private"]
    if private:
        return dict(private[0])
    made = await _call(session, "POST", f"{api}/rooms", {"kind": "private"})
    return dict(made["room"])


async def _call(session: ClientSession, method: str, url: str, body: Json | None = None) -> Any:  # noqa: ANN401 - JSON as it comes
    async with session.request(method, url, json=body) as answer:
        content = await answer.json(content_type=None)
        if answer.ok:
            return content
    raise TryLater(content.get("en", str(answer.status)), zh=content.get("zh", ""))


class Talk:
    """One conversation in one room."""

    def __init__(self, session: ClientSession, pages: str, room: Json, terminal: Terminal) -> None:
        self._session = session
        self._title = str(room["title"])
        self._room = f"{pages}/api/rooms/{room['id']}"
        self._stream = f"{pages}/rooms/{room['id']}/events"
        self._terminal = terminal
        self._shown: dict[int, str] = {}  # number → what was written to the terminal
        self._ended: dict[int, str] = {}  # own message → how its road ended
        self._newest_answer = 0
        self._news = asyncio.Event()
        self._after = 0

    async def say_all(self, lines: Sequence[str]) -> None:
        """Say lines one after another, each when the one before was answered."""
        async with self._listening(await self._newest()):
            for line in lines:
                await self._say_and_wait(line)

    async def go_on(self) -> None:
        """Say what is typed until the end of input; show everything that is said."""
        self._terminal.say(
            f"你在“{self._title}”。直接打字；/help 看看能做什么；Ctrl+D 离开。",
            f"You are in “{self._title}”. Just type; /help shows what it can do; Ctrl+D leaves.",
        )
        async with self._listening(await self._newest()):
            async for line in _typed():
                if line.strip():
                    await self._post(line.strip())

    async def _newest(self) -> int:
        page = await _call(self._session, "GET", self._room)
        return int(page["version"])

    async def _post(self, text: str) -> int:
        body = {"key": secrets.token_hex(16), "text": text}
        said = await _call(self._session, "POST", f"{self._room}/messages", body)
        return int(said["number"])

    async def _say_and_wait(self, text: str) -> None:
        """Say one line and wait until it is answered, or will not be."""
        number = await self._post(text)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                while (state := self._ended.get(number)) is None or (
                    state == ANSWERED and self._newest_answer < number
                ):
                    await self._next_news()
        except TimeoutError:
            raise TryLater(
                "There was no answer in time; `posthouse why` tells how far it came.",
                zh="没有等到回答；posthouse why 可看它走到哪一步。",
            ) from None
        with contextlib.suppress(TimeoutError):  # an answer may have several parts
            while True:
                async with asyncio.timeout(QUIET_S):
                    await self._next_news()

    async def _next_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    # --- what is said ---------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _listening(self, after: int) -> AsyncIterator[None]:
        self._after = after
        listener = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            listener.cancel()

    async def _listen(self) -> None:
        """Follow the room; a connection that breaks is taken up where it ended."""
        while True:
            with contextlib.suppress(OSError, ClientError):
                url = f"{self._stream}?after={self._after}"
                async with self._session.get(url, raise_for_status=True) as answer:
                    async for event, data in _events(answer.content):
                        self._take(event, data)
            await asyncio.sleep(RECONNECT_AFTER_S)

    def _take(self, event: str, data: Any) -> None:  # noqa: ANN401 - JSON as it comes
        if event == "sync":
            for message in data:
                self._after = max(self._after, message["version"])
                self._show(message)
        elif event == "progress":
            for progress in data:
                self._note(progress)
        self._news.set()

    def _show(self, message: Json) -> None:
        if message.get("is_mine") or message.get("is_draft"):
            return
        number, name = message["number"], message["name"] or self._title
        if message.get("is_bot"):
            self._newest_answer = max(self._newest_answer, number)
        if message.get("is_recalled"):
            text = self._terminal.words("（已撤回）", "(taken back)")
        else:
            names = "".join(f" [{file['name']}]" for file in message.get("files", ()))
            text = message.get("text", "") + names
        if self._shown.get(number) != text:
            again = self._terminal.words("改为", "now") + " " if number in self._shown else ""
            self._shown[number] = text
            self._terminal.line(f"{name}: {again}{text}")

    def _note(self, progress: Json) -> None:
        is_held = bool(progress.get("is_held"))  # until somebody has looked, who may be asleep
        if not (progress.get("is_final") or is_held):
            return
        if progress["state"] == "unanswered" or is_held:
            self._terminal.say(f"（{progress['zh']}）", f"({progress['en']})")
        self._ended[progress["number"]] = progress["state"]


async def _typed() -> AsyncIterator[str]:
    """Yield lines of standard input.

    A thread that may be left behind reads them: Ctrl+C must not wait for one more line.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError, ValueError):  # the chat is over
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, name="typed", daemon=True).start()
    while line := await lines.get():
        yield line


async def _events(content: AsyncIterable[bytes]) -> AsyncIterator[tuple[str, Any]]:
    """Read server-sent events: (name, decoded data)."""
    event = ""
    async for raw in content:
        field, _, value = raw.decode().rstrip("\n").partition(": ")
        if field == "event":
            event = value
        elif field == "data":
            yield event, json.loads(value)
