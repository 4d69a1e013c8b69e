"""A new app by a link: Feishu creates it, with its bot, rights and events, and tells its secret.

It is OAuth's device flow: somebody who is signed in to Feishu opens the link, and meanwhile the
answer is asked for again and again.

Source: larksuite/node-sdk, ``scene/registration`` (RFC 8628); waiting is told with HTTP 400.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aiohttp
import msgspec
from msgspec import Struct

from posthouse.channels.feishu.contents import UNREADABLE
from posthouse.channels.feishu.scopes import CALLBACK, EVENTS, SCOPES
from posthouse.model.errors import PosthouseError

ACCOUNTS = {"feishu": "https://accounts.feishu.cn", "lark": "https://accounts.larksuite.com"}
PATH = "/oauth/v1/app/registration"
WITHIN_S = 15.0
SLOWER_S = 5.0
EXPIRES_S_MAX = 1800.0


class NoApp(PosthouseError):
    """No app was created; begin again, or create one in the developer console."""


class Invitation(Struct, frozen=True, kw_only=True):
    """A link for somebody who is signed in to Feishu, and how to ask what came of it."""

    url: str
    device_code: str
    interval_s: float
    expires_s: float

    def __repr__(self) -> str:
        return f"Invitation(expires in {self.expires_s:.0f} s)"  # whoever has the code gets the app


class Registered(Struct, frozen=True, kw_only=True):
    """A new app."""

    app_id: str
    app_secret: str
    domain: str  # feishu or lark, by where the person has their account

    def __repr__(self) -> str:
        return f"Registered({self.app_id})"


class _Begun(Struct, frozen=True):
    device_code: str
    verification_uri_complete: str
    interval: float | None = None
    expires_in: float | None = None
    expire_in: float | None = None  # as the official SDK reads it


class _User(Struct, frozen=True):
    tenant_brand: str = ""


class _Polled(Struct, frozen=True):
    client_id: str = ""
    client_secret: str = ""
    error: str = ""
    user_info: _User | None = None


class Registration:
    """Creates one app."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        domain: str = "feishu",
        accounts: dict[str, str] | None = None,
    ) -> None:
        self._session = session
        self._clock = clock
        self._sleep = sleep
        self._domain = domain
        self._accounts = accounts or ACCOUNTS

    async def begin(self) -> Invitation:
        """Ask for a link.

        Raises:
            NoApp: the platform gave none.
        """
        fields = {
            "action": "begin",
            "archetype": "PersonalAgent",
            "auth_method": "client_secret",
            "request_user_info": "open_id",
        }
        try:
            begun = msgspec.json.decode(await self._post(fields), type=_Begun)
        except UNREADABLE:
            raise NoApp from None
        return Invitation(
            url=_with_wishes(begun.verification_uri_complete),
            device_code=begun.device_code,
            interval_s=max(1.0, begun.interval or 5.0),
            expires_s=min(EXPIRES_S_MAX, begun.expires_in or begun.expire_in or 600.0),
        )

    async def wait(self, invitation: Invitation) -> Registered:
        """Wait until somebody has followed the link.

        Raises:
            NoApp: they declined, or took too long.
        """
        until_at = self._clock() + invitation.expires_s
        interval_s = invitation.interval_s
        while self._clock() < until_at:
            await self._sleep(interval_s)
            polled = await self._poll(invitation)
            if polled.client_id and polled.client_secret:
                return Registered(
                    app_id=polled.client_id, app_secret=polled.client_secret, domain=self._domain
                )
            if polled.error == "slow_down":
                interval_s += SLOWER_S
            elif polled.error not in {"", "authorization_pending"}:
                break
        raise NoApp

    async def _poll(self, invitation: Invitation) -> _Polled:
        fields = {"action": "poll", "device_code": invitation.device_code}
        try:
            polled = msgspec.json.decode(await self._post(fields), type=_Polled)
            if polled.user_info and polled.user_info.tenant_brand == "lark" != self._domain:
                self._domain = "lark"  # the secret is handed out on their side
                polled = msgspec.json.decode(await self._post(fields), type=_Polled)
        except (*UNREADABLE, aiohttp.ClientError, TimeoutError, OSError):
            return _Polled()  # asked again
        return polled

    async def _post(self, fields: dict[str, str]) -> bytes:
        async with self._session.post(
            self._accounts[self._domain] + PATH,
            data=fields,
            timeout=aiohttp.ClientTimeout(total=WITHIN_S),
            allow_redirects=False,
        ) as response:
            return await response.content.read(64 * 1024)


def _with_wishes(url: str) -> str:
    """Add what the app shall have to the link, in the form that the page reads."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    query |= {"from": "sdk", "tp": "sdk", "source": "posthouse", "addons": _wishes()}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _wishes() -> str:
    wanted = {
        "scopes": {"tenant": [scope.name for scope in SCOPES]},
        "events": {"items": {"tenant": list(EVENTS)}},
        "callbacks": {"items": [CALLBACK]},
    }
    packed = gzip.compress(msgspec.json.encode(wanted), mtime=0)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")
