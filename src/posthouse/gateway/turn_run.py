"""One turn in the making: asks its handler, stores what it says, tells of what went wrong."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import aclosing, suppress

import structlog

from posthouse.gateway import phrases
from posthouse.gateway.bots import Bot
from posthouse.gateway.context import Context
from posthouse.gateway.deliverer import Deliverer
from posthouse.gateway.drafts import DraftWriter
from posthouse.gateway.outputs import Outputs, letter_for
from posthouse.gateway.rewrite import rewrite
from posthouse.gateway.surroundings import Surroundings
from posthouse.handlers.handler import Handler, Traits
from posthouse.model.action import (
    Acknowledge,
    Action,
    Ask,
    Draft,
    Edit,
    Note,
    React,
    Recall,
    Send,
    Typing,
)
from posthouse.model.address import ChatMode
from posthouse.model.capabilities import DraftKind
from posthouse.model.delivery import back_off_s
from posthouse.model.disposition import NewDelivery
from posthouse.model.errors import FenceLost, PosthouseError, TryLater
from posthouse.model.message import Content
from posthouse.model.turn import OnCrash, TurnState
from posthouse.store.journal import (
    ClaimedTurn,
    Finished,
    NewAmend,
    Result,
    Verdict,
    Wanted,
)
from posthouse.wakeup.wakeup import SENDS, TURNS

log = structlog.get_logger("posthouse.turns")


class TurnRun:
    """Runs one claimed turn to one of its ends."""

    def __init__(
        self,
        around: Surroundings,
        deliverer: Deliverer,
        claimed: ClaimedTurn,
        bot: Bot,
        handler: Handler | None,
    ) -> None:
        self._around = around
        self._deliverer = deliverer
        self._claimed = claimed
        self._claim = claimed.claim
        self._turn = claimed.turn
        self._bot = bot
        self._handler = handler
        self._traits = handler.traits if handler else Traits()
        self._outputs = Outputs(self._turn, bot, around.new_key)
        self._writer: DraftWriter | None = None
        self._edits: list[NewAmend] = []
        self._put_through = 0  # how many deliveries are stored already (``report`` handlers)
        self._ending: asyncio.Task[None] | None = None
        self._language = phrases.language_of(self._turn.chat, bot.language)

    # --- the ways a turn goes -------------------------------------------------------------

    async def run(self) -> None:
        """Run the turn; what cannot be stored now is tried again, by us or by the next owner."""
        try:
            await self._begin()
        except asyncio.CancelledError:
            await asyncio.shield(self._stopped())
            raise
        except FenceLost:
            log.warning("turn_fence_lost", turn=self._turn.id)
        except TryLater as problem:
            await self._again(problem)
        finally:
            if self._writer is not None:
                await self._writer.close()

    async def _begin(self) -> None:
        turn, traits = self._turn, self._traits
        is_report = traits.on_crash is OnCrash.REPORT
        if self._handler is None:
            await self._say_and_end("handler_missing", handler=turn.handler)
        elif is_report and turn.is_started:
            await self._say_and_end("interrupted", state=TurnState.INTERRUPTED)
        elif turn.attempt > traits.attempts_max:
            await self._bury()
        else:
            if is_report:
                await self._around.journal.start(self._claim, turn.id, self._around.clock())
            await self._ask_handler(self._handler)

    async def _ask_handler(self, handler: Handler) -> None:
        around = self._around
        context = Context(self._claimed, around.journal, self._language, around.clock, around.sleep)
        try:
            async with asyncio.timeout(self._traits.max_run_s):
                async with aclosing(handler.handle(self._turn, context)) as actions:
                    async for action in actions:
                        await self._take(action)
        except TimeoutError:
            await self._fail("handler_timeout")
        except (TryLater, FenceLost):
            raise
        except Exception as problem:  # noqa: BLE001 - whatever a handler raises, a person is told
            await self._fail("handler_error", problem)
        else:
            await self._end()

    async def _again(self, problem: TryLater) -> None:
        """Put the turn back to the head of its lane, however long the store stays busy."""
        log.warning("turn_again", turn=self._turn.id, problem=str(problem))
        wait_s = max(problem.retry_after_s, back_off_s(self._turn.attempt))
        around = self._around

        async def give_back() -> Verdict:
            at = around.clock() + wait_s
            return await around.journal.retry(self._claim, self._turn.id, at, "again")

        with suppress(FenceLost):
            await around.until_stored(give_back)
        around.wakeup.nudge(TURNS)

    async def _stopped(self) -> None:
        """The task was cancelled: by a control turn, or because the house is stopping."""
        try:
            if self._ending is not None:
                await self._ending
            elif await self._around.journal.wanted(self._turn.id) is Wanted.NOTHING:
                now = self._around.clock()
                await self._around.journal.retry(self._claim, self._turn.id, now, "stopping")
            else:
                await self._end()
        except PosthouseError as problem:  # the next epoch frees the lane
            log.warning("turn_left", turn=self._turn.id, problem=str(problem))

    # --- what the handler yields ----------------------------------------------------------

    async def _take(self, action: Action) -> None:
        outputs = self._outputs
        match action:
            case Send():
                outputs.send(action)
                await self._put_if_reporting()
            case Ask():
                outputs.ask(action, self._around.clock())
            case Draft(text=text):
                await self._show(text)
            case Typing():
                self._deliverer.type(self._bot, self._turn.chat)
            case Edit():
                self._edits.append(self._amend(action))
            case Recall(delivery=delivery):
                outputs.withdraw.append(delivery)
            case Note(name=name, value=value):
                outputs.notes.append((name, value))
            case Acknowledge(text=text):
                outputs.notes.append(("acknowledged", text))
            case React(emoji=emoji):
                outputs.notes.append(("reaction", emoji))

    def _amend(self, action: Edit) -> NewAmend:
        return NewAmend(
            delivery=action.delivery,
            content=action.content,
            body=self._bot.channel.encode(action.content, letter_for(self._turn)),
            origin=self._outputs.origin,
            ordinal=len(self._edits),
        )

    async def _put_if_reporting(self) -> None:
        """Store outputs as they come: a ``report`` handler will not be run twice."""
        if self._traits.on_crash is not OnCrash.REPORT or self._is_shadow:
            return
        news = tuple(self._outputs.deliveries[self._put_through :])
        await self._around.journal.put(self._claim, self._turn.id, news, self._around.clock())
        self._put_through += len(news)
        self._around.wakeup.nudge(SENDS)

    async def _show(self, text: str) -> None:
        kind = self._bot.capabilities.draft
        if self._is_shadow or not text.strip():
            return
        if kind is DraftKind.TYPING:
            self._deliverer.type(self._bot, self._turn.chat)
        if kind is not DraftKind.MESSAGE or self._turn.replaces is not None:
            return
        if self._writer is None:
            self._writer = await self._open_draft(text)
        if self._writer is not None:
            self._writer.write(text)

    async def _open_draft(self, text: str) -> DraftWriter | None:
        around, turn = self._around, self._turn
        new = self._outputs.draft(text)
        numbers = await around.journal.put(self._claim, turn.id, (new,), around.clock())
        if not numbers:
            return None
        draft = numbers[0]
        around.drafts.expect(draft)
        for delivery in await around.journal.answers(turn.id):
            if delivery.id == draft:
                around.drafts.tell(delivery)  # it was opened before a crash
        around.wakeup.nudge(SENDS)
        return DraftWriter(turn, self._bot, around.pace, around.drafts, draft, around.sleep)

    # --- how it ends ----------------------------------------------------------------------

    async def _fail(self, phrase: str, problem: Exception | None = None) -> None:
        reference = self._around.new_key()[:8]
        trace = "".join(traceback.format_exception(problem)) if problem else ""
        log.error(
            phrase,
            turn=self._turn.id,
            handler=self._turn.handler,
            reference=reference,
            traceback=trace,
        )
        await self._say_and_end(phrase, reference=reference, seconds=self._traits.max_run_s)

    async def _bury(self) -> None:
        turn = self._turn
        log.error("turn_buried", turn=turn.id, handler=turn.handler)
        await self._say_and_end("buried", state=TurnState.BURIED, reference=f"turn-{turn.id}")

    async def _say_and_end(
        self, phrase: str, *, state: TurnState = TurnState.FINISHED, **values: object
    ) -> None:
        """Forget what was not stored yet and say one sentence instead."""
        outputs = self._outputs
        del outputs.deliveries[self._put_through :]
        outputs.questions.clear()
        outputs.withdraw.clear()
        self._edits.clear()
        outputs.send(Send(Content(phrases.say(phrase, self._language, **values))))
        await self._end(state, phrase)

    async def _end(self, state: TurnState = TurnState.FINISHED, reason: str = "answered") -> None:
        """Finish, whatever happens to us meanwhile: what was stored must be handed on."""
        result = await self._result(state, reason)
        self._ending = asyncio.create_task(self._finish(result))
        await asyncio.shield(self._ending)

    async def _finish(self, result: Result) -> None:
        may_send = bool(result.deliveries) and self._deliverer.may_send_now(self._bot)
        finished = await self._around.journal.finish(
            self._claim,
            self._turn.id,
            result,
            self._bot.capabilities,
            self._around.clock(),
            is_first_sent=may_send,
        )
        self._hand_on(finished, result)

    def _hand_on(self, finished: Finished, result: Result) -> None:
        """Send the first delivery, and nudge whoever has something to do now."""
        around = self._around
        is_done = finished.verdict is Verdict.DONE
        around.tally["turns_total", result.state if is_done else finished.verdict] += 1
        if finished.first is not None:
            slot = self._slot_event if result.slot_body is not None else None
            self._deliverer.send_now(finished.first, slot, result.slot_body)
        is_more = len(result.deliveries) > (finished.first is not None)
        if is_more or result.withdraw or result.amends or self._claimed.is_control or not is_done:
            around.wakeup.nudge(SENDS)
        around.wakeup.nudge(TURNS)

    async def _result(self, state: TurnState, reason: str) -> Result:
        outputs = self._outputs
        if self._is_shadow:
            said = tuple(("would_say", new.content.text) for new in outputs.deliveries)
            return Result(state=state, reason="shadow", notes=(*outputs.notes, *said))
        if not outputs.deliveries and (self._must_answer or self._writer is not None):
            reason = "no_answer" if reason == "answered" else reason
            outputs.send(Send(Content(phrases.say("no_answer", self._language))))
        if self._writer is not None:
            outputs.settle_first(self._writer.draft)
        result = Result(
            state=state,
            reason=reason,
            deliveries=tuple(outputs.deliveries),
            amends=tuple(self._edits),
            withdraw=tuple(outputs.withdraw),
            questions=tuple(outputs.questions),
            notes=tuple(outputs.notes),
            if_cancelled=self._if_cancelled(),
            slot_body=outputs.slot_body() if self._slot_event is not None else None,
        )
        if self._turn.replaces is None:
            return result
        old = await self._around.journal.answers(self._turn.replaces)
        return rewrite(result, old, self._bot.capabilities, self._around.clock())

    def _if_cancelled(self) -> tuple[NewDelivery, ...]:
        if self._writer is None:
            return ()
        words = phrases.say("draft_cancelled", self._language)
        shown = f"{self._writer.latest}\n\n{words}".strip()
        return (self._outputs.settle(Content(shown), self._writer.draft),)

    @property
    def _must_answer(self) -> bool:
        """Addressed means answered: silence is a choice only for overheard messages."""
        if self._claimed.is_control:
            return False  # orders answer for themselves
        return any(message.is_addressed for message in self._turn.messages)

    @property
    def _is_shadow(self) -> bool:
        if self._claimed.is_control:
            return False
        return self._turn.chat.mode_at(self._around.clock()) is ChatMode.SHADOW

    @property
    def _slot_event(self) -> int | None:
        for stored in reversed(self._turn.events):
            if self._around.slots.is_open(stored.id):
                return stored.id
        return None
