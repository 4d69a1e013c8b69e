"""The long connection: events out, acknowledgements in, and calls of the connection class."""

import asyncio
import json
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import WSMessage, WSMsgType, web

from posthouse.simulators.probe.connection import Holder
from posthouse.simulators.probe.faults import Fault, Verb
from tests.unit.simulators.scene import NOON, Scene, open_house, open_scene, saying, script

Socket = aiohttp.ClientWebSocketResponse


async def call(socket: Socket, **fields: object) -> Any:  # noqa: ANN401 - raw JSON
    """Make a call and return its result."""
    await socket.send_json({"call": fields, "echo": "x"})
    answer = await socket.receive_json()
    assert answer["echo"] == "x"
    return answer["result"]


async def send(socket: Socket, **fields: object) -> Any:  # noqa: ANN401 - raw JSON
    return await call(socket, verb="send", chat="c-1", text="hello", **fields)


async def test_events_come_as_frames_and_are_acknowledged() -> None:
    async with open_scene() as scene:
        errand = scene.server.say(saying("connection", "early"))
        socket = await scene.connect("connection")
        frame = await socket.receive_json()
        assert not errand.done.done()
        await socket.send_json({"ack": frame["seq"]})
        assert await errand.done
        assert frame["event"]["text"] == "early"
        assert scene.platform.ledger().events[0].acknowledged_at == NOON


async def test_any_class_may_hold_a_connection_but_a_webhook_comes_first() -> None:
    async with open_scene() as scene, open_house() as house:
        socket = await scene.connect("keyed")
        scene.server.say(saying("keyed", "one"))
        frame = await socket.receive_json()
        await socket.send_json({"ack": frame["seq"]})
        scene.server.set_webhook(scene.platform.bot("keyed"), house.url)
        await scene.server.tell(saying("keyed", "two"))
        assert await house.texts(1) == ["two"]
        assert frame["event"]["text"] == "one"


class DyingSocket:
    """A socket whose other end was killed; whoever reads from it does not know yet."""

    closed = False

    def __init__(self) -> None:
        self.tries = 0

    async def send_str(self, text: str) -> None:
        self.tries += 1
        raise ConnectionResetError


async def test_a_dying_connection_is_tried_once_and_the_event_waits_for_the_next() -> None:
    async with open_scene() as scene:
        dying = DyingSocket()
        line = scene.server._lines["connection"]
        line.holder = Holder(cast("web.WebSocketResponse", dying), lambda: None)
        scene.server.say(saying("connection", "still here"))
        socket = await scene.connect("connection")
        assert (await socket.receive_json())["event"]["text"] == "still here"
        assert dying.tries == 1


async def test_a_connection_bot_has_no_use_for_a_webhook() -> None:
    async with open_scene() as scene, open_house() as house:
        scene.server.set_webhook(scene.platform.bot("connection"), house.url)
        socket = await scene.connect("connection")
        scene.server.say(saying("connection"))
        assert (await socket.receive_json())["event"]["text"] == "hello"
        assert house.pushed.empty()


async def test_what_was_not_acknowledged_comes_again_on_the_next_connection() -> None:
    async with open_scene() as scene:
        scene.server.say(saying("connection", "one"))
        errand = scene.server.say(saying("connection", "two"))
        socket = await scene.connect("connection")
        first = await socket.receive_json()
        await socket.close()
        socket = await scene.connect("connection")
        again = await socket.receive_json()
        await socket.send_json({"ack": again["seq"]})
        last = await socket.receive_json()
        await socket.send_json({"ack": last["seq"]})
        await errand.done
    assert first["event"]["message_id"] == again["event"]["message_id"]
    assert first["event"]["event_id"] != again["event"]["event_id"]
    assert first["seq"] < again["seq"] < last["seq"]
    assert last["event"]["text"] == "two"


async def test_a_frame_without_ack_comes_again_and_any_ack_counts() -> None:
    async with open_scene() as scene:
        errand = scene.server.say(saying("connection"))
        socket = await scene.connect("connection")
        first = await socket.receive_json()
        await scene.clock.pass_sleep(5.0)
        await scene.clock.pass_sleep(1.0)
        again = await socket.receive_json()
        await socket.send_json({"ack": first["seq"]})
        assert await errand.done
    assert again["event"]["message_id"] == first["event"]["message_id"]


async def test_a_newer_connection_supersedes_the_older() -> None:
    async with open_scene() as scene:
        older = await scene.connect("connection")
        newer = await scene.connect("connection")
        farewell = await older.receive()
        scene.server.say(saying("connection"))
        frame = await newer.receive_json()
    assert (farewell.type, farewell.data) == (WSMsgType.CLOSE, 4009)
    assert frame["event"]["text"] == "hello"


class LastWords:
    """A superseded socket whose last frames were on the wire already when it was told."""

    closed = False

    def __init__(self) -> None:
        self.frames: asyncio.Queue[WSMessage] = asyncio.Queue()

    def __aiter__(self) -> "LastWords":
        return self

    async def __anext__(self) -> WSMessage:
        return await self.frames.get()

    async def close(self, **_: object) -> None:
        """Told, but not yet heard."""

    def say(self, **frame: object) -> None:
        self.frames.put_nowait(WSMessage(WSMsgType.TEXT, json.dumps(frame), None))


async def test_what_a_superseded_connection_still_says_has_no_effect() -> None:
    async with open_scene() as scene:
        line = scene.server._lines["connection"]
        older = LastWords()
        is_open = asyncio.Event()
        holding = line.serve(
            cast("web.WebSocketResponse", older), cut=lambda: None, opened=is_open.set
        )
        serving = asyncio.create_task(holding)
        await is_open.wait()
        newer = await scene.connect("connection")
        errand = scene.server.say(saying("connection"))
        frame = await newer.receive_json()
        older.say(ack=frame["seq"])
        older.say(call={"verb": "send", "chat": "c-1", "text": "ghost"}, echo="x")
        await serving
        assert (await send(newer))["status"] == 200
        assert scene.texts() == ["hello"]
        assert not errand.done.done()


@pytest.mark.parametrize(("name", "token", "status"), [("a", "x", 404), ("keyed", "x", 401)])
async def test_strangers_do_not_connect(name: str, token: str, status: int) -> None:
    async with open_scene() as scene:
        url = f"{scene.server.address}/v1/connect?bot={name}"
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await scene.session.ws_connect(url, headers={"Authorization": f"Bearer {token}"})
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("frame", "code"), [(b"bytes", 4000), (b"x" * 1_100_000, 1009)], ids=["binary", "long"]
)
async def test_a_frame_of_a_wrong_kind_ends_the_connection(frame: bytes, code: int) -> None:
    async with open_scene() as scene:
        socket = await scene.connect("connection")
        await socket.send_bytes(frame)
        assert (await socket.receive()).data == code


@pytest.mark.parametrize("frame", ["[]", "{}", '{"ack": "x"}', '{"echo": "x"}', "no json"])
async def test_a_senseless_frame_ends_the_connection(frame: str) -> None:
    async with open_scene() as scene:
        socket = await scene.connect("connection")
        await socket.send_str(frame)
        farewell = await socket.receive()
    assert (farewell.type, farewell.data) == (WSMsgType.CLOSE, 4000)


async def test_a_stopping_platform_says_so() -> None:
    async with open_scene() as scene:
        socket = await scene.connect("connection")
        farewell = asyncio.create_task(socket.receive())
        await scene.server.stop()
        assert (await farewell).data == 1001
        await scene.server.start()


# --- calls ----------------------------------------------------------------------------------


async def test_sends_edits_and_recalls() -> None:
    async with open_scene() as scene:
        socket = await scene.connect("connection")
        sent = await send(socket, key="k")
        message_id = sent["body"]["message_id"]
        edited = await call(socket, verb="edit", message_id=message_id, text="changed")
        assert scene.texts() == ["changed"]
        recalled = await call(socket, verb="recall", message_id=message_id)
        typing = await call(socket, verb="typing", chat="c-1")
        assert scene.texts() == []
    assert sent == {"status": 200, "body": {"message_id": message_id}, "retry_after_s": None}
    assert edited == recalled == sent
    assert typing == {"status": 204, "body": {}, "retry_after_s": None}


async def test_a_repeat_is_shown_twice() -> None:
    async with open_scene() as scene:
        socket = await scene.connect("connection")
        await send(socket, key="k")
        await send(socket, key="k")
        assert [entry.copies for entry in scene.platform.ledger().messages] == [2, 2]


async def test_refusals_are_results() -> None:
    async with open_scene() as scene:
        socket = await scene.connect("connection")
        unknown = await call(socket, verb="sing")
        senseless = await call(socket, verb="send", chat="c-1")
        other = await scene.connect("keyed")
        by_the_wrong_road = await send(other)
    assert (unknown["status"], unknown["body"]["code"]) == (400, "bad_request")
    assert (senseless["status"], senseless["body"]["code"]) == (400, "bad_request")
    assert (by_the_wrong_road["status"], by_the_wrong_road["body"]["code"]) == (409, "wrong_road")


async def test_a_call_that_is_refused_for_now() -> None:
    async with open_scene(script("connection", Verb.SEND, Fault.TOO_MANY)) as scene:
        socket = await scene.connect("connection")
        result = await send(socket)
        assert scene.texts() == []
    assert (result["status"], result["retry_after_s"]) == (429, 0.5)


@pytest.mark.parametrize(
    ("fault", "is_handled"), [(Fault.RESET_BEFORE, False), (Fault.RESET_AFTER, True)]
)
async def test_a_call_that_is_cut(fault: Fault, *, is_handled: bool) -> None:
    async with open_scene(script("connection", Verb.SEND, fault)) as scene:
        socket = await scene.connect("connection")
        await socket.send_json(
            {"call": {"verb": "send", "chat": "c-1", "text": "hello", "key": "k"}, "echo": "x"}
        )
        farewell = await socket.receive()
        assert scene.texts() == ["hello"] * is_handled
        assert not scene.platform.ledger().calls[0].is_clear
    assert farewell.type in (WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE)
    assert farewell.data != 1000


async def test_half_a_result_makes_no_sense() -> None:
    async with open_scene(script("connection", Verb.SEND, Fault.HALF_RESPONSE)) as scene:
        socket = await scene.connect("connection")
        await socket.send_json(
            {"call": {"verb": "send", "chat": "c-1", "text": "hello"}, "echo": "x"}
        )
        half = await socket.receive_str()
        assert scene.texts() == ["hello"]
        assert not scene.platform.ledger().calls[0].is_clear
    assert half.startswith('{"echo":"x"')
    assert not half.endswith("}")


async def test_a_delayed_result_holds_nothing_up() -> None:
    async with open_scene(script("connection", Verb.SEND, Fault.DELAY)) as scene:
        socket = await scene.connect("connection")
        first = {"verb": "send", "chat": "c-1", "text": "slow"}
        await socket.send_json({"call": first, "echo": "slow"})
        assert (await send(socket))["status"] == 200
        assert scene.texts() == ["slow", "hello"]
        await scene.clock.pass_sleep(3.0)
        assert (await socket.receive_json())["echo"] == "slow"


# --- pushes that fail -----------------------------------------------------------------------


async def reconnect_and_acknowledge(scene: Scene) -> Any:  # noqa: ANN401 - raw JSON
    socket = await scene.connect("connection")
    frame = await socket.receive_json()
    await socket.send_json({"ack": frame["seq"]})
    return frame["event"]


async def test_a_connection_that_breaks_before_a_frame() -> None:
    async with open_scene(script("connection", Verb.PUSH, Fault.RESET_BEFORE)) as scene:
        socket = await scene.connect("connection")
        errand = scene.server.say(saying("connection"))
        farewell = await socket.receive()
        await reconnect_and_acknowledge(scene)
        assert await errand.done
    assert farewell.type is not WSMsgType.TEXT


async def test_a_connection_that_breaks_after_a_frame() -> None:
    async with open_scene(script("connection", Verb.PUSH, Fault.RESET_AFTER)) as scene:
        socket = await scene.connect("connection")
        errand = scene.server.say(saying("connection"))
        first = await socket.receive_json()
        assert (await socket.receive()).type is not WSMsgType.TEXT
        again = await reconnect_and_acknowledge(scene)
        assert await errand.done
    assert again["message_id"] == first["event"]["message_id"]


async def test_a_frame_that_comes_twice() -> None:
    async with open_scene(script("connection", Verb.PUSH, Fault.TWICE)) as scene:
        socket = await scene.connect("connection")
        scene.server.say(saying("connection"))
        first = await socket.receive_json()
        await socket.send_json({"ack": first["seq"]})
        second = await socket.receive_json()
    assert first["event"]["message_id"] == second["event"]["message_id"]
    assert first["event"]["event_id"] != second["event"]["event_id"]
