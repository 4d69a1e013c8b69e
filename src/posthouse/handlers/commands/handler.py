"""Commands: the built-in ones, which need no permission, and those of the house's scenes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from posthouse.handlers.commands.builtin import BUILTIN, CONTROL_NAMES
from posthouse.handlers.commands.catalogue import Catalogue, close_to, command_of
from posthouse.handlers.commands.frames import SceneEntry
from posthouse.handlers.commands.grammar import (
    WORDS_MAX,
    NotClosed,
    Spoken,
    TooManyWords,
    parse,
    without_prefix,
)
from posthouse.handlers.commands.lending import Lending
from posthouse.handlers.commands.pool import Loaded
from posthouse.handlers.commands.scenes import Errand, Scenes
from posthouse.handlers.commands.sentences import no_command, say, usage, wanted_words
from posthouse.handlers.handler import (
    CannotAnswer,
    Handler,
    Moment,
    Push,
    Traits,
    TurnContext,
)
from posthouse.model.action import Action, Send
from posthouse.model.message import Content
from posthouse.model.turn import OnCrash, OnEdit, Turn

RELOAD = "reload"
OPENS_WITHIN_S = 2.0  # scenes that take longer to load are there later
RUNS_S_MAX = 86400.0  # a scene's command has its own time, and is ended by it
TEXT_CHARACTERS_MAX = 200_000

_BUILTIN_TRAITS = Traits(
    on_crash=OnCrash.RERUN,  # the built-in commands change nothing
    on_edit=OnEdit.RERUN,
    answer_within_s=120.0,
    session_queue_max=2000,
    takes_pushes=False,  # what a question of a scene carries decides which function is run
    answers_to=tuple(BUILTIN),
)


class Commands:
    """Finds the command that a message names and lets it answer.

    Args:
        prefixes: what may stand before a command.
        scenes: the house's own commands, if it has any.
        is_granted_only: whether it answers only those who were allowed.
    """

    def __init__(
        self,
        prefixes: tuple[str, ...],
        scenes: Scenes | None = None,
        *,
        is_granted_only: bool = False,
    ) -> None:
        self._prefixes = prefixes
        self._is_granted_only = is_granted_only
        self._scenes = scenes
        self._described: Catalogue | None = None
        self._traits = self._scene_traits = _BUILTIN_TRAITS

    @property
    def traits(self) -> Traits:
        """How most turns are run. An edit never runs a scene's command again."""
        scenes = self._scenes
        if scenes is not None and self._described is not scenes.catalogue:
            self._described = scenes.catalogue
            self._traits = replace(
                _BUILTIN_TRAITS,
                on_edit=OnEdit.IGNORE,
                answers_to=(*BUILTIN, RELOAD, *scenes.catalogue.names),
                marks=tuple(scenes.special),
            )
            self._scene_traits = replace(
                self._traits,
                on_crash=OnCrash.REPORT,
                begins_itself=True,
                max_run_s=RUNS_S_MAX,
            )
        return self._traits

    def traits_for(self, turn: Turn) -> Traits:
        """How this turn is run: what a scene has begun is never run twice."""
        traits = self.traits
        if self._scenes is None or (turn.answer is None and self._builtin(turn.text)[0] in BUILTIN):
            return traits
        return self._scene_traits

    def push_by(self, push: Push) -> None:
        """Let scenes push."""
        if self._scenes is not None:
            self._scenes.push = push

    def follow(self, old: Handler) -> None:
        """Begin with the scenes that the one before has loaded."""
        if isinstance(old, Commands):
            self._follow(old)

    def _follow(self, old: Commands) -> None:
        if self._scenes is not None and old._scenes is not None:
            self._scenes.pool.follow(old._scenes.pool)

    async def demand_answer(self, turn: Turn, moment: Moment) -> None:
        """Let only those answer who may run the command that asks.

        Raises:
            CannotAnswer: this person may not.
        """
        if self._scenes is not None and turn.answer is not None and turn.answer.state:
            await self._scenes.demand_answer(turn.answer, turn, moment)

    async def open(self) -> None:
        """Load the scenes."""
        if self._scenes is not None:
            await self._scenes.pool.open(OPENS_WITHIN_S)

    @property
    def lending(self) -> Lending | None:
        """What lends the house's own commands to other handlers, if it has any."""
        if self._scenes is None:
            return None
        return Lending(self._scenes, is_granted_only=self._is_granted_only)

    @property
    def has_scenes(self) -> bool:
        """Whether the house has commands of its own."""
        return self._scenes is not None

    @property
    def broken_scenes(self) -> tuple[str, ...]:
        """The files that do not load, by name; ``*`` for all of them."""
        return tuple(name or "*" for name in self._scenes.pool.problems) if self._scenes else ()

    async def reload(self) -> Loaded:
        """Read the scenes again, of a handler that has some."""
        assert self._scenes is not None
        return await self._scenes.pool.reload()

    async def close(self) -> None:
        """End what runs them."""
        if self._scenes is not None:
            await self._scenes.pool.close()

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Run the command, or say which one may have been meant.

        Raises:
            CannotAnswer: the person may not, or the command failed.
        """
        text = turn.text.strip()
        name, arguments = self._builtin(text)
        if turn.answer is None and name in BUILTIN and name != "help":
            yield Send(Content(BUILTIN[name].run(arguments, turn, context.language)), is_last=True)
            return
        found = await self._find(text, turn, context)
        if isinstance(found, str):
            yield Send(Content(found), is_last=True)
            return
        assert self._scenes is not None
        async with aclosing(self._scenes.run(found, turn, context)) as actions:
            async for action in actions:
                yield action

    def _builtin(self, text: str) -> tuple[str, str]:
        """Split a text into its first word and the rest, as it was written."""
        first, *rest = without_prefix(text, self._prefixes).split(maxsplit=1) or [""]
        return first.partition("@")[0].lower(), "".join(rest)

    async def _find(self, text: str, turn: Turn, context: TurnContext) -> Errand | str:
        """Find what a scene has to do, or what is to be said at once."""
        scenes = self._scenes
        if scenes is not None and turn.answer is not None and turn.answer.state:
            return await scenes.answered(turn.answer, turn, context)
        if len(text) > TEXT_CHARACTERS_MAX:
            return say("too_long", context.language)
        if scenes is not None:
            mark = next((each for each in scenes.special if text.startswith(each)), None)
            if mark is not None:
                rest = text.removeprefix(mark).strip()
                return await scenes.marked(mark, rest, turn, context)
        try:
            spoken = parse(text, self._prefixes)
        except NotClosed as quote:
            return say("not_closed", context.language, quote=quote)
        except TooManyWords:
            return say("too_many_words", context.language, count=WORDS_MAX)
        return await self._named(spoken, turn, context)

    async def _named(self, spoken: Spoken, turn: Turn, context: TurnContext) -> Errand | str:
        scenes, name = self._scenes, (spoken.words or ("",))[0]
        if name.lower() == "help":
            return await self._help(spoken.words[1:], turn, context)
        if scenes is None:
            return await self._unknown(name, turn, context)
        if name.lower() == RELOAD:
            return await self._reload(scenes, turn, context)
        scene = await scenes.pool.scene(name)
        if scene is None or not scene.commands:
            return await self._unknown(name, turn, context)
        if len(spoken.words) == 1:
            return await self._help_for(scene, "", turn, context)
        return await scenes.command(spoken, scene, turn, context)

    # ── what the house says about commands ──────────────────────────────────────────────────

    async def _unknown(self, name: str, turn: Turn, context: TurnContext) -> str:
        if not name:
            return no_command(turn.parts, context.language)
        if self._scenes is not None and not self._scenes.pool.is_settled:
            raise CannotAnswer("overload", say("still_loading", context.language))
        allowed = [scene.name for scene in await self._allowed(turn, context)]
        close = close_to(name, [*BUILTIN, *CONTROL_NAMES, *allowed])
        hint = say("hint", context.language, name=close[0]) if close else ""
        return say("unknown", context.language, name=name[:40], hint=hint)

    async def _allowed(self, turn: Turn, context: TurnContext) -> list[SceneEntry]:
        """Return the scenes of which somebody may run anything."""
        scenes = self._scenes
        if scenes is None:
            return []
        return [
            scene
            for scene in scenes.catalogue
            if await scenes.allowed_commands(scene, turn, context)
        ]

    async def _help(self, names: tuple[str, ...], turn: Turn, context: TurnContext) -> str:
        if names and self._scenes is not None:
            scene = await self._scenes.pool.scene(names[0])
            if scene is None or not scene.commands:
                return await self._unknown(names[0], turn, context)
            return await self._help_for(scene, "".join(names[1:2]), turn, context)
        language = context.language
        shown = BUILTIN["help"].run("", turn, language)
        allowed = await self._allowed(turn, context)
        if not allowed:
            return shown
        lines = [_line(f"/{scene.name}", scene.help, language) for scene in allowed]
        return "\n".join([shown, "", say("scenes", language), "", *lines])

    async def _help_for(
        self, scene: SceneEntry, name: str, turn: Turn, context: TurnContext
    ) -> str:
        assert self._scenes is not None
        language = context.language
        allowed = await self._scenes.allowed_commands(scene, turn, context)
        if not allowed:
            first = scene.commands[0].name  # what is in it is nobody's business
            await self._scenes.demand(scene.name, first, turn, context, what=scene.name)
        command = command_of(scene, name) if name else None
        if command is not None and command in allowed:
            wanted = [
                _line(each.name, wanted_words(each.wanted, language), language)
                for each in command.parameters
            ]
            lines = [f"`{usage(scene.name, command)}`", "", command.help, "", *wanted]
            return "\n".join(lines).strip()
        lines = [_line(usage(scene.name, each), each.help, language) for each in allowed]
        return "\n".join([scene.help, "", *lines]).strip()

    async def _reload(self, scenes: Scenes, turn: Turn, context: TurnContext) -> str:
        """Load the scenes again, for somebody who may."""
        language = context.language
        await scenes.demand(RELOAD, "", turn, context)
        loaded = await scenes.pool.reload()
        names = ", ".join(f"`{name}`" for name in loaded.scenes) or "—"
        lines = [say("reloaded" if loaded.is_in_force else "kept", language, names=names)]
        for scene, trace in loaded.problems.items():
            why = trace.strip().splitlines()[-1][:300]
            phrase = "broken_kept" if scene in loaded.kept else "broken"
            lines.append("- " + say(phrase, language, name=scene or "*", why=why))
        return "\n".join(lines)


def _line(name: str, text: str, language: str) -> str:
    first = text.strip().partition("\n")[0]
    colon = "：" if language == "zh" else ": "
    return f"- `{name}`{colon}{first}" if first else f"- `{name}`"
