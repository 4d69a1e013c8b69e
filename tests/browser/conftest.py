"""Chromium, a real house, and people who sit in front of it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from posthouse.cli.laboratory.premises import Premises
from tests.browser.people import People

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = """
language = "zh"

[bots.web]
channel = "web"
suggestions = ["怎么安装？"]

[handlers.commands]
[handlers.demo]
word_pause_s = 0.02
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            if CHROMIUM is None:
                item.add_marker(
                    pytest.mark.skip("Chromium is not installed: apt-get install chromium")
                )


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
def premises(tmp_path: Path) -> Premises:
    return Premises(tmp_path, SETTINGS)


@pytest.fixture
async def people(chromium: Browser, premises: Premises) -> AsyncIterator[People]:
    """People before a house that is open; whatever a page complains about fails the test."""
    async with premises.house() as house:
        await house.until_open()
        people = People(chromium, premises.url)
        yield people
        await people.leave()
        assert people.complaints == []
