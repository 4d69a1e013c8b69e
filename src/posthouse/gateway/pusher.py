"""What scripts want said: from targets and content to deliveries, and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog
from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.channel import Letter
from posthouse.channels.degrade import split
from posthouse.gateway.bots import Bot
from posthouse.gateway.rewrite import rewrite
from posthouse.gateway.router import token_of
from posthouse.gateway.surroundings import Surroundings
from posthouse.model.action import Policy
from posthouse.model.address import Chat, ChatMode, SessionKind, session_key
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import OPEN_STATES, Delivery, State
from posthouse.model.disposition import NewDelivery, NewQuestion
from posthouse.model.errors import NotUnderstood, StorageFull
from posthouse.model.message import Choice, Content
from posthouse.store.chats import Chats
from posthouse.store.journal import Result
from posthouse.store.pushes import Push, Pushes, Target, Words
from posthouse.store.reader import Reader
from posthouse.wakeup.wakeup import SENDS, TURNS

PARTS_MAX = 30  # platform messages of one push to one chat
PUT_AT_ONCE = 64  # targets written side by side: they share a commit
TAKEN_BACK_AT_ONCE = 500
WAITS_MAX = 200  # callers who wait for an outcome at once; more get an answer without it
LOOK_FIRST_S = 0.02
LOOK_EVERY_S_MAX = 0.5
SHADOW = "shadow"  # why something is written down and not said
QUESTION_CHARACTERS = 22  # of the button's token; the rest says which button

# What is said of several messages to one chat: the first of these that one of them is in.
_WORST_FIRST = (
    State.FAILED,
    State.DOUBTFUL,
    State.UNKNOWN,
    State.SENDING,
    State.QUEUED,
    State.WITHDRAWING,
    State.KEPT,
    State.SENT,
    State.DROPPED,
    State.WITHDRAWN,
)
_UNDECIDED = OPEN_STATES | {State.WITHDRAWING}

log = structlog.get_logger("posthouse.pusher")


class TooManyParts(NotUnderstood):
    """The text is too long for this chat's platform; send a file, or several messages."""


class CannotEncode(NotUnderstood):
    """This bot's platform cannot carry the content; the log has the details."""


class Asked(Struct, frozen=True, kw_only=True):
    """Buttons below a push, and who deals with a press."""

    choices: tuple[str, ...]
    handler: str
    state: str = ""  # given to the handler with the press
    expires_s: float = 24 * 3600.0


class Saying(Struct, frozen=True, kw_only=True):
    """What is said to every target."""

    content: Content
    asked: Asked | None = None
    policy: Policy = Policy.AT_LEAST_ONCE


class Line(Struct, frozen=True, kw_only=True):
    """What became of a push in one chat."""

    target: Target
    deliveries: tuple[int, ...]
    state: State | None  # None: nothing has been put yet
    reason: str = ""
    platform_ids: tuple[str, ...] = ()
    edit: str = ""  # how far the newest edit in place is: queued, parked, done, refused

    @property
    def is_decided(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state not in {None, *_UNDECIDED} and self.edit not in {"queued", "parked"}


class Pusher:
    """Puts pushes on the road.

    Args:
        around: the road.
        chats: where targets are looked up.
        pushes: what was pushed.
        reader: how far edits are.
        is_full: whether there is no room for more.
    """

    def __init__(
        self,
        around: Surroundings,
        chats: Chats,
        pushes: Pushes,
        reader: Reader,
        is_full: Callable[[], bool],
    ) -> None:
        self._around = around
        self._journal = around.journal
        self._chats = chats
        self._pushes = pushes
        self._reader = reader
        self._is_full = is_full
        self._waits = 0
        self._naps: set[asyncio.Future[None]] = set()
        self._is_closing = False

    def close(self) -> None:
        """Let nobody wait any longer: what is known now is the answer."""
        self._is_closing = True
        for nap in self._naps:
            nap.cancel()

    async def push(self, push: Push, saying: Saying) -> Push:
        """Say something to all targets to whom it has not been said yet.

        A paused chat hears it, since it is the team's own word; in the shadow it is only noted.

        Raises:
            NotUnderstood: a platform cannot carry the content.
            TryLater: not everything was written; the same call goes on where this one ended.
        """
        self._require_room()
        said = {delivery.ordinal for delivery in await self._pushes.deliveries(push)}
        missing = [ordinal for ordinal in range(len(push.targets)) if ordinal not in said]

        async def put(ordinal: int) -> None:
            _, words = await self._words(push.targets[ordinal], push.origin, ordinal, saying)
            await self._pushes.put(push.id, ordinal, words, self._around.clock())

        await self._for_each(missing, put)
        return push

    async def check(self, targets: Iterable[Target], saying: Saying) -> None:
        """Find out whether the content can be said at all, before anything is written.

        Raises:
            NotUnderstood: a platform cannot carry it.
        """
        self._require_room()
        for target in targets:
            await self._words(target, "", 0, saying)

    async def edit(self, push: Push, body_hash: bytes, saying: Saying) -> Push:
        """Give a push other words in all its chats.

        Part *n* edits part *n*; what cannot be edited is taken back and said anew.

        Raises:
            TakenBack: the push was taken back.
            NotUnderstood: a platform cannot carry the content.
            TryLater: not everything was written; the same call goes on where this one ended.
        """
        await self.check(push.targets, saying)
        edited = await self._pushes.begin_edit(push.id, body_hash)
        before = _by_target(await self._pushes.deliveries(edited))

        async def put(ordinal: int) -> None:
            now = self._around.clock()
            origin, target = edited.edit_origin(ordinal), edited.targets[ordinal]
            bot, words = await self._words(target, origin, ordinal, saying)
            old = tuple(before.get(ordinal, ()))
            result = rewrite(Result(deliveries=words.deliveries), old, bot.capabilities, now)
            words = Words(
                deliveries=result.deliveries,
                questions=words.questions,
                amends=result.amends,
                withdraw=result.withdraw,
            )
            await self._pushes.put_edit(edited, ordinal, words, bot.capabilities, now)

        await self._for_each(range(len(edited.targets)), put)
        return edited

    async def recall(self, push: Push) -> Push:
        """Take back whatever a push has said, and let it say nothing more."""
        recalled = await self._pushes.recall(push.id, self._around.clock())
        by_bot: dict[str, list[int]] = {}
        for delivery in await self._pushes.deliveries(recalled):
            by_bot.setdefault(delivery.bot, []).append(delivery.id)
        for name, numbers in by_bot.items():
            bot = self._around.bots.get(name)  # what a bot that is gone has queued is dropped
            capabilities = bot.capabilities if bot is not None else Capabilities()
            for start in range(0, len(numbers), TAKEN_BACK_AT_ONCE):
                slice_ = tuple(numbers[start : start + TAKEN_BACK_AT_ONCE])
                await self._journal.take_back(slice_, capabilities, self._around.clock())
        self._nudge()
        return recalled

    async def lines(self, push: Push, wait_s: float = 0.0) -> tuple[Line, ...]:
        """Say what became of a push in each chat, waiting at most ``wait_s`` until it is decided.

        The book is asked again and again, so it does not matter which gateway sends.
        """
        until_at = self._around.clock() + wait_s
        look_s = LOOK_FIRST_S
        if self._waits >= WAITS_MAX:
            return await self._lines(push)
        self._waits += 1
        try:
            while True:
                lines = await self._lines(push)
                left_s = until_at - self._around.clock()
                if left_s <= 0 or all(line.is_decided for line in lines):
                    return lines
                await self._nap(min(look_s, left_s))
                if self._is_closing:
                    return lines
                look_s = min(look_s * 1.5, LOOK_EVERY_S_MAX)
        finally:
            self._waits -= 1

    async def _nap(self, seconds: float) -> None:
        nap = asyncio.ensure_future(self._around.sleep(seconds))
        self._naps.add(nap)
        try:
            await asyncio.wait({nap})
        finally:
            nap.cancel()
            self._naps.discard(nap)

    def bot(self, name: str) -> Bot:
        """Return a bot of the settings.

        Raises:
            NotUnderstood: there is none of that name any more.
        """
        found = self._around.bots.get(name)
        if found is None:
            raise NotUnderstood(
                f"there is no bot {name} in the settings", zh=f"配置中没有机器人 {name}"
            )
        return found

    # --- inside -------------------------------------------------------------------------------

    def _require_room(self) -> None:
        if self._is_full():
            raise StorageFull

    async def _for_each(
        self, ordinals: Sequence[int], work: Callable[[int], Awaitable[None]]
    ) -> None:
        """Do something for every target, some side by side; tell the road at the end."""
        try:
            for start in range(0, len(ordinals), PUT_AT_ONCE):
                await asyncio.gather(*map(work, ordinals[start : start + PUT_AT_ONCE]))
        finally:
            self._nudge()

    def _nudge(self) -> None:
        self._around.wakeup.nudge(SENDS)
        self._around.wakeup.nudge(TURNS)  # a recall may be complete: its report is a control turn

    async def _words(
        self, target: Target, origin: str, ordinal: int, saying: Saying
    ) -> tuple[Bot, Words]:
        bot = self.bot(target.bot)
        chat = await self._chats.get(target.chat)
        if chat is None:
            raise NotUnderstood(
                f"there is no chat {target.chat}", zh=f"没有编号为 {target.chat} 的会话"
            )
        is_shadow = chat.mode_at(self._around.clock()) is ChatMode.SHADOW
        questions, content = self._question(chat, saying)
        parts = split(content, bot.capabilities)
        if len(parts) > PARTS_MAX:
            raise TooManyParts(zh="文字太长，这个平台放不下；请改发文件，或分成几条。")
        deliveries = tuple(
            NewDelivery(
                origin=origin,
                ordinal=ordinal,
                part=number,
                content=part,
                key=self._around.new_key(),
                body=_encoded(bot, part, chat),
                policy=saying.policy,
                unsaid=SHADOW if is_shadow else "",
            )
            for number, part in enumerate(parts)
        )
        return bot, Words(deliveries=deliveries, questions=() if is_shadow else questions)

    def _question(self, chat: Chat, saying: Saying) -> tuple[tuple[NewQuestion, ...], Content]:
        asked = saying.asked
        if asked is None:
            return (), saying.content
        number = self._around.new_key()[:QUESTION_CHARACTERS]
        question = NewQuestion(
            id=number,
            session=session_key(chat.id, SessionKind.CHAT, "", ""),
            handler=asked.handler,
            who="",
            labels=asked.choices,
            expires_at=self._around.clock() + asked.expires_s,
            state=asked.state,
            takes_text=False,
        )
        choices = tuple(
            Choice(label, token_of(number, choice)) for choice, label in enumerate(asked.choices)
        )
        return (question,), replace(saying.content, choices=choices)

    async def _lines(self, push: Push) -> tuple[Line, ...]:
        said = _by_target(await self._pushes.deliveries(push))
        edits = await self._edits(said) if push.edits else {}
        return tuple(
            _line(target, said.get(ordinal, []), edits)
            for ordinal, target in enumerate(push.targets)
        )

    async def _edits(self, said: dict[int, list[Delivery]]) -> dict[int, tuple[str, str]]:
        """Return state and reason of the newest edit of each delivery that has one."""
        numbers = tuple(delivery.id for target in said.values() for delivery in target)
        rows = await self._reader.amends(numbers)
        return {row.delivery: (row.state, row.reason) for row in rows if row.kind == "edit"}


def _encoded(bot: Bot, content: Content, chat: Chat) -> bytes:
    try:
        return bot.channel.encode(content, Letter(chat=chat))
    except Exception as problem:  # the line that no exception may cross
        log.exception("channel_raised", bot=bot.name, verb="encode")
        raise CannotEncode(zh="这个平台放不下这样的内容；详情见日志。") from problem


def _by_target(deliveries: Iterable[Delivery]) -> dict[int, list[Delivery]]:
    found: dict[int, list[Delivery]] = {}
    for delivery in deliveries:
        found.setdefault(delivery.ordinal, []).append(delivery)
    return found


def _line(target: Target, said: list[Delivery], edits: dict[int, tuple[str, str]]) -> Line:
    """Sum up what was said to one chat: what stands there counts, not what an edit replaced."""
    standing = [each for each in said if not each.withdraw_wanted and each.state in _STANDING]
    counted = standing or said
    worst = min(counted, key=lambda each: _WORST_FIRST.index(each.state), default=None)
    edit, why = next((edits[each.id] for each in reversed(said) if each.id in edits), ("", ""))
    return Line(
        target=target,
        deliveries=tuple(each.id for each in said),
        state=None if worst is None else worst.state,
        reason=why if edit == "refused" else "" if worst is None else worst.reason,
        platform_ids=tuple(name for each in counted for name in each.platform_ids),
        edit=edit,
    )


_STANDING = OPEN_STATES | {State.SENT, State.DOUBTFUL, State.FAILED}
