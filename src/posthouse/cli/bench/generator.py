"""A process of its own that posts messages to the benchmarks' webhook and times the answers.

``python -m posthouse.cli.bench.generator URL MESSAGES IN_FLIGHT`` prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import count

from aiohttp import ClientSession, TCPConnector

from posthouse.cli.bench.channel import Said, encode, sign

CHATS = 500
PADDING = "x" * 500


class Generator:
    """Posts messages, at most ``in_flight`` at once, and remembers how long each took."""

    def __init__(self, session: ClientSession, url: str, messages: int, words: str) -> None:
        self._session = session
        self._url = url
        self._numbers = count()
        self._messages = messages
        self._words = words
        self._prefix = f"{time.time_ns():x}"
        self.times_s: list[float] = []
        self.refused = 0

    async def post_all(self) -> None:
        """Post until all numbers are used up; several of these share the numbers."""
        for number in self._numbers:
            if number >= self._messages:
                return
            said = Said(
                f"chat-{number % CHATS}",
                f"{self._prefix}-{number}",
                f"{self._words} m-{number}",
                time.time(),
                PADDING,
            )
            body = encode(said)
            begun_at = time.perf_counter()
            headers = {"x-signature": sign(body)}
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                self.refused += not answer.ok
            self.times_s.append(time.perf_counter() - begun_at)


async def generate(url: str, messages: int, in_flight: int, words: str) -> dict[str, float]:
    """Post ``messages`` messages that begin with ``words`` and return what was seen."""
    async with ClientSession(connector=TCPConnector(limit=in_flight)) as session:
        generator = Generator(session, url, messages, words)
        begun_at = time.perf_counter()
        await asyncio.gather(*(generator.post_all() for _ in range(in_flight)))
        elapsed_s = time.perf_counter() - begun_at
    times = sorted(generator.times_s)
    return {
        "elapsed_s": elapsed_s,
        "rate": messages / elapsed_s,
        "p50_s": times[len(times) // 2],
        "p99_s": times[int(len(times) * 0.99)],
        "refused": generator.refused,
    }


def main() -> None:
    """Run from the command line."""
    import uvloop

    url, messages, in_flight, words = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(generate(url, messages, in_flight, words))))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
