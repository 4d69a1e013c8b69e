"""One request to the console: who asks, in which language, with which form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from posthouse.console.problems import Declined
from posthouse.console.sign_in import Visitor
from posthouse.model.permission import OperatorRole

FORM_BYTES_MAX = 64 * 1024
FIELDS_MAX = 100
NUMBER_DIGITS_MAX = 15


@dataclass(frozen=True)
class Ask:
    """A request, understood."""

    request: Request
    visitor: Visitor
    language: str
    form: dict[str, str] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Return a number from the address.

        Raises:
            Declined: it is none.
        """
        found = number_of(self.request.path_params[name])
        if found is None:
            raise Declined("not_found")
        return found

    def query(self, name: str) -> str:
        """Return a word from behind the question mark, bounded."""
        return self.request.query_params.get(name, "")[:200].strip()


Page = Callable[[Ask], Awaitable[Response]]


@dataclass(frozen=True)
class Entry:
    """One address of the console: who may ask for it, and what answers."""

    method: str
    path: str
    page: Page
    role: OperatorRole = OperatorRole.VIEWER
    takes_files: bool = False  # it reads its form itself, as that comes


def number_of(text: str) -> int | None:
    """Read a number that a row can have."""
    is_number = text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX
    return int(text) if is_number else None


def numbers_of(text: str) -> tuple[int, ...]:
    """Read ``1,2,3``; what is no number is left out."""
    found = (number_of(piece) for piece in text.split(","))
    return tuple(number for number in found if number is not None)


async def read_form(request: Request) -> dict[str, str]:
    """Read a small form.

    Raises:
        Declined: it is too large, or not a form.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > FORM_BYTES_MAX:
            raise Declined("too_large")
    try:
        fields = parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Declined("not_understood") from None
    return {name: values[0].replace("\r\n", "\n") for name, values in fields.items()}
