"""An operator hears of a lost bot once, and once when it is back."""

from __future__ import annotations

from structlog.testing import capture_logs

from posthouse.channels.channel import ConnectionState, Status
from posthouse.gateway.connections import Connections
from posthouse.wakeup.local import LocalWakeup
from posthouse.wakeup.wakeup import SENDS


def status(state: ConnectionState, failures: int = 0, *, is_alarming: bool = False) -> Status:
    return Status(state=state, since_at=0.0, failures=failures, is_alarming=is_alarming)


def test_an_alarm_is_said_once_and_taken_back_once() -> None:
    connections = Connections(LocalWakeup())
    with capture_logs() as said:
        for failures in range(1, 9):
            connections.changed(
                "a", status(ConnectionState.WAITING, failures, is_alarming=failures >= 5)
            )
        connections.changed("a", status(ConnectionState.CONNECTED, is_alarming=True))
        connections.changed("a", status(ConnectionState.CONNECTED))
    assert [line["event"] for line in said] == [
        "bot_disconnected",
        "bot_silent",
        "bot_connected",
        "bot_recovered",
    ]


def test_a_connection_is_told_of_once_however_long_it_holds() -> None:
    connections = Connections(LocalWakeup())
    with capture_logs() as said:
        for state in (ConnectionState.CONNECTED, ConnectionState.WAITING) * 2:
            connections.changed("a", status(state, 1))
            connections.changed("a", status(state, 0 if state is ConnectionState.CONNECTED else 2))
    told = ["bot_connected", "bot_disconnected"]
    assert [line["event"] for line in said] == told * 2


def test_each_bot_has_its_own_alarm() -> None:
    connections = Connections(LocalWakeup())
    with capture_logs() as said:
        connections.changed("a", status(ConnectionState.SUPERSEDED, is_alarming=True))
        connections.changed("b", status(ConnectionState.REFUSED, is_alarming=True))
    assert [(line["event"], line["bot"]) for line in said] == [
        ("bot_silent", "a"),
        ("bot_silent", "b"),
    ]


def test_a_bot_that_is_back_has_its_sends_looked_at() -> None:
    wakeup = LocalWakeup()
    nudged: list[bytes] = []
    wakeup.listen(SENDS, nudged.append)
    connections = Connections(wakeup)
    connections.changed("a", status(ConnectionState.WAITING, 1))
    assert nudged == []
    connections.changed("a", status(ConnectionState.CONNECTED))
    assert nudged == [b"a"]


def test_whoever_is_let_go_has_not_recovered() -> None:
    connections = Connections(LocalWakeup())
    with capture_logs() as said:
        connections.changed("a", status(ConnectionState.WAITING, 5, is_alarming=True))
        connections.changed("a", status(ConnectionState.OFF))
        connections.changed("a", status(ConnectionState.WAITING, 5, is_alarming=True))
    assert [line["event"] for line in said] == ["bot_silent", "bot_silent"]
