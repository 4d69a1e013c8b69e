"""Models one behind the other."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.llm.chain import WAIT_S_MAX, Chain
from posthouse.llm.model import (
    ModelBusy,
    ModelCutShort,
    ModelRefused,
    Piece,
    Prompt,
    Said,
    Words,
)
from posthouse.llm.scripted import Line, Scripted

ASKED = Prompt(messages=(Said("user", "why?"),))


class Naps:
    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


def chain(naps: Naps, *models: Scripted, retries_max: int = 2, calls_max: int = 4) -> Chain:
    return Chain(models, retries_max=retries_max, calls_max=calls_max, sleep=naps)


async def heard(chain: Chain) -> str:
    pieces: list[Piece] = [piece async for piece in chain.answer(ASKED)]
    return "".join(piece.text for piece in pieces if isinstance(piece, Words))


async def test_a_busy_one_is_asked_again_after_what_it_says() -> None:
    naps = Naps()
    model = Scripted(Line("why", error=ModelBusy("busy", retry_after_s=3)))

    async def recover(seconds: float) -> None:
        await naps(seconds)
        model.lines[:] = [Line("why", "because")]

    got = Chain((model,), retries_max=2, calls_max=1, sleep=recover)
    assert await heard(got) == "because"
    assert naps.taken == [3]


async def test_pauses_grow_and_end() -> None:
    naps = Naps()
    model = Scripted(Line("why", error=ModelBusy("busy")))
    with pytest.raises(ModelBusy):
        await heard(chain(naps, model, retries_max=3))
    assert naps.taken == [1, 2, 4]
    assert len(model.prompts) == 4


async def test_nobody_waits_long_for_a_busy_one() -> None:
    naps = Naps()
    busy = Scripted(Line("why", error=ModelBusy("busy", retry_after_s=WAIT_S_MAX + 1)))
    assert await heard(chain(naps, busy, Scripted(Line("why", "I do")))) == "I do"
    assert naps.taken == []


async def test_one_that_refuses_is_replaced_at_once() -> None:
    naps = Naps()
    refusing = Scripted(Line("why", error=ModelRefused("no such model")))
    assert await heard(chain(naps, refusing, Scripted(Line("why", "I do")))) == "I do"
    assert len(refusing.prompts) == 1


async def test_what_has_begun_is_not_begun_again_by_another() -> None:
    naps = Naps()
    broken = Scripted(Line("why", "because it", error=ModelCutShort("broke off")))
    other = Scripted(Line("why", "I do"))
    with pytest.raises(ModelCutShort):
        await heard(chain(naps, broken, other))
    assert other.prompts == []


async def test_the_last_one_says_why() -> None:
    naps = Naps()
    first = Scripted(Line("why", error=ModelRefused("first")))
    last = Scripted(Line("why", error=ModelRefused("last")))
    with pytest.raises(ModelRefused, match="last"):
        await heard(chain(naps, first, last))


async def test_calls_at_once_are_bounded_and_cancelling_makes_room() -> None:
    naps = Naps()
    begun, forever = asyncio.Event(), asyncio.Event()

    async def wait(_: float) -> None:
        begun.set()
        await forever.wait()

    slow = Scripted(Line("why", "a b c", pause_s=1), sleep=wait)
    got = chain(naps, slow, calls_max=1)
    first = asyncio.create_task(heard(got))
    second = asyncio.create_task(heard(got))
    await begun.wait()
    assert len(slow.prompts) == 1
    begun.clear()
    first.cancel()
    await begun.wait()
    forever.set()
    assert await second == "a b c"
    assert slow.cancelled == 1


def test_a_chain_can_do_what_all_of_it_can() -> None:
    naps = Naps()
    seeing, blind = Scripted(sees_pictures=True), Scripted(name="blind")
    blind.prompt_tokens_max = 8000
    got = chain(naps, seeing, blind)
    assert not got.sees_pictures
    assert got.prompt_tokens_max == 8000
    assert got.name == "scripted"
