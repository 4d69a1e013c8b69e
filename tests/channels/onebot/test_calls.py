"""Actions and their ends: each row of the outcome table, cut at its place."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.channels.onebot.line import CALLS_MAX
from posthouse.model.delivery import NotSent, Sent, Unknown
from posthouse.model.errors import Refused
from posthouse.model.message import Content, Media
from posthouse.store.media import Shelf
from tests.channels.onebot.stage import (
    GROUP,
    PRIVATE,
    Stage,
    connected,
    failed,
    meeting,
    ok,
    reverse,
    said,
)


async def test_what_is_taken_is_sent_under_its_id(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        assert await stage.send("hello") == Sent(("9001",))
        call = await peer.until_called("send_private_msg")
        assert call["params"]["message"] == [{"type": "text", "data": {"text": "hello"}}]


async def test_answers_find_their_actions_in_whatever_order(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        peer.answers["send_private_msg"] = None
        first, second = (asyncio.ensure_future(stage.send(text)) for text in "ab")
        await peer.until_called("send_private_msg", times=2)
        echoes = [call["echo"] for call in peer.called("send_private_msg")]
        assert len(set(echoes)) == 2
        await peer.say(ok({"message_id": 2}) | {"echo": echoes[1]})
        await peer.say(ok({"message_id": 7}) | {"echo": "foreign"})
        await peer.say(ok({"message_id": 1}) | {"echo": echoes[0]})
        assert [await first, await second] == [Sent(("1",)), Sent(("2",))]


async def test_a_refusal_keeps_the_words(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        peer.answers["send_group_msg"] = failed(103, "muted")
        refusal = NotSent("refused_by_platform 103 muted", is_final=True)
        assert await stage.send(chat=GROUP) == refusal


async def test_without_a_connection_nothing_is_sent(tmp_path: Path) -> None:
    async with reverse(tmp_path) as stage:
        stage.clock.advance(60.0)  # nobody is about to come
        assert await stage.send() == NotSent("not_connected", retry_after_s=1.0)


async def test_shortly_after_a_loss_a_call_waits_for_the_next_connection(tmp_path: Path) -> None:
    async with reverse(tmp_path) as stage:
        call = asyncio.ensure_future(stage.send())
        async with connected(stage.url):
            assert isinstance(await call, Sent)


async def test_a_connection_cut_before_the_answer_is_unclear(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        peer.answers["send_private_msg"] = None
        call = asyncio.ensure_future(stage.send())
        await peer.until_called("send_private_msg")
        await peer.socket.close()
        assert await call == Unknown("cut")


async def test_no_answer_in_time_is_unclear_and_a_late_one_harms_nobody(tmp_path: Path) -> None:
    async with meeting(tmp_path, {"answer_within_s": 0.05}) as (stage, peer):
        peer.answers["send_private_msg"] = None
        assert await stage.send() == Unknown("timed_out")
        late = peer.called("send_private_msg")[0]["echo"]
        await peer.say(ok({"message_id": 1}) | {"echo": late})
        del peer.answers["send_private_msg"]
        assert await stage.send() == Sent(("9001",))


async def test_calls_are_bounded(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        peer.answers["send_private_msg"] = None
        calls = [asyncio.ensure_future(stage.send()) for _ in range(CALLS_MAX)]
        await peer.until_called("send_private_msg", times=CALLS_MAX)
        assert await stage.send() == NotSent("not_connected", retry_after_s=1.0)
        await peer.socket.close()
        assert set(await asyncio.gather(*calls)) == {Unknown("cut")}


async def test_bytes_that_are_not_ours_reach_nobody(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        for body in (b"", b"{", b'{"action":"x"', b'{"media":5}', b"\xff"):
            part = Part(verb=Verb.SEND, body=body)
            outcome = await stage.channel.perform(part, PRIVATE)
            assert outcome == NotSent("cannot_encode", is_final=True)
        assert peer.calls == []


# --- recall ---------------------------------------------------------------------------------------


async def test_a_message_is_taken_back_once(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        peer.answers["delete_msg"] = ok()
        assert [await stage.recall("5"), await stage.recall("5")] == [Sent(("5",))] * 2
        assert [call["params"] for call in peer.called("delete_msg")] == [{"message_id": 5}]


async def test_a_message_that_stays_is_kept_with_the_reason(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        peer.answers["delete_msg"] = failed(1200, "too late")
        refusal = NotSent("refused_by_platform 1200 too late", is_final=True)
        assert await stage.recall("5") == refusal


async def test_a_recall_that_timed_out_is_unclear(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        peer.answers["delete_msg"] = failed(1200, "Timeout: NTEvent")
        assert await stage.recall("5") == Unknown("platform_error 1200")


async def test_what_has_no_number_is_asked_of_nobody(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        assert await stage.recall("x") == NotSent("not_found_on_platform", is_final=True)
        assert await stage.recall() == NotSent("no_platform_id", is_final=True)
        assert peer.calls == []


# --- files ----------------------------------------------------------------------------------------


async def _shelved(data_dir: Path, data: bytes) -> Media:
    async def chunks() -> AsyncIterator[bytes]:
        yield data

    return await Shelf(data_dir / "media").put(chunks(), "a.png", 1 << 20)


async def _send_file(stage: Stage, media: Media) -> object:
    body = stage.channel.encode(Content(media=media), Letter(chat=GROUP))
    return await stage.channel.perform(Part(verb=Verb.SEND, body=body), GROUP)


@pytest.mark.parametrize("form", ["base64", "path"])
async def test_an_image_goes_out_as_its_bytes_or_its_path(tmp_path: Path, form: str) -> None:
    media = await _shelved(tmp_path, b"\x89PNG\r\n\x1a\n")
    async with meeting(tmp_path, {"files": form}) as (stage, peer):
        assert await _send_file(stage, media) == Sent(("9001",))
        [image] = (await peer.until_called("send_group_msg"))["params"]["message"]
        file = image["data"]["file"]
    if form == "base64":
        assert base64.b64decode(file.removeprefix("base64://")) == b"\x89PNG\r\n\x1a\n"
    else:
        assert file == Shelf(tmp_path / "media").path(media.ref).as_uri()  # type: ignore[union-attr]


async def test_a_file_that_is_gone_or_too_long_is_not_sent(tmp_path: Path) -> None:
    media = await _shelved(tmp_path, b"\x89PNG\r\n\x1a\n" + b"x" * 2000)
    async with meeting(tmp_path, {"file_bytes_max": 1024}) as (stage, peer):
        for each in (media, Media("sha256:" + "0" * 64, "b.png", "image/png")):
            assert await _send_file(stage, each) == NotSent("cannot_encode", is_final=True)
        assert peer.calls == []


async def _bytes_of(stage: Stage, ref: str) -> bytes:
    return b"".join([chunk async for chunk in stage.channel.download(Media(ref))])


async def test_a_file_that_came_in_is_asked_of_the_implementation(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        peer.answers["get_image"] = ok({"base64": base64.b64encode(b"pixels").decode()})
        assert await _bytes_of(stage, json.dumps(["image", "a.jpg", ""])) == b"pixels"
        peer.answers["get_file"] = failed(1404)
        for ref in ('["file","x",""]', "nonsense", '["file","","ftp://x"]'):
            with pytest.raises(Refused):
                await _bytes_of(stage, ref)


async def test_a_reply_to_the_bots_message_is_for_the_bot(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        assert await stage.send(chat=GROUP) == Sent(("9001",))
        where = {"message_type": "group", "group_id": 30001}
        reply = [{"type": "reply", "data": {"id": "9001"}}]
        await peer.say(said("", 1, **where) | {"message": reply})
        await stage.door.until_accepted(1)
        assert getattr(stage.door.events[0], "is_addressed", None) is True
