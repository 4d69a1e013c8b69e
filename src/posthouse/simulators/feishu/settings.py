"""How the tenant is set, and how an app's connections behave until somebody mends them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from posthouse.simulators.feishu.apps import CONNECTIONS_MAX

REDELIVERY_S = (15.0, 300.0, 3600.0, 21600.0)


class ClientConfig(Struct, frozen=True, kw_only=True, rename="pascal"):
    """What the server tells clients about reconnecting and pinging; in seconds."""

    reconnect_count: int = -1
    reconnect_interval: int = 90
    reconnect_nonce: int = 25
    ping_interval: int = 90


class TenantSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """What holds for all apps."""

    ack_s: float = 3.0  # how long an event waits for its acknowledgement
    redelivery_s: tuple[float, ...] = REDELIVERY_S
    offline: Literal["schedule", "queue"] = "schedule"  # without a connection: an attempt, or none
    is_paced: bool = True  # rate limits hold
    chat_per_s: int = 5
    calls_per_s: int = 50
    calls_per_min: int = 1000
    edits_max: int = 20
    edit_window_s: float | None = 86400.0
    recall_window_s: float | None = 86400.0
    key_window_s: float = 3600.0  # how long a uuid is remembered
    repeated_key: Literal["first", "busy"] = "first"  # the first message again, or 230049
    bad_token_status: int = 400  # HTTP status of 99991663
    token_life_s: float = 7200.0


class Switches(Struct, kw_only=True, forbid_unknown_fields=True):
    """One app's connections."""

    connections_max: int = CONNECTIONS_MAX
    config: ClientConfig = ClientConfig()
    pong: Literal["full", "empty", "partial", "none"] = "full"
    is_deaf: bool = False  # pongs go on, events stop
    is_frozen: bool = False  # half open: nothing is read, nothing is written
    drops_acks: bool = False
    fragment_bytes: int = 0  # longer payloads are cut; 0: never
    fragment_order: Literal["in_order", "reversed", "doubled", "gap"] = "in_order"
    fragment_pause_s: float = 0.0
    callback_frame: Literal["event", "card"] = "event"
    is_ordered: bool = False  # the next event waits until the one before succeeded
    kicks_after_s: float | None = None  # every connection is closed so long after it opened
    webhook: str = ""  # address of events; empty: the long connection
    card_webhook: str = ""  # address of card callbacks
    card_style: Literal["v2", "v1"] = "v2"  # of callbacks to the address
    is_sealed: bool = True  # encrypts, if the app has a key
    signature: Literal["right", "wrong", "none"] = "right"
    token: Literal["right", "wrong"] = "right"  # noqa: S105 - a switch
