"""The network goes, the house is killed, the page is closed: nothing is lost or said twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientSession, web
from playwright.async_api import Browser, expect

from posthouse.channels.web.crypto import Invitation, Signer, read_key
from posthouse.cli.laboratory.premises import Premises
from tests.browser.conftest import SETTINGS
from tests.browser.people import People


async def test_a_page_survives_the_house(chromium: Browser, premises: Premises) -> None:
    people = People(chromium, premises.url)
    async with premises.house() as house:
        await house.until_open()
        lin = await people.enter("小林")
        ben = await people.newcomer(await lin.create_group("值班群"))
        await ben.join("Ben")
        await lin.say("@驿站 之前")
        await expect(ben.answers).to_have_count(1)
    for person in (lin, ben):
        await expect(person.page.locator("#connection")).to_contain_text("连接中断")
    await lin.say("@驿站 断开时说的")
    await lin.say("还有一句")
    await expect(lin.page.locator(".state.waiting").first).to_contain_text("等待网络")
    async with premises.house() as house:
        await house.until_open()
        for person in (lin, ben):
            await expect(person.answers).to_have_count(2, timeout=30_000)
            await expect(person.message("@驿站 断开时说的")).to_have_count(1)
            await expect(person.message("还有一句")).to_have_count(1)
            await expect(person.page.locator("#connection")).to_have_text("")
        await expect(lin.page.locator(".waiting-item")).to_have_count(0)
        order = await ben.page.locator(".message:not(.bot) .words").all_inner_texts()
        assert order == ["@驿站 之前", "@驿站 断开时说的", "还有一句"]
        await ben.page.reload()
        await expect(ben.page.locator(".message")).to_have_count(6)  # with the bot's greeting
        await people.leave()
    assert people.complaints == []


async def test_what_was_written_offline_is_sent_by_the_next_page(people: People) -> None:
    lin = await people.enter("小林")
    context = lin.page.context
    await context.set_offline(offline=True)
    await lin.say("离线写的")
    await expect(lin.page.locator(".waiting-item")).to_have_count(1)
    address = lin.page.url
    await lin.page.close()
    await context.set_offline(offline=False)
    lin.page = await context.new_page()
    await lin.page.goto(address)
    await lin.is_ready()
    await expect(lin.answers).to_have_count(1)
    await expect(lin.message("离线写的")).to_have_count(1)
    await expect(lin.page.locator(".waiting-item")).to_have_count(0)


async def test_an_answer_that_got_lost_is_no_second_message(people: People) -> None:
    lin = await people.enter("小林")
    asked = 0

    async def swallow(route: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            await route.fetch()  # type: ignore[attr-defined]  # the house has it …
            await route.abort()  # type: ignore[attr-defined]  # … and the page does not know
        else:
            await route.continue_()  # type: ignore[attr-defined]

    await lin.page.route("**/messages", swallow)
    await lin.page.route("**/events*", lambda route: route.abort())  # nor does the stream tell it
    await lin.page.reload()
    await lin.is_ready()
    await lin.say("只说一次")
    await expect(lin.page.locator(".waiting-item")).to_have_count(1)
    await expect(lin.page.locator(".waiting-item")).to_have_count(0)
    assert asked == 2
    await lin.page.unroute("**/events*")
    await lin.page.reload()
    await expect(lin.message("只说一次")).to_have_count(1)
    await expect(lin.answers).to_have_count(1)


async def test_what_is_refused_says_so_and_can_be_tried_again(people: People) -> None:
    lin = await people.enter("小林")
    refusal = '{"code": "too_long", "zh": "消息太长。", "en": "Too long."}'
    await lin.page.route("**/messages", lambda route: route.fulfill(status=422, body=refusal))
    await lin.say("会被拒绝")
    await expect(lin.page.locator(".state.failed")).to_have_text("未送出 · 消息太长。")
    await lin.page.unroute("**/messages")
    await lin.page.get_by_role("button", name="重试").click()
    await expect(lin.answers).to_have_count(1)
    await expect(lin.page.locator(".state.failed")).to_have_count(0)


async def test_below_a_sub_path_of_a_proxy(chromium: Browser, tmp_path: Path) -> None:
    async with proxy() as outside:
        premises = Premises(tmp_path, SETTINGS + f'\n[server]\npublic_url = "{outside.url}"\n')
        outside.inside = premises.url
        async with premises.house() as house:
            await house.until_open()
            people = People(chromium, outside.url)
            stranger = await people.newcomer("/")
            await expect(stranger.page.get_by_text("这里需要邀请")).to_be_visible()
            signer = Signer(read_key(premises.data / "web.key"))
            token = signer.invite(Invitation("web", 4e9))
            lin = await people.newcomer(f"/chat/join/{token}")
            await lin.join("小林")
            await lin.say("隔着代理")
            await expect(lin.answers).to_have_count(1)
            link = await lin.create_group("群")
            assert link.startswith(f"{outside.url}/chat/join/")
            ben = await people.newcomer(link)
            await ben.join("Ben")
            await ben.say("我也在")
            await expect(lin.message("我也在")).to_have_count(1)
            await ben.page.reload()
            await expect(ben.message("我也在")).to_have_count(1)
            await people.leave()
            assert people.complaints == []


class Proxy:
    """A reverse proxy that serves the house below /tools/house, and knows nothing about it."""

    PREFIX = "/tools/house"

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self.inside = ""
        self.url = ""

    async def open(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", self.PREFIX + "{path:/.*}", self._pass_on)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://localhost:{runner.addresses[0][1]}{self.PREFIX}"
        return runner

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        headers["X-Forwarded-For"] = "203.0.113.7"
        asked = self._session.request(
            request.method,
            self.inside + request.path_qs.removeprefix(self.PREFIX),
            headers=headers,
            data=await request.read(),
            allow_redirects=False,
        )
        async with asked as answer:
            response = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                    response.headers.add(name, value)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response


@asynccontextmanager
async def proxy() -> AsyncIterator[Proxy]:
    async with ClientSession(auto_decompress=False) as session:
        opened = Proxy(session)
        runner = await opened.open()
        try:
            yield opened
        finally:
            await runner.cleanup()
