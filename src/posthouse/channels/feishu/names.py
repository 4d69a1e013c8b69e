"""Names of people and chats: asked for once, beside the road, and known from the next message on.

Waiting for a name would hold the acknowledgement back, and the platform gives it three seconds.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import aiohttp
import structlog
from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.feishu.client import CallFailed, Client
from posthouse.channels.feishu.codec import UNKNOWN_CHAT
from posthouse.channels.feishu.lately import Lately
from posthouse.channels.keep_connected import BadCredentials
from posthouse.model.event import Event, Internal, Undecodable

NAMES_MAX = 10_000
CHAT = "oc_"
ASKING_MAX = 20  # calls at once; a name that finds no room is asked for another time

log = structlog.get_logger("posthouse.feishu")


class _User(Struct, frozen=True):
    name: str = ""


class _UserData(Struct, frozen=True):
    user: _User = _User()


class _UserAnswer(Struct, frozen=True):
    data: _UserData = _UserData()


class _ChatAnswer(Struct, frozen=True):
    data: _User = _User()


class Names:
    """What one bot knows people and chats by."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._names: Lately[str, str] = Lately(NAMES_MAX)
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._is_warned = False

    def with_names(self, event: Event) -> Event:
        """Return the event with the names that are known; the others are asked for."""
        if isinstance(event, Undecodable | Internal) or event.place.platform_id == UNKNOWN_CHAT:
            return event
        place, sender = event.place, event.sender
        if not place.title:
            place = replace(place, title=self.known(place.platform_id))
        if not sender.name and not sender.is_bot:
            sender = replace(sender, name=self.known(sender.id))
        return replace(event, place=place, sender=sender)

    async def settled(self) -> None:
        """Wait until everything that was asked for is known."""
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def close(self) -> None:
        """Stop asking."""
        tasks = tuple(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def known(self, platform_id: str) -> str:
        """Return a name, empty when it is not known yet; then it is asked for."""
        known = self._names.get(platform_id)
        is_asked = platform_id in self._asking or len(self._asking) >= ASKING_MAX
        if known is None and platform_id and not is_asked:
            task = asyncio.ensure_future(self._ask(platform_id))
            self._asking[platform_id] = task
            task.add_done_callback(lambda _: self._asking.pop(platform_id, None))
        return known or ""

    async def _ask(self, platform_id: str) -> None:
        try:
            name = self._names.keep(platform_id, await self._fetch(platform_id))
            if not name and not platform_id.startswith(CHAT):  # private chats have none
                self._warn("no name in the answer")
        except (CallFailed, BadCredentials) as problem:
            self._names.keep(platform_id, "")  # not asked again until it is forgotten
            self._warn(str(problem))
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass  # asked again with the next message

    async def _fetch(self, platform_id: str) -> str:
        where = quote(platform_id, safe="")
        if platform_id.startswith(CHAT):
            return (await self._client.get(f"/im/v1/chats/{where}", _ChatAnswer)).data.name
        path = f"/contact/v3/users/{where}"
        answer = await self._client.get(path, _UserAnswer, {"user_id_type": "open_id"})
        return answer.data.user.name

    def _warn(self, problem: str) -> None:
        """Say once what is missing; everything works without names."""
        if not self._is_warned:
            self._is_warned = True
            log.warning(
                "names_unknown",
                problem=problem,
                remedy="grant the scopes contact:contact.base:readonly, contact:user.base:readonly"
                " and im:chat:readonly",
            )
