"""What stands in a bundle of forwarded messages: asked for when one comes in, before it is taken.

The event says only that it is a bundle; one call tells the messages in it. What cannot be had in
time stays closed, and is kept as it came.

Source: open.feishu.cn, "Get a message" (of a bundle: itself, then what is in it, by
``upper_message_id``); files in a bundle cannot be downloaded (234043).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TypeGuard
from urllib.parse import quote

import aiohttp
import structlog
from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.feishu.client import CallFailed, Client
from posthouse.channels.feishu.contents import RAW_CHARACTERS_MAX, Said, joined_texts, parts_of
from posthouse.channels.feishu.history import Message
from posthouse.channels.feishu.names import Names
from posthouse.channels.keep_connected import BadCredentials
from posthouse.model.event import Event, MessageReceived
from posthouse.model.message import Audio, File, Image, Mention, Part, Text, Unsupported, Video

KIND = "merge_forward"
WITHIN_S = 1.2  # of the three seconds that the acknowledgement has
MESSAGES_MAX = 100
CHARACTERS_MAX = 32_000

log = structlog.get_logger("posthouse.feishu")


class _Items(Struct, frozen=True):
    items: tuple[Message, ...] = ()


class _Answer(Struct, frozen=True):
    data: _Items = _Items()


class Bundles:
    """Opens the bundles that one bot is sent."""

    def __init__(self, client: Client, names: Names) -> None:
        self._client = client
        self._names = names
        self._is_warned = False

    async def opened(self, events: Sequence[Event | None]) -> list[Event | None]:
        """Return the events, with the messages of each bundle in its place."""
        if not any(map(_has_bundle, events)):
            return list(events)
        return list(await asyncio.gather(*map(self._opened, events)))

    async def _opened(self, event: Event | None) -> Event | None:
        if not _has_bundle(event):
            return event
        path = f"/im/v1/messages/{quote(event.message_id, safe='')}"
        try:
            async with asyncio.timeout(WITHIN_S):
                items = (await self._client.get(path, _Answer)).data.items
        except (CallFailed, BadCredentials, aiohttp.ClientError, TimeoutError, OSError) as problem:
            self._warn(problem)
            return event
        inside = joined_texts(tuple(self._parts(items, event.message_id)))
        if not inside:
            return event
        parts = (p for part in event.parts for p in (inside if _is_bundle(part) else (part,)))
        return replace(event, parts=tuple(parts))

    def _parts(self, items: Sequence[Message], bundle_id: str) -> Iterator[Part]:
        """Yield who said what, line by line; bundles inside lie flat among the rest."""
        room = CHARACTERS_MAX
        inside = (each for each in items if each.message_id != bundle_id and each.msg_type != KIND)
        for number, message in enumerate(inside):
            line = tuple(self._line(message))
            room -= sum(map(_characters, line))
            if number >= MESSAGES_MAX or room < 0:
                yield Text("…")
                return
            yield from line

    def _line(self, message: Message) -> Iterator[Part]:
        name = self._names.known(message.sender.id)
        yield Text(f"{name}: " if name else "- ")
        said = Said(
            type=message.msg_type,
            content=message.body.content,
            message_id=message.message_id,
            mentions={each.key: Mention(each.id, each.name) for each in message.mentions or ()},
        )
        yield from (_without_file(part, said) for part in parts_of(said))
        yield Text("\n")

    def _warn(self, problem: Exception) -> None:
        """Say once that bundles stay closed, and why."""
        if not self._is_warned:
            self._is_warned = True
            log.warning("bundle_closed", problem=str(problem) or type(problem).__name__)


def _has_bundle(event: Event | None) -> TypeGuard[MessageReceived]:
    return isinstance(event, MessageReceived) and any(map(_is_bundle, event.parts))


def _is_bundle(part: Part) -> bool:
    return isinstance(part, Unsupported) and part.kind == KIND


def _without_file(part: Part, said: Said) -> Part:
    """Keep a file of a bundle as what it was: nobody can download it."""
    if isinstance(part, Image | File | Audio | Video):
        return Unsupported(f"{KIND}.{said.type}"[:64], said.content[:RAW_CHARACTERS_MAX])
    return part


def _characters(part: Part) -> int:
    match part:
        case Text(text=text):
            return len(text)
        case Unsupported(raw=raw):
            return len(raw)
        case _:
            return 0
