from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.model.permission import OperatorRole
from tests.unit.console.office import Browser, Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = await Office.open(folder=tmp_path / "indexes")
    yield office
    await office.room.close()
    await office.store.close()


@pytest.fixture
async def admin(office: Office) -> Browser:
    return await office.enter(OperatorRole.ADMIN, "ada")


@pytest.fixture
async def viewer(office: Office, admin: Browser) -> Browser:
    return await office.enter(OperatorRole.VIEWER, "vic")


@pytest.fixture
async def operator(office: Office, admin: Browser) -> Browser:
    return await office.enter(OperatorRole.OPERATOR, "olga")
