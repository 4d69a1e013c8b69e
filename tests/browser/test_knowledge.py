"""知识 in a real browser: nobody knew the answer, an operator writes it, the next one hears it."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from posthouse.cli.laboratory.premises import Premises
from tests.browser.people import People
from tests.browser.test_console import signed_in

SETTINGS = """
language = "zh"

[bots.web]
channel = "web"

[handlers.assistant]
bases = ["help"]
burst_s = 0.1
"""
QUESTION = "发票抬头写哪家公司？"
ANSWER = "写“青山驿站有限公司”，税号在财务那里。"


@pytest.fixture
def premises(tmp_path: Path) -> Premises:
    return Premises(tmp_path, SETTINGS)


async def test_from_a_question_without_an_answer_to_everybody_who_was_told(
    people: People, premises: Premises, tmp_path: Path
) -> None:
    page = await signed_in(people, premises)
    await page.get_by_role("link", name="知识").click()
    await page.get_by_label("名字").fill("help")
    await page.keyboard.press("Enter")
    guide = tmp_path / "手册.md"
    guide.write_text("# 打印机\n\n打印机卡纸时，打开后盖，按箭头方向取出。\n")
    await page.get_by_text("上传文件").first.click()
    await page.locator("[name=files]").set_input_files(guide)
    await page.get_by_role("button", name="上传文件").click()
    await expect(page.locator(".hits", has_text="打印机")).to_be_visible()

    await page.get_by_role("link", name="问题").click()
    zhou = await people.enter("小周")
    await zhou.say(QUESTION)
    await expect(zhou.answers).to_have_count(1)
    await page.get_by_role("link", name="写答案").click()
    await expect(page.locator("[name=question]")).to_have_value(QUESTION)
    await page.locator("#answer").fill(ANSWER)
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("没有等着处理的问题")).to_be_visible()

    await page.get_by_role("link", name="试一试").click()
    await page.locator("#text").fill(QUESTION)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#outcome .preview")).to_contain_text(ANSWER)

    await zhou.say(QUESTION)
    await expect(zhou.answers.last).to_contain_text(ANSWER)
    await page.locator("#outcome").get_by_role("link", name="谁听到了这段？").click()
    await expect(page.locator(".queue .top strong")).to_have_text("小周")
    await page.get_by_role("button", name="撤回 1 条消息").click()
    await expect(page.locator(".queue .badge")).to_have_text("已撤回")
    await expect(zhou.page.locator(".gone")).to_have_count(1)
    await page.set_viewport_size({"width": 320, "height": 640})
    for place in ("知识库", "问题", "试一试", "规则", "何时开口", "人工接待", "用量"):
        tab = page.get_by_role("navigation", name="知识").get_by_role("link", name=place)
        await tab.click()
        await expect(tab).to_have_attribute("aria-current", "page")
        width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, place
