"""The door for scripts: who may push where, and what is refused before anything is written."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from posthouse.api.message import TARGETS_MAX, TEXT_CHARACTERS_MAX
from posthouse.model.errors import OperatorMistake
from posthouse.model.scopes import checked_scopes
from posthouse.settings.settings import ServerSettings
from posthouse.store.media import Shelf
from tests.house.kit import HouseKit, closed, simulated
from tests.house.people import BOT
from tests.house.scripts import Answered, Script

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
MESSAGES = "/api/v1/messages"
FILE_BYTES_MAX = 4096


async def _opened(folder: Path | None = None) -> HouseKit:
    """Chats 1 (room, tag night) and 2 (lab) of bot b, chat 3 of bot c."""
    from posthouse.testing.null_channel import ScriptedChannel

    house = closed(bots={BOT: ScriptedChannel(()), "c": ScriptedChannel(())})
    server = ServerSettings(upload_bytes_max=FILE_BYTES_MAX)
    data = folder or house.settings.data
    house.settings = house.settings.model_copy(update={"data": data, "server": server})
    await house.open()
    for room, bot in (("room", BOT), ("lab", BOT), ("room", "c")):
        await house.chat(room, bot)
    await house.store.chats.set_tags(1, ("night",))
    return house


async def _nothing_was_written(house: HouseKit) -> bool:
    counted = "SELECT (SELECT count(*) FROM pushes), (SELECT count(*) FROM deliveries)"
    ((pushes, deliveries),) = house.store._reading.connection.execute(counted).fetchall()
    return (pushes, deliveries, len(await house.store.chats.list())) == (0, 0, 3)


# ── who ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic ph_secret", "x"])
@pytest.mark.parametrize("method", ["POST", "GET", "PATCH", "DELETE"])
def test_without_a_valid_token_nothing_is_answered(given: str, method: str) -> None:
    @simulated
    async def run() -> None:
        house = await _opened()
        script = await Script.allowed(house)
        path = MESSAGES if method == "POST" else f"{MESSAGES}/k1"
        body = {"to": 1, "text": "hello"}
        answer = await script.ask(method, path, body, Authorization=given)
        assert (answer.status, answer.code) == (401, "not_authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert await _nothing_was_written(house)

    run()


@simulated
async def test_an_expired_token_and_a_revoked_one_are_worth_nothing() -> None:
    house = await _opened()
    expiring = await Script.allowed(house, secret="one", expires_at=house.clock() + 10)
    revoked = await Script.allowed(house, secret="two")
    assert (await expiring.push(key="a")).status == 202
    assert (await revoked.push(key="a")).status == 202
    await house.quiet(11)
    newest, *_ = await house.store.access.tokens()
    await house.store.access.revoke_token(newest.id, "cli", house.clock())
    assert (await expiring.push(key="b")).status == 401
    assert (await revoked.push(key="b")).status == 401
    assert (await revoked.ask("GET", f"{MESSAGES}/a")).status == 401


NEW = {"bot": BOT, "chat": "nobody-was-here"}
PLACE = {"bot": BOT, "chat": "room"}


@pytest.mark.parametrize(
    ("scopes", "allowed", "refused"),
    [
        (("push",), [1, 3, PLACE, NEW, "tag:night"], []),
        (("push:bot=b",), [1, 2, PLACE, NEW, "tag:night"], [3, 99, {"bot": "c", "chat": "new"}]),
        (("push:chat=1",), [1, PLACE, "tag:night"], [2, 3, NEW, 99, "tag:day", [1, 2]]),
        (("push:tag=night",), [1, PLACE, "tag:night"], [2, 3, NEW, 99, "tag:day", [1, 3]]),
        (("push:chat=2", "push:chat=3"), [2, 3, [2, 3]], [1, "tag:night", NEW]),
        (("read",), [], [1, 99, NEW, "tag:night"]),
        (("push:bot=c", "read"), [3], [1, "tag:night", PLACE]),
    ],
)
def test_a_token_reaches_what_its_scopes_say_and_learns_of_nothing_else(
    scopes: tuple[str, ...], allowed: list[object], refused: list[object]
) -> None:
    @simulated
    async def run() -> None:
        house = await _opened()
        script = await Script.allowed(house, *scopes)
        for number, to in enumerate(refused):
            answer = await script.push(to=to, key=f"no-{number}")
            assert (answer.status, answer.code) == (403, "not_allowed"), to
        assert await _nothing_was_written(house)
        for number, to in enumerate(allowed):
            assert (await script.push(to=to, key=f"yes-{number}")).status == 202, to

    run()


@simulated
async def test_a_push_belongs_to_its_token() -> None:
    house = await _opened()
    owner = await Script.allowed(house, "push:chat=1", secret="one")
    other = await Script.allowed(house, "push", secret="two")
    reader = await Script.allowed(house, "read", secret="three")
    await owner.push(wait="sent")
    path = f"{MESSAGES}/k1"
    assert (await owner.ask("GET", path)).states == ["sent"]
    assert (await reader.ask("GET", f"{path}?token=1")).states == ["sent"]
    assert (await reader.ask("GET", path)).status == 404
    for method in ("GET", "PATCH", "DELETE"):
        for query in ("", "?token=1"):
            answer = await other.ask(method, path + query, {"text": "mine"})
            assert (answer.status, answer.code) == (404, "not_found"), (method, query)
            answer = await reader.ask(method, path, {"text": "mine"})
            assert answer.status in {403, 404}
    assert await house.texts() == ("hello",)


@pytest.mark.parametrize(
    "scopes",
    [
        (),
        ("admin",),
        ("push:",),
        ("push:bot=",),
        ("push:chat=one",),
        ("push:chat=1\n",),
        ("push ",),
        ("PUSH",),
        tuple(f"push:chat={number}" for number in range(100)),
    ],
)
def test_what_is_not_a_scope_is_refused(scopes: tuple[str, ...]) -> None:
    with pytest.raises(OperatorMistake, match="not a scope"):
        checked_scopes(scopes)


def test_scopes_are_kept_once() -> None:
    assert checked_scopes(("push:tag=夜班", "read", "read")) == ("push:tag=夜班", "read")


# ── to whom ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("to", [99, "tag:day", [1, 99]])
def test_what_does_not_exist_is_not_found(to: object) -> None:
    @simulated
    async def run() -> None:
        house = await _opened()
        script = await Script.allowed(house)
        answer = await script.push(to=to)
        assert (answer.status, answer.code) == (404, "not_found")
        assert await _nothing_was_written(house)

    run()


@simulated
async def test_a_bot_that_is_gone_is_named() -> None:
    house = await _opened()
    script = await Script.allowed(house)
    await house.chat("room", "gone")
    for number, to in enumerate([4, {"bot": "gone", "chat": "room"}]):
        answer = await script.push(to=to, key=f"k{number}")
        assert answer.status == 400
        assert "there is no bot gone" in answer.json["en"]


@simulated
async def test_a_tag_with_too_many_chats_is_refused() -> None:
    house = await _opened()
    script = await Script.allowed(house)
    for number in range(TARGETS_MAX + 1):
        chat = await house.chat(f"room-{number}")
        await house.store.chats.set_tags(chat.id, ("all",))
    answer = await script.push(to="tag:all")
    assert (answer.status, answer.code) == (400, "not_understood")


# ── what ─────────────────────────────────────────────────────────────────────────────────────

HELLO = {"to": 1, "text": "hello"}
BAD: dict[str, object] = {
    "nothing": b"",
    "no JSON": b"hello",
    "no UTF-8": b'{"to": 1, "text": "\xff"}',
    "half a character": b'{"to": 1, "text": "\\ud800"}',
    "deep": b'{"to": ' + b"[" * 100_000,
    "null": None,
    "a list": [HELLO],
    "no target": {"text": "hello"},
    "no targets": HELLO | {"to": []},
    "10,000 targets": HELLO | {"to": list(range(1, 10_001))},
    "target 0": HELLO | {"to": 0},
    "target -1": HELLO | {"to": -1},
    "a huge target": HELLO | {"to": 2**63},
    "a target with a fraction": HELLO | {"to": 1.5},
    "a target that is true": HELLO | {"to": True},
    "a target without kind": HELLO | {"to": "night"},
    "an empty tag": HELLO | {"to": "tag:"},
    "a tag with a line break": HELLO | {"to": "tag:night\n"},
    "a nested list": HELLO | {"to": [[1]]},
    "a place without chat": HELLO | {"to": {"bot": "b"}},
    "a place with more": HELLO | {"to": {"bot": "b", "chat": "x", "more": 1}},
    "a place with control characters": HELLO | {"to": {"bot": "b", "chat": "x\x00"}},
    "no words": {"to": 1},
    "blank words": {"to": 1, "text": " \n "},
    "words of another type": {"to": 1, "text": 7},
    "both words": HELLO | {"markdown": "hello"},
    "endless words": {"to": 1, "text": "x" * (TEXT_CHARACTERS_MAX + 1)},
    "NUL": {"to": 1, "text": "a\x00b"},
    "an escape sequence": {"to": 1, "text": "\x1b[31mred"},
    "C1": {"to": 1, "text": "a\x9bb"},
    "an unknown key": HELLO | {"form": "x"},
    "choices without handler": HELLO | {"choices": ["a"]},
    "handler without choices": HELLO | {"handler": "demo"},
    "a handler that trusts its questions": HELLO | {"choices": ["a"], "handler": "commands"},
    "an unknown handler": HELLO | {"choices": ["a"], "handler": "nobody"},
    "control characters in a choice": HELLO | {"choices": ["a\x07"], "handler": "demo"},
    "too many choices": HELLO | {"choices": ["a"] * 21, "handler": "demo"},
    "an empty mention": HELLO | {"mentions": [""]},
    "endless mentions": HELLO | {"mentions": ["x"] * 101},
    "an unknown policy": HELLO | {"policy": "twice"},
    "a file of nothing": {"to": 1, "file": {}},
    "a file of two": {"to": 1, "file": {"base64": "aGVsbG8=", "ref": "sha256:" + "0" * 64}},
    "a file that is not here": {"to": 1, "file": {"ref": "sha256:" + "0" * 64}},
    "a file elsewhere": {"to": 1, "file": {"ref": "../../etc/passwd"}},
    "a name with a path": {"to": 1, "file": {"base64": "aGVsbG8=", "name": "../x"}},
    "no base64": {"to": 1, "file": {"base64": "!"}},
    "a picture that is none": {"to": 1, "image": {"base64": "aGVsbG8="}},
    "a large file": {"to": 1, "file": {"base64": base64.b64encode(b"x" * 5000).decode()}},
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_nonsense_is_refused_in_words(body: object, tmp_path: Path) -> None:
    @simulated
    async def run() -> None:
        house = await _opened(tmp_path)
        script = await Script.allowed(house)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        for path, method in ((MESSAGES, "POST"),):
            answer = await script.ask(method, path, raw)
            assert (answer.status, answer.code) == (400, "not_understood"), answer.body
            assert answer.json["zh"]
            assert answer.json["en"]
        assert await _nothing_was_written(house)

    run()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_read(kind: str) -> None:
    @simulated
    async def run() -> None:
        house = await _opened()
        script = await Script.allowed(house)
        body = json.dumps(HELLO).encode()
        answer = await script.ask("POST", MESSAGES, body, **{"Content-Type": kind})
        assert (answer.status, answer.code) == (415, "wrong_type")

    run()


@pytest.mark.parametrize("key", ["", " ", "a b", "a/b", "ü", "k" * 129, "a~b", "a\tb"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    @simulated
    async def run() -> None:
        house = await _opened()
        script = await Script.allowed(house)
        assert (await script.push(key=key)).status == 400
        assert await _nothing_was_written(house)

    run()


@simulated
async def test_a_push_without_a_key_is_given_one() -> None:
    house = await _opened()
    script = await Script.allowed(house)
    answer = await script.ask("POST", MESSAGES, HELLO)
    assert answer.status == 202
    assert (await script.ask("GET", answer.headers["location"])).status == 200


@pytest.mark.parametrize(
    "query", ["wait=forever", "wait=", "wait=sent&wait_s=nan", "wait=sent&wait_s=-1", "wait_s=1e9"]
)
def test_a_wrong_wait_is_refused(query: str) -> None:
    @simulated
    async def run() -> None:
        house = await _opened()
        script = await Script.allowed(house)
        assert (await script.ask("POST", f"{MESSAGES}?{query}", HELLO)).status == 400

    run()


@simulated
async def test_an_unknown_push_is_not_found() -> None:
    house = await _opened()
    script = await Script.allowed(house)
    for method in ("GET", "PATCH", "DELETE"):
        for key in ("nothing", "a%20b", "~"):
            assert (await script.ask(method, f"{MESSAGES}/{key}", {"text": "x"})).status == 404


# ── files ────────────────────────────────────────────────────────────────────────────────────


def _upload(answer: Answered) -> str:
    assert answer.status == 201
    ref: str = answer.json["ref"]
    return ref


def test_a_file_is_uploaded_and_pushed(tmp_path: Path) -> None:
    @simulated
    async def run() -> None:
        house = await _opened(tmp_path)
        script = await Script.allowed(house)
        octets = {"Content-Type": "application/octet-stream"}
        ref = _upload(await script.ask("POST", "/api/v1/uploads?name=chart.png", PNG, **octets))
        answer = await script.push(text="see:", image={"ref": ref, "name": "chart.png"})
        assert answer.status == 202
        inline = {"base64": base64.b64encode(PNG).decode(), "name": "chart.png"}
        same = await script.push(text="see:", image=inline, key="k2")
        assert same.status == 202
        stored = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
        assert len(stored) == 1
        media = await Shelf(tmp_path / "media").media(ref, "chart.png")
        assert media is not None
        assert (media.mime, media.size_bytes) == ("image/png", len(PNG))

    run()


def test_an_upload_has_its_limits(tmp_path: Path) -> None:
    @simulated
    async def run() -> None:
        house = await _opened(tmp_path)
        script = await Script.allowed(house)
        octets = {"Content-Type": "application/octet-stream"}
        large = await script.ask("POST", "/api/v1/uploads", b"x" * (FILE_BYTES_MAX + 1), **octets)
        assert (large.status, large.code) == (413, "too_large")
        for name in ("a/b", "a%00", "x" * 201):
            answer = await script.ask("POST", f"/api/v1/uploads?name={name}", PNG, **octets)
            assert answer.status == 400, name
        reader = await Script.allowed(house, "read", secret="reads")
        refused = await reader.ask("POST", "/api/v1/uploads", PNG, **octets)
        assert (refused.status, refused.code) == (403, "not_allowed")

    run()
