"""上线服务，先确认。Deploy services, asking first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

from posthouse.scene import Answer, Ask, Mistake, Progress, caller, limit

SERVICES = {"web": "1.4.2", "worker": "1.4.0"}  # and the version that runs

Environment = Literal["staging", "production"]


@limit(give_up_s=60)
def cmd_run(service: str, version: str, to: Environment = "staging", *, note: str = "") -> Ask:
    """上线某个版本。Deploy a version of a service.

    For example: `/deploy run web 1.4.3 production --note "the hot fix"`
    """
    if service not in SERVICES:
        raise Mistake(f"There is no service {service}; there are: {', '.join(SERVICES)}.")
    question = f"Deploy **{service} {version}** to **{to}**? It runs {SERVICES[service]} now."
    plan = {"service": service, "version": version, "to": to, "note": note}
    return Ask(question, ("Deploy", "Cancel"), then=deploy, state=plan)


def deploy(answer: Answer, plan: dict[str, str]) -> Iterator[object]:
    """Go on when the question is answered, be it after a restart."""
    what = f"{plan['service']} {plan['version']} → {plan['to']}"
    if answer.text != "Deploy":
        yield f"Left everything as it was; {what} was not deployed."
        return
    for step in ("building", "testing", "switching over"):
        yield Progress(f"{what}: {step} …")
        time.sleep(0.2)  # where the real work would be done
    note = f"\n\n> {plan['note']}" if plan["note"] else ""
    yield f"**{what}** is deployed, as {caller().person.name} wished.{note}"


def cmd_versions() -> str:
    """查看当前版本。Say which versions run."""
    return "\n".join(f"- {service}: {version}" for service, version in SERVICES.items())
