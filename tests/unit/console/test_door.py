"""Coming in and going out."""

import pytest

from posthouse.model.permission import OperatorRole
from tests.unit.console.office import PASSWORD, Browser, Office, hidden, lead


async def test_the_first_admin_comes_in_by_a_link_that_works_once(office: Office) -> None:
    code = await office.sign_in.set_up_code()
    first = office.stranger()
    assert "第一个管理员" in (await first.get(f"set-up/{code}")).text
    weak = await first.post(f"set-up/{code}", {"name": "ada", "password": "short"})
    assert weak.status == 403
    assert 'role="alert"' in weak.text
    entered = await first.post(f"set-up/{code}", {"name": "ada", "password": PASSWORD})
    assert lead(f"set-up/{code}", entered.headers["location"]) == "/console/"
    assert "ada" in (await first.get("")).text
    again = await office.stranger().post(f"set-up/{code}", {"name": "eve", "password": PASSWORD})
    assert again.status == 403
    assert [one.name for one in await office.store.access.operators()] == ["ada"]
    assert await office.sign_in.set_up_code() is None


async def test_a_guessed_link_names_nobody(office: Office, admin: Browser) -> None:
    code = await office.sign_in.link_code("ada")
    guess = f"{code.partition('.')[0]}.x"
    weak = {"password": "short"}
    for tried, is_named in ((code, True), (guess, False)):
        shown = await office.stranger().get(f"link/{tried}")
        declined = await office.stranger().post(f"link/{tried}", weak)
        assert (shown.status, declined.status) == (200, 403)
        assert ["ada" in answer.text for answer in (shown, declined)] == [is_named, is_named]


async def test_the_cookie_is_for_us_alone(office: Office, admin: Browser) -> None:
    browser = office.stranger()
    answer = await browser.post("sign-in", {"name": "ada", "password": PASSWORD})
    (cookie,) = answer.cookies
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    await browser.post("sign-out")
    assert (await browser.get("")).status == 303


async def test_behind_https_the_cookie_is_secure() -> None:
    office = await Office.open(public_url="https://house.test")
    await office.enter(OperatorRole.ADMIN, "ada")
    form = {"name": "ada", "password": PASSWORD}
    answer = await office.stranger().post("sign-in", form, origin="https://house.test")
    assert "Secure" in answer.cookies[0]
    await office.store.close()


async def test_a_wrong_password_is_told_and_nothing_more(office: Office, admin: Browser) -> None:
    said = set()
    for name in ("ada", "nobody"):
        answer = await office.stranger().post("sign-in", {"name": name, "password": "wrong"})
        assert answer.status == 403
        assert answer.cookies == []
        said.add(answer.text.partition('role="alert">')[2].partition("<")[0])
    assert len(said) == 1


async def test_guessing_is_slowed_down(office: Office, admin: Browser) -> None:
    for _ in range(20):
        await office.stranger().post("sign-in", {"name": "ada", "password": "wrong"})
    answer = await office.stranger().post("sign-in", {"name": "ada", "password": PASSWORD})
    assert answer.status == 429
    assert "console-link" in answer.text


async def test_people_come_back_to_where_they_wanted_to_go(office: Office, admin: Browser) -> None:
    asked = await office.stranger().get("chats/1")
    where = lead("chats/1", asked.headers["location"])
    assert where == "/console/sign-in?next=chats/1"
    browser = office.stranger()
    page = (await browser.get("sign-in?next=chats/1")).text
    form = {"name": "ada", "password": PASSWORD, "next": hidden(page, "next")}
    assert (await browser.post("sign-in", form)).headers["location"] == "chats/1"


@pytest.mark.parametrize(
    "evil",
    ["//evil.test", "https://evil.test", "/\\evil", "\\\\evil", "javascript:x", "../../x", "/x"],
)
async def test_nobody_is_sent_elsewhere(office: Office, admin: Browser, evil: str) -> None:
    form = {"name": "ada", "password": PASSWORD, "next": evil}
    answer = await office.stranger().post("sign-in", form)
    assert answer.headers["location"] == "./"


async def test_the_console_is_there_without_its_last_slash(office: Office) -> None:
    answer = await office.stranger()._converse(
        {
            "type": "http",
            "method": "GET",
            "path": "/console",
            "raw_path": b"/console",
            "query_string": b"",
            "headers": [(b"host", b"house.test")],
            "scheme": "http",
            "client": ("1", 1),
            "server": ("house.test", 80),
        },
        b"",
    )
    assert (answer.status, answer.headers["location"]) == (303, "./console/")
