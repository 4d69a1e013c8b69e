"""Apps of the tenant: each with a bot, a secret, and what its owner set in the console."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

from msgspec import Struct

from posthouse.model.errors import OperatorMistake

APPS_MAX = 64
CONNECTIONS_MAX = 50

_APP_ID = re.compile(r"cli_[0-9a-f]{16}")


class Hears(StrEnum):
    """Which messages of groups reach the bot."""

    MENTIONS = "mentions"
    EVERYTHING = "everything"


class App(Struct, frozen=True, kw_only=True):
    """One app. An empty address means the long connection."""

    name: str  # what the control surface calls it
    app_id: str
    app_secret: str
    bot_name: str
    encrypt_key: str = ""
    verification_token: str = ""
    hears: Hears = Hears.MENTIONS
    hears_bots: bool = False
    missing_scopes: frozenset[str] = frozenset()


def app(name: str, app_id: str = "", app_secret: str = "") -> App:
    """Make an app; its credentials follow from its name unless given."""
    return App(
        name=name,
        app_id=app_id or f"cli_{hashlib.sha256(name.encode()).hexdigest()[:16]}",
        app_secret=app_secret or f"{name}-secret",
        bot_name=f"Bot {name}",
        verification_token=f"{name}-token",
    )


def parse_apps(text: str) -> tuple[App, ...]:
    """Read ``a,b=cli_0123456789abcdef:secret``.

    Raises:
        OperatorMistake: not of that form, a name twice, or too many.
    """
    apps = tuple(_parse_app(part.strip()) for part in text.split(","))
    if len({each.name for each in apps}) < len(apps):
        raise OperatorMistake(f"an app is named twice in {text!r}; give each its own name")
    if len(apps) > APPS_MAX:
        raise OperatorMistake(f"{len(apps)} apps are more than {APPS_MAX}")
    return apps


def _parse_app(text: str) -> App:
    name, _, credentials = text.partition("=")
    app_id, _, secret = credentials.partition(":")
    if not name.isidentifier():
        raise OperatorMistake(f"{text!r} names no app; write for example a,b=cli_…:secret")
    if app_id and not _APP_ID.fullmatch(app_id):
        raise OperatorMistake(f"{app_id!r} is no app id; write cli_ and 16 hexadecimal digits")
    return app(name, app_id, secret)
