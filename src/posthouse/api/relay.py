"""``/api/v1/relay``: a house fetches what waits here; and the old ``POST /fetch``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from posthouse import __version__
from posthouse.api.answers import as_json, error
from posthouse.api.callers import Caller, Callers
from posthouse.api.requests import decoded
from posthouse.channels.channel import Outpost
from posthouse.gateway.relay import NoSuchBot, Relay
from posthouse.model.errors import NotUnderstood, PosthouseError
from posthouse.model.relay import (
    ACK_PATH,
    LEASE_PATH,
    STATE_PATH,
    Acknowledgement,
    LeaseWish,
    RelayState,
)
from posthouse.model.scopes import may_fetch
from posthouse.store.parcels import LeasedElsewhere, LeaseOver

FETCH_PATH = "/fetch"
FETCH_WITH_TOKEN_PATH = "/fetch/{token}"  # noqa: S105 - for old workers, which send no headers
FETCH_WAIT_S = 4.0  # as the old listener did: one second for orders, three for the rest

Work = Callable[[Request, Caller], Awaitable[Response]]


class RelayDoor:
    """Answers houses that have a token.

    Args:
        relay: what keeps and gives.
        outposts: of the bots, by name.
        callers: knows the tokens.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        relay: Relay,
        outposts: Mapping[str, Outpost],
        callers: Callers,
        clock: Callable[[], float],
    ) -> None:
        self._relay = relay
        self._outposts = outposts
        self._callers = callers
        self._clock = clock

    def routes(self) -> Sequence[BaseRoute]:
        """Return where it answers."""
        return (
            Route(LEASE_PATH, self._for(self._lease), methods=["POST"]),
            Route(ACK_PATH, self._for(self._acknowledge), methods=["POST"]),
            Route(STATE_PATH, self._for(self._state), methods=["GET"]),
            Route(FETCH_PATH, self._for(self._fetch), methods=["POST"]),
            Route(FETCH_WITH_TOKEN_PATH, self._for(self._fetch), methods=["POST"]),
        )

    def _for(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            caller = await self._caller(request)
            if caller is None:
                return error("not_authenticated", headers={"WWW-Authenticate": "Bearer"})
            try:
                return await work(request, caller)
            except PosthouseError as problem:
                return _refusal(problem)

        return answer

    async def _caller(self, request: Request) -> Caller | None:
        secret = request.path_params.get("token")
        if isinstance(secret, str):
            return await self._callers.with_secret(secret)
        return await self._callers.of(request)

    async def _lease(self, request: Request, caller: Caller) -> Response:
        wish = decoded(await request.body(), LeaseWish)
        if not may_fetch(caller.scopes, wish.bot):
            return error("not_allowed")
        return as_json(await self._relay.lease(wish))

    async def _acknowledge(self, request: Request, caller: Caller) -> Response:
        done = decoded(await request.body(), Acknowledgement)
        if not may_fetch(caller.scopes, done.bot):
            return error("not_allowed")
        return as_json(await self._relay.acknowledge(done))

    async def _state(self, _request: Request, caller: Caller) -> Response:
        states = await self._relay.states()
        state = RelayState(
            version=__version__,
            at=self._clock(),
            is_full=self._relay.room.is_full,
            bots=tuple(each for each in states if may_fetch(caller.scopes, each.bot)),
        )
        return as_json(state)

    async def _fetch(self, request: Request, caller: Caller) -> Response:
        bot = self._bot_of(request, caller)
        record = await self._relay.fetch(bot, self._outposts[bot], FETCH_WAIT_S)
        return as_json({} if record is None else record)

    def _bot_of(self, request: Request, caller: Caller) -> str:
        """Return whose messages are fetched in the old way: the only bot there is, or ``?bot=``."""
        named = request.query_params.get("bot")
        known = [bot for bot in self._outposts if may_fetch(caller.scopes, bot)]
        bots = [bot for bot in known if named in {None, bot}]
        if not bots:
            raise NoSuchBot(zh="中转站没有这个机器人，或这个令牌不能取它的消息。")
        if len(bots) > 1:
            raise NotUnderstood(
                f"this token fetches for several bots: write ?bot= with one of {', '.join(bots)}",
                zh=f"这个令牌可取多个机器人的消息：请用 ?bot= 指定其一：{', '.join(bots)}",
            )
        return bots[0]


def _refusal(problem: PosthouseError) -> Response:
    zh, en = problem.zh, str(problem)
    match problem:
        case LeasedElsewhere():
            return error("leased_elsewhere", zh=zh, en=en)
        case LeaseOver():
            return error("lease_over", zh=zh, en=en)
        case NoSuchBot():
            return error("not_found", zh=zh, en=en)
    raise problem  # the guards have the words for what everybody raises
