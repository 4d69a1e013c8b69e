"""An open page: told everything once, also after it, the house or the nudge was away."""

from pathlib import Path

import pytest

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.channels.web import talk
from posthouse.channels.web.settings import STREAMS_PER_PERSON_MAX
from posthouse.model.delivery import NotSent, Sent
from posthouse.model.message import Content
from posthouse.store.rooms import NewMessage, Said
from tests.channels.web.stage import Stage, Stream, open_stage


def events(room: str, after: int | str = "") -> str:
    return f"/chat/rooms/{room}/events" + (f"?after={after}" if after != "" else "")


async def texts(stream: Stream, count: int) -> list[str]:
    """The texts of the next so many messages that a page is told."""
    found: list[str] = []
    while len(found) < count:
        found += [message.get("text", "") for message in (await stream.next("sync")).data]
    return found


async def perform(stage: Stage, room: str, verb: Verb, text: str = "", **more: object) -> Sent:
    chat = stage.chat(room)
    body = stage.channel.encode(Content(text), Letter(chat=chat))
    outcome = await stage.channel.perform(Part(verb=verb, body=body, **more), chat)  # type: ignore[arg-type]
    assert isinstance(outcome, Sent)
    return outcome


async def test_a_page_hears_what_is_said(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    async with ben.browser.events(events(room)) as stream:
        assert (await stream.next()).name == "sync"
        await ann.say(room, "one")
        await perform(stage, room, Verb.SEND, "two", key="k")
        assert await texts(stream, 2) == ["one", "two"]


async def test_a_page_that_comes_back_misses_nothing_and_gets_nothing_twice(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    await ann.say(room, "before")
    async with ben.browser.events(events(room, 0)) as stream:
        first = await stream.next("sync")
        assert [message["text"] for message in first.data] == ["before"]
        known = first.id or 0
    edited = (await ann.say(room, "whlie away")).json["number"]
    await ann.say(room, "while away, too")
    await ann.browser.patch(f"/chat/api/rooms/{room}/messages/{edited}", {"text": "while away"})
    async with ben.browser.events(events(room, known)) as stream:
        back = await stream.next("sync")
        told = [message["text"] for message in back.data]
        assert told == ["while away, too", "while away"]
        await ann.say(room, "live again")
        assert await texts(stream, 1) == ["live again"]


async def test_a_browser_resumes_by_the_last_event_it_saw(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    await ann.say(room, "one")
    version = (await stage.rooms.changes(room, 0, 10)).version
    await ann.say(room, "two")
    async with ann.browser.events(events(room, 0), last_event_id=str(version)) as stream:
        assert await texts(stream, 1) == ["two"]


async def test_a_page_from_before_a_restored_backup_reads_anew(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    async with ann.browser.events(events(room, 999_999)) as stream:
        assert (await stream.next()).name == "reset"
        await stream.ended()


async def test_a_lost_nudge_costs_time_only(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "POLL_S", 0.05)
    room, (ann,) = await stage.team("Ann")
    async with ann.browser.events(events(room)) as stream:
        await stream.next("sync")
        new = NewMessage(room=room, sender=ann.id, key="elsewhere", said=Said("unheard"))
        await stage.rooms.post(new, stage.clock())
        assert await texts(stream, 1) == ["unheard"]
        assert (await stream.next("beat")).data is None


async def test_a_draft_grows_and_is_settled_in_place(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    async with ann.browser.events(events(room)) as stream:
        await stream.next("sync")
        ids = (await perform(stage, room, Verb.SEND, "Let", key="k", is_draft=True)).ids
        (draft,) = (await stream.next("sync")).data
        assert (draft["is_draft"], draft["text"]) == (True, "Let")
        await perform(stage, room, Verb.EDIT, "Let **me**", message_ids=ids, is_draft=True)
        grown = (await stream.next("draft")).data
        assert grown["number"] == draft["number"]
        assert "<strong>me</strong>" in grown["html"]
        stored = await stage.rooms.message(room, draft["number"])
        assert stored is not None
        assert stored.said.text == "Let"
        await perform(stage, room, Verb.EDIT, "Let me see.", message_ids=ids)
        (final,) = (await stream.next("sync")).data
        assert (final["number"], final["text"]) == (draft["number"], "Let me see.")
        assert "is_draft" not in final
        assert "edited_at" not in final


async def test_a_page_that_opens_late_sees_how_far_a_draft_has_come(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    ids = (await perform(stage, room, Verb.SEND, "Let", key="k", is_draft=True)).ids
    long = "Let me " + "think " * 4000
    await perform(stage, room, Verb.EDIT, long, message_ids=ids, is_draft=True)
    async with ann.browser.events(events(room)) as stream:
        assert (await stream.next("draft")).data["html"].count("think") == 4000


async def test_a_settled_message_takes_no_more_drafts(stage: Stage) -> None:
    room, _ = await stage.team("Ann")
    ids = (await perform(stage, room, Verb.SEND, "done", key="k")).ids
    chat = stage.chat(room)
    body = stage.channel.encode(Content("late"), Letter(chat=chat))
    part = Part(verb=Verb.EDIT, body=body, message_ids=ids, is_draft=True)
    assert await stage.channel.perform(part, chat) == NotSent("draft_closed", is_final=True)


async def test_typing_is_shown_to_others(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    async with (
        ben.browser.events(events(room)) as bens,
        ann.browser.events(events(room)) as anns,
    ):
        await bens.next("sync")
        await anns.next("sync")
        await ann.browser.post(f"/chat/api/rooms/{room}/typing")
        await perform(stage, room, Verb.TYPING)
        assert (await bens.next("typing")).data == {"person": ann.id, "name": "Ann"}
        assert (await bens.next("typing")).data == {"person": "", "name": "驿站"}
        assert (await anns.next("typing")).data["person"] == ""


async def test_the_list_of_rooms_is_kept_up_to_date(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    (own,) = [one for one in (await ben.browser.get("/chat/api/rooms")).json if one["is_owner"]]
    async with ben.browser.events(events(own["id"])) as stream:
        await stream.next("sync")
        stage.clock.advance(1)
        await ann.say(room, "over here")
        lines = (await stream.next("rooms")).data
        assert (lines[0]["id"], lines[0]["unread"], lines[0]["last_text"]) == (room, 1, "over here")
        await ben.browser.post(f"/chat/api/rooms/{room}/read", {"number": 10**6})
        assert (await ben.browser.get("/chat/api/rooms")).json[0]["unread"] == 0


async def test_a_lively_room_costs_no_list_per_message(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    stage.clock.advance(1)  # the room with the newest message is the first of the list
    async with ben.browser.events(events(room)) as stream:
        await stream.next("sync")
        for number in range(15):
            await ann.say(room, str(number))
            assert await texts(stream, 1) == [str(number)]
        while (await stream.next("rooms")).data[0]["last_text"] != "14":
            pass
        assert stream.seen["rooms"] <= 4  # about one a second


async def test_who_comes_and_goes_is_shown(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    async with ben.browser.events(events(room)) as stream:
        await stream.next("sync")
        await ann.browser.patch(f"/chat/api/rooms/{room}", {"title": "Crew"})
        view = (await stream.next("room")).data
        assert (view["title"], len(view["members"])) == ("Crew", 2)
        await ann.browser.delete(f"/chat/api/rooms/{room}/members/{ben.id}")
        assert (await stream.next("gone")).data is None
        await stream.ended()


async def test_a_removed_member_hears_nothing_more(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    async with ben.browser.events(events(room)) as stream:
        await stream.next("sync")
        await stage.rooms.leave(room, ben.id, stage.clock())  # on another gateway: no nudge
        await ann.say(room, "about Ben")
        while (event := await stream.next()).name != "gone":
            assert "about Ben" not in str(event.data)


async def test_one_person_has_a_bounded_number_of_pages(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    open_pages = [ann.browser.events(events(room)) for _ in range(STREAMS_PER_PERSON_MAX)]
    for page in open_pages:
        await (await page.__aenter__()).next("sync")
    assert (await ann.browser.get(events(room))).code == "too_many_pages"
    async with ben.browser.events(events(room)) as stream:
        assert (await stream.next()).name == "sync"
    await open_pages.pop().__aexit__(None, None, None)
    async with ann.browser.events(events(room)) as stream:
        assert (await stream.next()).name == "sync"
    for page in open_pages:
        await page.__aexit__(None, None, None)


async def test_the_house_has_a_bounded_number_of_pages(tmp_path: Path) -> None:
    async with open_stage(tmp_path, {"streams_max": 1}) as stage:
        room, (ann, ben) = await stage.team("Ann", "Ben")
        async with ann.browser.events(events(room)) as stream:
            await stream.next("sync")
            answer = await ben.browser.get(events(room))
            assert (answer.status, answer.code) == (503, "too_many_pages")
            assert int(answer.headers["retry-after"]) > 0


async def test_pages_are_let_go_when_the_house_stops(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    async with ann.browser.events(events(room)) as stream:
        await stream.next("sync")
        await stage.channel.close()
        await stream.ended()


async def test_a_page_that_comes_back_while_the_house_stops_is_let_go(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    await stage.channel.close()
    async with ann.browser.events(events(room)) as stream:
        await stream.ended()


async def test_a_closed_page_is_forgotten(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    async with ann.browser.events(events(room)) as stream:
        await stream.next("sync")
    live = stage.channel._chat.live
    assert (live._watches, live._stops, dict(live._people)) == ({}, {}, {})


async def test_a_stream_says_what_keeps_proxies_from_holding_it_back(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    async with ann.browser.events(events(room)) as stream:
        assert await stream.status() == 200
        start = stream._exchange._messages[0]
    headers = dict(start["headers"])
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-accel-buffering"] == b"no"
    assert headers[b"content-type"].startswith(b"text/event-stream")
