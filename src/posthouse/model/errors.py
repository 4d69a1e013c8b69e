"""Errors, grouped by what the caller should do.

The docstring of a class is its default message and names the remedy::

    PosthouseError
    ├── OperatorMistake       the operator must change something, then try again
    ├── TryLater              nothing is wrong with the request; repeat it later
    │   ├── StorageFull       … once there is space again
    │   └── UsedUp            … when a new day has begun
    ├── Refused               the request is not allowed as it stands; do not repeat it
    │   └── NotThere          … because what it names does not exist
    ├── NotUnderstood         the bytes make no sense; do not repeat them
    └── FenceLost             another gateway has this lane now; drop what you were doing
"""

from __future__ import annotations


class PosthouseError(Exception):
    """Something went wrong inside the house; the log has the details."""

    def __init__(self, message: str = "", zh: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.zh = zh

    def sentence(self, language: str) -> str:
        """Put it into words; English where nobody wrote Chinese ones."""
        return self.zh if language == "zh" and self.zh else str(self)


class OperatorMistake(PosthouseError):
    """A setting or the surroundings of the house must be changed; the message says which."""


class TryLater(PosthouseError):
    """The house cannot take this right now; send it again in a moment."""

    retry_after_s: float = 5.0


class StorageFull(TryLater):
    """The data directory has no room left; free space or raise `store.quota_bytes`."""

    retry_after_s = 30.0


class StoreClosed(TryLater):
    """The house is stopping; send it again after the restart."""


class UsedUp(TryLater):
    """What may be used in a day is used up; the message names the setting."""

    def __init__(self, message: str = "", zh: str = "", *, retry_after_s: float = 3600.0) -> None:
        super().__init__(message, zh)
        self.retry_after_s = retry_after_s


class Refused(PosthouseError):
    """This request is not allowed."""


class NotThere(Refused):
    """What this request names does not exist."""


class NotUnderstood(PosthouseError):
    """These bytes are not what the platform documents."""


class FenceLost(PosthouseError):
    """Another gateway has taken this lane over; its outputs are the ones that count."""
