"""What every channel promises, whatever its platform. See ``checks.py`` for how to run these.

Each check gets a fresh ``Subject``: a channel that is attached, connected if it needs to be, and in
front of a platform (or a simulator of one) that takes everything at once.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.channel import Channel, Letter, Part, Receipts, Status, Verb
from posthouse.model.address import Chat, Entrance
from posthouse.model.capabilities import DraftKind
from posthouse.model.delivery import Kind, NotSent, Outcome, Sent, Unknown
from posthouse.model.errors import PosthouseError
from posthouse.model.event import Event, Undecodable
from posthouse.model.message import Choice, Content, Media
from posthouse.testing.conformance.checks import holds, same

TEXT_MAX_LEAST = 32
STOPS_WITHIN_S = 10.0


class Subject(Struct, frozen=True, kw_only=True):
    """A channel to be looked at, and what the checks need around it."""

    channel: Channel
    chat: Chat  # one that the platform takes messages for
    new_key: Callable[[], str]
    decode: Callable[[bytes], Event | Sequence[Event]] | None = None  # of a verified payload
    payloads: tuple[bytes, ...] = ()  # genuine ones, to be spoilt
    secrets: tuple[str, ...] = ()  # what nobody may ever read
    keeps_messages: bool = True  # False: the platform forgets at once, like the null channel
    # The buttons that people see below the message with these ids, where the test can look.
    buttons: Callable[[tuple[str, ...]], Awaitable[tuple[str, ...]]] | None = None


CONTENTS = (
    Content("hello"),
    Content("plain *words*", "plain"),
    Content("**bold** `code` [link](https://a.example)\n\n- one\n- two"),
    Content("春眠不觉晓 👩‍👩‍👧‍👦 \u202e \x00 end"),
    Content("quotes \" ' \\ </script> {braces}\r\n\ttab"),
)


def _letter(subject: Subject, kind: Kind = Kind.SEND) -> Letter:
    return Letter(chat=subject.chat, kind=kind)


async def _send(subject: Subject, key: str, text: str = "hello") -> Outcome:
    body = subject.channel.encode(Content(text), _letter(subject))
    return await subject.channel.perform(Part(verb=Verb.SEND, body=body, key=key), subject.chat)


async def _sent_ids(subject: Subject, key: str) -> tuple[str, ...]:
    outcome = await _send(subject, key)
    holds(isinstance(outcome, Sent), f"what a willing platform gets is sent, got {outcome!r}")
    return outcome.ids if isinstance(outcome, Sent) else ()


def _is_final_no(outcome: Outcome) -> bool:
    return isinstance(outcome, NotSent) and outcome.is_final


# --- encode -------------------------------------------------------------------------------


async def encoding_is_pure(subject: Subject) -> None:
    """The same content gives the same bytes, whatever was encoded between."""
    letters = (
        _letter(subject),
        Letter(chat=subject.chat, quote_message_id="m-1", thread="t-1"),
        _letter(subject, Kind.DRAFT),
        _letter(subject, Kind.SETTLE),
    )
    first = [subject.channel.encode(content, each) for each in letters for content in CONTENTS]
    second = [subject.channel.encode(content, each) for each in letters for content in CONTENTS]
    same(second, first, "encoding everything again")
    holds(all(isinstance(body, bytes) for body in first), "encode gives bytes")


async def different_words_are_different_bytes(subject: Subject) -> None:
    """Nothing that is said is lost between ``Content`` and the platform."""
    bodies = {subject.channel.encode(content, _letter(subject)) for content in CONTENTS}
    same(len(bodies), len(CONTENTS), "how many different bodies different words give")


async def a_full_message_can_be_encoded(subject: Subject) -> None:
    """What just fits the declared limits is taken."""
    capabilities = subject.channel.capabilities
    choices = tuple(Choice("x", f"q:{n}") for n in range(min(capabilities.choices_max, 100)))
    content = Content("x" * min(capabilities.text_max, 1_000_000), choices=choices)
    body = subject.channel.encode(content, _letter(subject))
    part = Part(verb=Verb.SEND, body=body, key=subject.new_key())
    outcome = await subject.channel.perform(part, subject.chat)
    holds(isinstance(outcome, Sent), f"a message as long as text_max is sent, got {outcome!r}")


async def a_slot_is_encoded_where_there_is_one(subject: Subject) -> None:
    """``slot_s`` and ``encode_slot`` say the same."""
    body = subject.channel.encode_slot(Content("hello"), _letter(subject))
    same(body is not None, subject.channel.capabilities.slot_s > 0, "whether there is a slot")


# --- capabilities -------------------------------------------------------------------------


async def capabilities_make_sense(subject: Subject) -> None:
    """Numbers are in range, and what depends on something else comes with it."""
    can = subject.channel.capabilities
    same(subject.channel.capabilities, can, "asking twice what it can do")
    holds(can.text_max >= TEXT_MAX_LEAST, f"text_max is at least {TEXT_MAX_LEAST}")
    holds(can.choices_max >= 0, "choices_max is not negative")
    for name in ("resend_key_window_s", "slot_s"):
        value = getattr(can, name)
        holds(value >= 0 and not math.isnan(value), f"{name} is a span")
    for name in ("edit_window_s", "recall_window_s", "chat_sends_per_s", "bot_sends_per_s"):
        holds(getattr(can, name) > 0, f"{name} is above 0")
    if can.draft is DraftKind.MESSAGE:
        holds(can.can_edit, "a draft that is edited in place needs can_edit")
    if can.has_draft_buttons:
        holds(can.draft is DraftKind.MESSAGE, "has_draft_buttons needs a draft that is a message")
        holds(can.choices_max > 0, "has_draft_buttons needs choices_max")


async def what_is_sent_has_a_name(subject: Subject) -> None:
    """Who can edit or recall must be told what."""
    ids = await _sent_ids(subject, subject.new_key())
    can = subject.channel.capabilities
    if can.can_edit or can.can_recall:
        holds(ids and all(ids), f"Sent carries the platform's ids, got {ids!r}")


async def editing_follows_can_edit(subject: Subject) -> None:
    """Done twice it is as good as once; without the capability the no is final."""
    ids = await _sent_ids(subject, subject.new_key())
    body = subject.channel.encode(Content("better"), _letter(subject))
    part = Part(verb=Verb.EDIT, body=body, message_ids=ids)
    outcomes = [await subject.channel.perform(part, subject.chat) for _ in range(2)]
    if subject.channel.capabilities.can_edit:
        holds(all(isinstance(each, Sent) for each in outcomes), f"it edits, got {outcomes!r}")
    else:
        holds(all(map(_is_final_no, outcomes)), f"the no is final, got {outcomes!r}")


async def a_growing_message_keeps_its_button(subject: Subject) -> None:
    """It is opened with the button, grows above it, and its final words come without."""
    if not subject.channel.capabilities.has_draft_buttons:
        return
    stop = (Choice("Stop", "stop:1"),)
    ids = await _grown(subject, Content("a", choices=stop), Kind.DRAFT)
    await _see_buttons(subject, ids, "Stop")
    await _grown(subject, Content("ab", choices=stop), Kind.DRAFT, ids)
    await _see_buttons(subject, ids, "Stop")
    await _grown(subject, Content("abc"), Kind.SETTLE, ids)
    await _see_buttons(subject, ids)


async def _grown(
    subject: Subject, content: Content, kind: Kind, ids: tuple[str, ...] = ()
) -> tuple[str, ...]:
    part = Part(
        verb=Verb.EDIT if ids else Verb.SEND,
        body=subject.channel.encode(content, _letter(subject, kind)),
        key="" if ids else subject.new_key(),
        message_ids=ids,
        is_draft=kind is Kind.DRAFT,
    )
    outcome = await subject.channel.perform(part, subject.chat)
    holds(isinstance(outcome, Sent), f"a growing message goes on, got {outcome!r}")
    return ids or (outcome.ids if isinstance(outcome, Sent) else ())


async def _see_buttons(subject: Subject, ids: tuple[str, ...], *labels: str) -> None:
    if subject.buttons is not None:
        same(await subject.buttons(ids), labels, "the buttons that people see")


async def recalling_follows_can_recall(subject: Subject) -> None:
    """Done twice it is as good as once; without the capability the no is final."""
    ids = await _sent_ids(subject, subject.new_key())
    part = Part(verb=Verb.RECALL, message_ids=ids)
    outcomes = [await subject.channel.perform(part, subject.chat) for _ in range(2)]
    if subject.channel.capabilities.can_recall:
        holds(all(isinstance(each, Sent) for each in outcomes), f"it recalls, got {outcomes!r}")
    else:
        holds(all(map(_is_final_no, outcomes)), f"the no is final, got {outcomes!r}")


async def repeating_follows_the_declared_class(subject: Subject) -> None:
    """A repeat that should show nothing new names the same message."""
    key = subject.new_key()
    first, second = await _sent_ids(subject, key), await _sent_ids(subject, key)
    can = subject.channel.capabilities
    if can.resend_key_window_s or can.can_overwrite:
        same(second, first, "the ids of the same message sent again")
    other = await _sent_ids(subject, subject.new_key())
    holds(not other or other != first, "another key is another message")


async def looking_up_never_guesses(subject: Subject) -> None:
    """``Sent`` when it is there, ``NotSent`` when it is certainly not, else ``Unknown``."""
    key = subject.new_key()
    ids = await _sent_ids(subject, key)
    found = await _look_up(subject, key)
    absent = await _look_up(subject, subject.new_key())
    if not subject.channel.capabilities.can_look_up:
        same((type(found), type(absent)), (Unknown, Unknown), "a search where there is none")
    elif subject.keeps_messages:
        same(found, Sent(ids), "the search for what was sent")
        holds(isinstance(absent, NotSent), f"what was never sent is absent, got {absent!r}")


async def _look_up(subject: Subject, key: str) -> Outcome:
    part = Part(verb=Verb.LOOK_UP, key=key, first_sent_at=0.0)
    return await subject.channel.perform(part, subject.chat)


# --- perform ------------------------------------------------------------------------------


async def perform_never_raises(subject: Subject) -> None:
    """Whatever it is asked, the answer is an outcome."""
    bodies = (b"", b"{", b"\xff\xfe", b"null", b"[" * 5000, b'{"a":' * 5000)
    ids: tuple[tuple[str, ...], ...] = ((), ("",), ("no-such-message",), ("../../x?y#z", "2"))
    for verb in Verb:
        for body in bodies:
            for names in ids:
                part = Part(verb=verb, body=body, key="k", message_ids=names)
                outcome = await subject.channel.perform(part, subject.chat)
                is_one = isinstance(outcome, Sent | NotSent | Unknown)
                holds(is_one, f"{verb} gives an outcome, got {outcome!r}")


async def a_strange_chat_raises_nothing(subject: Subject) -> None:
    """A platform id is the platform's: any text may come back."""
    body = subject.channel.encode(Content("hello"), _letter(subject))
    for name in ("", "../x", "a b?c=d&e#f", "群 1", "x" * 5000):
        chat = replace(subject.chat, platform_id=name)
        for verb in Verb:
            part = Part(verb=verb, body=body, key="k", message_ids=("1",))
            outcome = await subject.channel.perform(part, chat)
            is_one = isinstance(outcome, Sent | NotSent | Unknown)
            holds(is_one, f"{verb} to {name!r} gives an outcome, got {outcome!r}")


async def a_closed_channel_raises_nothing(subject: Subject) -> None:
    """Closing twice is as good as once, and what comes later is an outcome."""
    await subject.channel.close()
    await subject.channel.close()
    outcome = await _send(subject, subject.new_key())
    holds(isinstance(outcome, Sent | NotSent | Unknown), f"an outcome, got {outcome!r}")


async def a_file_that_is_not_there_is_refused(subject: Subject) -> None:
    """With one of our errors, so whoever asked can say it in words."""
    try:
        async for _ in subject.channel.download(Media(ref="no-such-file")):
            pass
    except PosthouseError:
        return
    raise AssertionError("a file that is not there: expected a PosthouseError, got bytes")


# --- decode -------------------------------------------------------------------------------


def _events(subject: Subject, payload: bytes) -> tuple[Event, ...]:
    assert subject.decode is not None
    found = subject.decode(payload)
    return tuple(found) if isinstance(found, Sequence) else (found,)


def _spoilt(payload: bytes) -> tuple[bytes, ...]:
    half = len(payload) // 2
    return (
        payload[:half],
        payload[half:],
        payload + payload,
        payload[:half] + b"\xff" + payload[half:],
        payload.replace(b'"', b"'"),
        payload.replace(b":", b":{", 1),
        b"\xef\xbb\xbf" + payload,
    )


GARBAGE = (
    *(b"", b" ", b"null", b"[]", b"{}", b"0", b'"x"', b"\x00" * 100, b"\xff" * 100),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000, b'{"type": "message"}'),
)


async def decoding_is_total(subject: Subject) -> None:
    """Bytes that make no sense become ``Undecodable``, with the raw bytes, and never an error."""
    if subject.decode is None:
        return
    for payload in GARBAGE:
        said = f"{payload[:40]!r}"
        events = _events(subject, payload)
        holds(events, f"{said} is kept")
        for event in events:
            holds(isinstance(event, Undecodable), f"{said} is undecodable, got {event!r:.200}")
            holds(event.key, f"{said} has a key")


async def spoilt_payloads_raise_nothing(subject: Subject) -> None:
    """A genuine payload that was damaged is an event like any other."""
    if subject.decode is None:
        return
    for payload in subject.payloads:
        for spoilt in _spoilt(payload):
            _events(subject, spoilt)


async def decoding_is_pure(subject: Subject) -> None:
    """The same bytes are the same event under the same key, so a repeat is recognised."""
    if subject.decode is None:
        return
    for payload in (*subject.payloads, b"{", b"[]"):
        keys = [[event.key for event in _events(subject, payload)] for _ in range(2)]
        same(keys[1], keys[0], "the keys of the same payload")
    for payload in subject.payloads:
        for event in _events(subject, payload):
            holds(not isinstance(event, Undecodable), f"{payload[:200]!r} can be read")


# --- life ---------------------------------------------------------------------------------


class _ClosedDoor:
    async def accept(self, events: Sequence[Event], entrance: Entrance) -> Receipts:
        raise AssertionError(f"nothing should come in, got {events!r} by {entrance}")

    async def answer(
        self, events: Sequence[Event], entrance: Entrance, wait_s: float
    ) -> bytes | None:
        raise AssertionError(f"nothing should come in, got {events!r} by {entrance}, {wait_s}")

    async def answered(self, events: Sequence[Event], *, is_written: bool) -> None:
        raise AssertionError(f"nothing was answered, got {events!r}, {is_written}")


async def running_ends_only_when_cancelled(subject: Subject) -> None:
    """``run`` waits even where there is nothing to do, and lets go at once when it is told to."""
    running = asyncio.ensure_future(subject.channel.run(_ClosedDoor()))
    for _ in range(5):
        await asyncio.sleep(0)
    holds(not running.done(), "run waits until it is cancelled")
    running.cancel()
    await asyncio.wait({running}, timeout=STOPS_WITHIN_S)
    holds(running.cancelled(), f"run ends within {STOPS_WITHIN_S} s of being cancelled")


async def nobody_reads_a_secret(subject: Subject) -> None:
    """Neither the channel's name for itself nor its status shows one."""
    holds(isinstance(subject.channel.status, Status), "status is a Status")
    shown = f"{subject.channel!r} {subject.channel.status!r} {vars(subject.channel)!r}"
    for secret in subject.secrets:
        holds(secret not in shown, "no secret in what a log or a debugger shows")
