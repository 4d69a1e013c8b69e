"""The assistant: answers from what the house knows, and is silent where it should be."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from posthouse.handlers.assistant import pending
from posthouse.handlers.assistant.answering import Answering
from posthouse.handlers.assistant.asking import NOWHERE, Asking
from posthouse.handlers.assistant.book import Book
from posthouse.handlers.assistant.errands import Errands
from posthouse.handlers.assistant.handover import Handover
from posthouse.handlers.assistant.limits import Limits
from posthouse.handlers.assistant.pictures import fetched, images_of
from posthouse.handlers.assistant.purses import Purses
from posthouse.handlers.assistant.references import last_question
from posthouse.handlers.assistant.rules import overlaid
from posthouse.handlers.assistant.sentences import language_of, say
from posthouse.handlers.assistant.settings import AssistantOptions
from posthouse.handlers.assistant.tools import Result
from posthouse.handlers.assistant.trial_bases import demand_bases
from posthouse.handlers.handler import (
    CannotAnswer,
    EndOfTurn,
    Interrupted,
    Push,
    Traits,
    TurnContext,
)
from posthouse.handlers.trying import Concluded, Growing, Stage, Trial, Tried
from posthouse.model.action import Acknowledge, Action, Draft, Note, Send
from posthouse.model.address import ChatKind, ChatMode, Person
from posthouse.model.event import ReactionChanged
from posthouse.model.message import Content, Quote
from posthouse.model.turn import OnCrash, OnEdit, Turn
from posthouse.store.asked import Asked, Verdict
from posthouse.store.chats import Chats
from posthouse.store.conduct import Conduct, Rule, Scope
from posthouse.store.documents import Documents
from posthouse.store.reader import Roads

ANSWERED: Final = "answered"
RUNS_S_MAX: Final = 86_400.0
NOTE_CHARACTERS_MAX: Final = 500


class Parts(Struct, frozen=True, kw_only=True):
    """What an assistant is put together from."""

    answering: Answering
    errands: Errands
    handover: Handover
    book: Book
    purses: Purses
    documents: Documents
    asked: Asked
    conduct: Conduct
    chats: Chats
    roads: Roads


class Assistant:
    """Answers questions of people.

    Args:
        name: what the settings call it.
        options: how it behaves where nothing else was set.
        parts: what it works with.
    """

    def __init__(self, name: str, options: AssistantOptions, parts: Parts) -> None:
        self._name = name
        self._options = options
        self._parts = parts
        self._limits = Limits(parts.asked, parts.conduct)
        self.traits = Traits(
            on_crash=OnCrash.RERUN,
            on_edit=OnEdit.RERUN,
            max_run_s=options.max_run_s,
            answer_within_s=options.answer_within_s,
            burst_s=options.burst_s,
            hears_reactions=options.feedback,
            takes_pushes=False,  # what a question carries may decide which function is run
        )
        self._running_traits = replace(self.traits, max_run_s=RUNS_S_MAX)

    def traits_for(self, turn: Turn) -> Traits:
        """How this turn is run: a function has its own time, and is ended by it."""
        is_running = turn.answer is not None and pending.read(turn.answer.state).runs
        return self._running_traits if is_running else self.traits

    def push_by(self, push: Push) -> None:
        """Take the way to operators' chats."""
        self._parts.handover.push = push

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Answer a question, or the press of a button below an answer.

        Raises:
            EndOfTurn: it ended otherwise than with an answer.
        """
        if isinstance(reaction := turn.events[-1].event, ReactionChanged):
            await self._judged(turn, reaction, context.now())
            return
        work = self._pressed if turn.answer is not None else self._asked
        async with aclosing(work(turn, context)) as actions:
            async for action in actions:
                yield action

    # --- questions ----------------------------------------------------------------------------

    async def _asked(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        if await self._parts.handover.has_human(turn.chat.id, turn.person.id, turn.id):
            raise EndOfTurn("handed_off", is_announced=True)
        rule = await self._rule(self._scope(turn))
        language = rule.language or language_of(turn.text, context.language)
        if _is_addressed(turn) and self._parts.handover.is_wanted(turn.text):
            question = last_question(await self._history(turn, context))
            yield await self._hand_over(turn, question, language, context)
            raise EndOfTurn("handed_off", is_announced=True)
        refusal = await self._limits.refusal(turn, rule, language, context.now())
        if refusal is not None:
            said = refusal.sentence if _is_addressed(turn) else ""
            ended = Concluded(reason=refusal.reason, answer=said)
        else:
            asking = await self._asking(turn, context, rule)
            ended = Concluded(reason="no_answer")
            purse = self._parts.purses.of_turn(turn, context.now)
            async with aclosing(self._parts.answering.answer(asking, purse)) as stages:
                async for each in stages:
                    match each:
                        case Stage(name=name, value=value):
                            yield Note(name, value)
                        case Growing(text=text):
                            yield Draft(text, is_quoting=_is_quoting(turn))
                        case Concluded():
                            ended = each
        await self._record(turn, ended, context)
        if action := self._said(turn, ended, language, context):
            yield action
        if ended.reason != ANSWERED:
            raise EndOfTurn(ended.reason)

    async def _asking(self, turn: Turn, context: TurnContext, rule: Rule) -> Asking:
        images = images_of(turn)
        sees = bool(images) and self._parts.answering.sees_pictures(rule.model)
        quotes = (part.text for part in turn.parts if isinstance(part, Quote))
        return Asking(
            text=turn.text,
            bot=turn.chat.bot,
            chat=turn.chat.id,
            chat_title=turn.chat.title,
            person=turn.person,
            language=context.language,
            rule=rule,
            now=context.now(),
            is_addressed=_is_addressed(turn),
            quoted=next(filter(None, quotes), ""),
            history=await self._history(turn, context),
            pictures=await fetched(images, context) if sees else (),
            pictures_sent=len(images),
            has_tokens=await self._limits.has_tokens(self._scope(turn), rule, context.now()),
            handler=self._name,
            place=turn.chat,
        )

    async def _history(self, turn: Turn, context: TurnContext) -> tuple[tuple[str, str], ...]:
        """Return the conversation before, as far as it is still of use: nothing before a human."""
        conduct, person = self._parts.conduct, turn.person.id
        since_at = await conduct.fresh_since(self._name, turn.chat.id, person)
        return await context.history(self._options.history_characters_max, since_at)

    def _scope(self, turn: Turn) -> Scope:
        chat = turn.chat
        return Scope(handler=self._name, bot=chat.bot, chat=chat.id, person=turn.person.id)

    async def _rule(self, scope: Scope) -> Rule:
        return overlaid(self._options.rule(), await self._parts.conduct.rule(scope))

    async def _record(self, turn: Turn, ended: Concluded, context: TurnContext) -> None:
        """Write the question down; who only greets has asked none."""
        if ended.reason == "not_a_question":
            return
        now, is_addressed = context.now(), _is_addressed(turn)
        await self._parts.book.record(turn, turn.text, ended, is_addressed=is_addressed, now=now)
        if ended.held and ended.reason == "held_for_review" and not _is_shadow(turn, now):
            notice = say(
                "review_notice",
                context.language,
                person=turn.person.name or turn.person.id,
                chat=turn.chat.title or turn.person.name,
                question=turn.text,
                answer=ended.held,
                turn=turn.id,
            )
            await self._parts.handover.tell_operators(turn, notice)

    def _said(
        self, turn: Turn, ended: Concluded, language: str, context: TurnContext
    ) -> Action | None:
        """Return what is said in the end, with buttons where the platform shows some."""
        is_quoting = _is_quoting(turn)
        match ended:
            case Concluded(answer=""):
                return None
            case Concluded(offer="human", answer=words):
                return pending.offer_human(turn.text, words, language)
            case Concluded(offer="tool", answer=words, state=state):
                return pending.offer_tool(state, words, language)
            case Concluded(offer="answer", answer=words, state=state):
                return pending.passed_on(pending.ask_of(state), words)
            case Concluded(reason="answered", answer=answer) if (
                self._options.feedback and context.buttons_max >= len(pending.THUMBS)
            ):
                return pending.with_thumbs(answer, turn.id, is_quoting=is_quoting)
            case _:
                return Send(Content(ended.answer), is_quoting=is_quoting)

    # --- reactions and buttons ----------------------------------------------------------------

    async def _judged(self, turn: Turn, reaction: ReactionChanged, now: float) -> None:
        """Remember what somebody thinks of an answer, or that they took it back."""
        verdict = pending.verdict_of(_thumb(reaction.emoji))
        spoken = await self._parts.roads.whose(turn.chat.id, reaction.message_id)
        if spoken is None or verdict is Verdict.NONE:
            return
        said = verdict if reaction.is_added else Verdict.NONE
        await self._parts.asked.judge(spoken.turn, said, _author(turn), now)

    async def _pressed(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        assert turn.answer is not None
        asked = pending.read(turn.answer.state)
        language, now = context.language, context.now()
        is_yes = turn.answer.choice == 0
        match asked.kind:
            case "feedback":
                verdict = pending.verdict_of(turn.answer.choice)
                await self._parts.asked.judge(asked.turn, verdict, _author(turn), now)
                yield Acknowledge(say("thanks_good" if is_yes else "thanks_bad", language))
            case "human" if is_yes:
                yield await self._hand_over(turn, asked.question, language, context)
            case "human":
                yield Send(Content(say("offer_declined", language)))
            case "tool" | "answer" if (is_yes or asked.kind == "answer") and not _is_shadow(
                turn, now
            ):
                async with aclosing(self._run(asked, turn, context)) as actions:
                    async for action in actions:
                        yield action
            case "tool" | "answer":
                yield Send(Content(say("tool_declined", language)))

    async def _run(
        self, asked: pending.Pending, turn: Turn, context: TurnContext
    ) -> AsyncGenerator[Action]:
        """Let a function run after a yes, or go on with an answer: once, whatever happens to us."""
        assert turn.answer is not None
        answer, language = turn.answer, context.language
        rule = await self._rule(self._scope(turn))
        asking = await self._asking(turn, context, rule)
        yield Note("tool", asked.said()[:NOTE_CHARACTERS_MAX])

        async def run() -> str:
            result = await self._parts.errands.go_on(asked, answer, asking, language)
            return msgspec.json.encode(result).decode()

        try:
            result = msgspec.json.decode(await context.once("tool", run), type=Result)
        except Interrupted:
            yield Send(Content(say("tool_unknown", language)))
            raise EndOfTurn("interrupted") from None
        except CannotAnswer as end:
            if end.details:
                raise
            yield Send(Content(self._parts.answering.may_leave(end.sentence, language)))
            raise EndOfTurn(end.reason) from None
        yield self._told(result, language)

    def _told(self, result: Result, language: str) -> Action:
        """Say what a function has said, or ask what it asks, as far as that may leave.

        What it said is masked by now; what it asks is to be agreed to as it is.
        """
        text = result.words or say("tool_silent", language)
        allowed = self._parts.answering.let_out(text, is_masked=False)
        if result.ask is None or not allowed:
            return Send(Content(allowed or say("blocked_words", language)))
        return pending.passed_on(result.ask, allowed)

    async def _hand_over(
        self, turn: Turn, question: str, language: str, context: TurnContext
    ) -> Action:
        """Let a human take over; in the shadow only the sentence is noted."""
        if _is_shadow(turn, context.now()):
            return Send(Content(say("handed_off", language)))
        sentence = await self._parts.handover.begin(turn, question, language, context.now())
        return Send(Content(sentence))

    # --- trials -------------------------------------------------------------------------------

    async def attempt(self, trial: Trial) -> AsyncGenerator[Tried]:
        """Answer as it would in that chat, to that person; nobody hears of it.

        Raises:
            NotThere: there is no such knowledge base.
            Refused: a knowledge base does not answer there.
            UsedUp: it would take a model, and trials have used up theirs of today.
        """
        chat = (await self._parts.chats.get(trial.chat) if trial.chat else None) or NOWHERE
        bot = trial.bot or chat.bot
        scope = Scope(handler=self._name, bot=bot, chat=chat.id, person=trial.person)
        rule = await self._rule(scope)
        if trial.bases:
            await demand_bases(trial, rule, self._parts.documents)
            rule = overlaid(rule, Rule(bases=trial.bases))
        asking = Asking(
            text=trial.question,
            bot=bot,
            chat=chat.id,
            chat_title=chat.title,
            person=Person(trial.person, trial.person_name),
            language=trial.language or chat.language or "zh",
            rule=rule,
            now=trial.at,
            is_addressed=trial.is_addressed,
            handler=self._name,
            place=chat,
            is_trial=True,
        )
        if trial.is_addressed and self._parts.handover.is_wanted(trial.question):
            yield Concluded(reason="handed_off", answer=say("handed_off", asking.language))
            return
        async for stage in self._apart_from_trials(asking):
            yield stage
        purse = self._parts.purses.of_trial(trial, bot)
        async with aclosing(self._parts.answering.answer(asking, purse)) as stages:
            async for each in stages:
                yield each

    async def _apart_from_trials(self, asking: Asking) -> AsyncGenerator[Stage]:
        """Say what would keep the bot from answering there now; a trial shows its answer still."""
        if await self._parts.handover.has_human(asking.chat, asking.person.id):
            yield Stage("now", "handed_off")
        if (closed := self._limits.closed(asking.rule, asking.language, asking.now)) is not None:
            yield Stage("now", closed.reason)


def _is_quoting(turn: Turn) -> bool:
    """Among several people an answer shows whose question it answers."""
    return turn.replaces is None and turn.chat.kind is ChatKind.GROUP


def _is_addressed(turn: Turn) -> bool:
    return any(message.is_addressed for message in turn.messages)


def _author(turn: Turn) -> str:
    """Name who judges, as the audit does."""
    return f"person:{turn.chat.bot}:{turn.person.id}"


def _thumb(emoji: str) -> int | None:
    """Return which thumb an emoji is, whatever the colour of its skin."""
    bare = emoji[:1]
    return pending.THUMBS.index(bare) if bare in pending.THUMBS else None


def _is_shadow(turn: Turn, now: float) -> bool:
    return turn.chat.mode_at(now) is ChatMode.SHADOW
