"""The chat's own interface: messages, files, and the stream of what happens."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from posthouse.channels.web.chat import PAGE_MESSAGES, Chat
from posthouse.channels.web.exchange import (
    Endpoint,
    check_declared_size,
    json,
    query_number,
    read_body,
    resumed_after,
)
from posthouse.channels.web.media import INLINE_MIMES
from posthouse.channels.web.pace import Buckets
from posthouse.channels.web.progress import progress_of
from posthouse.channels.web.settings import FILES_PER_MESSAGE_MAX, NUMBER_MAX
from posthouse.channels.web.stream import POLL_S, Stream
from posthouse.channels.web.view import PressedView, file_view, message_view
from posthouse.channels.web.visitors import Seat, tidy
from posthouse.channels.web.words import Declined
from posthouse.model.message import Media
from posthouse.store.rooms import BOT, Message, NewMessage, Upload

_PAGE_MESSAGES_MAX = 100
_FILE_NAME_CHARS_MAX = 120
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")


class PostBody(Struct):
    key: str  # chosen by the page; the same key again is the same message
    text: str = ""
    quote: int | None = None
    files: tuple[str, ...] = ()  # references of uploads


class TextBody(Struct):
    text: str


class PressBody(Struct):
    token: str


class Talk:
    """What is said in a room: reading it, and saying something."""

    def __init__(self, chat: Chat, posts: Buckets, pace: Buckets) -> None:
        self._chat = chat
        self._posts = posts
        self._pace = pace

    def table(self) -> list[tuple[str, str, Endpoint]]:
        message = "/rooms/{room}/messages/{number:int}"
        return [
            ("POST", "/rooms/{room}/files", self._upload),
            ("GET", "/rooms/{room}/messages", self._messages),
            ("POST", "/rooms/{room}/messages", self._post),
            ("PATCH", message, self._edit),
            ("DELETE", message, self._recall),
            ("POST", f"{message}/press", self._press),
            ("GET", f"{message}/road", self._road),
            ("GET", message + "/files/{index:int}", self._file),
        ]

    # --- messages -----------------------------------------------------------------------

    async def _messages(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        before = query_number(request, "before", NUMBER_MAX)
        limit = min(max(1, query_number(request, "limit", PAGE_MESSAGES)), _PAGE_MESSAGES_MAX)
        found = await self._chat.rooms.before(seat.room.id, before, limit + 1)
        messages = [message_view(message, seat.me.id) for message in found[-limit:]]
        return json({"messages": messages, "is_more": len(found) > limit})

    async def _post(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        body = await read_body(request, PostBody)
        self._posts.check(seat.me.id)
        if not _KEY.fullmatch(body.key):
            raise Declined("bad_request")
        if len(body.files) > FILES_PER_MESSAGE_MAX:
            raise Declined("too_many_files")
        said = await self._chat.said(seat, body.text, await self._files(seat, body.files))
        new = NewMessage(
            room=seat.room.id,
            sender=seat.me.id,
            key=body.key,
            said=said,
            quote=await self._quote(seat, body.quote),
        )
        message, _ = await self._chat.rooms.post(new, self._chat.clock())
        return await self._told(seat, message.number)

    async def _files(self, seat: Seat, refs: tuple[str, ...]) -> tuple[Media, ...]:
        """Only files that this person brought into this room: knowing a hash opens nothing."""
        found = [await self._chat.rooms.upload(seat.room.id, seat.me.id, ref) for ref in refs]
        media = tuple(upload.media for upload in found if upload is not None)
        if len(media) < len(refs):
            raise Declined("file_not_found")
        return media

    async def _quote(self, seat: Seat, number: int | None) -> int | None:
        if number is None:
            return None
        return (await self._chat.message(seat, number)).number

    async def _own(self, request: Request) -> tuple[Seat, Message]:
        seat = await self._chat.visitors.seat(request)
        message = await self._chat.message(seat, request.path_params["number"])
        if message.sender != seat.me.id:
            raise Declined("not_yours")
        self._pace.check(seat.me.id)
        return seat, message

    async def _edit(self, request: Request) -> Response:
        seat, message = await self._own(request)
        body = await read_body(request, TextBody)
        said = await self._chat.said(seat, body.text, message.said.media)
        now = self._chat.clock()
        if not await self._chat.rooms.edit(seat.room.id, message.number, seat.me.id, said, now):
            raise Declined("message_not_found")
        return await self._told(seat, message.number)

    async def _recall(self, request: Request) -> Response:
        seat, message = await self._own(request)
        now = self._chat.clock()
        await self._chat.rooms.recall(seat.room.id, message.number, seat.me.id, now)
        return await self._told(seat, message.number)

    async def _press(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        number = (await self._chat.message(seat, request.path_params["number"])).number
        token = (await read_body(request, PressBody)).token
        self._pace.check(seat.me.id)
        now = self._chat.clock()
        if not await self._chat.rooms.press(seat.room.id, number, seat.me.id, token, now):
            raise Declined("message_not_found")
        await self._chat.tell(seat.room.id)
        view = message_view(await self._chat.message(seat, number), seat.me.id)
        if toast := self._chat.errands.toast(seat.room.id, number, seat.me.id):
            self._chat.live.changed(seat.room.id)  # others may have seen the press
        return json(PressedView(**msgspec.structs.asdict(view), toast=toast))

    async def _road(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        message = await self._chat.message(seat, request.path_params["number"])
        if self._chat.reader is None or message.sender == BOT:
            raise Declined("not_found")
        reader, bot = self._chat.reader, self._chat.bot
        return json(await progress_of(reader, bot, seat.room.id, message.number))

    async def _told(self, seat: Seat, number: int) -> Response:
        await self._chat.tell(seat.room.id)
        return json(message_view(await self._chat.message(seat, number), seat.me.id))

    # --- files --------------------------------------------------------------------------

    async def _upload(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        self._posts.check(seat.me.id)
        bytes_max = self._chat.options.upload_bytes_max
        check_declared_size(request, bytes_max)
        name = tidy(request.query_params.get("name", ""))[-_FILE_NAME_CHARS_MAX:] or "file"
        media = await self._chat.shelf.put(request.stream(), name, bytes_max)
        if not media.size_bytes:
            raise Declined("empty")
        upload = Upload(room=seat.room.id, person=seat.me.id, media=media)
        await self._chat.rooms.keep_upload(upload, self._chat.clock())
        view = file_view(media)
        return json({"ref": media.ref, **msgspec.structs.asdict(view)}, status=201)

    async def _file(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        message = await self._chat.message(seat, request.path_params["number"])
        index: int = request.path_params["index"]
        media = message.said.media[index] if index < len(message.said.media) else None
        path = self._chat.shelf.path(media.ref) if media else None
        if media is None or path is None:
            raise Declined("file_not_found")
        return FileResponse(path, media_type=_content_type(media), headers=_file_headers(media))

    # --- events -------------------------------------------------------------------------

    async def events(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        resumed = resumed_after(request)
        after = query_number(request, "after", seat.room.version) if resumed is None else resumed
        stream = Stream(
            seat,
            after,
            bot=self._chat.bot,
            rooms=self._chat.rooms,
            live=self._chat.live,
            reader=self._chat.reader,
            clock=self._chat.clock,
            poll_s=POLL_S,
        )
        frames = stream.frames()
        first = await anext(frames)  # what is declined is declined before the headers leave
        return StreamingResponse(
            _chain(first, frames),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for frame in rest:
        yield frame


def _content_type(media: Media) -> str:
    return "text/plain; charset=utf-8" if media.mime == "text/plain" else media.mime


def _file_headers(media: Media) -> dict[str, str]:
    """A picture may be looked at; everything else is saved, whatever it pretends to be."""
    how = "inline" if media.mime in INLINE_MIMES else "attachment"
    return {
        "content-disposition": f"{how}; filename*=UTF-8''{quote(media.name or 'file', safe='')}",
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "private, max-age=86400, immutable",
        "x-content-type-options": "nosniff",
    }
