"""The button below a growing answer, as people see and press it."""

from playwright.async_api import Locator, expect

from tests.browser.people import People, Person

LONG = "一 二 三 四 五 六 七 八 九 十 " * 60
STOPPED = "（已停止）"
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
BUTTON_PX_LEAST = 36


async def has_grown(person: Person) -> None:
    await expect(person.page.locator(".growing .words")).to_contain_text("一 二 三")


def stop_of(person: Person, label: str = "停止这个回答") -> Locator:
    return person.page.locator(".growing").get_by_role("button", name=label, exact=True)


async def ended(person: Person, words: str = STOPPED) -> None:
    """Nothing grows any more, and what was said so far stands there with a mark."""
    await expect(person.page.locator(".growing")).to_have_count(0)
    await expect(person.page.locator(".choice")).to_have_count(0)
    await expect(person.answers).to_have_count(1)
    await expect(person.answers).to_contain_text("一 二 三")
    await expect(person.answers).to_contain_text(words)


async def test_a_press_stops_the_answer_also_after_a_reload(people: People) -> None:
    lin = await people.enter("小林")
    await lin.say(LONG)
    await has_grown(lin)
    await lin.page.reload()
    await stop_of(lin).click()
    await ended(lin)
    await lin.page.reload()
    await ended(lin)


async def test_the_keyboard_reaches_it_and_goes_back_to_writing(people: People) -> None:
    lin = await people.enter("小林")
    await lin.say(LONG)
    await expect(stop_of(lin)).to_be_visible()
    await has_grown(lin)
    for _ in range(20):
        await lin.page.keyboard.press("Shift+Tab")
        if await stop_of(lin).evaluate("(button) => button === document.activeElement"):
            break
    await expect(stop_of(lin)).to_be_focused()
    await lin.page.keyboard.press("Enter")
    await expect(lin.box).to_be_focused()
    await ended(lin)


async def test_nobody_else_in_the_room_stops_it(people: People) -> None:
    lin = await people.enter("小林")
    ben = await people.newcomer(await lin.create_group("小组"))
    await ben.join("小本")
    await lin.say(f"@驿站 {LONG}")
    await stop_of(ben).click()
    await expect(ben.page.locator(".toast")).to_contain_text("只有提问的人或操作员")
    await expect(stop_of(ben)).to_be_disabled()
    await expect(lin.page.locator(".toast")).to_have_count(0)
    await has_grown(lin)
    await stop_of(lin).click()
    for person in (lin, ben):
        await ended(person)


async def test_on_a_phone_in_the_dark_in_english(people: People) -> None:
    ann = await people.enter("Ann", locale="en-US", color_scheme="dark", **PHONE)
    await ann.say(LONG)
    stop = stop_of(ann, "Stop this answer")
    await expect(stop).to_have_text("Stop")
    box = await stop.bounding_box()
    assert box is not None
    assert box["height"] >= BUTTON_PX_LEAST
    assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["viewport"]["width"]  # type: ignore[index]
    assert await ann.overflow() <= 0
    await has_grown(ann)
    await stop.tap()
    await ended(ann, "(stopped)")
    await expect(ann.box).not_to_be_focused()  # or the keyboard would cover what was said
