"""The code by which somebody in a chat becomes the first operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.gateway.operators import CLAIM
from posthouse.model.secret import hashed, new_code

if TYPE_CHECKING:
    from posthouse.house import House

CLAIM_S = 3600.0


async def first_claim(house: House, now: float) -> str | None:
    """Make the code when nobody steers the house from inside chats yet; else None."""
    if await house.store.grants.operators():
        return None
    code = new_code()
    await house.store.access.put_code(CLAIM, hashed(code), now + CLAIM_S, now)
    return code
