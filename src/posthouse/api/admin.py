"""``/api/v1/admin/<task>``: the door for operators' tools on the same machine."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from posthouse.api.answers import as_json, error
from posthouse.api.desk import TASKS as DESK_TASKS
from posthouse.api.desk import Desk
from posthouse.api.gate_tasks import GATE_TASKS
from posthouse.api.knowledge_tasks import KNOWLEDGE_TASKS
from posthouse.api.permission_tasks import PERMISSION_TASKS
from posthouse.api.push_tasks import PUSH_TASKS
from posthouse.api.requests import decoded
from posthouse.model.errors import OperatorMistake

PATH = "/api/v1/admin/{task}"
TASKS = {**DESK_TASKS, **PERMISSION_TASKS, **PUSH_TASKS, **KNOWLEDGE_TASKS, **GATE_TASKS}

log = structlog.get_logger("posthouse.admin")


class Admin:
    """Performs tasks for who knows the token.

    Args:
        desk: what performs them.
        token: stands in the lock file, which only the house's own user can read.
    """

    def __init__(self, desk: Desk, token: str) -> None:
        self._desk = desk
        self._expected = f"Bearer {token}".encode()

    def routes(self) -> Sequence[BaseRoute]:
        """Return where it answers."""
        return (Route(PATH, self._perform, methods=["POST"]),)

    async def _perform(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, self._expected):
            return error("not_allowed")
        task = TASKS.get(request.path_params["task"])
        if task is None:
            return error("not_found")
        arguments = decoded(await request.body() or b"{}", task.arguments)
        try:
            return as_json(await task.perform(self._desk, arguments))
        except OperatorMistake as mistake:
            log.warning("admin_failed", task=task.name, problem=str(mistake))
            return error("operator_mistake", zh=mistake.zh, en=str(mistake))
