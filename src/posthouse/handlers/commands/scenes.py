"""Runs commands of scenes for turns: may they, with what words, and what they say."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from posthouse.handlers.commands.catalogue import Catalogue, close_to, command_of
from posthouse.handlers.commands.files import Files, Unreadable
from posthouse.handlers.commands.frames import (
    Answered,
    Asking,
    Call,
    CommandEntry,
    Done,
    Failed,
    Gone,
    Mistaken,
    Misused,
    Reply,
    Said,
    SaidAsk,
    SaidFile,
    SaidImage,
    SaidMarkdown,
    SaidProgress,
    SaidPush,
    SaidText,
    SceneEntry,
    Senseless,
    TookTooLong,
    Where,
)
from posthouse.handlers.commands.grammar import Spoken
from posthouse.handlers.commands.pool import Busy, NoScenes, Pool, Seat
from posthouse.handlers.commands.process import CannotLoad
from posthouse.handlers.commands.running import Died
from posthouse.handlers.commands.sentences import misuse, refusal, say
from posthouse.handlers.handler import CannotAnswer, Moment, Push, TurnContext
from posthouse.handlers.permissions import Permissions
from posthouse.model.action import Action, Ask, Draft, Send, Who
from posthouse.model.address import ChatKind
from posthouse.model.message import Content
from posthouse.model.permission import Wish
from posthouse.model.turn import Answer, Turn

MESSAGES_MAX = 100  # of one call, in its own chat and elsewhere


class Question(Struct, frozen=True, kw_only=True):
    """What is remembered of a question until its answer comes, as the ``state`` of an ``Ask``."""

    scene: str
    command: str
    then: tuple[str, ...]
    choices: tuple[str, ...]
    state: str

    def choice_of(self, answer: Answer) -> int | None:
        """Return which button was pressed, or written out."""
        if answer.choice is not None:
            return answer.choice
        typed = answer.text.strip().casefold()
        labels = [label.casefold() for label in self.choices]
        return labels.index(typed) if typed in labels else None


_decode_question = msgspec.json.Decoder(Question).decode


class Errand(Struct, frozen=True, kw_only=True):
    """One call, and how it is spoken of."""

    scene: str
    command: str  # for permissions; empty for a mark
    what: str  # for people
    give_up_s: float
    call: Call
    entry: CommandEntry | None = None


class Scenes:
    """See the module.

    Args:
        pool: runs the calls.
        permissions: rules about everybody and everything that is not public.
        files: takes what commands made.
        special: marks that a message may begin with → "module:function".
        give_up_s: for commands that say nothing about it.
        new_key: for ids of calls.
        push: sends to other chats; None while nobody can.
    """

    def __init__(  # noqa: PLR0913 - what it stands on
        self,
        pool: Pool,
        permissions: Permissions,
        files: Files,
        *,
        special: Mapping[str, str],
        give_up_s: float,
        new_key: Callable[[], str],
        push: Push | None = None,
    ) -> None:
        self.pool = pool
        self.special = special
        self._permissions = permissions
        self._files = files
        self._give_up_s = give_up_s
        self._new_key = new_key
        self.push = push

    @property
    def catalogue(self) -> Catalogue:
        """What there is now."""
        return self.pool.catalogue

    # ── what was meant ──────────────────────────────────────────────────────────────────────

    async def command(
        self, spoken: Spoken, scene: SceneEntry, turn: Turn, context: TurnContext
    ) -> Errand:
        """Find the command that was named.

        Raises:
            CannotAnswer: there is none, or this person may not.
        """
        name = spoken.words[1]
        command = command_of(scene, name)
        named = command.name if command is not None else name[:100]
        await self.demand(scene.name, named, turn, context)
        if command is None:
            raise CannotAnswer("answered", await self._unknown(name, scene, turn, context))
        return Errand(
            scene=scene.name,
            command=command.name,
            what=f"{scene.name} {command.name}",
            give_up_s=command.give_up_s or self._give_up_s,
            entry=command,
            call=replace(
                await self._call(scene.name, command.name, turn, context),
                words=spoken.words[2:],
                below=spoken.below,
            ),
        )

    async def marked(self, mark: str, rest: str, turn: Turn, context: TurnContext) -> Errand:
        """Find the function for messages that begin with ``mark``.

        Raises:
            CannotAnswer: this person may not.
        """
        module, _, function = self.special[mark].partition(":")
        await self.pool.scene(module)
        await self.demand(mark, "", turn, context)
        return Errand(
            scene=mark,
            command="",
            what=mark,
            give_up_s=self._give_up_s,
            call=replace(await self._call(module, function, turn, context), rest=rest),
        )

    async def given(
        self,
        scene: str,
        command: CommandEntry,
        given: dict[str, object],
        turn: Turn,
        moment: Moment,
    ) -> Errand:
        """Name a command whose arguments stand under their names.

        Raises:
            CannotAnswer: this person may not.
        """
        await self.demand(scene, command.name, turn, moment)
        return Errand(
            scene=scene,
            command=command.name,
            what=f"{scene} {command.name}",
            give_up_s=command.give_up_s or self._give_up_s,
            entry=command,
            call=replace(await self._call(scene, command.name, turn, moment), given=given),
        )

    async def answered(self, answer: Answer, turn: Turn, context: Moment) -> Errand:
        """Find the function that waits for an answer.

        Raises:
            CannotAnswer: this person may not.
        """
        question = _decode_question(answer.state)
        scene = self._module_of(question.scene)
        entry = await self.pool.scene(scene)
        await self.demand_answer(answer, turn, context)
        choice = question.choice_of(answer)
        text = answer.text if choice is None else question.choices[choice]
        then = question.then[choice if choice is not None and len(question.then) > 1 else 0]
        command = command_of(entry, question.command) if entry is not None else None
        return Errand(
            scene=question.scene,
            command=question.command,
            what=f"{question.scene} {question.command}".strip(),
            give_up_s=(command.give_up_s if command else None) or self._give_up_s,
            call=replace(
                await self._call(scene, then, turn, context),
                answer=Answered(text, choice),
                state=question.state,
            ),
        )

    async def demand_answer(self, answer: Answer, turn: Turn, moment: Moment) -> None:
        """Let only those answer who may run the command that asks.

        Raises:
            CannotAnswer: this person may not.
        """
        question = _decode_question(answer.state)
        await self.demand(question.scene, question.command, turn, moment)

    def _module_of(self, scene: str) -> str:
        """Name the scene in which a mark has its function; every other is its own."""
        return self.special.get(scene, scene).partition(":")[0]

    async def _call(self, scene: str, function: str, turn: Turn, context: Moment) -> Call:
        person, chat = turn.person, turn.chat
        groups = await self._permissions.groups_of(chat.bot, person.id)
        return Call(
            id=self._new_key(),
            scene=scene,
            function=function,
            person=Asking(person.id, person.name, person.role, groups),
            chat=Where(chat.id, chat.platform_id, chat.title, chat.kind is ChatKind.PRIVATE),
            bot=chat.bot,
            language=context.language,
            text=turn.text,
        )

    # ── who may ─────────────────────────────────────────────────────────────────────────────

    async def _ruling(self, scene: str, command: str, turn: Turn, moment: Moment) -> str:
        """Return why somebody may not; empty when they may."""
        wish = Wish(
            person=turn.person.id,
            chat=turn.chat.id,
            bot=turn.chat.bot,
            handler=turn.handler,
            scene=scene,
            command=command,
        )
        ruling = await self._permissions.rule(wish, moment.now())
        return "" if ruling.is_allowed else ruling.reason

    async def may(self, scene: str, command: str, turn: Turn, moment: Moment) -> str:
        """Return why somebody may not run a command, or use a mark; empty when they may."""
        reason = await self._ruling(scene, command, turn, moment)
        known = self.catalogue.scene(self._module_of(scene))
        is_public = known is not None and known.is_public
        return "" if is_public and reason != "blocked" else reason  # a block beats everything

    def _may_come(self, scene: str) -> bool:
        """Whether a scene may be public, and only not be loaded yet."""
        return self.catalogue.scene(scene) is None and not self.pool.is_settled

    async def demand(
        self, scene: str, command: str, turn: Turn, moment: Moment, *, what: str = ""
    ) -> None:
        """End with the reason why somebody may not run a command, if they may not.

        Args:
            scene: where it stands, or the mark.
            command: its name; empty for a mark.
            turn: who wants it.
            moment: when, and in which language to say so.
            what: how it is spoken of; empty for its own name.

        Raises:
            CannotAnswer: they may not; operators are asked about this scene, not about all. Or
                nobody can tell yet, because the scene is still being loaded.
        """
        reason = await self.may(scene, command, turn, moment)
        if reason and reason != "blocked" and self._may_come(self._module_of(scene)):
            raise CannotAnswer("overload", say("still_loading", moment.language))
        if reason:
            what = what or f"{scene} {command}".strip()
            ends = f"{reason} {scene}" if reason == "not_granted" else reason  # operators are asked
            raise CannotAnswer(ends, refusal(reason, what, moment.language))

    async def allowed_commands(
        self, scene: SceneEntry, turn: Turn, context: TurnContext
    ) -> list[CommandEntry]:
        """Return the commands of a scene that somebody may run."""
        return [
            each
            for each in scene.commands
            if not await self.may(scene.name, each.name, turn, context)
        ]

    async def _unknown(self, name: str, scene: SceneEntry, turn: Turn, context: TurnContext) -> str:
        allowed = await self.allowed_commands(scene, turn, context)
        close = close_to(name, [each.name for each in allowed])
        language = context.language
        hint = say("hint", language, name=f"{scene.name} {close[0]}") if close else ""
        return say("unknown_in_scene", language, scene=scene.name, name=name[:40], hint=hint)

    # ── running ─────────────────────────────────────────────────────────────────────────────

    async def run(self, errand: Errand, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Run it; what it says comes as it says it.

        Raises:
            CannotAnswer: it could not be run, or not to its end.
        """
        running = _Running(errand, turn, context, self._files, self.push)
        async with aclosing(self._seated(running, context, context.begin)) as actions:
            async for action in actions:
                yield action

    async def lend(self, errand: Errand, turn: Turn, moment: Moment) -> AsyncGenerator[Action]:
        """Run it for another handler, which has begun already; it cannot push to other chats.

        Raises:
            CannotAnswer: it could not be run, or not to its end.
        """
        running = _Running(errand, turn, moment, self._files, push=None)
        async with aclosing(self._seated(running, moment, _has_begun)) as actions:
            async for action in actions:
                yield action

    async def _seated(
        self, running: _Running, moment: Moment, begin: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Action]:
        try:
            async with self.pool.seat() as seat:
                await begin()  # whoever only waits for a worker may be run again
                async with aclosing(running.actions(seat)) as actions:
                    async for action in actions:
                        yield action
        except Busy:
            raise CannotAnswer("overload", say("busy", moment.language)) from None
        except (NoScenes, CannotLoad):
            raise CannotAnswer("handler_error", say("not_loaded", moment.language)) from None


async def _has_begun() -> None:
    """There is nothing to write down."""


class _Running:
    """One call on its way: from frames to actions, until it ends or is given up."""

    def __init__(
        self,
        errand: Errand,
        turn: Turn,
        context: Moment,
        files: Files,
        push: Push | None,
    ) -> None:
        self._errand = errand
        self._turn = turn
        self._context = context
        self._files = files
        self._push = push
        self._pushes = 0
        self._messages = 0

    async def actions(self, seat: Seat) -> AsyncGenerator[Action]:
        """Yield what the command says.

        What is said last, together with the end, is marked so: it can then travel in a reply
        slot, and is stored with the end of the turn.
        """
        seconds = self._errand.give_up_s
        held: Send | None = None
        try:
            async with aclosing(seat.run(self._errand.call, seconds)) as replies:
                async for reply in replies:
                    if held is not None:
                        yield replace(held, is_last=isinstance(reply, Done))
                        held = None
                    action = await self._action(reply)
                    if isinstance(action, Send) and seat.has_more:
                        held = action
                    elif action is not None:
                        yield action
        except TookTooLong:
            raise self._end("gave_up", "handler_timeout", seconds=seconds) from None
        except Died:
            raise self._end("died") from None

    async def _action(self, reply: Reply) -> Action | None:
        match reply:
            case SaidText() | SaidMarkdown() | SaidImage() | SaidFile():
                self._count()
                return Send(await self._content(reply))
            case SaidAsk():
                self._count()
                return self._ask(reply)
            case SaidProgress(text=text):
                return Draft(text)
            case SaidPush():
                await self._send_elsewhere(reply)
                return None
            case Done():
                return self._done()
            case _:
                raise self._failure(reply)

    def _done(self) -> Action | None:
        """Say at least one word."""
        if self._messages:
            return None
        return Send(Content(say("done", self._context.language)), is_last=True)

    def _count(self) -> None:
        """Count one more message; a command that never stops is ended before it fills a chat."""
        if self._messages == MESSAGES_MAX:
            raise self._end("too_many_messages", count=MESSAGES_MAX)
        self._messages += 1

    async def _content(self, said: Said) -> Content:
        match said:
            case SaidText(text=text):
                return Content(text, "plain")
            case SaidMarkdown(text=text):
                return Content(text)
            case _:
                try:
                    return Content(media=await self._files.take(said))
                except Unreadable as problem:
                    raise self._end("file_lost", details=str(problem), name=said.name) from None

    def _ask(self, said: SaidAsk) -> Ask:
        question = Question(
            scene=self._errand.scene,
            command=self._errand.command,
            then=said.then,
            choices=said.choices,
            state=said.state,
        )
        return Ask(
            Content(said.text),
            said.choices,
            Who.ANYONE if said.anyone else Who.ASKER,
            said.expires_s,
            msgspec.json.encode(question).decode(),
            said.typed,
        )

    async def _send_elsewhere(self, said: SaidPush) -> None:
        self._count()
        content = await self._content(said.content)
        if self._push is None:
            raise self._end("cannot_push", details="this house cannot push", chat=said.chat)
        try:
            await self._push(self._turn, self._pushes, said.chat, content)
        except Exception as problem:
            raise self._end("cannot_push", details=str(problem), chat=said.chat) from problem
        self._pushes += 1

    def _failure(self, reply: Reply) -> CannotAnswer:
        language, entry = self._context.language, self._errand.entry
        match reply:
            case Misused() if entry is not None:
                sentence = misuse(reply, self._errand.scene, entry, language)
                return CannotAnswer("answered", sentence)
            case Mistaken(text=text):
                return CannotAnswer("answered", text)
            case Gone():
                return CannotAnswer("answered", say("gone", language, what=self._errand.what))
            case Senseless(trace=trace):
                return self._end("nonsense", details=trace)
            case Failed(error=error, trace=trace):
                return self._end("failed", details=trace, error=error)
            case _:
                return self._end("died")

    def _end(
        self, phrase: str, /, reason: str = "handler_error", details: str = "", **values: object
    ) -> CannotAnswer:
        what = self._errand.what
        sentence = say(phrase, self._context.language, what=what, **values)
        return CannotAnswer(reason, sentence, details or f"{phrase}: {what}")
