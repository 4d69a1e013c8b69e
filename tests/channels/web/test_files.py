"""Files both ways: typed by what is in them, kept by content, never run by a browser."""

import errno
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.channels.web.channel import SWEEP_EACH_S, UPLOADS_KEPT_S
from posthouse.model.event import MessageReceived
from posthouse.model.message import Content, Image, Media
from posthouse.store.media import Shelf, sniff
from tests.channels.web.stage import Answer, Person, Stage, open_stage

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


async def bring(person: Person, room: str, raw: bytes, name: str = "a.png") -> Answer:
    return await person.browser.ask("POST", f"/chat/api/rooms/{room}/files?name={name}", raw=raw)


async def show(person: Person, room: str, raw: bytes, name: str = "a.png") -> str:
    """Bring a file and send it; returns where it can be read."""
    ref = (await bring(person, room, raw, name)).json["ref"]
    number = (await person.say(room, "", files=[ref])).json["number"]
    return f"/chat/api/rooms/{room}/messages/{number}/files/0"


async def test_a_picture_goes_to_the_road_and_to_everybody(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    path = await show(ann, room, PNG)
    event = stage.door.events[-1]
    assert isinstance(event, MessageReceived)
    (part,) = event.parts
    assert isinstance(part, Image)
    assert (part.media.name, part.media.mime, part.media.size_bytes) == ("a.png", "image/png", 108)
    assert b"".join([chunk async for chunk in stage.channel.download(part.media)]) == PNG
    seen = await ben.browser.get(path)
    assert (seen.status, seen.body) == (200, PNG)
    assert seen.headers["content-disposition"].startswith("inline")
    view = (await ben.browser.get(f"/chat/api/rooms/{room}")).json["messages"][-1]["files"]
    assert view == [{"name": "a.png", "mime": "image/png", "size_bytes": 108, "is_picture": True}]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (SVG, "picture.png"),
        (b"<html><script>alert(1)</script>", "page.png"),
        (b"%PDF-1.7", "paper.pdf"),
        (b"GIF8 not really", "a.gif"),
        (b"\0\1\2", "x.html"),
    ],
)
async def test_what_could_carry_a_script_is_only_saved(stage: Stage, raw: bytes, name: str) -> None:
    room, (ann,) = await stage.team("Ann")
    answer = await ann.browser.get(await show(ann, room, raw, name))
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "html" not in answer.headers["content-type"]
    assert "svg" not in answer.headers["content-type"]


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"PK\x03\x04", "application/zip"),
        ("纯文本".encode(), "text/plain"),
        (("字" * 2000).encode()[:4096], "text/plain"),
        (SVG, "text/plain"),
        (b"\x80\x81", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_bytes_say(head: bytes, mime: str) -> None:
    assert sniff(head) == mime


async def test_the_same_bytes_are_kept_once_and_privately(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    first, second = await bring(ann, room, PNG, "a.png"), await bring(ann, room, PNG, "b.png")
    assert first.json["ref"] == second.json["ref"]
    files = [path for path in (stage.data / "media").rglob("*") if path.is_file()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600]


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a\r\nset-cookie: x=1", '"><script>.png', "\u202egnp.exe", "", "x" * 500],
)
async def test_a_name_is_only_a_name(stage: Stage, name: str) -> None:
    room, (ann,) = await stage.team("Ann")
    answer = await ann.browser.get(await show(ann, room, PNG, quote(name)))
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    header = answer.headers["content-disposition"]
    assert not set(header) & set('\r\n"<>')
    assert len(header) < 600


async def test_a_file_is_cut_where_it_gets_too_large(tmp_path: Path) -> None:
    async with open_stage(tmp_path, {"upload_bytes_max": 1000}) as stage:
        room, (ann,) = await stage.team("Ann")
        path = f"/chat/api/rooms/{room}/files?name=x"
        declared = await ann.browser.ask("POST", path, raw=b"x", headers={"content-length": "1001"})
        lying = await ann.browser.ask("POST", path, raw=(b"x" * 100 for _ in range(11)))
        fitting = await ann.browser.ask("POST", path, raw=(b"x" * 100 for _ in range(10)))
        assert (declared.code, lying.code, fitting.status) == ("too_large", "too_large", 201)
        left = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
        assert len(left) == 1
        assert (await bring(ann, room, b"")).code == "empty"


async def test_a_full_disk_is_said_in_words(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    room, (ann,) = await stage.team("Ann")

    def no_space(shelf: Shelf, draft: Path, ref: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Shelf, "_shelve", no_space)  # the disk itself cannot be filled here
    answer = await bring(ann, room, PNG)
    assert (answer.status, answer.code) == (503, "storage_full")
    assert list((stage.data / "media").iterdir()) == []


async def test_knowing_a_hash_opens_nothing(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    ref = (await bring(ann, room, PNG)).json["ref"]
    assert (await ben.say(room, "", files=[ref])).code == "file_not_found"
    eve = await stage.person("Eve")
    made = await eve.browser.post("/chat/api/rooms", {"title": "Mine"})
    assert (await eve.say(made.json["room"]["id"], "", files=[ref])).code == "file_not_found"


async def test_a_recalled_file_cannot_be_read(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    path = await show(ann, room, PNG)
    await ann.browser.delete(path.removesuffix("/files/0"))
    assert (await ben.browser.get(path)).code == "file_not_found"
    assert (await ann.browser.get(path)).code == "file_not_found"


async def test_what_nobody_uses_is_removed_after_a_day(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    kept, unsent = await show(ann, room, PNG), (await bring(ann, room, b"unsent")).json["ref"]
    old = stage.clock() - 30 * 86400
    for path in (stage.data / "media").rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))
    await stage.channel._sweep()
    assert len(list((stage.data / "media").glob("*/*"))) == 2
    stage.clock.advance(UPLOADS_KEPT_S + SWEEP_EACH_S)
    await stage.channel._sweep()
    (left,) = (stage.data / "media").glob("*/*")
    assert left.name not in unsent
    assert (await ann.browser.get(kept)).status == 200


async def test_a_bot_sends_files_too(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")

    async def chunks() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7 paper"

    media = await Shelf(stage.data / "media").put(chunks(), "paper.pdf", 1000)
    chat = stage.chat(room)
    body = stage.channel.encode(Content("here", media=media), Letter(chat=chat))
    await stage.channel.perform(Part(verb=Verb.SEND, body=body, key="k"), chat)
    (message,) = (await ann.browser.get(f"/chat/api/rooms/{room}")).json["messages"]
    path = f"/chat/api/rooms/{room}/messages/{message['number']}/files/"
    assert (await ann.browser.get(path + "0")).body == b"%PDF-1.7 paper"
    assert (await ann.browser.get(path + "1")).code == "file_not_found"
    lost = stage.channel.encode(Content(media=Media(ref="sha256:" + "0" * 64)), Letter(chat=chat))
    await stage.channel.perform(Part(verb=Verb.SEND, body=lost, key="k2"), chat)
    number = (await ann.browser.get(f"/chat/api/rooms/{room}")).json["messages"][-1]["number"]
    answer = await ann.browser.get(f"/chat/api/rooms/{room}/messages/{number}/files/0")
    assert answer.code == "file_not_found"
