"""The console in a real browser: keyboard, phone, dark, two languages, and live."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from playwright.async_api import Page, Route, expect

from posthouse.cli.laboratory.premises import Premises, free_port
from tests.browser.people import People, Person

PASSWORD = "a horse, a battery, a staple"


async def signed_in(
    people: People, premises: Premises, *, base: str = "", **options: object
) -> Page:
    """Follow the link that the house has printed, as the first admin."""
    await premises.until_logged("/console/set-up/")
    found = re.search(r"http://\S+/console/set-up/[\w.-]+", premises.log.read_text("utf-8"))
    assert found is not None
    link = found[0].replace(premises.url, base or premises.url)
    person = await people.newcomer(link, **options)
    await person.page.locator("#name").fill("林晚")
    await person.page.locator("#password").fill(PASSWORD)
    await person.page.keyboard.press("Enter")
    await expect(person.page.locator("body[data-ready]")).to_have_count(1)
    return person.page


async def chat_of(page: Page) -> None:
    await page.get_by_role("link", name="会话").click()
    await page.locator(".chat-list a").first.click()


async def test_an_operator_sees_a_chat_move_and_replies(people: People, premises: Premises) -> None:
    zhou = await people.enter("小周")
    await zhou.say("打印机连不上了")
    await expect(zhou.answers).to_have_count(1)
    page = await signed_in(people, premises)
    await expect(page.get_by_text("一切正常")).to_be_visible()
    await chat_of(page)
    await expect(page.get_by_role("heading", name="小周")).to_be_visible()
    await expect(page.locator(".message.theirs .badge").first).to_have_text("已回答")
    await zhou.say("还是不行")  # nobody reloads the page
    await expect(page.locator(".message.theirs .text", has_text="还是不行")).to_have_count(1)
    await expect(page.locator(".message.ours .badge.good")).to_have_count(2)
    await page.locator("#text").fill("我马上过来")
    await page.keyboard.press("Control+Enter")
    await expect(zhou.page.locator(".message.bot", has_text="我马上过来")).to_have_count(1)
    await expect(page.locator(".source")).to_have_text("林晚 回复")


async def test_what_was_said_is_taken_back_after_its_count(
    people: People, premises: Premises
) -> None:
    zhou = await people.enter("小周")
    await zhou.say("说点什么")
    await expect(zhou.answers).to_have_count(1)
    page = await signed_in(people, premises)
    await chat_of(page)
    await page.get_by_role("link", name="撤回过去 24 小时的回答").click()
    await page.get_by_role("button", name="撤回 1 条").click()
    await expect(page.locator(".message.ours .badge")).to_have_text("已撤回")
    await expect(zhou.page.locator(".gone")).to_have_count(1)
    await page.get_by_role("link", name="为什么").first.click()
    await expect(page.locator(".amend")).to_contain_text("完成")


async def test_what_happens_before_the_page_listens_is_seen_all_the_same(
    people: People, premises: Premises
) -> None:
    zhou = await people.enter("小周")
    await zhou.say("第一句")
    await expect(zhou.answers).to_have_count(1)
    page = await signed_in(people, premises)
    asks, is_over = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asks.set()
        await is_over.wait()
        await route.continue_()

    await page.get_by_role("link", name="会话").click()
    await page.route("**/console/events", hold)
    await page.locator(".chat-list a").first.click()
    await asks.wait()
    await expect(page.locator(".message.ours")).to_have_count(1)
    await zhou.say("第二句")
    await expect(zhou.answers).to_have_count(2)
    is_over.set()
    await expect(page.locator(".message.ours")).to_have_count(2)


async def test_taking_over_and_giving_back(people: People, premises: Premises) -> None:
    zhou = await people.enter("小周")
    await zhou.say("你好")
    await expect(zhou.answers).to_have_count(1)
    page = await signed_in(people, premises)
    await chat_of(page)
    await page.get_by_role("button", name="接管").click()
    await expect(page.get_by_text("已暂停，由人工接管")).to_be_visible()
    await page.get_by_role("button", name="恢复机器人").click()
    await expect(page.get_by_role("button", name="接管")).to_be_visible()


async def test_the_filter_and_the_search_follow_the_keyboard(
    people: People, premises: Premises
) -> None:
    zhou = await people.enter("小周")
    await zhou.say("发票怎么开")
    await expect(zhou.answers).to_have_count(1)
    page = await signed_in(people, premises)
    await page.get_by_role("link", name="会话").click()
    await page.locator("#q").press_sequentially("没有这个人")
    await expect(page.locator(".empty")).to_be_visible()
    await expect(page).to_have_url(re.compile("q=%E6"))
    await page.get_by_role("link", name="设置").click()
    await expect(page.get_by_role("heading", name="设置")).to_be_visible()
    await page.locator("h1").click()
    await page.get_by_role("link", name="搜索").click()
    await page.locator("#q").press_sequentially("发票")
    await expect(page.locator(".hits li").first).to_contain_text("发票怎么开")


@pytest.mark.parametrize(
    ("locale", "word"), [("zh-CN", "今天"), ("en-US", "Today")], ids=["zh", "en"]
)
async def test_a_phone_in_the_dark(
    people: People, premises: Premises, locale: str, word: str
) -> None:
    zhou = await people.enter("小周")
    await zhou.say("长" * 60 + "x" * 120)
    await expect(zhou.answers).to_have_count(1)
    page = await signed_in(
        people,
        premises,
        locale=locale,
        color_scheme="dark",
        viewport={"width": 390, "height": 844},
    )
    await expect(page.get_by_role("heading", level=1)).to_have_text(word)
    canvas = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", canvas))) < 60
    where = page.url
    for path in (
        "",
        "chats",
        "chats/1",
        "roads/1",
        "bots/web",
        "trouble",
        "search?q=x",
        "settings/chats",
        "settings/people",
        "settings/operators",
        "settings/reload",
        "settings/audit",
    ):
        await page.goto(where + path)
        assert await Person(page).overflow() <= 0, path
    await expect(page.locator(".tabs [aria-current]")).to_be_in_viewport()
    for cell in await page.locator(".lines code, .lines .details").all():
        box = await cell.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390, "all of a line is in view"
        assert box["height"] < 40, "and no word of it is broken"


async def test_another_handler_answers_a_chat_from_now_on(
    people: People, premises: Premises
) -> None:
    zhou = await people.enter("小周")
    await zhou.say("打印机")
    await expect(zhou.answers).to_have_count(1)
    page = await signed_in(people, premises)
    await page.goto(page.url + "settings/chats")
    await page.get_by_label("处理程序").select_option("commands")
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_text("本会话设置").first).to_be_visible()
    await zhou.say("打印机")
    await expect(zhou.page.locator(".message.bot", has_text="没有命令 打印机")).to_have_count(1)


async def test_settings_are_read_again_by_a_button(people: People, premises: Premises) -> None:
    page = await signed_in(people, premises)
    await page.goto(page.url + "settings/reload")
    await page.get_by_role("button", name="重新读取").click()
    await expect(page.get_by_role("heading", name="结果")).to_be_visible()
    await expect(page.get_by_text("配置没有变化")).to_be_visible()


@contextlib.asynccontextmanager
async def proxy(premises: Premises, path: str) -> AsyncIterator[str]:
    """A reverse proxy that shows the house below a path, which it removes."""

    async def passed_on(request: web.Request) -> web.StreamResponse:
        address = premises.url + request.raw_path.removeprefix(path)
        body = await request.read()
        async with session.request(
            request.method, address, headers=request.headers, data=body, allow_redirects=False
        ) as answer:
            passed = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in {"transfer-encoding", "connection", "content-encoding"}:
                    passed.headers.add(name, value)
            await passed.prepare(request)
            async for chunk in answer.content.iter_any():
                await passed.write(chunk)
            return passed

    app = web.Application()
    app.router.add_route("*", f"{path}/{{rest:.*}}", passed_on)
    async with ClientSession(auto_decompress=False) as session:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}{path}"
        await runner.cleanup()


async def test_behind_a_proxy_and_below_a_path(people: People, premises: Premises) -> None:
    zhou = await people.enter("小周")
    await zhou.say("你好")
    await expect(zhou.answers).to_have_count(1)
    async with proxy(premises, "/deep/house") as base:
        page = await signed_in(people, premises, base=base)
        await expect(page).to_have_url(f"{base}/console/")
        for place in ("会话", "机器人", "设置", "搜索", "今天"):
            await page.get_by_role("navigation").first.get_by_role("link", name=place).click()
            await expect(page.get_by_role("heading", level=1)).to_have_text(place)
            assert page.url.startswith(f"{base}/console/")
        await chat_of(page)
        await zhou.say("还在吗")
        await expect(page.locator(".message.theirs .text", has_text="还在吗")).to_have_count(1)
        await page.get_by_role("button", name="接管").click()
        await expect(page.get_by_text("已暂停，由人工接管")).to_be_visible()
        await page.get_by_title("退出登录").click()
        await expect(page).to_have_url(f"{base}/console/sign-in")
        await page.goto("about:blank")  # its stream ends before the proxy does


async def test_the_keyboard_reaches_the_content_first(people: People, premises: Premises) -> None:
    page = await signed_in(people, premises)
    await page.keyboard.press("Tab")
    await expect(page.locator(":focus")).to_have_class("skip")
    await page.keyboard.press("Enter")
    await expect(page.locator("main:focus")).to_have_count(1)
