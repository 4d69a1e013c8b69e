"""Who may come in: the own machine by a name, everybody else by a link; nobody by pretending."""

from pathlib import Path
from urllib.parse import quote_plus

import pytest

from posthouse.model.event import MembersChanged
from tests.channels.web.stage import Answer, Browser, Stage, open_stage

FAR = "203.0.113.9"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound: the bot only reads it


async def enter(browser: Browser, name: str = "Eve") -> Answer:
    return await browser.put("/chat/api/me", {"name": name})


async def follow(browser: Browser, link: str, name: str = "Eve") -> Answer:
    raw = f"name={quote_plus(name)}".encode()
    form = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:8350"}
    return await browser.ask("POST", link, raw=raw, headers=form)


async def invitation(stage: Stage, room: str, owner: Browser, expires_s: float = 0) -> str:
    path = f"/chat/api/rooms/{room}/invitations"
    return str((await owner.post(path, {"expires_s": expires_s})).json["link"])


async def test_at_the_own_machine_a_name_is_enough(stage: Stage) -> None:
    browser = stage.browser()
    assert (await browser.get("/chat/api/me")).code == "needs_name"
    answer = await enter(browser, "  小  林\u202e ")
    assert (answer.status, answer.json["name"]) == (200, "小 林")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert (await browser.get("/chat/api/me")).json == answer.json
    (line,) = (await browser.get("/chat/api/rooms")).json
    assert (line["kind"], line["title"]) == ("private", "驿站")


@pytest.mark.parametrize(
    "browser",
    [
        {"peer": FAR},
        {"peer": "127.0.0.1", "host": "evil.example"},
        {"peer": "127.0.0.1", "host": "127.0.0.1.evil.example"},
        {"peer": "127.0.0.1", "host": "evil.example:8350@127.0.0.1"},
        {"peer": "127.0.0.1", "x_forwarded_for": "127.0.0.1"},
        {"peer": "127.0.0.1", "forwarded": "for=127.0.0.1"},
        {"peer": "127.0.0.1", "x_real_ip": "127.0.0.1"},
        {"peer": ""},
    ],
    ids=repr,
)
async def test_nobody_else_is_let_in_by_a_name(stage: Stage, browser: dict[str, str]) -> None:
    stranger = stage.browser(**browser)
    assert (await enter(stranger)).code == "not_signed_in"
    page = await stranger.get("/chat")
    assert page.status == 403
    assert "邀请链接" in page.text


@pytest.mark.parametrize(
    ("host", "options"), [(EVERYWHERE, {}), ("127.0.0.1", {"anonymous": "never"})]
)
async def test_a_house_that_listens_to_all_asks_for_a_link(
    tmp_path: Path, host: str, options: dict[str, object]
) -> None:
    async with open_stage(tmp_path, options, host=host) as stage:
        assert (await enter(stage.browser())).code == "not_signed_in"


@pytest.mark.parametrize("host", ["localhost:8350", "[::1]:8350", "127.0.0.9", "chat.localhost"])
async def test_the_own_machine_has_several_names(stage: Stage, host: str) -> None:
    peer = "::1" if host.startswith("[") else "127.0.0.1"
    assert (await enter(stage.browser(peer, host))).status == 200


@pytest.mark.parametrize("name", ["", " ", "\u202e\u0000", "x" * 41, "驿站", "Bot", "BOT"])
async def test_what_is_no_name(stage: Stage, name: str) -> None:
    assert (await enter(stage.browser(), name)).code == "bad_name"


async def test_renaming_oneself_keeps_who_one_is(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    await ann.say(room, "hello")
    renamed = await enter(ann.browser, "Anna")
    assert renamed.json["id"] == ann.id
    seen = (await ben.browser.get(f"/chat/api/rooms/{room}")).json
    assert seen["messages"][0]["name"] == "Anna"
    assert [member["name"] for member in seen["room"]["members"]] == ["Anna", "Ben"]
    assert len((await ann.browser.get("/chat/api/rooms")).json) == 2


# --- links ----------------------------------------------------------------------------------


async def test_a_link_lets_somebody_from_far_away_in(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    link = await invitation(stage, room, ann.browser)
    eve = stage.browser(FAR)
    shown = await eve.get(link)
    assert (shown.status, "Team" in shown.text, "Ann" in shown.text) == (200, True, True)
    assert eve.cookies == {}
    joined = await follow(eve, link)
    assert (joined.status, joined.headers["location"]) == (303, f"../rooms/{room}")
    page = await eve.get(f"/chat/api/rooms/{room}")
    assert [member["name"] for member in page.json["room"]["members"]] == ["Ann", "Eve"]
    assert isinstance(stage.door.events[-1], MembersChanged)


async def test_looking_at_a_link_changes_nothing(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    link = await invitation(stage, room, ann.browser)
    for _ in range(3):
        await stage.browser(FAR).get(link)
    assert len(await stage.rooms.members(room)) == 1


async def test_who_is_known_joins_under_their_name(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    ben = await stage.person("Ben")
    link = await invitation(stage, room, ann.browser)
    await follow(ben.browser, link, "Somebody else")
    members = {member.id: member.name for member in await stage.rooms.members(room)}
    assert members == {ann.id: "Ann", ben.id: "Ben"}


async def test_a_link_expires(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    link = await invitation(stage, room, ann.browser, expires_s=60)
    stage.clock.advance(61)
    assert (await stage.browser(FAR).get(link)).status == 403
    assert (await follow(stage.browser(FAR), link)).status == 403
    assert len(await stage.rooms.members(room)) == 1


async def test_a_link_that_was_tampered_with_opens_nothing(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    link = await invitation(stage, room, ann.browser)
    for spoilt in (link[:-1], link[:-1] + ("A" if link[-1] != "A" else "B"), link + "x"):
        answer = await follow(stage.browser(FAR), spoilt)
        assert answer.status == 403
        assert "set-cookie" not in answer.headers


async def test_a_link_of_another_house_opens_nothing(stage: Stage, tmp_path: Path) -> None:
    async with open_stage(tmp_path / "other") as other:
        room, (ann,) = await other.team("Ann")
        link = await invitation(other, room, ann.browser)
    assert (await follow(stage.browser(FAR), link)).status == 403


async def test_only_the_owner_of_a_group_invites(stage: Stage) -> None:
    room, (_, ben) = await stage.team("Ann", "Ben")
    path = f"/chat/api/rooms/{room}/invitations"
    assert (await ben.browser.post(path)).code == "owner_only"
    (own,) = [line for line in (await ben.browser.get("/chat/api/rooms")).json if line["is_owner"]]
    private = f"/chat/api/rooms/{own['id']}/invitations"
    assert (await ben.browser.post(private)).code == "bad_request"


@pytest.mark.parametrize("expires_s", [-1, 1e12, "1"])
async def test_a_link_is_not_for_ever(stage: Stage, expires_s: object) -> None:
    room, (ann,) = await stage.team("Ann")
    path = f"/chat/api/rooms/{room}/invitations"
    assert (await ann.browser.post(path, {"expires_s": expires_s})).code == "bad_request"


async def test_the_command_line_makes_a_link_into_the_house(tmp_path: Path) -> None:
    async with open_stage(tmp_path, host=EVERYWHERE, public_url="https://chat.example/x/") as stage:
        link = stage.channel.join_link()
        assert link.startswith("https://chat.example/x/chat/join/")
        eve = stage.browser(FAR)
        joined = await follow(eve, link.removeprefix("https://chat.example/x"))
        assert (joined.status, joined.headers["location"]) == (303, "../../chat")
        (line,) = (await eve.get("/chat/api/rooms")).json
        assert line["kind"] == "private"


async def test_a_full_room_says_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    room, (ann,) = await stage.team("Ann")
    link = await invitation(stage, room, ann.browser)
    for number in range(199):
        await stage.rooms.name_person("web", f"p{number}", f"P{number}", 0)
        await stage.rooms.join(room, f"p{number}", 0, 200)
    assert (await follow(stage.browser(FAR), link)).status == 409


async def test_newcomers_from_one_address_are_slowed_down(stage: Stage) -> None:
    answers = [await enter(stage.browser(), f"P{number}") for number in range(12)]
    assert [answer.status for answer in answers].count(429) == 2


# --- foreign sites --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "file://"},
        {"origin": "javascript://127.0.0.1:8350"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
    ids=repr,
)
async def test_another_sites_page_changes_nothing(stage: Stage, headers: dict[str, str]) -> None:
    room, (ann,) = await stage.team("Ann")
    path = f"/chat/api/rooms/{room}/messages"
    body = {"key": "12345678", "text": "forged"}
    assert (await ann.browser.post(path, body, **headers)).code == "foreign_origin"
    assert (await ann.browser.get(path, **headers)).json["messages"] == []


async def test_our_own_page_and_programs_do(tmp_path: Path) -> None:
    async with open_stage(tmp_path, public_url="https://chat.example/sub") as stage:
        room, (ann,) = await stage.team("Ann")
        for headers in (
            {"origin": "http://127.0.0.1:8350"},
            {"origin": "https://chat.example"},
            {"sec_fetch_site": "same-origin"},
            {},
        ):
            path = f"/chat/api/rooms/{room}/read"
            assert (await ann.browser.post(path, {"number": 1}, **headers)).status == 200


async def test_a_forged_cookie_is_nobodys(stage: Stage) -> None:
    ann = await stage.person("Ann")
    (name, value) = next(iter(ann.browser.cookies.items()))
    for forged in (value[:-2] + "AA", value.replace(".", ""), "", "x" * 5000, "ann"):
        ann.browser.cookies[name] = forged
        assert (await ann.browser.get("/chat/api/rooms")).code == "needs_name"
