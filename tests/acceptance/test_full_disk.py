"""The real process on a disk that becomes full: nothing is acknowledged that is not written."""

from __future__ import annotations

import resource
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Self

import aiohttp
import pytest

from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.laboratory import BOTS, Laboratory
from posthouse.cli.laboratory.premises import RunningHouse
from posthouse.simulators.probe.bots import BotClass
from posthouse.simulators.probe.state import Event
from posthouse.simulators.probe.wire import Chat, Person, Saying

KEYED = next(each for each in BOTS if each.bot_class is BotClass.KEYED)
DISK_BYTES = 6 * 1024 * 1024
FILE_BYTES = 3 * 1024 * 1024
LONG = "x" * 30_000
MESSAGES_MAX = 1000
REFUSALS = 6
REST_WITHIN_S = 60.0


class SmallDisk:
    """A file system of a few megabytes, half of it taken."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._ballast = data / "ballast"

    def __enter__(self) -> Self:
        self._data.mkdir()
        options = f"size={DISK_BYTES},mode=0700"
        command = ("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._data))
        is_linux = sys.platform == "linux"
        if not is_linux or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small disk needs root on Linux")
        self._ballast.write_bytes(b"x" * (DISK_BYTES // 2))
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(("umount", str(self._data)), check=True)

    def bound(self, house: RunningHouse) -> None:
        """It is small already."""

    def make_room(self, house: RunningHouse) -> None:
        self._ballast.unlink()


class ShortFiles:
    """No file of the house may grow beyond a few megabytes: writing fails, as on a broken disk."""

    def __init__(self, data: Path) -> None:
        pass

    def __enter__(self) -> Self:
        if sys.platform != "linux":
            pytest.skip("limiting the files of another process needs Linux")
        return self

    def __exit__(self, *_: object) -> None:
        """The limit ends with the process."""

    def bound(self, house: RunningHouse) -> None:
        resource.prlimit(house.pid, resource.RLIMIT_FSIZE, (FILE_BYTES, resource.RLIM_INFINITY))

    def make_room(self, house: RunningHouse) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(house.pid, resource.RLIMIT_FSIZE, unlimited)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [SmallDisk, ShortFiles])
async def test_it_refuses_what_it_cannot_write_and_goes_on_when_there_is_space(
    tmp_path: Path, kind: type[SmallDisk | ShortFiles]
) -> None:
    laboratory = Laboratory(tmp_path, secrets.randbits(32))
    with kind(tmp_path / "data") as disk:
        async with laboratory.opened(), laboratory.premises.house() as house:
            await house.until_open()
            disk.bound(house)
            taken, refused = await _fill(laboratory)
            assert {event.entry.message_id for event in taken} <= _in_book(laboratory)
            assert not {event.entry.message_id for event in refused} & _in_book(laboratory)
            assert await _is_alive(laboratory)

            disk.make_room(house)
            for event in refused:
                assert await laboratory.hand_over(event) == 200
            await laboratory.until_at_rest(REST_WITHIN_S)
            assert not house.has_ended
        judgement = laboratory.judgement()
        assert judgement.is_good, judgement.problems
        addressed = sum(event.envelope.mentions_bot for event in (*taken, *refused))
        assert judgement.answered == judgement.acknowledged == addressed
        code, said = await laboratory.premises.command("db", "check")
        assert code == 0, said


def _in_book(laboratory: Laboratory) -> set[str | None]:
    return {message.message_id for message in book.read(laboratory.premises.database).messages}


async def _fill(laboratory: Laboratory) -> tuple[list[Event], list[Event]]:
    """Hand over messages until the house refuses them; returns those it took and did not take."""
    taken: list[Event] = []
    refused: list[Event] = []
    for number in range(MESSAGES_MAX):
        event = laboratory.platform.say(_saying(number))
        status = await laboratory.hand_over(event)
        assert status in {200, 503}
        (taken if status == 200 else refused).append(event)
        if len(refused) >= REFUSALS:
            return taken, refused
    raise AssertionError("the disk never became full")


def _saying(number: int) -> Saying:
    """Say something to the bot now and then; the rest is long, and only overheard."""
    is_addressed = number % 4 == 0
    return Saying(
        bot=KEYED.bot,
        chat=Chat(id=f"c-{number % 3}"),
        sender=Person(id="u-0"),
        text=f"/echo m-{number}" if is_addressed else LONG,
        mentions_bot=is_addressed,
    )


async def _is_alive(laboratory: Laboratory) -> bool:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{laboratory.premises.url}/livez") as answer,
    ):
        return answer.status == 200
