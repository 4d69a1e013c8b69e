"""The doors of a relay: who may ask, what is too much, and what an old worker gets."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from posthouse.api.callers import Callers
from posthouse.api.guards import Failures
from posthouse.api.relay import RelayDoor
from posthouse.gateway.relay import Relay
from posthouse.model.address import Person, Place
from posthouse.model.event import MessageReceived, message_key
from posthouse.model.message import Text
from posthouse.model.secret import hashed
from posthouse.settings.settings import WordsSettings
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from tests.house.scripts import Answered, call

NOW = 1_750_000_000.0
LEASE = "/api/v1/relay/lease"
ACK = "/api/v1/relay/ack"
STATE = "/api/v1/relay"
HOUSE = "ph_house"
ONE_BOT = "ph_one_bot"
PUSHER = "ph_pusher"


class Old:
    """An outpost whose payloads old workers know when they begin with a letter."""

    def routes(self) -> Sequence[BaseRoute]:
        return ()

    def old_record(self, payload: bytes) -> Mapping[str, str] | None:
        return {"content": payload.decode()} if payload.isalpha() else None


class Desk:
    """A relay with two bots, and those who call it."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.relay = Relay(store.parcels, ("help", "ops"), WordsSettings(), lambda: NOW)
        callers = Callers(store.access, lambda: NOW)
        door = RelayDoor(self.relay, {"help": Old(), "ops": Old()}, callers, lambda: NOW)
        self._app = Starlette(routes=[*door.routes()], middleware=[Middleware(Failures)])

    async def keep(self, bot: str, *texts: str) -> None:
        for text in texts:
            event = MessageReceived(
                key=message_key("room", text),
                place=Place(bot, "room"),
                sender=Person("ann"),
                message_id=text,
                parts=(Text(text),),
                at=NOW,
            )
            await self.relay.keep(bot, text.encode(), (event,))

    async def post(self, path: str, body: object = None, secret: str = HOUSE) -> Answered:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return await call(self._app, "POST", path, raw, headers)

    async def get(self, path: str, secret: str = HOUSE) -> Answered:
        return await call(self._app, "GET", path, b"", {"Authorization": f"Bearer {secret}"})


def wish(bot: str = "help", **more: object) -> dict[str, object]:
    return {"bot": bot, "holder": "one house", **more}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store = open_memory_store()
    scopes = {HOUSE: ("relay",), ONE_BOT: ("relay:bot=help",), PUSHER: ("push", "read")}
    for secret, allowed in scopes.items():
        await store.access.add_token(secret, allowed, hashed(secret), "test", NOW)
    yield Desk(store)
    await store.close()


async def test_a_house_leases_and_acknowledges(desk: Desk) -> None:
    await desk.keep("help", "one", "two")
    leased = (await desk.post(LEASE, wish())).json
    payloads = [base64.b64decode(parcel["payload"]) for parcel in leased["parcels"]]
    assert payloads == [b"one", b"two"]
    ids = [parcel["id"] for parcel in leased["parcels"]]
    done = {"bot": "help", "lease": leased["lease"], "ids": ids}
    assert (await desk.post(ACK, done)).json == {"count": 2}
    assert (await desk.post(LEASE, wish())).json["parcels"] == []
    assert (await desk.post(ACK, done)).code == "lease_over"


@pytest.mark.parametrize("secret", ["", "ph_unknown", "x" * 300])
@pytest.mark.parametrize("path", [LEASE, ACK, "/fetch"])
async def test_without_a_good_token_nobody_learns_anything(
    desk: Desk, path: str, secret: str
) -> None:
    assert (await desk.post(path, wish(), secret)).status == 401


async def test_a_revoked_token_is_worth_nothing(desk: Desk) -> None:
    (token,) = [each for each in await desk.store.access.tokens() if each.name == HOUSE]
    await desk.store.access.revoke_token(token.id, "test", NOW)
    assert (await desk.post(LEASE, wish())).status == 401


async def test_a_token_reaches_its_own_bots(desk: Desk) -> None:
    assert (await desk.post(LEASE, wish("ops"), ONE_BOT)).code == "not_allowed"
    assert (await desk.post(LEASE, wish("help"), PUSHER)).code == "not_allowed"
    assert (await desk.post(LEASE, wish("help"), ONE_BOT)).status == 200
    done = {"bot": "ops", "lease": 1, "ids": []}
    assert (await desk.post(ACK, done, ONE_BOT)).code == "not_allowed"
    assert [bot["bot"] for bot in (await desk.get(STATE, ONE_BOT)).json["bots"]] == ["help"]
    assert (await desk.get(STATE, PUSHER)).json["bots"] == []


async def test_a_bot_that_is_not_there_is_named(desk: Desk) -> None:
    answered = await desk.post(LEASE, wish("nobody"))
    assert (answered.status, answered.code) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[" * 5000,
        {},
        wish(parcels_max=0),
        wish(parcels_max=10_000),
        wish(wait_s=1e9),
        wish(holder=""),
        wish(holder="x" * 65),
        wish(surprise=1),
    ],
)
async def test_what_makes_no_sense_or_is_too_much_is_refused(desk: Desk, body: object) -> None:
    answered = await desk.post(LEASE, body)
    assert (answered.status, answered.code) == (400, "not_understood")


@pytest.mark.parametrize("number", [-1, 2**63, "1"])
async def test_a_number_that_is_none_is_refused(desk: Desk, number: object) -> None:
    assert (await desk.post(ACK, {"bot": "help", "lease": number, "ids": []})).status == 400
    assert (await desk.post(ACK, {"bot": "help", "lease": 1, "ids": [number]})).status == 400


async def test_a_second_house_is_told_why_it_gets_nothing(desk: Desk) -> None:
    await desk.post(LEASE, wish())
    answered = await desk.post(LEASE, {"bot": "help", "holder": "other"})
    assert (answered.status, answered.code) == (409, "leased_elsewhere")


async def test_the_state_tells_what_waits(desk: Desk) -> None:
    await desk.keep("ops", "one", "two")
    await desk.post(LEASE, wish("ops", parcels_max=1))
    state = (await desk.get(STATE)).json
    assert state["at"] == NOW
    assert state["is_full"] is False
    waits = {bot["bot"]: (bot["waiting"], bot["leased"], bot["is_held"]) for bot in state["bots"]}
    assert waits == {"help": (0, 0, False), "ops": (2, 1, True)}


async def test_an_old_worker_gets_one_at_a_time_and_nothing_it_never_knew(desk: Desk) -> None:
    await desk.keep("help", "one", "22", "three")
    for content in ("one", "three"):
        assert (await desk.post(f"/fetch/{ONE_BOT}", b"", "")).json == {"content": content}
    assert (await desk.relay.states())[0].waiting == 0


async def test_an_old_worker_names_the_bot_where_there_are_several(desk: Desk) -> None:
    await desk.keep("ops", "one")
    assert (await desk.post("/fetch", b"")).code == "not_understood"
    assert (await desk.post("/fetch?bot=nobody", b"")).code == "not_found"
    assert (await desk.post("/fetch?bot=ops", b"", ONE_BOT)).code == "not_found"
    assert (await desk.post("/fetch?bot=ops", b"")).json == {"content": "one"}


async def test_an_old_worker_does_not_steal_from_a_house(desk: Desk) -> None:
    await desk.keep("help", "one")
    await desk.post(LEASE, wish())
    assert (await desk.post(f"/fetch/{ONE_BOT}", b"", "")).code == "leased_elsewhere"
