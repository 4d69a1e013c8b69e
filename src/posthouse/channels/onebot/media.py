"""Files: into actions when a bot sends them, out of the implementation when somebody asks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal

import aiohttp
import msgspec
from msgspec import Struct

from posthouse.channels.onebot.codec import UNREADABLE, Call, Frame, with_media
from posthouse.channels.onebot.segments import FileRef
from posthouse.model.errors import NotUnderstood, Refused
from posthouse.store.media import FileGone, Shelf

CHUNK_BYTES = 64 * 1024
DOWNLOAD_WITHIN_S = 60.0
ADDRESSES = ("http://", "https://")
BASE64 = "base64://"
Ask = Callable[[str, dict[str, object]], Awaitable[Frame]]


class _Given(Struct, frozen=True):
    """What ``get_image``, ``get_record`` and ``get_file`` answer, whichever of them is there."""

    url: str | None = None
    base64: str | None = None
    file: str | None = None


class Files:
    """Files of one bot.

    Args:
        shelf: the house's own files.
        http: makes a session for addresses that the implementation names.
        form: how an implementation is given a file: its bytes, or where it lies.
        bytes_max: a longer file goes neither way.
    """

    def __init__(
        self,
        shelf: Shelf,
        http: Callable[[], aiohttp.ClientSession],
        form: Literal["base64", "path"],
        bytes_max: int,
    ) -> None:
        self._shelf = shelf
        self._http = http
        self._form = form
        self._bytes_max = bytes_max
        self._session: aiohttp.ClientSession | None = None

    # --- out --------------------------------------------------------------------------------

    async def put_in(self, call: Call) -> bytes:
        """Return the action with its file.

        Raises:
            Refused: the file is not here, or too long.
        """
        if call.media is None:
            raise NotUnderstood
        return with_media(call, call.media, await self._form_of(call.media.ref))

    async def _form_of(self, ref: str) -> str:
        if ref.startswith(ADDRESSES):
            return ref
        path = self._shelf.path(ref)
        if path is None:
            raise FileGone
        if self._form == "path":
            return path.absolute().as_uri()
        data = bytearray()
        async for chunk in self._shelf.read(ref):
            data += chunk
            if len(data) > self._bytes_max:
                raise Refused("The file is longer than file_bytes_max of this bot.")
        return BASE64 + base64.b64encode(data).decode()

    # --- in ---------------------------------------------------------------------------------

    async def download(self, ref: str, ask: Ask) -> AsyncIterator[bytes]:
        """Yield the bytes of a file that came in.

        Raises:
            Refused: it cannot be had, or is longer than ``bytes_max``.
        """
        try:
            file = msgspec.json.decode(ref, type=FileRef)
        except UNREADABLE:
            raise Refused("This is no file of a QQ message.") from None
        given = _Given(url=file.url) if file.url else await self._ask_for(file, ask)
        if given.base64:
            yield self._decoded(given.base64)
            return
        async for chunk in self._fetch(given.url or given.file or ""):
            yield chunk

    async def _ask_for(self, file: FileRef, ask: Ask) -> _Given:
        action = {"image": "get_image", "record": "get_record"}.get(file.kind, "get_file")
        params: dict[str, object] = {"file": file.file, "file_id": file.file}
        if file.kind == "record":
            params["out_format"] = "mp3"
        try:
            answer = await ask(action, params)
            return msgspec.json.decode(answer.data, type=_Given)
        except Exception:  # noqa: BLE001 - no connection, no answer, no such file: all the same here
            raise Refused("The implementation does not give the file.") from None

    def _decoded(self, text: str) -> bytes:
        try:
            data = base64.b64decode(text.removeprefix(BASE64), validate=True)
        except binascii.Error:
            raise Refused("The implementation gave no file.") from None
        if len(data) > self._bytes_max:
            raise Refused("The file is longer than file_bytes_max of this bot.")
        return data

    async def _fetch(self, url: str) -> AsyncIterator[bytes]:
        if not url.startswith(ADDRESSES):
            raise Refused("The implementation names no address of the file.")
        if self._session is None or self._session.closed:
            self._session = self._http()
        left = self._bytes_max
        timeout = aiohttp.ClientTimeout(total=DOWNLOAD_WITHIN_S)
        try:
            async with self._session.get(url, timeout=timeout, allow_redirects=False) as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's word for yes
                    raise Refused(f"The file cannot be had: {response.status}.")
                async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        raise Refused("The file is longer than file_bytes_max of this bot.")
                    yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise Refused("The file cannot be had from its address.") from None

    async def close(self) -> None:
        """Let go of the session."""
        if self._session is not None:
            await self._session.close()
