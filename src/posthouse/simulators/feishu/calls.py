"""What a call of a bot program is, and what an endpoint makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.faults import Verb
from posthouse.simulators.feishu.record import CallEntry, Notes
from posthouse.simulators.feishu.refusals import NOT_IN_CHAT, Refusal
from posthouse.simulators.feishu.tenant import Message, Tenant

Body = dict[str, Any]
PAGE_MAX = 50

T = TypeVar("T")


class Part(Struct, frozen=True):
    """A part of a multipart body."""

    content: bytes
    file_name: str | None


class Call(Struct, frozen=True, kw_only=True):
    """One request, whoever carries it."""

    app: App
    entry: CallEntry
    notes: Notes
    path: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    raw: bytes = b""
    parts: Mapping[str, Part] = {}

    def body(self, expected: type[T]) -> T:
        """Read the body; fields that Feishu does not know are a complaint, and ignored.

        Raises:
            Refusal: it is no JSON, or a field is missing or of a wrong type.
        """
        try:
            given = msgspec.json.decode(self.raw or b"{}")
            read = msgspec.convert(given, expected)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal(
                99992402, f"field validation failed: {error}", is_malformed=True
            ) from None
        known = getattr(expected, "__struct_encode_fields__", ())
        for name in given:
            if name not in known:
                self.notes.complain(
                    self.app.name, f"{self.entry.path}: no field {name!r}", self.raw
                )
        return read

    def choice(self, name: str, choices: tuple[str, ...], default: str = "") -> str:
        """Read a query parameter.

        Raises:
            Refusal: it is none of the choices.
        """
        found = self.query.get(name, default)
        if found not in choices:
            words = f"{name} is required, optional values: {', '.join(choices)}"
            raise Refusal(99992402, f"field validation failed: {words}", is_malformed=True)
        return found

    def page(self, default: int = 20, size_max: int = PAGE_MAX) -> tuple[int, int]:
        """Read where a page begins, and how long it is.

        Raises:
            Refusal: numbers that make no page.
        """
        size, token = self.query.get("page_size", str(default)), self.query.get("page_token", "")
        start = token.removeprefix("page-") or "0"
        if not (size.isdecimal() and 0 < int(size) <= size_max and start.isdecimal()):
            raise Refusal(
                99992402, "field validation failed: page_size or page_token", is_malformed=True
            )
        return int(start), int(size)


def paged(items: list[Body], start: int, size: int) -> Body:
    """Return a page; at the end there is no token."""
    end = start + size
    found: Body = {"items": items[start:end], "has_more": end < len(items)}
    if found["has_more"]:
        found["page_token"] = f"page-{end}"
    return found


def reached(tenant: Tenant, call: Call) -> Message:
    """Return the message that a path names.

    Raises:
        Refusal: there is none, or the bot is not where it was said.
    """
    found = tenant.message(call.path["message_id"])
    call.entry.message_id, call.entry.chat = found.message_id, found.chat.key
    if call.app.name not in found.chat.apps:
        raise Refusal(NOT_IN_CHAT, "Bot/User can NOT be out of the chat.")
    return found


class Download(Struct, frozen=True, kw_only=True):
    """An answer that is no JSON."""

    content: bytes
    name: str


Answer = Body | Download


class Endpoint(Struct, frozen=True, kw_only=True):
    """One row of Feishu's API list."""

    method: str
    path: str
    do: Callable[[Call], Answer]
    verb: Verb = Verb.OTHER
    scopes: tuple[str, ...] = ()  # any one of them is enough
    is_flat: bool = False  # the answer stands beside code and msg, not inside data
