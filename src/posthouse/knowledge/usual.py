"""Which bases answer a question, brought up to what their sources say now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from posthouse.knowledge.sources.built_in import BASE as BUILT_IN
from posthouse.store.documents import Documents

Freshen = Callable[[Sequence[str]], Awaitable[None]]  # lets bases catch up with their sources


async def bases_for(
    documents: Documents, freshen: Freshen, named: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the bases that answer; each was freshened once.

    The house's own documentation answers unnamed only where no other base holds anything.

    Args:
        documents: knows which bases there are.
        freshen: lets bases catch up.
        named: those that are wanted; none: all that hold something.
    """
    if named:
        await freshen(named)
        return named
    others = sorted({base.name for base in await documents.bases()} - {BUILT_IN})
    await freshen(others)  # an empty one may hold something by now
    held = {base.name for base in await documents.bases() if base.documents}
    if answering := tuple(name for name in others if name in held):
        return answering
    await freshen((BUILT_IN,))
    return (BUILT_IN,)
