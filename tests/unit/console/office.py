"""A console before a book whose rows a test writes, and a browser without a network."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode, urljoin, urlsplit

from starlette.applications import Starlette

from posthouse.channels.channel import Channel
from posthouse.console.console import Console
from posthouse.console.house import Arrangement, Books, Finding, Surroundings
from posthouse.console.lockout import Lockout
from posthouse.console.passwords import Passwords
from posthouse.console.sign_in import SignIn
from posthouse.gateway.bots import Bot
from posthouse.gateway.router import default_rules
from posthouse.handlers.handler import Traits
from posthouse.handlers.trying import Tries
from posthouse.knowledge.library import Library
from posthouse.knowledge.room import ReadingRoom
from posthouse.knowledge.teaching import Teaching
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import NotSent
from posthouse.model.permission import OperatorRole
from posthouse.settings.language import Said
from posthouse.settings.settings import RouteRule, WordsSettings
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.testing.conformance.scene import BOT, Scene, Store
from posthouse.testing.null_channel import NullChannel
from posthouse.wakeup.local import LocalWakeup

PASSWORD = "a horse, a battery, a staple"
ORIGIN = "http://house.test"
NOWHERE = Path("/dev/null/indexes")  # nobody searches there
CAN = Capabilities(can_recall=True, recall_window_s=3600.0)


@dataclass
class Pulse:
    """A process whose state a test sets."""

    is_stopping: bool = False
    has_lease: bool = True
    is_full: bool = False


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Browser:
    """Somebody's browser: it keeps cookies and names the origin of its forms."""

    app: Starlette
    language: str = "zh-CN"
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, headers=headers)

    async def post(
        self, path: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> Answer:
        headers = {"origin": ORIGIN, **headers}
        return await self.ask("POST", path, urlencode(form or {}).encode(), headers)

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        address = urlsplit(f"/console/{path}")
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {
            "host": "house.test",
            "accept-language": self.language,
            "content-type": "application/x-www-form-urlencoded",
            **({"cookie": cookie} if cookie else {}),
            **(headers or {}),
        }
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": address.path,
            "raw_path": address.path.encode(),
            "query_string": address.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items() if value],
            "client": ("127.0.0.1", 5000),
            "server": ("house.test", 80),
        }
        return await self._converse(scope, body)

    async def _converse(self, scope: dict[str, Any], body: bytes) -> Answer:
        answer = Answer(0, {}, [], b"")

        bodies = [body]

        async def receive() -> dict[str, Any]:
            if not bodies:
                await asyncio.Event().wait()  # the browser stays
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}

        async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has it
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                pairs = [(name.decode(), value.decode()) for name, value in message["headers"]]
                answer.headers = dict(pairs)
                answer.cookies = [value for name, value in pairs if name == "set-cookie"]
            else:
                answer.body += message.get("body", b"")

        await self.app(scope, receive, send)
        for line in answer.cookies:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer


class Office:
    """See the module."""

    def __init__(self, store: SqliteStore, scene: Scene, **choices: Any) -> None:  # noqa: ANN401
        self.store = store
        self.scene = scene
        self.pulse = Pulse()
        self.wakeup = LocalWakeup()
        numbers = count(1)
        own_rules: tuple[RouteRule, ...] = choices.get("rules", ())
        named = {"commands": Traits(), "demo": Traits()}
        self.arrangement = Arrangement(
            channels={BOT: "null"},
            rules=own_rules or default_rules(WordsSettings(), named),
            handlers=tuple(named),
            has_own_rules=bool(own_rules),
        )
        self.bots = {BOT: Bot(BOT, cast("Channel", NullChannel(CAN)), "zh")}
        library = Library(store.documents, choices.get("folder", NOWHERE))
        teaching = Teaching(store.documents, store.asked, store.conduct, library.find, self._clock)
        self.room = ReadingRoom(
            store.documents, library, self._clock, asyncio.sleep, "zh", {}, teaching=teaching
        )
        self.tries: dict[str, Tries] = {}
        self.around = Surroundings(
            books=Books(
                journal=store.journal,
                reader=store.reader,
                chats=store.chats,
                holding=store.holding,
                upkeep=store.upkeep,
                grants=store.grants,
                access=store.access,
                documents=store.documents,
                asked=store.asked,
                conduct=store.conduct,
            ),
            bots=self.bots,
            arranged=lambda: self.arrangement,
            pulse=self.pulse,
            wakeup=self.wakeup,
            room=self.room,
            clock=self._clock,
            new_key=lambda: f"{next(numbers):032x}",
            language="zh",
            zone=choices.get("zone", UTC),
            public_url=choices.get("public_url", ""),
            look_around=self._look_around,
            tries=lambda: self.tries,
        )
        cheap = Passwords(memory_kib=8, rounds=1)
        self.sign_in = SignIn(store.access, cheap, Lockout(), self.around.clock)
        self.console = Console(self.around, self.sign_in)
        self.app = Starlette(routes=list(self.console.routes()))

    @classmethod
    async def open(cls, **choices: Any) -> Office:  # noqa: ANN401 - those of the constructor
        store = choices.pop("store", None) or open_memory_store()
        names = Store.__dataclass_fields__
        parts = {name: getattr(store, name) for name in names if hasattr(store, name)}
        return cls(store, await Scene.open(Store(**parts)), **choices)

    def _clock(self) -> float:
        return self.scene.now

    async def _look_around(self) -> tuple[Finding, ...]:
        return (Finding("warn", Said("磁盘快满了", "the disk is nearly full")),)

    # --- people -------------------------------------------------------------------------

    def stranger(self, **choices: Any) -> Browser:  # noqa: ANN401 - those of Browser
        return Browser(self.app, **choices)

    async def enter(self, role: OperatorRole, name: str = "", **choices: Any) -> Browser:  # noqa: ANN401
        """Let an operator of that role sign in."""
        name = name or f"{role} {len(await self.store.access.operators())}"
        code = await self.sign_in.invite(name, role, "test")
        browser = self.stranger(**choices)
        answer = await browser.post(f"link/{code}", {"password": PASSWORD})
        assert answer.status == 303, answer.text
        return browser

    # --- what is in the book ------------------------------------------------------------

    @property
    def chat(self) -> int:
        return self.scene.chat.id

    async def failed(self, text: str = "never arrived") -> int:
        """Something was refused by the platform; returns the delivery's number."""
        await self.scene.answer("question", text)
        refused = NotSent("refused_by_platform 60020", is_final=True)
        return (await self.scene.settle(await self.scene.send_one(), refused)).id

    async def audit(self) -> list[tuple[str, str, str]]:
        """The newest lines of the audit that operators wrote, without those of signing in."""
        lines = await self.store.access.audit_lines()
        return [
            (line.author, line.action, line.subject)
            for line in lines
            if line.author.startswith("operator:")
        ]


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def addresses(self) -> list[str]:
        names = ("href", "src", "action", "hx-get")
        return [value for _, a in self.found for name in names if (value := a.get(name))]


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"no field {name}"
    return found[1]


def lead(path: str, location: str) -> str:
    """Where a relative redirect from a page of the console leads."""
    return urljoin(f"http://house.test/console/{path}", location).removeprefix("http://house.test")
