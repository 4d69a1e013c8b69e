"""Every address of the chat, asked by strangers and by people who are not in the room."""

import re

import pytest
from starlette.routing import Mount, Route

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.model.delivery import Sent
from posthouse.model.message import Choice, Content
from tests.channels.web.stage import Browser, Stage

OPEN = {"/", "/chat", "/chat/", "/chat/join/{token}", "/chat/api/preferences"}
NOWHERE = "f" * 12
NO_ROOM = {"/chat/api/me", "/chat/api/rooms"}


def addresses(stage: Stage, room: str, number: int, person: str) -> list[tuple[str, str]]:
    """Every method and path below a room, as the routes have them: a new one is asked as well."""
    found = []
    for route in stage.app.routes:
        if isinstance(route, Mount):
            continue
        assert isinstance(route, Route)
        path = re.sub(r"{number(:int)?}", str(number), route.path.replace("{room}", room))
        path = re.sub(r"{index(:int)?}", "0", path.replace("{person}", person))
        if "{room}" in route.path:
            found += [(method, path) for method in (route.methods or {"GET"}) - {"HEAD"}]
        else:
            assert route.path in OPEN | NO_ROOM, f"{route.path} needs a test of who may use it"
    return found


async def furnished(stage: Stage) -> tuple[str, int, str, Browser]:
    room, (ann, _) = await stage.team("Ann", "Ben")
    content = Content("secret", choices=(Choice("x", "q:0"),))
    chat = stage.chat(room)
    body = stage.channel.encode(content, Letter(chat=chat))
    outcome = await stage.channel.perform(Part(verb=Verb.SEND, body=body, key="k"), chat)
    assert isinstance(outcome, Sent)
    return room, int(outcome.ids[0].rpartition("-")[2]), ann.id, ann.browser


BODY = {
    "key": "12345678",
    "text": "x",
    "title": "x",
    "token": "q:0",
    "number": 1,
    "name": "x",
    "expires_s": 60,
}


@pytest.mark.parametrize("peer", ["127.0.0.1", "203.0.113.9"])
async def test_a_stranger_learns_nothing_of_a_room(stage: Stage, peer: str) -> None:
    room, number, person, _ = await furnished(stage)
    before = (await stage.rooms.changes(room, 0, 100)).version
    asked = addresses(stage, room, number, person)
    assert len(asked) > 15
    for method, path in asked:
        answer = await stage.browser(peer).ask(method, path, BODY)
        is_page = method == "GET" and path == f"/chat/rooms/{room}"
        is_name_asked = is_page and peer == "127.0.0.1"
        assert answer.status == (200 if is_name_asked else 403 if is_page else 401), (method, path)
        assert b"secret" not in answer.body
        assert b"Ben" not in answer.body
    assert (await stage.rooms.changes(room, 0, 100)).version == before


async def test_somebody_else_cannot_tell_that_a_room_exists(stage: Stage) -> None:
    room, number, person, _ = await furnished(stage)
    eve = await stage.person("Eve")
    before = (await stage.rooms.changes(room, 0, 100)).version
    there = addresses(stage, room, number, person)
    nowhere = addresses(stage, NOWHERE, number, person)
    for (method, path), (_, other) in zip(there, nowhere, strict=True):
        answer = await eve.browser.ask(method, path, BODY)
        same = await eve.browser.ask(method, other, BODY)
        assert answer.status == 404, (method, path)
        assert answer.body.replace(room.encode(), b"") == same.body.replace(NOWHERE.encode(), b"")
        assert b"secret" not in answer.body
    assert (await stage.rooms.changes(room, 0, 100)).version == before


async def test_who_left_is_somebody_else(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    assert (await ben.browser.get(f"/chat/api/rooms/{room}")).status == 200
    removed = await ann.browser.delete(f"/chat/api/rooms/{room}/members/{ben.id}")
    assert removed.status == 200
    assert (await ben.browser.get(f"/chat/api/rooms/{room}")).code == "room_not_found"
    assert (await ben.browser.get(f"/chat/rooms/{room}")).status == 404


async def test_only_the_owner_changes_the_room(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    path = f"/chat/api/rooms/{room}"
    assert (await ben.browser.patch(path, {"title": "Mine"})).code == "owner_only"
    assert (await ben.browser.delete(f"{path}/members/{ann.id}")).code == "owner_only"
    assert (await ann.browser.patch(path, {"title": " Ours\n"})).status == 200
    assert (await ben.browser.get(path)).json["room"]["title"] == "Ours"
    assert (await ann.browser.patch(path, {"title": "\u0000"})).code == "bad_title"


async def test_another_bots_people_are_strangers(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    other = type(stage.channel).build("other", {"path": "/other"}, stage.tools)
    stage.app.router.routes.extend(other.routes())
    other.attach(stage.door)
    assert (await ann.browser.get(f"/other/api/rooms/{room}")).code == "needs_name"
    await ann.browser.put("/other/api/me", {"name": "Ann"})
    assert (await ann.browser.get(f"/other/api/rooms/{room}")).code == "room_not_found"
    assert (await ann.browser.get(f"/chat/api/rooms/{room}")).status == 200
