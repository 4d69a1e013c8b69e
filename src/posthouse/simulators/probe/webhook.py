"""The road that posts an event to the house's address."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import aiohttp
import msgspec

from posthouse.simulators.probe.pusher import Errand, Failure
from posthouse.simulators.probe.refusals import Refusal
from posthouse.simulators.probe.state import ProbePlatform
from posthouse.simulators.probe.wire import SlotBody, decode, signature
from posthouse.simulators.timing import Sleep, end, is_done_within

ANSWER_BYTES_MAX = 64 * 1024


class Webhook:
    """One bot's address."""

    def __init__(
        self, platform: ProbePlatform, session: aiohttp.ClientSession, url: str, sleep: Sleep
    ) -> None:
        self._platform = platform
        self._session = session
        self._url = url
        self._sleep = sleep

    def cut(self) -> Failure:
        """Fail before a byte leaves."""
        return Failure()

    async def push(self, errand: Errand, timeout_s: float, *, hangs_up: bool) -> Failure:
        """Post once; 200 acknowledges."""
        posting = asyncio.ensure_future(self._post(errand, hangs_up=hangs_up))
        try:
            if await is_done_within(self._sleep, timeout_s, posting):
                return posting.result()
            return Failure()
        except (aiohttp.ClientError, OSError):
            return Failure()
        finally:
            await end(posting)

    async def _post(self, errand: Errand, *, hangs_up: bool) -> Failure:
        body = msgspec.json.encode(self._platform.push(errand.event))
        async with self._session.post(
            self._url,
            data=body,
            headers=self._headers(errand, body),
            allow_redirects=False,
        ) as response:
            if hangs_up:
                response.close()
                return Failure()
            answer = await _read(response)
        if response.status != HTTPStatus.OK:
            return Failure(retry_after_s=_seconds(response.headers.get("Retry-After", "")))
        self._show_answer(errand, answer)
        errand.acknowledge()
        return Failure()

    def _headers(self, errand: Errand, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._platform.now))
        return {
            "Content-Type": "application/json",
            "X-Probe-Timestamp": timestamp,
            "X-Probe-Signature": signature(errand.bot.secret, timestamp, body),
        }

    def _show_answer(self, errand: Errand, answer: bytes) -> None:
        """Show what stands in the response; what makes no sense is ignored, as platforms do."""
        if not answer:
            return
        try:
            self._platform.answer_in_slot(errand.event, decode(answer, SlotBody))
        except Refusal:
            return


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read at most ``ANSWER_BYTES_MAX``; of a longer answer nothing is used."""
    answer = bytearray()
    async for chunk in response.content.iter_chunked(ANSWER_BYTES_MAX):
        answer += chunk
        if len(answer) > ANSWER_BYTES_MAX:
            response.close()
            return b""
    return bytes(answer)


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
