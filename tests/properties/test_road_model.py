"""The in-memory journal against a model of one page, under any sequence of calls.

People talk, repeat themselves, edit, take back and stop; a gateway claims, finishes, fails and
dies; the wire does what it wants. Lanes go one at a time and in order, control goes first, a
repeat changes nothing, nothing is lost, and the counters are right after every step.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from posthouse.model.address import Chat
from posthouse.model.delivery import OPEN_STATES, Delivery, Happening, NotSent, Sent, Unknown
from posthouse.model.errors import FenceLost
from posthouse.model.turn import LaneKind, OnEdit
from posthouse.store.journal import ClaimedDelivery, ClaimedTurn, Verdict, Wanted
from posthouse.store.sqlite.store import open_memory_store
from posthouse.testing.conformance.scene import BOT, NONE, Scene, Store, route
from tests.properties.road_model import Road, Said, Task


class Act(NamedTuple):
    """What somebody does in a room, mostly ann in the first."""

    what: str
    room: int
    who: str
    burst_s: float


ACTS = st.builds(
    Act,
    st.sampled_from((
        *["say"] * 16, "order", "repeat", "edit", "edit", "take a message back", "stop", "recall",
    )),
    st.sampled_from((0, 0, 0, 1)),
    st.sampled_from(("ann", "ann", "ben")),
    st.sampled_from((0.0, 2.0)),
)  # fmt: skip
PAUSES_S = st.sampled_from((0.0, 0.5, 2.0, 2.0, 5.0, 60.0))
HAPPENINGS: st.SearchStrategy[Happening] = st.sampled_from((
    Sent(("p1",)), Sent(("p1",)), NotSent("rate_limited"), NotSent("no", is_final=True),
    Unknown("cut"),
))  # fmt: skip
TURNS_DO = st.sampled_from(("finish", "finish", "finish", "finish", "fail", "hold"))
QUIET_ROUNDS = 4
ROUNDS_MAX = 400


class RoadMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.store = open_memory_store()
        self.scene: Scene = self.do(Scene.open(_parts(self.store)))
        self.rooms: list[Chat] = [self.scene.chat, self.do(self.scene.room("other room"))]
        self.road = Road()
        self.turns: dict[int, Task] = {}
        self.held: list[ClaimedTurn] = []
        self.stale: list[ClaimedTurn] = []
        self.reports: list[ClaimedTurn] = []
        self.sending: list[ClaimedDelivery] = []
        self.gone: list[ClaimedDelivery] = []
        self.recalls = 0
        self.reports_seen = 0
        self.messages = 0
        self.answered: list[str] = []

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        try:
            self.drain()
        finally:
            self.do(self.store.close())
            self.runner.close()

    def do(self, coroutine: Any) -> Any:  # noqa: ANN401 - whatever the coroutine returns
        return self.runner.run(coroutine)

    # One rule with all in it: Hypothesis leaves some rules out of a run, and then little happens.

    @rule(acts=st.lists(ACTS, max_size=4), data=st.data())
    def a_moment_passes(self, acts: list[Act], data: st.DataObject) -> None:
        self.people(acts, data)
        self.work(data)
        self.wire(data)

    # --- people ----------------------------------------------------------------------------

    def people(self, acts: list[Act], data: st.DataObject) -> None:
        for act in acts:
            match act.what:
                case "say":
                    self.say(act.room, act.who, act.burst_s)
                case "order":
                    self.order(act.room, act.who)
                case "repeat":
                    self.repeat(act.room, act.who, data)
                case "edit":
                    self.edit(data)
                case "take a message back":
                    self.take_a_message_back(data)
                case "stop":
                    self.stop(act.who)
                case _:
                    self.recall(act.who)

    def say(self, room: int, who: str, burst_s: float) -> None:
        self.messages += 1
        self.accept(room, who, f"m{self.messages}", burst_s, LaneKind.TURN)

    def order(self, room: int, who: str) -> None:
        self.messages += 1
        self.accept(room, who, f"m{self.messages}", 0.0, LaneKind.CONTROL)

    def repeat(self, room: int, who: str, data: st.DataObject) -> None:
        said = [(t, s) for t in self.road.tasks for s in t.said]
        if not said:
            return
        task, message = data.draw(st.sampled_from(said))
        index = [chat.id for chat in self.rooms].index(task.chat)
        self.accept(index, who, message.message_id, 0.0, LaneKind.TURN)

    def accept(self, room: int, who: str, name: str, burst_s: float, kind: LaneKind) -> None:
        chat, now = self.rooms[room], self.scene.now
        is_control = kind is LaneKind.CONTROL
        lane = f"c:{chat.id}" if is_control else f"t:{self.scene.session(who, chat)}"
        task = Task(lane, chat.id, who, [Said(name, name)], now, now, is_control)
        expected = self.road.accept(task, burst_s, now)
        disposition = route(
            self.scene.session(who, chat),
            handler="control" if is_control else "demo",
            lane_kind=kind,
            burst_s=burst_s,
            on_edit=OnEdit.RERUN,
        )
        message = self.scene.message(name, message_id=name, who=who, chat=chat)
        receipt = self.do(self.scene.accept(message, disposition, chat=chat))
        assert receipt.is_new == (expected is not None)
        if expected is not None:
            assert self.turns.setdefault(receipt.turn, expected) is expected, "joined another turn"

    def edit(self, data: st.DataObject) -> None:
        """Somebody changes a message of this room that waits or is being answered."""
        tasks = [
            task
            for task in self.road.tasks
            if task.chat == self.rooms[0].id and task.said and not (task.end or task.is_control)
        ]  # fmt: skip
        if not tasks:
            return
        task = data.draw(st.sampled_from(tasks))
        said = data.draw(st.sampled_from(task.said))
        said.text += "!"
        stamp = f"{len(said.text)}"
        event = self.scene.edit(said.text, message_id=said.message_id, who=task.who, stamp=stamp)
        disposition = route(self.scene.session(task.who), on_edit=OnEdit.RERUN)
        receipt = self.do(self.scene.accept(event, disposition))
        assert self.turns[receipt.turn] is task
        if task.is_running and task.wanted is Wanted.NOTHING:
            task.wanted = Wanted.RERUN

    def take_a_message_back(self, data: st.DataObject) -> None:
        tasks = [t for t in self.road.tasks if t.chat == self.rooms[0].id and t.said
                 and not t.is_control]  # fmt: skip
        if not tasks:
            return
        task = data.draw(st.sampled_from(tasks))
        said = data.draw(st.sampled_from(task.said))
        key = self.scene.key(said.message_id)
        journal, now = self.scene.journal, self.scene.now
        stopped = self.do(journal.recall_message(task.chat, key, NONE, now))
        if not task.end:
            self.road.recall_message(task, said.message_id)
        else:
            task.said.remove(said)
        assert [self.turns[turn] for turn in stopped] == ([task] if task.is_running else [])

    def stop(self, who: str) -> None:
        session = self.scene.session(who)
        lane = f"t:{session}"
        unfinished = {n for n, task in self.turns.items() if task.lane == lane and not task.end}
        journal, now = self.scene.journal, self.scene.now
        stopped = self.do(journal.stop_session(self.rooms[0].id, session, now))
        self.road.stop(lane)
        assert set(stopped) == unfinished

    def recall(self, who: str) -> None:
        self.recalls += 1
        self.do(self.scene.recall(who=who, turn=100_000 + self.recalls))
        self.road.recall(self.rooms[0].id, who)

    # --- the gateway -----------------------------------------------------------------------

    def work(self, data: st.DataObject) -> None:
        """Let time pass, take turns, end some of those in hand in any order; sometimes die."""
        self.pass_time(data.draw(PAUSES_S))
        self.claim()
        in_hand: list[ClaimedTurn] = data.draw(st.permutations(self.held))
        for claimed in in_hand:
            match data.draw(TURNS_DO):
                case "finish":
                    self.finish(claimed, data.draw(st.integers(0, 2)), data.draw(st.booleans()))
                case "fail":
                    self.fail(claimed, data.draw(st.sampled_from((0.0, 5.0))))
                case _:
                    pass
        if self.reports and data.draw(TURNS_DO) == "finish":
            self.finish_report()
        if data.draw(st.integers(0, 9)) == 1:
            self.crash()

    def claim(self) -> None:
        expected = self.road.ready(self.scene.now)
        claimed = self.do(self.scene.claim())
        reports = [each for each in claimed if each.turn.handler == "recall_report"]
        others = [each for each in claimed if each.turn.handler != "recall_report"]
        reported = {each.turn.chat.id for each in (*reports, *self.reports)}
        self.reports += reports
        self.reports_seen += len(reports)
        handed_out = [self.turns[each.turn.id] for each in others]
        for each, task in zip(others, handed_out, strict=True):
            assert task in expected, f"{task} was not to be handed out"
            assert each.turn.text == task.text
            assert each.is_control == task.is_control
            assert task.chat not in reported, "a report runs alone in its chat"
            task.is_running = True
        # A report that waits holds its chat as control does; the model does not know when.
        may_wait = self.recalls > self.reports_seen
        room = self.rooms[0].id
        missing = [t for t in expected if t not in handed_out and t.chat not in reported]
        assert [t for t in missing if not (may_wait and t.chat == room)] == [], "not handed out"
        self.held += others

    def finish(self, claimed: ClaimedTurn, count: int, is_first_sent: bool) -> None:  # noqa: FBT001 - drawn
        self.held.remove(claimed)
        self.stale.append(claimed)
        task = self.turns[claimed.turn.id]
        assert self.do(self.scene.journal.wanted(claimed.turn.id)) is task.wanted
        texts = [f"{claimed.turn.id}/{n}" for n in range(count)]
        outputs = self.scene.outputs(claimed, *texts)
        finished = self.do(self.scene.finish(claimed, *outputs, is_first_sent=is_first_sent))
        assert finished.verdict is self.road.finish(task, texts, self.scene.now)
        if finished.verdict is Verdict.DONE:
            self.answered += texts
        if finished.first is not None:
            self.check_sent([finished.first])

    def finish_report(self) -> None:
        self.do(self.scene.finish(self.reports.pop()))

    def fail(self, claimed: ClaimedTurn, after_s: float) -> None:
        self.held.remove(claimed)
        self.stale.append(claimed)
        task, at = self.turns[claimed.turn.id], self.scene.now + after_s
        retry = self.scene.journal.retry(claimed.claim, claimed.turn.id, at, "handler_error")
        verdict = self.do(retry)
        if task.wanted is Wanted.NOTHING:
            assert verdict is Verdict.DONE
            task.is_running, task.ready_at = False, at
        else:
            assert verdict is self.road.finish(task, [], self.scene.now)

    def crash(self) -> None:
        self.stale += self.held
        self.gone += self.sending
        self.held, self.sending = [], []
        self.reports_seen -= len(self.reports)
        self.reports = []
        self.do(self.scene.crash())
        self.road.crash(self.scene.now)

    @invariant()
    def nobody_speaks_from_the_grave(self) -> None:
        """An old claim is refused, above all while its turn or delivery is claimed anew."""
        held = {each.turn.id for each in getattr(self, "held", ())}
        for claimed in [each for each in getattr(self, "stale", ()) if each.turn.id in held]:
            self.refused(self.scene.finish(claimed, *self.scene.outputs(claimed, "dead")))
        sending = {each.delivery.id for each in getattr(self, "sending", ())}
        for send in [each for each in getattr(self, "gone", ()) if each.delivery.id in sending]:
            self.refused(self.scene.settle(send, Sent(("dead",))))

    def refused(self, write: Coroutine[Any, Any, object]) -> None:
        try:
            self.do(write)
        except FenceLost:
            return
        raise AssertionError("an old claim was believed")

    # --- the wire --------------------------------------------------------------------------

    def wire(self, data: st.DataObject) -> None:
        """Take deliveries; some of those on their way end in one way or another."""
        self.check_sent(list(self.do(self.scene.sends())))
        for claimed in list(self.sending):
            happening = data.draw(st.none() | HAPPENINGS)
            if happening is not None:
                self.settle(claimed, happening, data.draw(st.sampled_from((0.0, 3.0))))
        happening = data.draw(HAPPENINGS)
        for amend in self.do(self.scene.amends()):
            self.do(self.scene.settle_amend(amend, happening))

    def check_sent(self, claimed: list[ClaimedDelivery]) -> None:
        for each in claimed:
            busy = [other for other in self.sending if other.chat.id == each.chat.id]
            assert busy == [], "two deliveries of one chat at once"
            assert not self.is_controlled(each.chat.id), "control holds the send lane"
            assert self.is_next(each.delivery), f"{each.content.text} is not next"
        self.sending += claimed

    def is_controlled(self, chat: int) -> bool:
        return any(task.is_control and task.chat == chat for task in self.road.heads())

    def is_next(self, delivery: Delivery) -> bool:
        """Whether everything that was put into the chat before it is over."""
        earlier = [
            other
            for task in self.turns.items()
            if task[1].chat == delivery.chat
            for other in self.do(self.scene.journal.answers(task[0]))
            if other.id < delivery.id
        ]
        return all(other.state not in OPEN_STATES for other in earlier)

    def settle(self, claimed: ClaimedDelivery, happening: Happening, pace_s: float) -> None:
        self.sending.remove(claimed)
        self.gone.append(claimed)
        self.do(self.scene.settle(claimed, happening, pace_s=pace_s))

    def pass_time(self, seconds: float) -> None:
        self.do(self.scene.wait(seconds))

    # --- what must always be so --------------------------------------------------------------

    @invariant()
    def nothing_is_wrong_with_the_store(self) -> None:
        if hasattr(self, "store"):
            assert self.do(self.store.upkeep.check()) == ()

    def drain(self) -> None:
        """Work until nothing is left, then count."""
        self.crash()
        quiet = 0
        for _ in range(ROUNDS_MAX):
            quiet = 0 if self.work_off() else quiet + 1
            if quiet == QUIET_ROUNDS:
                break
        assert quiet == QUIET_ROUNDS, "the house never comes to rest"
        assert [task for task in self.road.tasks if not task.end] == [], "lost"
        assert self.reports_seen == self.recalls, "a recall was never reported"
        self.nothing_is_left()

    def work_off(self) -> bool:
        self.pass_time(60.0)
        self.claim()
        is_busy = bool(self.held or self.reports)
        for claimed in list(self.held):
            self.held.remove(claimed)
            verdict = self.do(self.scene.finish(claimed)).verdict
            assert verdict is self.road.finish(self.turns[claimed.turn.id], [], self.scene.now)
        while self.reports:
            self.finish_report()
        self.check_sent(list(self.do(self.scene.sends())))
        is_busy |= bool(self.sending)
        for send in list(self.sending):
            self.settle(send, Sent(("p1",)), 0.0)
        amends = self.do(self.scene.amends())
        for amend in amends:
            self.do(self.scene.settle_amend(amend, Sent()))
        return is_busy or bool(amends)

    def nothing_is_left(self) -> None:
        journal, now = self.scene.journal, self.scene.now
        assert self.do(journal.next_turn_at(now)) is None
        assert self.do(journal.next_send_at(now, (BOT,))) is None
        assert self.do(self.store.upkeep.check()) == ()
        said = [delivery for turn in self.turns for delivery in self.do(journal.answers(turn))]
        assert sorted(d.body.decode() for d in said) == sorted(self.answered), "answers"
        assert [d for d in said if d.state in OPEN_STATES] == []


def _parts(store: Any) -> Store:  # noqa: ANN401 - the product's own class
    return Store(
        journal=store.journal,
        chats=store.chats,
        questions=store.questions,
        holding=store.holding,
        upkeep=store.upkeep,
        reader=store.reader,
        pushes=store.pushes,
    )


RoadMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
TestRoad = RoadMachine.TestCase
