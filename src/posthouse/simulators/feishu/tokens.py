"""Tenant access tokens: the same one until half an hour is left, then two are good."""

from __future__ import annotations

from msgspec import Struct

from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.refusals import Refusal
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.tenant import Tenant

RENEWED_BEFORE_S = 1800.0


class _Token(Struct, frozen=True):
    text: str
    app: App
    until: float


class Tokens:
    """All tokens of the tenant."""

    def __init__(self, tenant: Tenant, settings: TenantSettings) -> None:
        self._tenant = tenant
        self._settings = settings
        self._tokens: dict[str, _Token] = {}
        self._newest: dict[str, _Token] = {}

    def issue(self, app_id: object, secret: object) -> tuple[str, int]:
        """Return a token and how many seconds it is good for.

        Raises:
            Refusal: the credentials are wrong.
        """
        if not isinstance(app_id, str) or not isinstance(secret, str) or not app_id:
            raise Refusal(10003, "invalid param", is_malformed=True)
        app = self._tenant.app_by_id(app_id)
        if app is None or app.app_secret != secret:
            raise Refusal(10014, "app secret invalid" if app else "app id not exists", 200)
        now, newest = self._tenant.now, self._newest.get(app.name)
        if newest is None or newest.until - now < RENEWED_BEFORE_S:
            until = now + self._settings.token_life_s
            newest = _Token(self._tenant.new_id("t-g1"), app, until)
            self._newest[app.name] = self._tokens[newest.text] = newest
            self._forget(now)
        return newest.text, int(newest.until - now)

    def holder(self, authorization: str) -> App:
        """Return whose token stands in a header.

        Raises:
            Refusal: none, of another kind, or no longer good.
        """
        kind, _, text = authorization.partition(" ")
        if not text or kind != "Bearer":
            raise Refusal(99991661, "Missing access token for authorization.", is_malformed=True)
        if not text.startswith(("t-", "u-")):
            raise Refusal(
                99991671, "Invalid access token: it must start with t- or u-", is_malformed=True
            )
        found = self._tokens.get(text)
        if found is None or found.until <= self._tenant.now:
            raise self.refused()
        return found.app

    def refused(self) -> Refusal:
        """Say that a token is not good."""
        return Refusal(
            99991663,
            "Invalid access token for authorization. Please make a test attempt with the "
            "correct token.",
            self._settings.bad_token_status,
        )

    def expire(self, app: App) -> None:
        """Let all tokens of an app be over."""
        self._newest.pop(app.name, None)
        self._tokens = {text: each for text, each in self._tokens.items() if each.app != app}

    def _forget(self, now: float) -> None:
        self._tokens = {text: each for text, each in self._tokens.items() if each.until > now}
