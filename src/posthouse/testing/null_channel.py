"""Channels without a platform: one that is always successful, one that follows a script.

``NullChannel`` costs nothing, for benchmarks. ``ScriptedChannel`` answers each call as its script
says and keeps what a person in the chat would see, so a test can tell a lost message from a
doubled one. Both pass the suite in ``posthouse.testing.conformance.channel``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import count
from random import Random

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from starlette.routing import BaseRoute

from posthouse.channels.channel import (
    ChannelTools,
    ConnectionState,
    Door,
    Letter,
    Part,
    Status,
    Verb,
)
from posthouse.model.address import Chat
from posthouse.model.capabilities import Capabilities, DraftKind, SendsFrom
from posthouse.model.delivery import Kind, NotSent, Outcome, Sent, Unknown
from posthouse.model.errors import Refused
from posthouse.model.message import Content, Media

CAPABILITIES = Capabilities(
    resend_key_window_s=3600.0,
    can_edit=True,
    can_recall=True,
    draft=DraftKind.MESSAGE,
    has_draft_buttons=True,
    choices_max=10,
    has_markdown=True,
)


class Words(Struct, frozen=True, omit_defaults=True):
    """The body of a part: what the chat shows, as JSON."""

    text: str
    choices: tuple[str, ...] = ()
    media: str = ""
    quotes: str = ""
    is_reaction: bool = False  # ``text`` is an emoji below the message ``quotes``


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Words)
_UNREADABLE = (msgspec.MsgspecError, RecursionError, ValueError)


class NullChannel:
    """Every call succeeds at once."""

    def __init__(self, capabilities: Capabilities = CAPABILITIES) -> None:
        self._capabilities = capabilities
        self.files: dict[str, bytes] = {}  # what can be downloaded, by reference

    @classmethod
    def build(cls, name: str, options: Mapping[str, object], tools: ChannelTools) -> NullChannel:  # noqa: ARG003 - it has no options
        """Build one for a config; there is nothing to choose."""
        return cls()

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def status(self) -> Status:
        return Status(state=ConnectionState.OFF, since_at=0.0)

    async def run(self, door: Door) -> None:  # noqa: ARG002 - nothing comes in
        await asyncio.Event().wait()

    def routes(self) -> Sequence[BaseRoute]:
        return ()

    def attach(self, door: Door) -> None:
        """Nothing leads to the door."""

    def encode(self, content: Content, letter: Letter) -> bytes:
        return _ENCODER.encode(
            Words(
                text=content.text,
                choices=tuple(choice.label for choice in content.choices),
                media="" if content.media is None else content.media.ref,
                quotes=letter.quote_message_id,
                is_reaction=letter.kind is Kind.REACT,
            )
        )

    def encode_toast(self, text: str) -> bytes:
        return text.encode()

    def encode_slot(self, content: Content, letter: Letter) -> bytes | None:
        return self.encode(content, letter) if self._capabilities.slot_s else None

    async def perform(self, part: Part, chat: Chat) -> Outcome:  # noqa: ARG002 - one answer for all
        if part.verb is Verb.LOOK_UP:
            return Unknown("cannot_look_up")  # nothing is kept that could be found
        return Sent((part.key,)) if part.verb is Verb.SEND else Sent()

    async def download(self, media: Media) -> AsyncIterator[bytes]:
        if media.ref not in self.files:
            raise Refused(f"{media.ref}: no such file came in")
        yield self.files[media.ref]

    async def close(self) -> None:
        """Nothing is open."""


class Answer(Struct, frozen=True):
    """What one scripted call reports, and whether the chat shows it all the same.

    Only for ``Unknown`` can the two differ: ``has_arrived`` is what nobody can tell.
    """

    outcome: Outcome
    has_arrived: bool = False


ARRIVED_UNKNOWN = Answer(Unknown("cut"), has_arrived=True)
LOST_UNKNOWN = Answer(Unknown("cut"), has_arrived=False)
LIMITED = Answer(NotSent("rate_limited", retry_after_s=1.0))
REFUSED = Answer(NotSent("refused_by_platform", is_final=True))


def chances(
    random: Random, *, unknown: float = 0.1, not_sent: float = 0.1
) -> Iterator[Answer | None]:
    """Yield answers for ever: the given shares go wrong, half of the unknown ones arrived."""
    while True:
        drawn = random.random()
        if drawn < unknown:
            yield Answer(Unknown("cut"), has_arrived=random.random() < 0.5)
        elif drawn < unknown + not_sent:
            yield Answer(NotSent("rate_limited", retry_after_s=random.random()))
        else:
            yield None


class Call(Struct, frozen=True, kw_only=True):
    """One call as it was made."""

    chat: int
    part: Part
    outcome: Outcome


class Shown(Struct, frozen=True, kw_only=True):
    """One message as a person sees it."""

    id: str
    chat: int
    key: str
    words: Words
    is_draft: bool = False
    is_recalled: bool = False
    edits: int = 0


class ScriptedChannel(NullChannel):
    """Answers as the script says; ``None`` in it, and everything after it, succeeds.

    ``calls`` is every finished call in order, ``in_flight`` the parts begun and not answered.
    A repeat under a key that the platform keeps (``resend_key_window_s``), or that names the
    message itself (``can_overwrite``), shows one message; any other repeat shows two. An
    exception in the script is raised, as a foreign channel with a defect would.
    """

    def __init__(
        self,
        script: Iterable[Answer | Exception | None] = (),
        capabilities: Capabilities = CAPABILITIES,
    ) -> None:
        super().__init__(capabilities)
        self.calls: list[Call] = []
        self.in_flight: list[Part] = []
        self.is_connected = True
        self.reactions: set[tuple[str, str]] = set()  # message and emoji
        self._script = iter(script)
        self._numbers = count(1)
        self._messages: dict[str, Shown] = {}
        self._open = asyncio.Event()
        self._open.set()
        self._changed = asyncio.Condition()

    @property
    def status(self) -> Status:
        state = ConnectionState.CONNECTED if self.is_connected else ConnectionState.WAITING
        return Status(state=state, since_at=0.0)

    def shown(self, chat: int) -> tuple[Shown, ...]:
        """What the chat shows now, in order, without what was recalled."""
        return tuple(
            message
            for message in self._messages.values()
            if message.chat == chat and not message.is_recalled
        )

    def texts(self, chat: int) -> tuple[str, ...]:
        """The words the chat shows now, in order."""
        return tuple(message.words.text for message in self.shown(chat))

    def hold(self) -> None:
        """Let calls begin, and not end, until ``release``."""
        self._open.clear()

    def release(self) -> None:
        """Let held calls end."""
        self._open.set()

    async def until_begun(self, calls: int = 1) -> None:
        """Wait until so many calls are in flight at once."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.in_flight) >= calls)

    async def until_called(self, calls: int) -> None:
        """Wait until so many calls have been answered."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.calls) >= calls)

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        await self._note(part, begins=True)
        try:
            await self._open.wait()
            outcome = self._answer(part, chat.id)
            self.calls.append(Call(chat=chat.id, part=part, outcome=outcome))
        finally:
            await self._note(part, begins=False)
        return outcome

    async def _note(self, part: Part, *, begins: bool) -> None:
        async with self._changed:
            (self.in_flight.append if begins else self.in_flight.remove)(part)
            self._changed.notify_all()

    def _answer(self, part: Part, chat: int) -> Outcome:
        if self._capabilities.sends_from is SendsFrom.CONNECTION and not self.is_connected:
            return NotSent("not_connected", retry_after_s=1.0)
        if part.verb is Verb.LOOK_UP:
            return self._look_up(part, chat)  # asked of the chat, not of the script
        refusal = self._refusal(part)
        if refusal is not None:
            return refusal
        planned = next(self._script, None)
        if isinstance(planned, Exception):
            raise planned
        if planned is None or isinstance(planned.outcome, Sent):
            return self._apply(part, chat)
        if planned.has_arrived:
            self._apply(part, chat)
        return planned.outcome

    def _refusal(self, part: Part) -> NotSent | None:
        """Say what this platform cannot do, and what makes no sense to it."""
        if part.verb is Verb.EDIT and not self._capabilities.can_edit:
            return NotSent("cannot_edit", is_final=True)
        if part.verb is Verb.RECALL and not self._capabilities.can_recall:
            return NotSent("cannot_recall", is_final=True)
        try:
            if part.verb in {Verb.SEND, Verb.EDIT}:
                _DECODER.decode(part.body)
        except _UNREADABLE:
            return NotSent("refused_by_platform bad_request", is_final=True)
        return None

    def _look_up(self, part: Part, chat: int) -> Outcome:
        if not self._capabilities.can_look_up:
            return Unknown("cannot_look_up")
        found = tuple(m.id for m in self._messages.values() if (m.chat, m.key) == (chat, part.key))
        return Sent(found) if found else NotSent("not_found_on_platform")

    def _apply(self, part: Part, chat: int) -> Outcome:
        match part.verb:
            case Verb.SEND:
                shown = self._show(part, chat)
                return Sent((shown,) if shown else ())
            case Verb.EDIT | Verb.RECALL:
                return self._amend(part)
            case _:
                return Sent()

    def _show(self, part: Part, chat: int) -> str:
        words = _DECODER.decode(part.body)
        if words.is_reaction:
            self.reactions.add((words.quotes, words.text))
            return ""
        if self._capabilities.resend_key_window_s or self._capabilities.can_overwrite:
            for known in self._messages.values():
                if (known.chat, known.key) == (chat, part.key):
                    return known.id
        number = str(next(self._numbers))
        self._messages[number] = Shown(
            id=number,
            chat=chat,
            key=part.key,
            words=words,
            is_draft=part.is_draft,
        )
        return number

    def _amend(self, part: Part) -> Outcome:
        known = [self._messages[name] for name in part.message_ids if name in self._messages]
        if not known:
            return NotSent("not_found_on_platform", is_final=True)
        for message in known:
            self._messages[message.id] = self._amended(message, part)
        return Sent(part.message_ids)

    def _amended(self, message: Shown, part: Part) -> Shown:
        if part.verb is Verb.RECALL:
            return replace(message, is_recalled=True)
        return replace(
            message,
            words=_DECODER.decode(part.body),
            is_draft=part.is_draft,
            edits=message.edits + 1,
        )
