"""The driver across from bots that answer, repeat themselves, and turn the order round."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web

from benchmarks.peers.driver import PATH, Driver
from benchmarks.peers.scenarios import burst, steady

Answer = Callable[[list[str]], list[str]]  # from all that was heard to what is said now


def bot(answer: Answer) -> web.Application:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        heard: list[str] = []
        async for frame in socket:
            event = json.loads(frame.data)
            if event.get("post_type") != "message":
                continue
            heard.append(event["raw_message"].split()[-1])
            for text in answer(heard):
                params = {"user_id": event["user_id"], "message": text}
                await socket.send_json({"action": "send_msg", "params": params, "echo": text})
        return socket

    application = web.Application()
    application.add_routes([web.get(PATH, serve)])
    return application


@asynccontextmanager
async def across_from(answer: Answer) -> AsyncIterator[Driver]:
    runner = web.AppRunner(bot(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with ClientSession() as session:
            driver = Driver(session, runner.addresses[0][1])
            await driver.connect()
            yield driver
            await driver.close()
    finally:
        await runner.cleanup()


async def test_every_answer_of_a_faithful_bot_is_counted() -> None:
    async with across_from(lambda heard: heard[-1:]) as driver:
        ledger = driver.turn_page()
        await steady(driver, messages=60, people=4)
    counts = ledger.counts()
    assert (counts.pushed, counts.answered, counts.lost) == (60, 60, 0)
    assert (counts.twice, counts.inverted, counts.strange) == (0, 0, 0)
    assert 0 < counts.p50_ms <= counts.p99_ms


async def test_a_bot_that_says_everything_twice_is_caught() -> None:
    async with across_from(lambda heard: heard[-1:] * 2) as driver:
        ledger = driver.turn_page()
        await burst(driver, messages=20)
    assert (ledger.counts().answered, ledger.counts().twice) == (20, 20)


async def test_a_bot_that_answers_the_last_first_is_caught() -> None:
    async with across_from(lambda heard: heard[::-1] if len(heard) == 20 else []) as driver:
        ledger = driver.turn_page()
        await burst(driver, messages=20)
    assert (ledger.counts().answered, ledger.counts().inverted) == (20, 19)
