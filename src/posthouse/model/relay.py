"""What a house and its relay say to each other.

The relay stands on a public machine and keeps what platforms sent; the house asks for it, writes it
into its own book and only then says so. A lease is good for seconds, told as a span: the clocks of
the two machines may differ as much as they like.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

LEASE_PATH = "/api/v1/relay/lease"
ACK_PATH = "/api/v1/relay/ack"
STATE_PATH = "/api/v1/relay"

PARCELS_MAX = 200  # in one lease
LEASE_BYTES_MAX = 1024 * 1024  # of payloads in one lease; the first always goes out
WAIT_S_MAX = 30.0  # how long the relay keeps an empty-handed house waiting
LEASE_S = 60.0  # how long nobody else is given anything; longer than any wait

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class LeaseWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A house asks for what waits for a bot."""

    bot: Name
    holder: Name  # the same for a house before and after a restart, and nobody else's
    parcels_max: Annotated[int, Meta(ge=1, le=PARCELS_MAX)] = PARCELS_MAX
    wait_s: Annotated[float, Meta(ge=0, le=WAIT_S_MAX)] = 0.0  # while there is nothing


class Parcel(Struct, frozen=True, kw_only=True):
    """One payload of a platform: verified, decrypted, not looked at further."""

    id: int
    payload: bytes
    came_at: float  # by the relay's clock


class Leased(Struct, frozen=True, kw_only=True):
    """What the house is given; orders before words, then in the order in which it came."""

    lease: int
    lease_s: float  # from the question on; whoever is later must ask again
    parcels: tuple[Parcel, ...] = ()


class Acknowledgement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The house has these in its book."""

    bot: Name
    lease: Number
    ids: Annotated[tuple[Number, ...], Meta(max_length=PARCELS_MAX)]


class Acknowledged(Struct, frozen=True, kw_only=True):
    """How many of them the relay let go of."""

    count: int


class BotState(Struct, frozen=True, kw_only=True):
    """What waits on the relay for one bot."""

    bot: str
    waiting: int = 0  # leased ones included
    leased: int = 0
    oldest_s: float = 0.0  # how long the oldest has waited
    fetched_s: float | None = None  # since a house last asked; None: none ever did
    is_held: bool = False  # a house has the lease now


class RelayState(Struct, frozen=True, kw_only=True):
    """How the relay is, for a house that examines it."""

    version: str
    at: float  # the relay's clock
    is_full: bool
    bots: tuple[BotState, ...]
