"""The platform itself, without a network: people, groups, and what everyone sees.

Everything here happens at once; waiting, faults and roads are the server's business.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.onebot import segments as codec
from posthouse.simulators.onebot.accounts import Account, IdStyle, Role
from posthouse.simulators.onebot.events import Body, message
from posthouse.simulators.onebot.happenings import Chat, Person
from posthouse.simulators.onebot.notes import Limits, Notes
from posthouse.simulators.onebot.record import EventEntry, FileEntry, MessageEntry, Record
from posthouse.simulators.onebot.segments import Segments

RECALL_WINDOW_S = 120.0  # for members; those who run a group may always

ID_RANGES = {
    IdStyle.INT32: (1, 2**31 - 1),
    IdStyle.SIGNED: (-(2**31), -1),
    IdStyle.INT64: (2**53 + 1, 2**63 - 1),
}

T = TypeVar("T")
V = TypeVar("V")
Watcher = Callable[[MessageEntry], None]


class Failed(Exception):
    """The platform does not do it; ``retcode`` and words as an implementation answers them."""

    def __init__(self, wording: str, retcode: int = 1200) -> None:
        super().__init__(wording)
        self.retcode = retcode
        self.wording = wording


class Full(Failed):
    """The simulator's memory is full: reset the record, or raise the limits."""


class Group(Struct):
    """A group with its members by number."""

    group_id: int
    name: str
    members: dict[int, Person]


class Event(Struct):
    """An event on its way to a bot server."""

    account: Account
    body: Body
    entry: EventEntry | None  # None: heartbeats and the account's own messages


class Network:
    """QQ as the given accounts see it; the seed decides every id it invents."""

    def __init__(
        self,
        seed: int,
        *,
        accounts: Iterable[Account],
        clock: Callable[[], float] = time.time,
        limits: Limits | None = None,
    ) -> None:
        self._random = random.Random(seed)
        self._clock = clock
        self.limits = limits or Limits()
        self.accounts = {each.name: each for each in accounts}
        if not self.accounts:
            raise OperatorMistake("the platform wants at least one account")
        self._watchers: list[Watcher] = []
        self._listeners: list[Callable[[], None]] = []
        self.base_url = ""  # where files can be fetched; the server says it
        self.reset()

    @property
    def now(self) -> float:
        return self._clock()

    def reset(self) -> None:
        """Forget everything but the accounts."""
        self.notes = Notes(self._clock, self.limits)
        self.people: dict[int, Person] = {}
        self.groups: dict[int, Group] = {}
        self.requests: dict[str, bool | None] = {}  # by flag: open, or what was answered
        self._messages: dict[tuple[str, int], MessageEntry] = {}
        self._by_chat: dict[tuple[str, str], list[MessageEntry]] = {}
        self._events: list[EventEntry] = []
        self._files: dict[str, bytes] = {}

    def account(self, name: str) -> Account:
        """Return an account.

        Raises:
            OperatorMistake: there is none of that name.
        """
        found = self.accounts.get(name)
        if found is None:
            known = ", ".join(self.accounts)
            raise OperatorMistake(f"no account {name!r}; there is: {known}")
        return found

    def record(self) -> Record:
        """Return everything so far."""
        return Record(
            messages=tuple(self._messages.values()),
            events=tuple(self._events),
            calls=tuple(self.notes.calls.entries),
            complaints=tuple(self.notes.complaints.entries),
            connections=tuple(self.notes.connections.entries),
            forgotten=self.notes.forgotten,
        )

    # --- people and groups ----------------------------------------------------------------------

    def meet(self, person: Person) -> None:
        """Know somebody from now on."""
        _room(self.people, person.user_id, self.limits.people_max)
        self.people[person.user_id] = person

    def gather(self, account: Account, chat: Chat, person: Person) -> None:
        """Know a chat from now on, with its people in it."""
        self.meet(person)
        if chat.kind == "private":
            return
        group = self.groups.get(chat.id)
        if group is None:
            _room(self.groups, chat.id, self.limits.people_max)
            group = self.groups[chat.id] = Group(chat.id, chat.title or f"Group {chat.id}", {})
        group.members[person.user_id] = person
        group.members.setdefault(account.self_id, myself(account))

    def person(self, user_id: int) -> Person:
        """Return somebody.

        Raises:
            Failed: nobody has that number.
        """
        own = next((a for a in self.accounts.values() if a.self_id == user_id), None)
        if own is not None:
            return myself(own)
        return _known(self.people.get(user_id), f"用户 {user_id} 不存在")

    def group(self, group_id: int) -> Group:
        """Return a group.

        Raises:
            Failed: there is none.
        """
        return _known(self.groups.get(group_id), f"群 {group_id} 不存在")

    def member(self, group_id: int, user_id: int) -> Person:
        """Return somebody as a group knows them.

        Raises:
            Failed: no such group, or not in it.
        """
        found = self.group(group_id).members.get(user_id)
        return _known(found, f"群 {group_id} 没有成员 {user_id}")

    # --- messages -------------------------------------------------------------------------------

    def show(
        self,
        account: Account,
        chat: str,
        sender: int,
        shown: Segments,
        files: tuple[FileEntry, ...] = (),
    ) -> MessageEntry:
        """Put a message into a chat.

        Raises:
            Full: there are too many.
        """
        if len(self._messages) >= self.limits.messages_max:
            raise Full("too many messages: reset the record")
        entry = MessageEntry(
            bot=account.name,
            chat=chat,
            message_id=self._new_id(account),
            sender=sender,
            is_own=sender == account.self_id,
            text=codec.words(shown),
            segments=shown,
            at=self.now,
            quote=codec.quoted(shown),
            files=files,
        )
        self._messages[account.name, entry.message_id] = entry
        self._by_chat.setdefault((account.name, chat), []).append(entry)
        self._tell_watchers(entry)
        return entry

    def message(self, account: Account, message_id: int) -> MessageEntry:
        """Return a message that can still be seen.

        Raises:
            Failed: it is not there, or was recalled.
        """
        found = _known(self.find(account, message_id), "消息不存在")
        if found.is_recalled:
            raise Failed("消息不存在")
        return found

    def find(self, account: Account, message_id: int) -> MessageEntry | None:
        """Return a message, recalled or not."""
        return self._messages.get((account.name, message_id))

    def recall(self, account: Account, message_id: int, by: int) -> MessageEntry:
        """Take a message back.

        Raises:
            Failed: it is not there, too old, or somebody else's.
        """
        entry = self.message(account, message_id)
        is_ruler = self._is_ruler(entry.chat, by)
        if entry.sender != by and not is_ruler:
            raise Failed("撤回失败：不是自己的消息")
        if not is_ruler and self.now > entry.at + RECALL_WINDOW_S:
            raise Failed("撤回失败：消息已超过两分钟")
        entry.recalled_at, entry.recalled_by = self.now, by
        self._tell_watchers(entry)
        return entry

    def history(self, account: Account, chat: str, until: int, count: int) -> list[MessageEntry]:
        """Return the newest messages of a chat, oldest first; ``until``: the last one (0: all)."""
        entries = [e for e in self._by_chat.get((account.name, chat), []) if not e.is_recalled]
        if until:
            ids = [entry.message_id for entry in entries]
            if until not in ids:
                raise Failed(f"消息{until}不存在")
            entries = entries[: ids.index(until) + 1]
        return entries[-count:]

    def recent(self, account: Account, count: int) -> list[MessageEntry]:
        """Return the last message of each chat, the newest first."""
        chats = [place for place in self._by_chat if place[0] == account.name]
        last = [
            next((e for e in reversed(self._by_chat[c]) if not e.is_recalled), None) for c in chats
        ]
        found = [entry for entry in last if entry is not None]
        return sorted(found, key=lambda entry: entry.at, reverse=True)[:count]

    def written(self, account: Account, entry: MessageEntry) -> Body:
        """Write a message as OneBot does."""
        kind, _, number = entry.chat.partition(":")
        group = self.groups.get(int(number)) if kind == "group" else None
        members = group.members if group else self.people
        person = members.get(entry.sender) or self.person(entry.sender)
        return message(account, entry, person, group.name if group else "")

    # --- events and files -----------------------------------------------------------------------

    def note(self, entry: EventEntry) -> EventEntry:
        """Write down that something happened.

        Raises:
            Full: too much has.
        """
        if len(self._events) >= self.limits.events_max:
            raise Full("too many events: reset the record")
        self._events.append(entry)
        return entry

    def keep_file(self, name: str, content: bytes) -> str:
        """Keep a file that people can send, and return the address it is fetched from.

        Raises:
            Full: there are too many.
        """
        _room(self._files, name, self.limits.files_max)
        self._files[name] = content
        return self.file_url(name)

    def file_url(self, name: str) -> str:
        """Return the address of a file."""
        return f"{self.base_url}/v1/files/{name}"

    def file(self, name: str) -> bytes:
        """Return a file that is kept.

        Raises:
            Failed: there is none of that name.
        """
        return _known(self._files.get(name), f"文件 {name} 不存在")

    def new_flag(self) -> str:
        """Return the flag of a new request."""
        flag = f"{self._random.getrandbits(48):012x}"
        self.requests[flag] = None
        return flag

    def watch(self, watcher: Watcher) -> None:
        """Call somebody whenever a message is shown or recalled."""
        self._watchers.append(watcher)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call somebody whenever an event was pushed, an action came in, or a message changed."""
        self._listeners.append(listener)

    def stir(self) -> None:
        """Tell the listeners that something happened."""
        for listener in self._listeners:
            listener()

    # --- within ---------------------------------------------------------------------------------

    def _tell_watchers(self, entry: MessageEntry) -> None:
        for watcher in self._watchers:
            watcher(entry)
        self.stir()

    def _new_id(self, account: Account) -> int:
        while True:
            number = self._random.randint(*ID_RANGES[account.ids])
            if (account.name, number) not in self._messages:
                return number

    def _is_ruler(self, chat: str, user_id: int) -> bool:
        kind, _, number = chat.partition(":")
        group = self.groups.get(int(number)) if kind == "group" else None
        member = group.members.get(user_id) if group else None
        return member is not None and member.role is not Role.MEMBER


def myself(account: Account) -> Person:
    """Return an account as a person."""
    return Person(account.self_id, account.nickname, role=account.role)


def _known(found: T | None, wording: str) -> T:
    if found is None:
        raise Failed(wording)
    return found


def _room(place: dict[T, V], key: T, most: int) -> None:
    if key not in place and len(place) >= most:
        raise Full(f"at most {most}: reset the record")
