"""Somebody in front of the chat page, in the words of what they do and see."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

# What the browser itself writes when a request fails; tests that make one fail expect it.
_NETWORK = re.compile(r"Failed to load resource|net::ERR_|EventSource")


PATIENCE_MS = 10_000
GREETING = "大家好，我是驿站"


class People:
    """Everybody in a test, each in a browser profile of their own."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.url = url
        self.complaints: list[str] = []

    async def newcomer(self, address: str = "/", **options: Any) -> Person:  # noqa: ANN401 - Playwright's own
        """Open the page as somebody whom the house has never seen."""
        settings = {"locale": "zh-CN", "viewport": {"width": 1200, "height": 800}, **options}
        context = await self._browser.new_context(**settings)
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("console", lambda line: self._heard(line.type, line.text))
        person = Person(page)
        await page.goto(address if "://" in address else self.url + address)
        return person

    async def enter(self, name: str, **options: Any) -> Person:  # noqa: ANN401 - Playwright's own
        """Open the page and say one's name."""
        person = await self.newcomer(**options)
        await person.page.get_by_role("dialog").get_by_role("textbox").fill(name)
        await person.page.keyboard.press("Enter")
        await person.is_ready()
        return person

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not _NETWORK.search(text):
            self.complaints.append(f"{kind}: {text}")

    async def leave(self) -> None:
        for context in self._contexts:
            await context.close()


class Person:
    """One browser page and what is done with it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def is_ready(self) -> None:
        await self.page.wait_for_selector("body[data-ready]")

    # --- doing --------------------------------------------------------------------------

    @property
    def box(self) -> Locator:
        return self.page.locator("#text")

    async def say(self, text: str) -> None:
        await self.box.fill(text)
        await self.page.keyboard.press("Enter")

    async def create_group(self, title: str) -> str:
        """Open a group room and return the invitation that is offered right away."""
        await self.page.locator("#new-room").click()
        await self.page.locator("#dialog #title").fill(title)
        await self.page.keyboard.press("Enter")
        link = self.page.locator("#dialog #link")
        await expect(link).to_have_value(re.compile("/join/"))
        address = await link.input_value()
        await self.page.keyboard.press("Escape")
        return address

    async def join(self, name: str) -> None:
        """Accept the invitation that is open."""
        await self.page.get_by_role("textbox").fill(name)
        await self.page.get_by_role("button").click()
        await self.is_ready()

    async def use(self, message: Locator, tool: str) -> None:
        """Use one of a message's tools, by what it is called."""
        await message.hover()
        await message.get_by_role("button", name=tool, exact=True).click()

    # --- seeing -------------------------------------------------------------------------

    @property
    def messages(self) -> Locator:
        return self.page.locator(".message")

    def message(self, text: str) -> Locator:
        """The messages whose words are exactly these."""
        words = self.page.locator(".words", has_text=re.compile(f"^\\s*{re.escape(text)}\\s*$"))
        return self.page.locator(".message", has=words)

    @property
    def answers(self) -> Locator:
        """What the bot has answered; its greeting in a group is none."""
        finished = self.page.locator(".message.bot:not(.growing) .words")
        return finished.filter(has_not_text=GREETING)

    async def overflow(self) -> int:
        """How many pixels the page is wider than the screen."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))
