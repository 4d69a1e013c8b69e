"""One turn in the making: asks its handler, stores what it says, tells of what went wrong."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import aclosing, suppress

import structlog
from msgspec.structs import replace

from posthouse.channels.channel import Toasting
from posthouse.channels.degrade import split
from posthouse.gateway import phrases
from posthouse.gateway.bots import Bot
from posthouse.gateway.context import Context
from posthouse.gateway.deliverer import Deliverer
from posthouse.gateway.door import Door
from posthouse.gateway.drafts import DraftWriter, Growing
from posthouse.gateway.outputs import Outputs, letter_for
from posthouse.gateway.rewrite import rewrite
from posthouse.gateway.stop_button import stop_button
from posthouse.gateway.surroundings import Surroundings
from posthouse.handlers.handler import CannotAnswer, EndOfTurn, Handler, Traits, traits_of
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
from posthouse.model.delivery import Kind, back_off_s
from posthouse.model.disposition import NewDelivery
from posthouse.model.errors import FenceLost, PosthouseError, TryLater
from posthouse.model.message import Content
from posthouse.model.permission import Ruling
from posthouse.model.turn import OnCrash, Turn, TurnState
from posthouse.store.journal import (
    ClaimedTurn,
    Finished,
    NewAmend,
    Result,
    Verdict,
    Wanted,
)
from posthouse.wakeup.wakeup import SENDS, SLOTS, TURNS

STOPPING = "stopping"  # the one reason for a retry that is no failed attempt
TYPING_EVERY_S = 4.0  # platforms show a typing sign for five seconds

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
        door: Door,
    ) -> None:
        self._around = around
        self._deliverer = deliverer
        self._claimed = claimed
        self._claim = claimed.claim
        self._turn = claimed.turn
        self._bot = bot
        self._handler = handler
        self._door = door
        self._is_announced = False  # whoever it concerns knows that nobody answers
        self._traits = traits_of(handler, self._turn) if handler else Traits()
        self._outputs = Outputs(self._turn, bot, around.new_key)
        self._writer: DraftWriter | None = None
        self._draft: int | None = None  # the growing message, opened now or before a crash
        self._typed_at = float("-inf")
        self._slot: int | None = None  # the event whose response is to carry the answer
        self._edits: list[NewAmend] = []
        self._put_through = 0  # how many deliveries are stored already (``report`` handlers)
        self._ending: asyncio.Task[None] | None = None
        self.has_followers = True  # the lane, as far as is known
        self._language = phrases.language_of(self._turn.chat, bot.language)
        self._context = Context(claimed, around, self._language)

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
        except Exception:
            log.exception("turn_broken", turn=self._turn.id)
            await self._bury_in_silence()
        finally:
            await self._close_writer()

    async def _begin(self) -> None:
        turn, traits = self._turn, self._traits
        is_report = traits.on_crash is OnCrash.REPORT
        if turn.has_spoken:
            await self._go_on()
        if self._handler is None:
            await self._say_and_end("handler_missing", handler=turn.handler)
        elif is_report and turn.is_started:
            await self._say_and_end("interrupted", state=TurnState.INTERRUPTED)
        elif (turn.is_again or turn.has_spoken) and await self._is_called_off():
            await self._end()  # asked for before a crash; finishing obeys
        elif turn.attempt > traits.attempts_max or turn.crashes > traits.crashes_max:
            await self._bury()
        elif self._claimed.is_control:
            await self._ask_handler(self._handler, turn)
        else:
            await self._admit(self._handler)

    async def _admit(self, handler: Handler) -> None:
        """Let the handler answer those who may; the others are told so once."""
        around, turn = self._around, self._turn
        admission = await around.until_stored(lambda: self._door.admit(turn, around.clock()))
        if not admission.ruling.is_allowed:
            await self._turn_away(admission.ruling)
            return
        self._outputs.notes += [("turned_away", person) for person in admission.turned_away]
        if self._traits.on_crash is OnCrash.REPORT and not self._traits.begins_itself:
            await self._context.begin()
        await self._ask_handler(handler, admission.turn)

    async def _turn_away(self, ruling: Ruling) -> None:
        self._is_announced = True
        code, _, day = ruling.reason.partition(" ")
        around, turn, now = self._around, self._turn, self._around.clock()
        is_new = not self._is_shadow and await around.until_stored(
            lambda: self._door.meet(turn, ruling, now)
        )
        if is_new or turn.is_again:  # a crash may have come before the sentence
            sentence = phrases.say(code, self._language, day=day)
            self._outputs.send(Send(Content(sentence)))
        await self._end(reason=ruling.reason)
        if is_new:
            await self._door.announce(turn, ruling, now)

    async def _is_called_off(self) -> bool:
        around, turn = self._around, self._turn.id
        wanted = await around.until_stored(lambda: around.journal.wanted(turn))
        return wanted is not Wanted.NOTHING

    async def _go_on(self) -> None:
        """Learn what of this turn is out already: a growing message, the first outputs."""
        around, turn = self._around, self._turn.id
        answers = await around.until_stored(lambda: around.journal.answers(turn))
        self._draft = self._outputs.go_on_after(answers)

    async def _ask_handler(self, handler: Handler, turn: Turn) -> None:
        limit = asyncio.timeout(self._traits.max_run_s)
        try:
            async with limit, aclosing(handler.handle(turn, self._context)) as actions:
                async for action in actions:
                    await self._take(action)
        except FenceLost:
            raise
        except TimeoutError as problem:
            await self._timed_out(None if limit.expired() else problem)
        except CannotAnswer as end:
            await self._end_with(end)
        except EndOfTurn as end:
            self._is_announced = end.is_announced
            await self._end(reason=end.reason)
        except TryLater as problem:
            if self._traits.on_crash is OnCrash.RERUN:
                raise
            await self._fail("handler_error", problem)  # it began, so it is not run again
        except Exception as problem:  # noqa: BLE001 - whatever a handler raises, a person is told
            await self._fail("handler_error", problem)
        else:
            await self._end()

    async def _timed_out(self, problem: TimeoutError | None) -> None:
        """Give the turn up: its time was over, or something in it ran into a time of its own."""
        await self._fail("handler_error" if problem else "handler_timeout", problem)

    async def _again(self, problem: TryLater) -> None:
        """Put the turn back to the head of its lane, however long the store stays busy."""
        log.warning("turn_again", turn=self._turn.id, problem=str(problem))
        wait_s = max(problem.retry_after_s, back_off_s(self._turn.attempt))
        around = self._around

        async def give_back() -> Verdict:
            at = around.clock() + wait_s
            return await around.journal.retry(self._claim, self._turn.id, at, "again")

        with suppress(FenceLost):
            if self._draft is not None and await self._is_called_off():
                await self._end()  # what has begun to grow is not left growing
                return
            await around.until_stored(give_back)
        around.wakeup.nudge(TURNS)

    async def _stopped(self) -> None:
        """The task was cancelled: by a control turn, or because the house is stopping."""
        around, turn = self._around, self._turn.id
        try:
            if self._ending is not None:
                await self._ending
            elif not await self._is_called_off():
                await around.until_stored(
                    lambda: around.journal.retry(self._claim, turn, around.clock(), STOPPING)
                )
            else:
                await self._end()
        except PosthouseError as problem:  # the next epoch frees the lane
            log.warning("turn_left", turn=turn, problem=str(problem))

    async def _bury_in_silence(self) -> None:
        """Let the lane move on although not even a sentence can be said (its channel is broken)."""
        with suppress(FenceLost):
            await self._finish(Result(state=TurnState.BURIED, reason="buried"))

    # --- what the handler yields ----------------------------------------------------------

    async def _take(self, action: Action) -> None:
        outputs = self._outputs
        match action:
            case Send():
                outputs.send(action)
                await self._put_if_reporting(is_last=action.is_last)
            case Ask():
                outputs.ask(action, self._around.clock())
            case Draft():
                await self._show(action)
            case Typing():
                await self._type()
            case Edit():
                self._edits.append(self._amend(action))
            case Recall(delivery=delivery):
                outputs.withdraw.append(delivery)
            case Note(name=name, value=value):
                outputs.notes.append((name, value))
            case Acknowledge(text=text):
                outputs.notes.append(("acknowledged", text))
                await self._toast(text)
            case React():
                outputs.react(action)

    def _amend(self, action: Edit) -> NewAmend:
        return NewAmend(
            delivery=action.delivery,
            content=action.content,
            body=self._bot.channel.encode(action.content, letter_for(self._turn)),
            origin=self._outputs.origin,
            ordinal=len(self._edits),
        )

    async def _put_if_reporting(self, *, is_last: bool) -> None:
        """Store outputs as they come: a ``report`` handler will not be run twice."""
        if is_last or self._traits.on_crash is not OnCrash.REPORT or self._is_shadow:
            return
        around = self._around
        if self._draft is not None and not self._put_through:
            await self._close_writer()
            self._outputs.settle_first(self._draft)
        news = tuple(self._outputs.deliveries[self._put_through :])
        await around.until_stored(
            lambda: around.journal.put(self._claim, self._turn.id, news, around.clock())
        )
        self._put_through += len(news)
        around.wakeup.nudge(SENDS)

    async def _type(self) -> None:
        """Show a typing sign, unless the last one is still to be seen, or the house is held."""
        now = self._around.clock()
        if self._is_shadow or abs(now - self._typed_at) < TYPING_EVERY_S:
            return
        self._typed_at = now
        if not await self._around.is_held():
            self._deliverer.type(self._bot, self._turn.chat)

    async def _toast(self, text: str) -> None:
        """Let the response to the press carry a few words, if it still waits for some."""
        channel, slots = self._bot.channel, self._around.slots
        if self._is_shadow or not isinstance(channel, Toasting) or await self._around.is_held():
            return
        body = channel.encode_toast(text)
        for stored in reversed(self._turn.events):
            if slots.hand(stored.id, body):
                return

    async def _show(self, shown: Draft) -> None:
        kind = self._bot.capabilities.draft
        if self._is_shadow or not shown.text.strip():
            return
        if kind is DraftKind.TYPING:
            await self._type()
        if kind is not DraftKind.MESSAGE or self._turn.replaces is not None or self._put_through:
            return
        if self._writer is None:
            self._writer = await self._open_draft(shown)
        if self._writer is not None:
            self._writer.write(shown.text)

    async def _open_draft(self, shown: Draft) -> DraftWriter | None:
        around, turn = self._around, self._turn
        new = self._outputs.draft(self._so_far(shown.text), is_quoting=shown.is_quoting)
        numbers: tuple[int, ...] = ()
        with suppress(TryLater):  # where the store is full, the answer appears at once
            numbers = await around.journal.put(self._claim, turn.id, (new,), around.clock())
        if not numbers:
            return None
        self._release_slots()
        draft = self._draft = numbers[0]
        around.drafts.expect(draft)
        for delivery in await around.journal.answers(turn.id):
            if delivery.id == draft:
                around.drafts.tell(delivery)  # it was opened before a crash
        around.wakeup.nudge(SENDS)
        letter = letter_for(turn, is_quoting=shown.is_quoting, kind=Kind.DRAFT)
        encode = self._bot.channel.encode
        growing = Growing(
            chat=turn.chat, draft=draft, body_of=lambda text: encode(self._so_far(text), letter)
        )
        return DraftWriter(growing, self._bot, around.pace, around.drafts, around.sleep)

    def _so_far(self, text: str) -> Content:
        """Show what is written so far, above a button that stops it where one can stand there."""
        can = self._bot.capabilities
        first = split(Content(text), can)[0]
        if not can.has_draft_buttons:
            return first
        return replace(first, choices=(stop_button(self._turn.id, self._language),))

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

    async def _end_with(self, end: CannotAnswer) -> None:
        """Say the handler's own sentence, and let operators know what nobody has allowed yet."""
        reference = self._around.new_key()[:8]
        if end.details:
            log.error(
                end.reason,
                turn=self._turn.id,
                handler=self._turn.handler,
                reference=reference,
                traceback=end.details,
            )
        self._outputs.send(Send(Content(end.sentence.replace("{reference}", reference))))
        ruling = Ruling(is_allowed=False, reason=end.reason)
        around, turn, now = self._around, self._turn, self._around.clock()
        is_of_operators = self._door.concerns(ruling) and not self._is_shadow
        is_new = is_of_operators and await around.until_stored(
            lambda: self._door.meet(turn, ruling, now)
        )
        await self._end(reason=end.reason)
        if is_new:
            await self._door.announce(turn, ruling, now)

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
        await self._close_writer()
        result = await self._result(state, reason)
        self._ending = asyncio.create_task(self._finish(result))
        await asyncio.shield(self._ending)

    async def _close_writer(self) -> None:
        """Show no more of the growing message: its final words must be the last."""
        if self._writer is not None:
            await self._writer.close()

    async def _finish(self, result: Result) -> None:
        around = self._around
        finished = await around.until_stored(
            lambda: around.journal.finish(
                self._claim,
                self._turn.id,
                result,
                self._bot.capabilities,
                around.clock(),
                is_first_sent=bool(result.deliveries) and self._deliverer.may_send_now(self._bot),
            )
        )
        self._hand_on(finished, result)

    def _hand_on(self, finished: Finished, result: Result) -> None:
        """Send the first delivery, and nudge whoever has something to do now."""
        around = self._around
        is_done = finished.verdict is Verdict.DONE
        around.tally["turns_total", result.state if is_done else finished.verdict] += 1
        has_taken_slot = finished.first is not None and result.slot_body is not None
        self._release_slots(self._slot if has_taken_slot else None)
        if finished.first is not None:
            self._deliverer.send_now(finished.first, self._slot, result.slot_body)
        is_more = len(result.deliveries) > (finished.first is not None)
        if is_more or result.withdraw or result.amends or self._claimed.is_control or not is_done:
            around.wakeup.nudge(SENDS)
        self.has_followers = finished.is_more or self._claimed.is_control or not is_done
        if self.has_followers:
            around.wakeup.nudge(TURNS)

    async def _result(self, state: TurnState, reason: str) -> Result:
        outputs = self._outputs
        if self._is_shadow:
            said = tuple(("would_say", new.content.text) for new in outputs.deliveries)
            return Result(state=state, reason="shadow", notes=(*outputs.notes, *said))
        if self._is_silent and (self._must_answer or self._draft is not None):
            reason = "no_answer" if reason == "answered" else reason
            outputs.send(Send(Content(phrases.say("no_answer", self._language))))
        if self._draft is not None:
            outputs.settle_first(self._draft)
        result = Result(
            state=state,
            reason=reason,
            deliveries=tuple(outputs.deliveries),
            amends=tuple(self._edits),
            withdraw=tuple(outputs.withdraw),
            questions=tuple(outputs.questions),
            notes=tuple(outputs.notes),
            if_cancelled=self._if_cancelled(),
            slot_body=self._take_slot(),
        )
        if self._turn.replaces is None:
            return result
        old = await self._around.journal.answers(self._turn.replaces)
        return rewrite(result, old, self._bot.capabilities, self._around.clock())

    def _if_cancelled(self) -> tuple[NewDelivery, ...]:
        if self._draft is None or self._put_through:  # its first words have settled it
            return ()
        words = phrases.say("draft_cancelled", self._language)
        written = self._writer.latest if self._writer is not None else ""
        shown = f"{written}\n\n{words}".strip()
        return (self._outputs.settle(Content(shown), self._draft),)

    @property
    def _is_silent(self) -> bool:
        """Whether nobody would see that this turn happened."""
        outputs = self._outputs
        if self._draft is not None:
            return not outputs.has_words
        return not (outputs.deliveries or self._edits or outputs.withdraw)

    @property
    def _must_answer(self) -> bool:
        """Addressed means answered: silence is a choice only for overheard messages."""
        if self._claimed.is_control or self._is_announced:
            return False  # orders answer for themselves; who may not is told once
        return any(message.is_addressed for message in self._turn.messages)

    @property
    def _is_shadow(self) -> bool:
        if self._claimed.is_control:
            return False
        return self._turn.chat.mode_at(self._around.clock()) is ChatMode.SHADOW

    def _take_slot(self) -> bytes | None:
        """Encode the answer for the response that waits for it, if it can travel there."""
        if self._draft is not None or self._turn.replaces is not None or self._put_through:
            return None
        slots, events = self._around.slots, reversed(self._turn.events)
        self._slot = next((stored.id for stored in events if slots.is_open(stored.id)), None)
        return None if self._slot is None else self._outputs.slot_body()

    def _release_slots(self, taken: int | None = None) -> None:
        """Keep no response waiting for an answer that it will not carry."""
        for stored in self._turn.events:
            if stored.id == taken or self._around.slots.release(stored.id):
                continue
            if stored.has_slot:  # its response may wait at another gateway
                self._around.wakeup.nudge(SLOTS, str(stored.id).encode())
