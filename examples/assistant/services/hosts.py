"""主机。Hosts: what the assistant may look up, what it must ask about, and what asks by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from posthouse.scene import Answer, Ask, Mistake, caller, readonly

Host = Literal["web-1", "web-2"]
LOADS = {"web-1": 0.12, "web-2": 3.4}
NOTES: list[str] = []


@readonly
def cmd_load(host: Host, last: timedelta = timedelta(minutes=5)) -> str:
    """看一台主机忙不忙。Say how busy a host was lately: its average load."""
    return (
        f"{host} had a load of {LOADS[host]} over the last {last.total_seconds() / 60:g} minutes."
    )


@readonly  # it only asks: nothing happens before the answer 它只提问，回答之前什么也不做
def cmd_restart(host: Host) -> Ask:
    """重启一台主机，先确认。Restart a host, after a question."""
    question = f"Restart {host}? Its load is {LOADS[host]}."
    return Ask(question, ("Restart", "Leave it"), then=restart, state=host)


def restart(answer: Answer, host: Host) -> str:
    """Go on when the question is answered."""
    if answer.choice != 0:
        return f"{host} was left alone."
    return f"{host} is up again, as {caller().person.name} wished."


def cmd_note(host: Host, text: str) -> str:
    """记一条备注。Write a note about a host for the next shift."""
    if not text.strip():
        raise Mistake("A note has words.")
    NOTES.append(f"{host}: {text}")
    return f"Noted about {host}, by {caller().person.name}: {text}"
