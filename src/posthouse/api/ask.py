"""``/api/v1/ask``: scripts ask what a bot would answer, by the same stages; no chat hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Annotated, Literal

import msgspec
import structlog
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from posthouse.api.answers import ERRORS, as_json, error, error_of
from posthouse.api.callers import Caller, Callers
from posthouse.api.message import CODE
from posthouse.api.requests import JSON, decoded, media_type
from posthouse.handlers.trying import Concluded, Growing, Source, Stage, Trial, Tries
from posthouse.model.errors import NotThere, NotUnderstood, PosthouseError, Refused, TryLater
from posthouse.model.reasons import explain
from posthouse.model.scopes import (
    ASK,
    bases_asked,
    may_ask,
    may_ask_as,
    may_ask_handler,
    may_ask_in,
    may_ask_nowhere,
)
from posthouse.store.access import Access
from posthouse.store.chats import Chats

PATH = "/api/v1/ask"
QUESTION_CHARACTERS_MAX = 2000
BASES_MAX = 20
AT_ONCE = 8
WITHIN_S = 120.0
STREAM = "text/event-stream"
HANDLER = "assistant"  # where several answer questions and none is named

_END = r"$(?!\n)"

_AS_IT_COMES = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

log = structlog.get_logger("posthouse.api")


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked, and as whom where; the rules of that place hold."""

    question: Annotated[str, Meta(min_length=1, max_length=QUESTION_CHARACTERS_MAX)]
    chat: Annotated[
        int,
        Meta(
            ge=0,
            le=2**53 - 1,
            description="the house's number, for a token with `ask:chat` or `ask:bot`; 0: none",
        ),
    ] = 0
    person: Annotated[
        str,
        Meta(max_length=256, description="a platform id, for a token with `ask:person`"),
    ] = ""
    bases: Annotated[
        tuple[str, ...],
        Meta(max_length=BASES_MAX, description="of those that answer there, or with `ask:base`"),
    ] = ()
    is_addressed: Annotated[bool, Meta(description="false: as if it had been overheard")] = True
    language: Literal["", "zh", "en"] = ""
    handler: Annotated[str, Meta(pattern=rf"^({CODE})?{_END}")] = ""


class Step(Struct, frozen=True):
    """A decision on the way."""

    name: str
    value: str


class Reply(Struct, frozen=True, kw_only=True):
    """How it ended; ``answer`` is empty where nothing would be said, and the reason says why."""

    answer: str
    reason: str
    zh: str  # the reason in words
    en: str
    score: float | None
    threshold: float | None
    bases: tuple[str, ...]
    references: tuple[Source, ...]  # what was found, best first
    steps: tuple[Step, ...]


class _Failed(Struct, frozen=True):
    code: str
    zh: str
    en: str


class Ask:
    """Answers who has a token with the scope ``ask``.

    Args:
        tries: the handlers that answer questions, by name, as they are now.
        chats: knows the chats in whose name somebody asks.
        access: knows the tokens.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        tries: Callable[[], Mapping[str, Tries]],
        chats: Chats,
        access: Access,
        clock: Callable[[], float],
    ) -> None:
        self._tries = tries
        self._chats = chats
        self._callers = Callers(access, clock)
        self._clock = clock
        self._under_way = 0

    def routes(self) -> Sequence[BaseRoute]:
        """Return where it answers."""
        return (Route(PATH, self._answer, methods=["POST"]),)

    async def _answer(self, request: Request) -> Response:
        caller = await self._callers.of(request)
        if caller is None:
            return error("not_authenticated", headers={"WWW-Authenticate": "Bearer"})
        if not may_ask(caller.scopes):
            return error("not_allowed")
        if media_type(request.headers) != JSON:
            return error("wrong_type")
        question = _read(await request.body())
        trial = await self._trial(question, caller)
        handler = self._handler(question.handler, caller)
        if STREAM not in request.headers.get("accept", ""):
            return as_json(await self._collected(handler, trial))
        return StreamingResponse(
            self._streamed(handler, trial), media_type=STREAM, headers=_AS_IT_COMES
        )

    def _handler(self, name: str, caller: Caller) -> Tries:
        tries = self._tries()
        usual = HANDLER if HANDLER in tries else next(iter(tries), "")
        name = name or usual
        if name not in {"", usual} and not may_ask_handler(caller.scopes, name):
            raise _lacks(f"ask:handler={name}")
        if name not in tries:
            raise NotThere(
                f"no handler {name or HANDLER} answers questions: see [handlers] in the settings",
                zh=f"没有会答题的处理程序 {name or HANDLER}：见设置里的 [handlers]",
            )
        return tries[name]

    async def _trial(self, question: Question, caller: Caller) -> Trial:
        chat = await self._chats.get(question.chat) if question.chat else None
        _demand(caller.scopes, question, "" if chat is None else chat.bot)
        if question.chat and chat is None:
            raise NotThere("there is no such chat", zh="没有这个会话")
        return Trial(
            question=question.question,
            author=f"token:{caller.name}",
            bot="" if chat is None else chat.bot,
            chat=question.chat,
            person=question.person,
            bases=question.bases,
            bases_beyond=bases_asked(caller.scopes),
            is_addressed=question.is_addressed,
            at=self._clock(),
            language=question.language,
        )

    # --- asking -------------------------------------------------------------------------------

    async def _collected(self, handler: Tries, trial: Trial) -> Reply:
        steps: list[Step] = []
        async with self._attempt(handler, trial) as stages:
            async for each in stages:
                match each:
                    case Stage(name=name, value=value):
                        steps.append(Step(name, value))
                    case Concluded():
                        return _reply(each, steps)
                    case Growing():
                        pass
        raise RuntimeError("an attempt ended without a conclusion")

    async def _streamed(self, handler: Tries, trial: Trial) -> AsyncGenerator[bytes]:
        steps: list[Step] = []
        try:
            async with self._attempt(handler, trial) as stages:
                async for each in stages:
                    match each:
                        case Stage(name=name, value=value):
                            steps.append(Step(name, value))
                            yield _event("step", steps[-1])
                        case Growing(text=text):
                            yield _event("growing", {"text": text})
                        case Concluded():
                            yield _event("done", _reply(each, steps))
                            return
        except PosthouseError as problem:
            yield _event("failed", msgspec.Raw(error_of(problem).body))
        except Exception:
            log.exception("request_failed", method="POST", path=PATH)
            _, said = ERRORS["failed"]
            yield _event("failed", _Failed("failed", said.zh, said.en))

    @asynccontextmanager
    async def _attempt(
        self, handler: Tries, trial: Trial
    ) -> AsyncGenerator[AsyncGenerator[Stage | Growing | Concluded]]:
        """Bound how many are asked at once, and for how long."""
        if self._under_way >= AT_ONCE:
            raise TryLater(
                f"{AT_ONCE} questions are being answered; try again in a moment",
                zh=f"正在回答 {AT_ONCE} 个问题，请稍后再试",
            )
        self._under_way += 1
        try:
            async with asyncio.timeout(WITHIN_S), aclosing(handler.attempt(trial)) as stages:
                yield stages
        except TimeoutError:
            raise TryLater(
                f"it takes longer than {WITHIN_S:.0f} s; ask something smaller",
                zh=f"回答超过 {WITHIN_S:.0f} 秒；请问得小一点",
            ) from None
        finally:
            self._under_way -= 1


def _demand(scopes: tuple[str, ...], question: Question, bot: str) -> None:
    """Make sure that a token may ask there as them.

    Raises:
        Refused: not with its scopes; who may not ask in a chat does not learn whether it exists.
    """
    if question.chat and not may_ask_in(scopes, question.chat, bot):
        raise _lacks(f"ask:chat={question.chat}")
    if not question.chat and not may_ask_nowhere(scopes, question.bases):
        raise _lacks(ASK)
    if not may_ask_as(scopes, question.person):
        raise _lacks(f"ask:person={question.person}")


def _lacks(scope: str) -> Refused:
    return Refused(
        f"this token may not ask so; it lacks the scope {scope}",
        zh=f"这个令牌不能这样问；缺少权限范围 {scope}",
    )


def _reply(end: Concluded, steps: Sequence[Step]) -> Reply:
    return Reply(
        answer=end.answer,
        reason=end.reason,
        zh=explain(end.reason, "zh"),
        en=explain(end.reason, "en"),
        score=end.score,
        threshold=end.threshold,
        bases=end.bases,
        references=end.sources,
        steps=tuple(steps),
    )


def _event(name: str, value: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(value))


def _read(body: bytes) -> Question:
    question = decoded(body, Question)
    if not question.question.strip():
        raise NotUnderstood("`question` is empty", zh="question 是空的")
    return question
