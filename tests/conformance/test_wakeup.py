"""Every wake-up against the published suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from posthouse.testing.conformance import wakeup as suite
from posthouse.testing.conformance.checks import Check, checks_of
from posthouse.wakeup.local import LocalWakeup
from posthouse.wakeup.wakeup import Wakeup


@asynccontextmanager
async def local() -> AsyncIterator[Wakeup]:
    wakeup = LocalWakeup()
    await wakeup.open()
    try:
        yield wakeup
    finally:
        await wakeup.close()


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
async def test_a_wakeup_keeps_its_promises(check: Check[Any]) -> None:
    await suite.run(check, local)
