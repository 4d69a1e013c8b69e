"""The platform itself, without a network: what was said, pushed, shown and called.

Everything here happens at once; waiting, faults and roads are the server's business.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.probe.bots import BOTS_MAX, Bot, BotClass
from posthouse.simulators.probe.ledger import CallEntry, EventEntry, Ledger, MessageEntry
from posthouse.simulators.probe.refusals import Refusal
from posthouse.simulators.probe.wire import (
    Choice,
    EditBody,
    Envelope,
    MediaRef,
    MessageBody,
    Saying,
    SlotBody,
)

TOKEN_BYTES_MAX = 24
SEARCH_MAX = 100

# A repeat of these has a new event id: the house must know them by message id and stamp.
RENAMED_TYPES = frozenset({"message", "edited", "recalled"})
ABOUT_A_MESSAGE = frozenset({"edited", "recalled", "pressed"})


class Limits(Struct, frozen=True, kw_only=True):
    """How much the platform remembers and takes at once."""

    messages_max: int = 100_000
    events_max: int = 100_000
    calls_max: int = 400_000
    media_max: int = 64
    requests_max: int = 2048  # under way at once


class Event(Struct, kw_only=True):
    """Something that people did, on its way to the house."""

    bot: Bot
    envelope: Envelope
    entry: EventEntry

    @property
    def is_acknowledged(self) -> bool:
        return self.entry.acknowledged_at is not None


class Found(Struct, frozen=True):
    """What a search tells about a message."""

    message_id: str
    key: str
    text: str
    at: float
    is_recalled: bool


class ProbePlatform:
    """A chat platform with the given bots; the seed decides every id it invents."""

    def __init__(
        self,
        seed: int,
        *,
        bots: Iterable[Bot],
        clock: Callable[[], float] = time.time,
        limits: Limits | None = None,
    ) -> None:
        self._random = random.Random(seed)
        self._clock = clock
        self.limits = limits or Limits()
        self._bots = {each.bot: each for each in bots}
        if not 1 <= len(self._bots) <= BOTS_MAX:
            raise OperatorMistake(f"the platform wants 1 to {BOTS_MAX} bots")
        self.webhooks: dict[str, str] = {}  # by bot; missing: none
        self.reset()

    @property
    def now(self) -> float:
        return self._clock()

    @property
    def bots(self) -> tuple[Bot, ...]:
        return tuple(self._bots.values())

    def reset(self) -> None:
        """Forget everything but the bots and their webhooks, and begin a new series of ids."""
        self._series = f"{self._random.getrandbits(32):08x}"
        self._numbers = 0
        self._messages: dict[tuple[str, str], MessageEntry] = {}  # by bot and message id
        self._by_key: dict[tuple[str, str, str], list[MessageEntry]] = {}  # by bot, chat, key
        self._events: list[EventEntry] = []
        self._calls: deque[CallEntry] = deque(maxlen=self.limits.calls_max)
        self._calls_forgotten = 0
        self._media: dict[str, tuple[MediaRef, bytes]] = {}

    def bot(self, name: str) -> Bot:
        """Return a bot.

        Raises:
            Refusal: there is none of that name.
        """
        found = self._bots.get(name)
        return found if found is not None else _refuse(404, "no_such_bot")

    # --- what people do ---------------------------------------------------------------------

    def say(self, saying: Saying) -> Event:
        """Let somebody do something.

        Raises:
            Refusal: no such bot, a field is missing, or the ledger is full.
        """
        bot = self.bot(saying.bot)
        _check_saying(saying)
        if len(self._events) >= self.limits.events_max:
            _refuse(507, "ledger_full")
        envelope = self._envelope(bot, saying)
        entry = EventEntry(
            bot=bot.bot,
            chat=saying.chat.id,
            sender=saying.sender.id,
            type=saying.type,
            message_id=envelope.message_id,
            text=saying.text,
            said_at=envelope.at,
        )
        self._events.append(entry)
        return Event(bot=bot, envelope=envelope, entry=entry)

    def push(self, event: Event) -> Envelope:
        """Count an attempt and return what to push: a repeat may come under a new event id."""
        event.entry.pushes += 1
        if event.entry.pushes > 1 and event.envelope.type in RENAMED_TYPES:
            event.envelope = replace(event.envelope, event_id=self._new_id("e"))
        return event.envelope

    def acknowledge(self, event: Event) -> None:
        """Note that the house has it."""
        event.entry.acknowledged_at = self.now

    def abandon(self, event: Event) -> None:
        """Note that the platform has stopped trying."""
        event.entry.is_abandoned = True

    # --- what the house does ------------------------------------------------------------------

    def send(self, bot: Bot, body: MessageBody) -> str:
        """Show a message as the bot's class has it, and return its id.

        Raises:
            Refusal: the page's table.
        """
        _check_message(bot, body)
        if body.media_ref is not None and body.media_ref not in self._media:
            _refuse(404, "no_such_media")
        earlier = self._earlier(bot, body)
        if earlier is None:
            return self._show(bot, body).message_id
        if bot.bot_class is BotClass.OVERWRITE:
            _overwrite(earlier, body)
        return earlier.message_id

    def edit(self, bot: Bot, message_id: str, body: EditBody) -> str:
        """Give a message new words.

        Raises:
            Refusal: the page's table.
        """
        if not bot.can_edit:
            _refuse(403, "cannot_edit")
        entry = self._message(bot, message_id)
        _check_text(bot, body.text, body.choices or ())
        if entry.is_recalled:
            _refuse(410, "recalled")
        self._check_window(entry, bot.edit_window_s, "edit_too_late")
        entry.text = body.text
        entry.choices = body.choices or ()
        entry.edits.append(self.now)
        return entry.message_id

    def recall(self, bot: Bot, message_id: str) -> str:
        """Take a message back; a second time changes nothing.

        Raises:
            Refusal: the page's table.
        """
        if not bot.can_recall:
            _refuse(403, "cannot_recall")
        entry = self._message(bot, message_id)
        if not entry.is_recalled:
            self._check_window(entry, bot.recall_window_s, "recall_too_late")
            entry.is_recalled = True
        return entry.message_id

    def search(self, bot: Bot, chat: str, since: float, key: str | None) -> tuple[Found, ...]:
        """Find the bot's own messages, oldest first.

        Raises:
            Refusal: the class cannot search.
        """
        if bot.bot_class is not BotClass.LOOKUP:
            _refuse(405, "no_search")
        if key is not None:
            candidates: Iterable[MessageEntry] = self._by_key.get((bot.bot, chat, key), ())
        else:
            candidates = self._messages.values()
        found = [
            Found(entry.message_id, entry.key, entry.text, entry.at, entry.is_recalled)
            for entry in candidates
            if entry.bot == bot.bot and entry.chat == chat and entry.at >= since
        ]
        return tuple(found[:SEARCH_MAX])

    def answer_in_slot(self, event: Event, body: SlotBody) -> None:
        """Show the answer that came inside the response; each event shows at most one.

        Raises:
            Refusal: the bot has no slot, or the answer is not as the page says.
        """
        if event.bot.bot_class is not BotClass.SLOT:
            _refuse(409, "wrong_road")
        if not body.text or event.is_acknowledged:
            return
        message = MessageBody(
            chat=event.entry.chat, text=body.text, choices=body.choices, key=body.key
        )
        _check_message(event.bot, message)
        self._show(event.bot, message).is_slot = True

    def keep_media(self, name: str, mime: str, content: bytes) -> str:
        """Keep a file and return its reference.

        Raises:
            Refusal: there are too many already.
        """
        if len(self._media) >= self.limits.media_max:
            _refuse(507, "ledger_full", "reset the ledger to make room for more files")
        ref = self._new_id("f")
        self._media[ref] = (MediaRef(ref, name, mime, len(content)), content)
        return ref

    def media(self, ref: str) -> tuple[MediaRef, bytes]:
        """Return a file.

        Raises:
            Refusal: there is none.
        """
        found = self._media.get(ref)
        return found if found is not None else _refuse(404, "no_such_media")

    # --- what is written down -----------------------------------------------------------------

    def note_call(self, entry: CallEntry) -> None:
        """Write a call down; the oldest are forgotten when there are too many."""
        if len(self._calls) == self.limits.calls_max:
            self._calls_forgotten += 1
        self._calls.append(entry)

    def chat_of(self, bot: Bot, message_id: str) -> str:
        """Return the chat that a message stands in, or nothing for one that is not there."""
        entry = self._messages.get((bot.bot, message_id))
        return entry.chat if entry is not None else ""

    def ledger(self) -> Ledger:
        """Return everything so far, with copies counted."""
        for entries in self._by_key.values():
            visible = sum(not entry.is_recalled for entry in entries)
            for entry in entries:
                entry.copies = visible
        return Ledger(
            messages=tuple(self._messages.values()),
            events=tuple(self._events),
            calls=tuple(self._calls),
            forgotten=self._calls_forgotten,
        )

    # --- within -------------------------------------------------------------------------------

    def _new_id(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}-{self._series}-{self._numbers}"

    def _envelope(self, bot: Bot, saying: Saying) -> Envelope:
        is_mine_quoted = saying.quote is not None and (bot.bot, saying.quote) in self._messages
        return Envelope(
            event_id=self._new_id("e"),
            type=saying.type,
            chat=saying.chat,
            sender=saying.sender,
            message_id=self._new_id("p") if saying.type == "message" else saying.message_id,
            text=saying.text,
            mentions_bot=saying.mentions_bot or is_mine_quoted,
            thread=saying.thread,
            quote=saying.quote,
            media=saying.media,
            token=saying.token,
            stamp=self._new_id("s") if saying.type == "edited" else None,
            at=self.now,
        )

    def _message(self, bot: Bot, message_id: str) -> MessageEntry:
        found = self._messages.get((bot.bot, message_id))
        # The house never learned the id of an answer in a slot; guessing it does not help.
        return found if found and not found.is_slot else _refuse(404, "no_such_message")

    def _earlier(self, bot: Bot, body: MessageBody) -> MessageEntry | None:
        """Find the message that this one repeats, in the eyes of the bot's class."""
        if bot.bot_class is BotClass.OVERWRITE:
            return self._messages.get((bot.bot, body.message_id or ""))
        if bot.bot_class is BotClass.KEYED and body.key:
            for entry in reversed(self._by_key.get((bot.bot, body.chat, body.key), ())):
                return entry if self.now < entry.at + bot.window_s else None
        return None

    def _show(self, bot: Bot, body: MessageBody) -> MessageEntry:
        if len(self._messages) >= self.limits.messages_max:
            _refuse(507, "ledger_full")
        entry = MessageEntry(
            bot=bot.bot,
            chat=body.chat,
            message_id=body.message_id or self._new_id("b"),
            key=body.key or "",
            text=body.text or "",
            at=self.now,
            quote=body.quote,
            thread=body.thread,
            choices=body.choices or (),
            media_ref=body.media_ref,
        )
        self._messages[bot.bot, entry.message_id] = entry
        if entry.key:
            self._by_key.setdefault((bot.bot, entry.chat, entry.key), []).append(entry)
        return entry

    def _check_window(self, entry: MessageEntry, window_s: float | None, code: str) -> None:
        if window_s is not None and self.now > entry.at + window_s:
            _refuse(409, code)


def _overwrite(entry: MessageEntry, body: MessageBody) -> None:
    if entry.chat != body.chat:
        _refuse(409, "taken")
    if entry.is_recalled:
        _refuse(410, "recalled")
    entry.text = body.text or ""
    entry.choices = body.choices or ()
    entry.media_ref = body.media_ref
    entry.quote = body.quote
    entry.thread = body.thread
    entry.writes += 1


def _check_saying(saying: Saying) -> None:
    if saying.type in ABOUT_A_MESSAGE and saying.message_id is None:
        _refuse(400, "bad_request", f"{saying.type} needs message_id")
    if saying.type == "message" and saying.message_id is not None:
        _refuse(400, "bad_request", "the platform chooses the message_id of what is said")
    if saying.type == "pressed" and saying.token is None:
        _refuse(400, "bad_request", "pressed needs token")


def _check_message(bot: Bot, body: MessageBody) -> None:
    is_chosen = body.message_id is not None
    if bot.bot_class is BotClass.OVERWRITE and not is_chosen:
        _refuse(400, "missing_message_id")
    if bot.bot_class is not BotClass.OVERWRITE and is_chosen:
        _refuse(400, "foreign_message_id")
    if not body.text and body.media_ref is None:
        _refuse(400, "bad_request", "a message needs text or media_ref")
    _check_text(bot, body.text or "", body.choices or ())


def _check_text(bot: Bot, text: str, choices: tuple[Choice, ...]) -> None:
    if len(text) > bot.text_max or len(choices) > bot.choices_max:
        _refuse(413, "too_long")
    if any(len(choice.token.encode()) > TOKEN_BYTES_MAX for choice in choices):
        _refuse(400, "bad_request", f"a token has at most {TOKEN_BYTES_MAX} bytes")


def _refuse(status: int, code: str, message: str = "") -> NoReturn:
    raise Refusal(status, code, message)
