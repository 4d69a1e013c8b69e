"""What the house answers over HTTP, and what it refuses before anything of ours reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession, ServerDisconnectedError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from posthouse.api import server as server_module
from posthouse.api.admin import Admin
from posthouse.api.answers import ERRORS
from posthouse.api.app import build_app
from posthouse.api.desk import COUNTS, TASKS, Books, Desk
from posthouse.api.health import PROBLEMS, Health
from posthouse.api.metrics import Metrics
from posthouse.api.permission_tasks import PutCode, Strike, Write
from posthouse.api.server import HttpServer, listen
from posthouse.api.vitals import BotVitals
from posthouse.channels.channel import ConnectionState, Status
from posthouse.model.errors import NotUnderstood, OperatorMistake, Refused, StorageFull
from posthouse.model.permission import Effect, Field, Grant, Subject, SubjectKind
from posthouse.model.relay import BotState
from posthouse.model.secret import hashed
from posthouse.settings.settings import ServerSettings
from posthouse.store.asked import TrialSpending
from posthouse.store.grants import NewGrant
from posthouse.store.sqlite.store import SqliteStore
from posthouse.wakeup.local import LocalWakeup

TOKEN = "t0ken"
BODY_MAX = 2048


@dataclass
class FakeVitals:
    """A gateway whose state a test sets."""

    started_at: float = 1000.0
    is_stopping: bool = False
    has_lease: bool = True
    is_full: bool = False
    state: ConnectionState = ConnectionState.CONNECTED
    broken: tuple[str, ...] = ()
    counted: dict[tuple[str, str], float] = field(default_factory=dict)

    def vitals_of_bots(self) -> tuple[BotVitals, ...]:
        status = Status(state=self.state, since_at=1.0, failures=3)
        return (BotVitals(name="hall", channel="web", status=status),)

    def broken_scenes(self) -> tuple[str, ...]:
        return self.broken

    def relayed(self) -> tuple[BotState, ...]:
        return ()

    def totals(self) -> Mapping[tuple[str, str], float]:
        return self.counted


async def _read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _stubborn(request: Request) -> Response:
    """A route that has an answer of its own for everything."""
    try:
        await request.body()
    except Exception:  # noqa: BLE001 - that is the point
        return PlainTextResponse("my own words", 500)
    return PlainTextResponse("read")


async def _raise(request: Request) -> Response:
    kinds = {
        "full": StorageFull(),
        "refused": Refused("no", zh="不行"),
        "bytes": NotUnderstood(),
        "defect": RuntimeError("secret detail"),
    }
    raise kinds[request.path_params["kind"]]


async def _page(_request: Request) -> Response:
    return PlainTextResponse("page", headers={"Content-Security-Policy": "default-src 'self'"})


ROUTES = (
    Route("/read", _read, methods=["POST"]),
    Route("/stubborn", _stubborn, methods=["POST"]),
    Route("/raise/{kind}", _raise),
    Route("/page", _page),
)


class Site:
    """A served house without a road, and a client for it."""

    def __init__(self, session: ClientSession, vitals: FakeVitals, store: SqliteStore) -> None:
        self.session = session
        self.vitals = vitals
        self.store = store

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, object]]:
        async with self.session.get(path, headers=headers) as answer:
            decoded: dict[str, object] = await answer.json()
            return answer.status, decoded

    async def admin(self, task: str, body: bytes = b"", token: str = TOKEN) -> tuple[int, object]:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.post(f"/api/v1/admin/{task}", data=body, headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    settings = ServerSettings(
        port=0, body_bytes_max=BODY_MAX, upload_bytes_max=4 * BODY_MAX, receive_within_s=0.2
    )
    vitals = FakeVitals()
    store = SqliteStore.open(tmp_path / "posthouse.db")
    books = Books(
        store.journal,
        store.reader,
        store.chats,
        store.holding,
        store.upkeep,
        store.grants,
        store.access,
    )
    app = build_app(
        settings,
        health=Health(vitals, store.holding, lambda: 1010.0),
        metrics=Metrics(vitals, store.upkeep, store.asked, lambda: 1010.0),
        admin=Admin(Desk(books, LocalWakeup(), ("hall",), lambda: 1010.0), TOKEN),
        routes=ROUTES,
    )
    listening = listen(settings)
    server = HttpServer(app, settings, listening)
    serving = asyncio.create_task(server.serve())
    async with ClientSession(listening.url) as session:
        yield Site(session, vitals, store)
    server.stop()
    await serving
    await store.close()


TRIED = TrialSpending(
    handler="assistant",
    author="token:crm",
    model="small",
    bot="",
    chat=0,
    person="",
    at=1000.0,
    prompt_tokens=100,
    answer_tokens=10,
    cost_micro=50_000,
)


# ── health ───────────────────────────────────────────────────────────────────────────────────


async def test_a_house_that_is_well(site: Site) -> None:
    assert await site.get("/livez") == (200, {"status": "alive"})
    assert await site.get("/readyz") == (200, {"status": "ready", "problems": []})
    status, health = await site.get("/api/v1/health")
    assert (status, health["status"], health["up_s"]) == (200, "healthy", 10.0)
    assert [bot["name"] for bot in health["bots"]] == ["hall"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"has_lease": False}, "no_lease"),
        ({"is_full": True}, "store_full"),
        ({"is_stopping": True}, "stopping"),
    ],
    ids=str,
)
async def test_a_house_that_cannot_take_messages_is_not_ready(
    site: Site, change: dict[str, bool], code: str
) -> None:
    for name, value in change.items():
        setattr(site.vitals, name, value)
    status, ready = await site.get("/readyz")
    said = PROBLEMS[code]
    assert status == 503
    assert ready["problems"] == [{"code": code, "zh": said.zh, "en": said.en}]
    assert (await site.get("/livez"))[0] == 200
    assert (await site.get("/api/v1/health"))[1]["status"] == "failing"


async def test_a_store_that_does_not_answer_is_seen(site: Site) -> None:
    await site.store.close()
    status, ready = await site.get("/readyz")
    assert status == 503
    assert "store_silent" in str(ready)


async def test_a_bot_without_connection_is_worth_a_look_but_no_reason_to_restart(
    site: Site,
) -> None:
    site.vitals.state = ConnectionState.REFUSED
    assert (await site.get("/readyz"))[0] == 200
    assert (await site.get("/api/v1/health"))[1]["status"] == "degraded"


async def test_a_broken_scene_is_named(site: Site) -> None:
    site.vitals.broken = ("deploy",)
    health = (await site.get("/api/v1/health"))[1]
    assert (health["status"], health["broken_scenes"]) == ("degraded", ["deploy"])
    assert "scenes_broken" in str(health["problems"])


async def test_metrics_hold_what_is_at_hand(site: Site) -> None:
    site.vitals.counted = {("events_total", "routed"): 7, ("other_total", "x"): 1}
    await site.store.asked.spend_on_trial(TRIED)
    async with site.session.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    assert 'posthouse_events_total{state="routed"} 7.0' in lines
    assert 'posthouse_bot_failures{bot="hall"} 3.0' in lines
    assert "posthouse_lease_held 1.0" in lines
    assert any(line.startswith('posthouse_book{what="turns_waiting"}') for line in lines)
    assert 'posthouse_model_tokens_today{use="people"} 0.0' in lines
    assert 'posthouse_model_tokens_today{use="trials"} 110.0' in lines
    assert 'posthouse_model_cost_today{use="trials"} 0.05' in lines
    assert not any("other_total" in line for line in lines)


# ── the operators' door ──────────────────────────────────────────────────────────────────────


async def test_the_door_opens_to_the_token_alone(site: Site) -> None:
    status, counts = await site.admin("counts")
    assert status == 200
    assert msgspec.convert(counts, COUNTS.result) == counts
    for token in ("", "wrong", TOKEN + "x"):
        assert (await site.admin("counts", token=token))[0] == 403


async def test_unknown_tasks_and_wrong_arguments_are_refused_in_words(site: Site) -> None:
    assert (await site.admin("no-such-task"))[0] == 404
    status, problem = await site.admin("revive", b'{"turn": "x"}')
    assert status == 400
    assert "turn" in str(problem)


@pytest.mark.parametrize(
    "body", [b"[" * 8_000, b'{"what": "\xff"}', b"\x00", b'{"what": "\\ud800"}'], ids=repr
)
async def test_hostile_arguments_are_refused_in_words(site: Site, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/octet-stream"}
    async with site.session.post("/api/v1/admin/why", data=body, headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["code"] == "not_understood"


async def test_an_operators_mistake_comes_back_in_both_languages(
    site: Site, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    arguments = msgspec.json.encode({"target": str(target)})
    assert (await site.admin("backup", arguments))[0] == 200
    status, problem = await site.admin("backup", arguments)
    assert status == 409
    assert set(problem) == {"code", "zh", "en"}  # type: ignore[call-overload]


async def test_every_task_says_what_it_returns(site: Site) -> None:
    needed = {"backup": b'{"target": "/nowhere/x"}', "decide": b'{"decision": "drop"}'}
    needed |= {"revive": b'{"turn": 1}', "why": b'{"what": "1"}'}
    for name, task in TASKS.items():
        status, answer = await site.admin(name, needed.get(name, b""))
        if status == 200:
            msgspec.convert(answer, task.result)
        else:
            assert (name, status) == ("backup", 409)


async def test_permissions_are_written_by_the_same_door(site: Site) -> None:
    line = NewGrant(
        effect=Effect.ALLOW,
        subject=Subject(SubjectKind.PERSON, "ou_1"),
        field=Field(bot="hall"),
        until_at=2000.0,
    )
    status, written = await site.admin("write", msgspec.json.encode(Write((line,))))
    assert status == 200
    (made,) = msgspec.convert(written, tuple[Grant, ...])
    assert (made.field, made.author, made.created_at) == (line.field, "cli", 1010.0)
    assert await site.store.grants.list() == (made,)
    code = PutCode("claim", hashed("482913"), 60.0)
    assert await site.admin("put_code", msgspec.json.encode(code)) == (200, 1070.0)
    assert await site.store.access.use_code("claim", hashed("482913"), 1010.0)
    strike = msgspec.json.encode(Strike(made.id))
    assert await site.admin("strike", strike) == (200, True)
    assert await site.admin("strike", strike, token="guess") != (200, False)


# ── errors ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nowhere", 404, "not_found"),
        ("/read", 405, "method_not_allowed"),
        ("/raise/full", 503, "try_later"),
        ("/raise/refused", 403, "not_allowed"),
        ("/raise/bytes", 400, "not_understood"),
        ("/raise/defect", 500, "failed"),
    ],
)
async def test_errors_have_one_shape(site: Site, path: str, status: int, code: str) -> None:
    given, problem = await site.get(path)
    assert (given, problem["code"]) == (status, code)
    assert set(problem) == {"code", "zh", "en"}
    assert "secret detail" not in str(problem)


async def test_try_later_says_when(site: Site) -> None:
    async with site.session.get("/raise/full") as answer:
        assert answer.headers["Retry-After"] == "30"


def test_every_error_has_words() -> None:
    assert [code for code, (_, said) in ERRORS.items() if not (said.zh and said.en)] == []


# ── headers and names ────────────────────────────────────────────────────────────────────────


async def test_safe_headers_unless_a_page_sets_its_own(site: Site) -> None:
    async with site.session.get("/livez") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "server" not in answer.headers
    async with site.session.get("/page") as answer:
        assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("host", ["evil.example.com", "evil.example.com:8350", "", "[::2]:1"])
async def test_foreign_names_are_refused_on_loopback(site: Site, host: str) -> None:
    status, problem = await site.get("/livez", Host=host)
    assert (status, problem["code"]) == (421, "wrong_host")


@pytest.mark.parametrize("host", ["localhost:8350", "LOCALHOST", "127.0.0.1:1", "[::1]:8350"])
async def test_own_names_are_let_in(site: Site, host: str) -> None:
    assert (await site.get("/livez", Host=host))[0] == 200


# ── bodies ───────────────────────────────────────────────────────────────────────────────────


async def _chunks(count: int, size: int = 1024) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


async def test_bodies_up_to_the_limit_pass(site: Site) -> None:
    async with site.session.post("/read", data=b"x" * BODY_MAX) as answer:
        assert (answer.status, await answer.text()) == (200, str(BODY_MAX))


@pytest.mark.parametrize("path", ["/read", "/stubborn"])
@pytest.mark.parametrize("is_announced", [True, False], ids=["announced", "in chunks"])
async def test_larger_bodies_are_refused(
    site: Site,
    path: str,
    is_announced: bool,  # noqa: FBT001 - a parameter
) -> None:
    headers = {"Content-Type": "application/json"}
    data = b"x" * (BODY_MAX + 1) if is_announced else _chunks(3)
    async with site.session.post(path, data=data, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (413, "too_large")


async def test_a_gigabyte_in_chunks_is_cut_short(site: Site) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    megabytes = _chunks(1024, 1024 * 1024)
    try:
        async with site.session.post("/read", data=megabytes, headers=headers) as answer:
            assert answer.status == 413
    except (ConnectionError, ServerDisconnectedError):
        pass  # cut while it was still sending: as good
    assert len([chunk async for chunk in megabytes]) > 1000  # most of it was never taken
    assert (await site.get("/livez"))[0] == 200


async def test_files_may_be_larger(site: Site) -> None:
    headers = {"Content-Type": "image/png"}
    data = b"x" * (BODY_MAX + 1)
    async with site.session.post("/read", data=data, headers=headers) as answer:
        assert answer.status == 200


class Raw:
    """A connection whose bytes a test writes itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def rest(self) -> bytes:
        return await self.reader.read()


@pytest.fixture
async def raw(site: Site) -> AsyncIterator[Raw]:
    base = site.session._base_url
    assert base is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", base.port)
    yield Raw(reader, writer)
    writer.close()


async def test_a_body_that_stops_coming_is_not_waited_for(raw: Raw) -> None:
    raw.writer.write(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx")
    answer = await raw.rest()
    assert b" 408 " in answer.splitlines()[0]
    assert b"too_slow" in answer


async def test_a_head_that_stops_coming_is_not_waited_for(
    raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "HEAD_WITHIN_S", 0.05)
    raw.writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await raw.reader.readuntil(b"alive")
    raw.writer.write(b"GET /livez HTTP/1.1\r\nHost: loc")
    assert b"200" not in await raw.rest()


async def test_a_head_without_end_is_cut(raw: Raw) -> None:
    raw.writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
    try:
        for number in range(200):
            raw.writer.write(b"X-%d: %s\r\n" % (number, b"x" * 1024))
            await raw.writer.drain()
        answer = await raw.rest()
    except ConnectionError:
        answer = b""
    assert b"200 OK" not in answer


async def test_bytes_that_are_no_http_are_answered_and_forgotten(raw: Raw) -> None:
    raw.writer.write(b"\xff\xfe\x00\x16\x03\x01 nonsense\r\n\r\n")
    assert b"400" in (await raw.rest()).splitlines()[0]


# ── the port ─────────────────────────────────────────────────────────────────────────────────


def test_a_port_that_is_taken_is_a_mistake() -> None:
    first = listen(ServerSettings(port=0))
    port = first.socket.getsockname()[1]
    with pytest.raises(OperatorMistake) as caught:
        listen(ServerSettings(port=port))
    first.socket.close()
    for sentence in (str(caught.value), caught.value.zh):
        assert str(port) in sentence
        assert "--port" in sentence


def test_a_host_that_is_not_ours_is_a_mistake() -> None:
    with pytest.raises(OperatorMistake, match=r"server\.host = 192\.0\.2\.1"):
        listen(ServerSettings(host="192.0.2.1", port=0))


def test_all_networks_are_reached_from_here_by_loopback() -> None:
    listening = listen(ServerSettings(host="0.0.0.0", port=0))  # noqa: S104 - that is the point
    listening.socket.close()
    assert listening.url.startswith("http://127.0.0.1:")
