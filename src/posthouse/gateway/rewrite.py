"""An answer that corrects an earlier one: part *n* edits part *n*."""

from __future__ import annotations

from itertools import zip_longest

from msgspec.structs import replace

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import OPEN_STATES, Delivery, Kind, State
from posthouse.model.disposition import NewDelivery
from posthouse.store.journal import NewAmend, Result


def rewrite(
    result: Result, old: tuple[Delivery, ...], capabilities: Capabilities, now: float
) -> Result:
    """Turn a fresh answer into edits of the old one.

    Surplus old parts are recalled, missing ones sent; what cannot be edited (platform, window, not
    sent yet) is recalled and sent anew, and so is everything behind it, to keep the order.
    """
    edits: list[NewAmend] = []
    sends: list[NewDelivery] = []
    withdraw: list[int] = []
    said = [new for new in result.deliveries if new.kind is not Kind.REACT]
    reactions = [new for new in result.deliveries if new.kind is Kind.REACT]
    for before, after in zip_longest(_standing(old), said):
        can_edit = before is not None and not sends and _can_edit(before, capabilities, now)
        if before is not None and after is not None and can_edit:
            edits.append(_edit(before, after, len(edits)))
            continue
        if before is not None:
            withdraw.append(before.id)
        if after is not None:
            sends.append(after)
    return replace(
        result,
        deliveries=(*sends, *reactions),
        amends=(*result.amends, *edits),
        withdraw=(*result.withdraw, *withdraw),
    )


def _standing(old: tuple[Delivery, ...]) -> list[Delivery]:
    """Return the messages that people see or will see; a draft is one with its final words."""
    standing = [
        delivery
        for delivery in old
        if delivery.kind is not Kind.REACT
        and (delivery.state in OPEN_STATES or _is_shown(delivery))
    ]
    settled = {delivery.target for delivery in standing}
    return [delivery for delivery in standing if delivery.id not in settled]


def _is_shown(delivery: Delivery) -> bool:
    return delivery.state in (State.SENT, State.DOUBTFUL) and not delivery.withdraw_wanted


def _can_edit(delivery: Delivery, capabilities: Capabilities, now: float) -> bool:
    age_s = now - (delivery.first_sent_at or now)
    return (
        capabilities.can_edit
        and delivery.state is State.SENT
        and bool(delivery.platform_ids)
        and age_s < capabilities.edit_window_s
    )


def _edit(before: Delivery, after: NewDelivery, ordinal: int) -> NewAmend:
    return NewAmend(
        delivery=before.id,
        content=after.content,
        body=after.body,
        origin=after.origin,
        ordinal=1000 + ordinal,  # behind the edits that the handler asked for itself
    )
