"""Which chats are asked about after a gap, and since when."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from posthouse.channels.channel import ConnectionState
from posthouse.channels.onebot import codec
from posthouse.channels.onebot.codec import Context, Frame
from posthouse.channels.onebot.history import missed_in
from posthouse.model.delivery import Sent
from posthouse.store.reader import HeardChat
from tests.channels.onebot.stage import Book, connected, failed, ok, reverse, said

ANN = "private:20001"


async def test_a_new_process_asks_for_what_the_old_one_never_heard(tmp_path: Path) -> None:
    async with reverse(tmp_path, reader=Book(ANN)) as stage, connected(stage.url) as peer:
        peer.answers["get_friend_msg_history"] = ok({"messages": [said("missed", 2)]})
        await stage.door.until_accepted(1)
        assert [getattr(event, "message_id", "") for event in stage.door.events] == ["2"]


class SlowBook(Book):
    """A book that takes its time to say which chats were heard."""

    def __init__(self, *chats: str) -> None:
        super().__init__(*chats)
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def heard_lately(
        self, bot: str, since_at: float, limit: int = 50
    ) -> tuple[HeardChat, ...]:
        self.is_asked.set()
        await self.may_answer.wait()
        return await super().heard_lately(bot, since_at, limit)


async def test_what_is_live_waits_for_what_was_missed_however_slow_the_book_is(
    tmp_path: Path,
) -> None:
    book = SlowBook(ANN)
    async with reverse(tmp_path, reader=book) as stage, connected(stage.url) as peer:
        peer.answers["get_friend_msg_history"] = ok({"messages": [said("missed", 1)]})
        await book.is_asked.wait()
        await peer.say(said("live", 2))
        assert isinstance(await stage.send(), Sent)  # so what came before it has been read
        book.may_answer.set()
        await stage.door.until_accepted(2)
        assert [getattr(event, "message_id", "") for event in stage.door.events] == ["1", "2"]


async def test_chats_that_speak_up_meanwhile_are_asked_about_too(tmp_path: Path) -> None:
    listed = [
        {"peerUin": "20002", "chatType": 1, "msgTime": str(int(time.time()))},
        {"peerUin": "30001", "chatType": 2, "msgTime": "1"},  # long ago
        {"peerUin": "5", "chatType": 100, "msgTime": str(int(time.time()))},
    ]
    async with reverse(tmp_path, reader=Book(ANN)) as stage, connected(stage.url) as peer:
        peer.answers["get_recent_contact"] = ok(listed)
        peer.answers["get_friend_msg_history"] = ok({"messages": [said("new", 2, user_id=20002)]})
        await stage.door.until_accepted(1)
        await peer.until_called("get_friend_msg_history", times=3)
        asked = {call["params"]["user_id"] for call in peer.called("get_friend_msg_history")}
        assert asked == {20001, 20002}
        assert not peer.called("get_group_msg_history")


async def test_a_long_gap_is_read_page_by_page(tmp_path: Path) -> None:
    now = time.time()
    pages = {
        None: [said("c", 30, time=now - 1), said("d", 40, time=now)],
        30: [said("b", 20, time=now - 2), said("c", 30, time=now - 1)],
        20: [said("old", 10, time=now - 90), said("b", 20, time=now - 2)],
    }
    asked = []

    async def ask(_action: str, params: dict[str, object]) -> Frame:
        asked.append(params.get("message_seq"))
        return codec.read(json.dumps(ok({"messages": pages[params.get("message_seq")]})))  # type: ignore[index]

    context = Context("qq", now)
    events = await missed_in("private:20001", now - 60, ask, "10001", context)
    assert [getattr(event, "message_id", "") for event in events] == ["20", "30", "40"]
    assert asked == [None, 30, 20]


async def test_an_implementation_that_knows_no_pages_is_not_asked_for_ever() -> None:
    asked = []

    async def ask(_action: str, params: dict[str, object]) -> Frame:
        asked.append(params)
        return codec.read(json.dumps(ok({"messages": [said("a", 1)]})))

    await missed_in("private:20001", 0.0, ask, "10001", Context("qq", 1.0))
    assert len(asked) == 2


async def test_an_implementation_without_history_is_asked_once(tmp_path: Path) -> None:
    async with (
        reverse(tmp_path, reader=Book(ANN, "private:20002")) as stage,
        connected(stage.url) as peer,
    ):
        peer.answers["get_friend_msg_history"] = failed(1404)
        await peer.say(said("live", 3))
        await stage.door.until_accepted(1)
        assert isinstance(await stage.send(), Sent)
        assert len(peer.called("get_friend_msg_history")) == 1


async def test_history_can_be_switched_off(tmp_path: Path) -> None:
    options = {"history": False}
    async with reverse(tmp_path, options, reader=Book(ANN)) as stage, connected(stage.url) as peer:
        await stage.statuses.until_state(ConnectionState.CONNECTED)
        await stage.send()
        assert not peer.called("get_friend_msg_history")


async def test_a_chat_that_is_refused_does_not_end_the_search(tmp_path: Path) -> None:
    """The bot was removed from a group; what people said elsewhere is fetched all the same."""
    book = Book("group:30999", ANN)
    async with reverse(tmp_path, reader=book) as stage, connected(stage.url) as peer:
        peer.answers["get_group_msg_history"] = failed(1200)
        peer.answers["get_friend_msg_history"] = ok({"messages": [said("missed", 2)]})
        await stage.door.until_accepted(1)
        assert [getattr(event, "message_id", "") for event in stage.door.events] == ["2"]
        assert peer.called("get_group_msg_history")


async def test_one_kind_of_chat_without_history_does_not_stand_for_the_other(
    tmp_path: Path,
) -> None:
    book = Book("group:1", "group:2", ANN)
    async with reverse(tmp_path, reader=book) as stage, connected(stage.url) as peer:
        peer.answers["get_group_msg_history"] = failed(1404)
        peer.answers["get_friend_msg_history"] = ok({"messages": [said("missed", 2)]})
        await stage.door.until_accepted(1)
        assert len(peer.called("get_group_msg_history")) == 1
