"""People talk, a small house answers, and the judge finds what a careless one does."""

import asyncio
from collections import Counter

from posthouse.simulators.probe.faults import Fault, FaultSettings, Verb
from posthouse.simulators.probe.load import Load, RemotePlatform, drive
from posthouse.simulators.probe.server import Said
from posthouse.simulators.probe.verdict import judge
from posthouse.simulators.probe.wire import Saying
from tests.unit.simulators.scene import NOON, Clock, Pushed, Scene, Work, open_house, open_scene


def echo(scene: Scene, name: str, *, is_careful: bool = True) -> Work:
    """Answer before acknowledging; a careful house knows a repeat when it sees one."""
    seen: set[str] = set()

    async def work(pushed: Pushed) -> None:
        message_id = pushed.envelope["message_id"]
        if message_id in seen and is_careful:
            return
        seen.add(message_id)
        chat, text = pushed.envelope["chat"]["id"], pushed.envelope["text"]
        await scene.send(name, chat=chat, text=text)

    return work


class Notebook:
    """A platform that writes down who spoke when, and lets them wait until it is opened."""

    def __init__(self, clock: Clock) -> None:
        self.heard: list[tuple[float, str]] = []
        self.somebody_spoke = asyncio.Event()
        self.is_open = asyncio.Event()
        self._clock = clock

    async def tell(self, saying: Saying) -> Said:
        self.heard.append((self._clock() - NOON, saying.text))
        self.somebody_spoke.set()
        await self.is_open.wait()
        return Said(f"p-{saying.text}", self._clock())


def test_messages_go_round_among_bots_chats_and_people() -> None:
    load = Load(bots=("a", "b"), messages=24, chats=3, people=2, words="/echo")
    sayings = [load.saying(n) for n in range(24)]
    places = Counter((each.bot, each.chat.id, each.sender.id) for each in sayings)
    assert len(places) == 2 * 3 * 2
    assert set(places.values()) == {2}
    assert sayings[7].text == "/echo m-7"


async def test_a_careful_house_passes() -> None:
    plan = FaultSettings(rates={"*": {Verb.PUSH: {Fault.TWICE: 0.3}}})
    load = Load(bots=("none",), messages=200, chats=5)
    async with open_scene(plan) as scene, open_house(work=echo(scene, "none")) as house:
        scene.server.set_webhook(scene.platform.bot("none"), house.url)
        spoken = await drive(load, scene.server, clock=scene.clock, sleep=scene.clock.sleep)
        verdict = judge(scene.platform.ledger())
    assert [each.n for each in spoken] == list(range(200))
    assert {each.acknowledged_at for each in spoken} == {NOON}
    assert verdict.is_good
    assert verdict.acknowledged == 200


async def test_a_house_that_answers_repeats_is_found_out() -> None:
    plan = FaultSettings(script={"none": {Verb.PUSH: (None, Fault.TWICE)}})
    load = Load(bots=("none",), messages=3, chats=1)
    async with open_scene(plan) as scene:
        careless = echo(scene, "none", is_careful=False)
        async with open_house(work=careless) as house:
            scene.server.set_webhook(scene.platform.bot("none"), house.url)
            await drive(load, scene.server, clock=scene.clock, sleep=scene.clock.sleep)
        verdict = judge(scene.platform.ledger())
    assert [(each.mark, each.copies) for each in verdict.unflagged] == [("m-1", 2)]


async def test_a_house_that_only_acknowledges_is_found_out() -> None:
    load = Load(bots=("none",), messages=3)
    async with open_scene() as scene, open_house() as house:
        scene.server.set_webhook(scene.platform.bot("none"), house.url)
        await drive(load, scene.server, clock=scene.clock, sleep=scene.clock.sleep)
        assert judge(scene.platform.ledger()).lost == ("m-0", "m-1", "m-2")


async def test_the_driver_works_from_elsewhere() -> None:
    load = Load(bots=("none",), messages=20, chats=4, first=100)
    async with open_scene() as scene, open_house(work=echo(scene, "none")) as house:
        scene.server.set_webhook(scene.platform.bot("none"), house.url)
        remote = RemotePlatform(scene.session, scene.server.address)
        spoken = await drive(load, remote, clock=scene.clock, sleep=scene.clock.sleep)
        verdict = judge(scene.platform.ledger())
    assert [each.n for each in spoken] == list(range(100, 120))
    assert verdict.is_good
    assert verdict.acknowledged == 20


async def test_no_more_are_in_flight_than_allowed() -> None:
    clock = Clock()
    notebook = Notebook(clock)
    load = Load(bots=("a",), messages=5, in_flight_max=2)
    driving = asyncio.create_task(drive(load, notebook, clock=clock, sleep=clock.sleep))
    await notebook.somebody_spoke.wait()
    await asyncio.sleep(0)  # time for a third to speak, if it could
    assert len(notebook.heard) == 2
    notebook.is_open.set()
    assert len(await driving) == 5


async def test_a_rate_is_kept_whatever_the_house_does() -> None:
    clock = Clock()
    notebook = Notebook(clock)
    load = Load(bots=("a",), messages=3, rate_per_s=4.0)
    driving = asyncio.create_task(drive(load, notebook, clock=clock, sleep=clock.sleep))
    for span_s in (0.0, 0.25, 0.25):
        await clock.pass_sleep(span_s)
    notebook.is_open.set()
    await driving
    assert notebook.heard == [(0.0, "m-0"), (0.25, "m-1"), (0.5, "m-2")]
