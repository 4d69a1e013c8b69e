"""How Feishu says no: a code in the body, and some HTTP status."""

from __future__ import annotations

from http import HTTPStatus

# Named where they are raised from more than one place.
BAD_PARAMETER = 230001
NOT_IN_CHAT = 230002
CHAT_RATE = 230020
NO_SCOPE = 99991672
TOO_MANY = 99991400
WRONG_ID = 99992354
OTHER_APP = 99992361


class Refusal(Exception):
    """Feishu refuses a call.

    Args:
        code: what the body says; its meaning depends on the endpoint.
        message: words for people.
        status: of HTTP.
        is_malformed: no well-written client would have asked this; it becomes a complaint.
        reset_s: what ``x-ogw-ratelimit-reset`` says.
    """

    def __init__(
        self,
        code: int,
        message: str,
        status: int = HTTPStatus.BAD_REQUEST,
        *,
        is_malformed: bool = False,
        reset_s: int | None = None,
    ) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = int(status)
        self.is_malformed = is_malformed
        self.reset_s = reset_s


def malformed(message: str, code: int = BAD_PARAMETER) -> Refusal:
    """Refuse what no well-written client sends."""
    return Refusal(
        code, f"Your request contains an invalid request parameter: {message}", is_malformed=True
    )


def card_failed(sub_code: int, message: str) -> Refusal:
    """Refuse a card that cannot be built; the reason is a code inside the words."""
    words = f"Failed to create card content, ext=ErrCode: {sub_code}; ErrMsg: {message}"
    return Refusal(230099, words, is_malformed=True)
