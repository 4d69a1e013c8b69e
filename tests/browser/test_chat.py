"""The chat page in a real browser, in front of a real house."""

import base64
import re

import pytest
from playwright.async_api import FilePayload, expect

from tests.browser.people import GREETING, People, Person

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def together(people: People) -> tuple[Person, Person]:
    """Two people in a group room that one of them opened and the other was invited to."""
    lin = await people.enter("小林")
    ben = await people.newcomer(await lin.create_group("值班群"))
    await expect(ben.page.get_by_role("heading", name="值班群")).to_be_visible()
    await ben.join("Ben")
    await expect(lin.page.locator("#subtitle")).to_contain_text("2 人")
    for person in (lin, ben):
        await expect(person.messages.filter(has_text=GREETING)).to_have_count(1)
    return lin, ben


async def test_two_people_and_the_bot_in_a_group(people: People) -> None:
    lin, ben = await together(people)
    await lin.say("大家好")
    await expect(ben.message("大家好")).to_have_count(1)
    await expect(ben.message("大家好").locator(".who")).to_have_text("小林")
    await expect(lin.message("大家好").locator(".state")).to_have_text("已送达")

    await ben.box.press_sequentially("@驿")
    await expect(ben.page.get_by_role("option", name="驿站")).to_be_visible()
    await ben.page.keyboard.press("Enter")
    await ben.box.press_sequentially("几点了？")
    await ben.page.keyboard.press("Enter")
    for person in (lin, ben):
        await expect(person.answers).to_have_count(1)
        await expect(person.answers).to_contain_text("几点了？")
    await expect(lin.page.locator(".mention").first).to_have_text("@驿站")


async def test_editing_gets_another_answer_and_recalling_takes_it_back(people: People) -> None:
    lin, ben = await together(people)
    await lin.say("@驿站 第一版")
    await expect(ben.answers).to_contain_text("第一版")
    await lin.page.keyboard.press("ArrowUp")
    await expect(lin.box).to_have_value("@驿站 第一版")
    await lin.say("@驿站 第二版")
    for person in (lin, ben):
        await expect(person.message("@驿站 第二版")).to_have_count(1)
        await expect(person.message("@驿站 第二版").locator(".edited")).to_be_visible()
        await expect(person.answers).to_contain_text("第二版")
    await lin.use(lin.message("@驿站 第二版"), "撤回")
    await lin.page.get_by_role("dialog").get_by_role("button", name="撤回").click()
    for person in (lin, ben):
        await expect(person.page.get_by_text("第二版")).to_have_count(0)
        await expect(person.page.locator(".gone")).to_have_count(2)  # the message and its answer
    await lin.page.get_by_role("button", name="重新编辑").click()
    await expect(lin.box).to_have_value("@驿站 第二版")


async def test_an_answer_is_seen_while_it_is_written(people: People) -> None:
    lin = await people.enter("小林")
    await lin.say("一 二 三 四 五 六 七 八 九 十 " * 8)
    growing = lin.page.locator(".message.bot.growing")
    await expect(growing).to_have_count(1)
    name = await growing.get_attribute("id")
    first = len(await growing.inner_text())
    await expect(growing.locator(".words")).to_have_text(re.compile(f"(.|\n){{{first},}}"))
    await expect(growing.get_by_role("button", name="停止这个回答")).to_be_visible()
    await expect(lin.answers).to_have_count(1)
    settled = lin.page.locator(".message.bot")
    await expect(settled).to_have_count(1)
    assert await settled.get_attribute("id") == name
    await expect(lin.page.locator(".edited, .choice")).to_have_count(0)
    await expect(lin.page.locator(".state")).to_have_count(0)


async def test_quoting_leads_back_to_what_was_said(people: People) -> None:
    lin, ben = await together(people)
    await lin.say("原话")
    await ben.use(ben.message("原话"), "引用")
    await expect(ben.page.locator("#context")).to_contain_text("回复 小林")
    await ben.say("同意")
    await expect(lin.message("同意").locator(".quoted")).to_have_text("小林原话")
    await lin.message("同意").locator(".quoted").click()
    await expect(lin.message("原话")).to_have_class(re.compile("lit"))


async def test_buttons_are_pressed_once_and_stay_answered(people: People) -> None:
    lin = await people.enter("小林")
    await lin.say("投票")
    await lin.page.get_by_role("button", name="继续").click()
    await expect(lin.page.locator(".choice.chosen")).to_have_text("继续")
    await expect(lin.page.locator(".choice:enabled")).to_have_count(0)
    await expect(lin.page.locator(".pressed")).to_contain_text("继续 · 你")
    await expect(lin.answers).to_have_count(2)
    await lin.page.reload()
    await expect(lin.page.locator(".choice:enabled")).to_have_count(0)


async def test_a_press_that_did_nothing_is_shown_to_nobody(people: People) -> None:
    lin = await people.enter("小林")
    ben = await people.newcomer(await lin.create_group("小组"))
    await ben.join("小本")
    await lin.say("@驿站 投票")
    await ben.page.get_by_role("button", name="继续").click()
    await expect(ben.page.locator(".toast")).to_be_visible()
    await expect(ben.page.locator(".choice:enabled")).to_have_count(0)
    await lin.page.get_by_role("button", name="继续").click()
    for person, who in ((lin, "你"), (ben, "小林")):
        await expect(person.page.locator(".pressed")).to_have_text(f"已选择：继续 · {who}")


async def test_files_by_button_paste_and_drop(people: People) -> None:
    lin, ben = await together(people)
    await lin.page.locator("#file").set_input_files(
        [
            FilePayload(name="图.png", mimeType="image/png", buffer=PIXEL),
            FilePayload(name="说明.txt", mimeType="text/plain", buffer="你好".encode()),
        ]
    )
    await expect(lin.page.locator(".tray li")).to_have_count(2)
    await expect(lin.page.locator("#send")).to_be_enabled()
    await lin.say("两个文件")
    await expect(ben.page.locator(".picture img")).to_have_count(1)
    await expect(ben.page.locator(".document .name")).to_have_text("说明.txt")
    await expect(ben.page.locator(".picture img")).to_have_js_property("naturalWidth", 1)

    for kind in ("paste", "drop"):
        await ben.page.evaluate(
            """([kind, pixel]) => {
                const bytes = Uint8Array.from(atob(pixel), (one) => one.charCodeAt(0));
                const carried = new DataTransfer();
                carried.items.add(new File([bytes], `${kind}.png`, { type: "image/png" }));
                const how = { bubbles: true, cancelable: true };
                const target = document.getElementById("text");
                target.dispatchEvent(kind === "paste"
                    ? new ClipboardEvent("paste", { ...how, clipboardData: carried })
                    : new DragEvent("drop", { ...how, dataTransfer: carried }));
            }""",
            [kind, base64.b64encode(PIXEL).decode()],
        )
        await expect(ben.page.locator("#send")).to_be_enabled()
        await ben.page.locator("#send").click()
        await expect(lin.page.locator(f".picture img[alt='{kind}.png']")).to_have_count(1)


async def test_the_keyboard_does_what_people_expect(people: People) -> None:
    lin = await people.enter("小林")
    await lin.box.fill("第一行")
    await lin.page.keyboard.press("Shift+Enter")
    await lin.page.keyboard.type("第二行")
    await expect(lin.box).to_have_value("第一行\n第二行")
    # While an input method is choosing a word, Enter belongs to it.
    await lin.box.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    await expect(lin.messages).to_have_count(0)
    await lin.page.keyboard.press("Enter")
    await expect(lin.page.locator(".message.mine br")).to_have_count(1)
    await expect(lin.answers).to_have_count(1)
    await lin.box.fill("写了一半")
    await lin.page.reload()
    await lin.is_ready()
    await expect(lin.box).to_have_value("写了一半")
    await lin.box.fill("")
    await lin.page.keyboard.press("ArrowUp")
    await expect(lin.page.locator("#context")).to_be_visible()
    await lin.page.keyboard.press("Escape")
    await expect(lin.page.locator("#context")).to_be_hidden()
    await expect(lin.box).to_have_value("")


async def test_what_was_said_elsewhere_is_counted_as_unread(people: People) -> None:
    lin, ben = await together(people)
    await lin.page.locator(".room-line").last.click()
    await expect(lin.page.locator("#title")).to_have_text("驿站")
    await ben.say("一")
    await ben.say("二")
    await expect(lin.page.locator(".unread")).to_have_text("2")
    await expect(lin.page).to_have_title(re.compile(r"^\(2\)"))
    await lin.page.locator(".room-line").first.click()
    await expect(lin.page.locator(".fresh")).to_have_count(1)
    await expect(lin.page.locator(".unread")).to_have_count(0)
    await lin.page.go_back()
    await expect(lin.page.locator("#title")).to_have_text("驿站")


async def test_others_see_who_is_writing(people: People) -> None:
    lin, ben = await together(people)
    await ben.box.press_sequentially("我想说")
    await expect(lin.page.locator("#typing")).to_have_text("Ben正在输入")
    await ben.page.keyboard.press("Enter")
    await expect(lin.page.locator("#typing")).to_have_text("")


async def test_somebody_who_is_removed_is_told(people: People) -> None:
    lin, ben = await together(people)
    await lin.page.locator("#people").click()
    await lin.page.get_by_role("button", name="移出").click()
    await expect(ben.page.get_by_text("你已不在这个房间")).to_be_visible()
    await expect(ben.box).to_be_hidden()
    await expect(lin.page.locator("#subtitle")).to_contain_text("1 人")


ATTACK = (
    "<img src=x onerror='window.harmed=1'><script>window.harmed=1</script>"
    "[x](javascript:window.harmed=1)"
)


async def test_nothing_that_people_say_is_run(people: People) -> None:
    lin = await people.enter("<b onmouseover=window.harmed=1>")
    ben = await people.newcomer(await lin.create_group(ATTACK[:60]))
    await ben.join(ATTACK[:40])
    await lin.say(f"@bot {ATTACK}")
    await expect(ben.answers).to_contain_text("<script>")
    for person in (lin, ben):
        await person.page.reload()
        await expect(person.answers).to_have_count(1)
        assert await person.page.evaluate("window.harmed") is None
        assert await person.page.locator(".message img[src='x'], .message script").count() == 0


@pytest.mark.parametrize("width", [390, 320])
async def test_on_a_phone_nothing_is_wider_than_the_screen(people: People, width: int) -> None:
    phone = {"viewport": {"width": width, "height": 780}, "is_mobile": True, "has_touch": True}
    lin = await people.enter("小林", **phone)
    assert await lin.overflow() <= 0
    await lin.say("长" * 200)
    await lin.say("x" * 300 + " https://example.com/" + "y" * 200)
    code = "z" * 300
    await lin.box.fill(
        f"```\n{code}\n```\n\n| a | b | c | d | e |\n|-|-|-|-|-|\n| {code} | | | | |"
    )
    await lin.page.locator("#send").tap()
    await expect(lin.page.locator(".message.mine .code")).to_be_visible()
    await expect(lin.page.locator(".message.bot .table")).to_be_visible(timeout=20_000)
    await expect(lin.page.locator(".growing")).to_have_count(0)
    assert await lin.overflow() <= 0
    for part in (lin.page.locator("#composer"), lin.messages.last, lin.page.locator("#bar")):
        box = await part.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    await lin.messages.first.locator(".words").tap()
    await expect(lin.messages.first.get_by_role("button", name="撤回")).to_be_visible()
    await lin.page.locator("#back").tap()
    await expect(lin.page.locator(".room-line")).to_be_visible()
    await expect(lin.box).to_be_hidden()


async def test_light_and_dark(people: People) -> None:
    lin = await people.enter("小林", color_scheme="dark")

    async def background() -> int:
        colour = await lin.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert await background() < 150
    await lin.page.locator("#theme").click()
    assert await background() > 600
    await lin.page.reload()
    await lin.is_ready()
    assert await background() > 600
    await lin.page.locator("#theme").click()
    assert await background() < 150


async def test_chinese_and_english(people: People) -> None:
    lin = await people.enter("小林")
    await expect(lin.box).to_have_attribute("placeholder", "发消息给驿站…")
    await lin.page.locator("#language").click()
    await expect(lin.box).to_have_attribute("placeholder", "Message 驿站…")
    await lin.page.reload()
    await lin.is_ready()
    await expect(lin.page.locator("html")).to_have_attribute("lang", "en")
    await expect(lin.page.get_by_role("button", name="Send")).to_be_visible()
    english = await people.newcomer(locale="en-GB")
    await expect(english.page.get_by_text("What should we call you?")).to_be_visible()


async def test_everything_has_a_name(people: People) -> None:
    lin, _ = await together(people)
    await lin.say("@驿站 你好")
    await expect(lin.answers).to_have_count(1)
    nameless = await lin.page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, textarea, select, [role=log]")]
            .filter((one) => one.checkVisibility())
            .filter((one) => !(one.getAttribute("aria-label") || one.innerText || one.labels?.length
                || one.querySelector("img[alt]")))
            .map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    log = lin.page.get_by_role("log")
    await expect(log).to_have_attribute("aria-live", "polite")
    await expect(lin.page.get_by_role("textbox", name="消息")).to_be_visible()
