"""Calls to Feishu's REST side: one pooled session, one token, no call without a time limit.

Source: open.feishu.cn, "Calling process" and the pages of each endpoint.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Struct

from posthouse.channels.feishu.contents import UNREADABLE
from posthouse.channels.feishu.outcomes import CREDENTIAL_CODES, TOKEN_CODES, Reply, read_reply
from posthouse.channels.feishu.outgoing import Form
from posthouse.channels.feishu.tokens import Token, Tokens
from posthouse.channels.keep_connected import BadCredentials
from posthouse.model.errors import PosthouseError, Refused

if TYPE_CHECKING:
    from posthouse.channels.feishu.settings import FeishuOptions

CONNECT_WITHIN_S = 5.0
DOWNLOAD_WITHIN_S = 120.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
RESET_HEADER = "x-ogw-ratelimit-reset"

T = TypeVar("T")


class CallFailed(PosthouseError):
    """The platform refused a call that is no message; the text has its number."""


class NoToken(ConnectionError):
    """There is no access token now, so the call itself was not made."""


class Closed(PosthouseError):
    """The channel was closed: nothing leaves any more."""


class Call(Struct, frozen=True, kw_only=True):
    """One call: method, path below ``/open-apis``, and what goes with it."""

    method: str
    path: str
    body: bytes | None = None
    query: Mapping[str, str] = {}


class _TokenAnswer(Struct, frozen=True):
    code: int
    tenant_access_token: str = ""
    expire: float = 0.0


class _Uploaded(Struct, frozen=True):
    image_key: str = ""
    file_key: str = ""


class Data(Struct, frozen=True):
    """The ``data`` of an answer, not read yet."""

    data: msgspec.Raw = msgspec.Raw(b"null")


class Client:
    """The platform, as one app."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        options: FeishuOptions,
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._options = options
        self._clock = clock
        self._tokens = Tokens(self._fetch_token, clock)
        self._ssl = _trusting(options.ca_file)
        self._proxy = options.proxy or None
        self._timeout = aiohttp.ClientTimeout(
            total=options.answer_within_s, sock_connect=CONNECT_WITHIN_S
        )

    def __repr__(self) -> str:
        return f"Client({self._options.app_id})"

    # --- calls -------------------------------------------------------------------------------

    async def call(self, call: Call) -> Reply:
        """Make a call; one whose token the platform does not know any more is made once again.

        Raises:
            BadCredentials: the app or its secret is unknown.
            Closed: the channel was closed.
            NoToken: there was no answer to the question that comes before every call.
            aiohttp.ClientError, TimeoutError, OSError: there was no answer.
        """
        token = await self._tokens.get()
        reply = await self._once(call, token)
        if reply.code in TOKEN_CODES:
            self._tokens.forget(token)
            reply = await self._once(call, await self._tokens.get())
        return reply

    async def get(self, path: str, kind: type[T], query: Mapping[str, str] | None = None) -> T:
        """Read something.

        Raises:
            CallFailed: the platform refused, or its answer is not of that shape.
            BadCredentials, aiohttp.ClientError, TimeoutError, OSError: as for ``call``.
        """
        reply = await self.call(Call(method="GET", path=path, query=query or {}))
        if not reply.is_ok:
            raise CallFailed(f"{path}: {reply.code or reply.status}")
        try:
            return msgspec.json.decode(reply.body, type=kind)
        except UNREADABLE as error:
            raise CallFailed(f"{path}: {type(error).__name__}") from None

    async def _once(self, call: Call, token: str) -> Reply:
        headers = {"Authorization": f"Bearer {token}"}
        if call.body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        return await self._request(call, call.body, headers)

    async def _request(
        self, call: Call, data: bytes | aiohttp.FormData | None, headers: Mapping[str, str]
    ) -> Reply:
        if self._session.closed:
            raise Closed
        async with self._session.request(
            call.method,
            self._options.base_url + "/open-apis" + call.path,
            params=call.query or None,
            data=data,
            headers=headers,
            timeout=self._timeout,
            proxy=self._proxy,
            ssl=self._ssl,
            allow_redirects=False,
        ) as response:
            return read_reply(
                response.status, await _whole(response), response.headers.get(RESET_HEADER)
            )

    async def _fetch_token(self) -> Token:
        options = self._options
        asked = {
            "app_id": options.app_id,
            "app_secret": options.app_secret.get_secret_value(),
        }
        path = "/auth/v3/tenant_access_token/internal"
        call = Call(method="POST", path=path, body=msgspec.json.encode(asked))
        asked_at = self._clock()
        try:
            reply = await self._request(call, call.body, {"Content-Type": "application/json"})
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoToken(type(error).__name__) from None
        if reply.code in CREDENTIAL_CODES:
            raise BadCredentials(
                f"Feishu refuses app_id or app_secret ({reply.code}): compare both with"
                " Credentials & Basic Info of the app in the developer console.",
                f"飞书不接受 app_id 或 app_secret（{reply.code}）："
                "请与开发者后台“凭证与基础信息”核对。",
            )
        if not reply.is_ok:
            raise NoToken(f"{reply.code or reply.status}")
        try:
            answer = msgspec.json.decode(reply.body, type=_TokenAnswer)
        except UNREADABLE:
            raise NoToken("cut") from None
        return Token(answer.tenant_access_token, asked_at + answer.expire)

    # --- files -------------------------------------------------------------------------------

    async def upload(self, path: Path, name: str, form: Form) -> tuple[Reply, str]:
        """Upload a file that lies here; returns its key beside the answer, empty when refused."""
        fields = aiohttp.FormData()
        with path.open("rb") as file:
            if form is Form.IMAGE:
                fields.add_field("image_type", "message")
                fields.add_field("image", file, filename=name or "picture")
            else:
                fields.add_field("file_type", _file_type(name, form))
                fields.add_field("file_name", name or "file")
                fields.add_field("file", file, filename=name or "file")
            where = "/im/v1/images" if form is Form.IMAGE else "/im/v1/files"
            headers = {"Authorization": f"Bearer {await self._tokens.get()}"}
            reply = await self._request(Call(method="POST", path=where), fields, headers)
        return reply, _key_of(reply)

    async def download(self, ref: str) -> AsyncIterator[bytes]:
        """Yield the bytes of a file that came in.

        Raises:
            Refused: the platform does not give it, or it is longer than ``file_bytes_max``.
        """
        message_id, kind, key = _reference(ref)
        where = f"/open-apis/im/v1/messages/{message_id}/resources/{key}"
        async with self._session.get(
            self._options.base_url + where,
            params={"type": kind},
            headers={"Authorization": f"Bearer {await self._tokens.get()}"},
            timeout=aiohttp.ClientTimeout(total=DOWNLOAD_WITHIN_S, sock_connect=CONNECT_WITHIN_S),
            proxy=self._proxy,
            ssl=self._ssl,
        ) as response:
            is_refusal = response.content_type == "application/json" and kind != "file"
            if response.status != 200 or is_refusal:  # noqa: PLR2004 - HTTP's own word for yes
                raise Refused(f"Feishu does not give the file: {response.status}")
            taken = 0
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                taken += len(chunk)
                if taken > self._options.file_bytes_max:
                    raise Refused(f"the file is longer than {self._options.file_bytes_max} bytes")
                yield chunk

    # --- the long connection -----------------------------------------------------------------

    async def discover(self) -> tuple[int, bytes]:
        """Ask for the address of the long connection; returns the HTTP status and the answer."""
        options = self._options
        asked = {
            "AppID": options.app_id,
            "AppSecret": options.app_secret.get_secret_value(),
        }
        async with self._session.post(
            f"{options.base_url}/callback/ws/endpoint",
            data=msgspec.json.encode(asked),
            headers={"Content-Type": "application/json", "locale": "zh"},
            timeout=self._timeout,
            proxy=self._proxy,
            ssl=self._ssl,
            allow_redirects=False,
        ) as response:
            return response.status, await _whole(response)

    async def connect(self, url: str, frame_bytes_max: int) -> aiohttp.ClientWebSocketResponse:
        """Open the long connection at an address from ``discover``; it is good once.

        Raises:
            aiohttp.ClientError: it cannot be opened; never log the error, it has the address.
        """
        return await self._session.ws_connect(
            url,
            heartbeat=20.0,
            max_msg_size=frame_bytes_max,
            proxy=self._proxy,
            ssl=self._ssl,
        )

    async def close(self) -> None:
        await self._session.close()


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, in however many pieces it comes; what is too long is cut."""
    body = await response.content.read(ANSWER_BYTES_MAX)
    while len(body) < ANSWER_BYTES_MAX and not response.content.at_eof():
        body += await response.content.read(ANSWER_BYTES_MAX - len(body))
    return body


def _trusting(ca_file: Path | None) -> ssl.SSLContext | bool:
    return True if ca_file is None else ssl.create_default_context(cafile=str(ca_file))


_FILE_TYPES = {
    "pdf": "pdf",
    "doc": "doc",
    "docx": "doc",
    "xls": "xls",
    "xlsx": "xls",
    "ppt": "ppt",
    "pptx": "ppt",
}


def _file_type(name: str, form: Form) -> str:
    """Name the type of an upload; what is sent as a document is never called a film or a voice."""
    if form in {Form.FILM, Form.VOICE}:
        return "mp4" if form is Form.FILM else "opus"
    return _FILE_TYPES.get(name.rpartition(".")[2].lower(), "stream")


def _key_of(reply: Reply) -> str:
    if not reply.is_ok:
        return ""
    try:
        data = msgspec.json.decode(reply.body, type=Data).data
        found = msgspec.json.decode(bytes(data), type=_Uploaded)
    except UNREADABLE:
        return ""
    return found.image_key or found.file_key


def _reference(ref: str) -> tuple[str, str, str]:
    message_id, _, rest = ref.partition("/")
    kind, _, key = rest.partition("/")
    if not (message_id and key and kind in {"image", "file"}):
        raise Refused("this is no file of Feishu")
    return quote(message_id, safe=""), kind, quote(key, safe="")
