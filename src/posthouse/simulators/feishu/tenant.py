"""The tenant: apps, people, chats, messages and files, and who has which id in whose eyes."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.record import Change, Limits, Notes
from posthouse.simulators.feishu.refusals import OTHER_APP, WRONG_ID, Refusal, malformed

Clock = Callable[[], float]
Watcher = Callable[["Message"], None]
ChatKind = Literal["group", "topic", "p2p"]


class Person(Struct, frozen=True, kw_only=True):
    """Somebody of the tenant; ``key`` is what the control surface calls them."""

    key: str
    name: str = ""


Party = Person | App


class Mention(Struct, frozen=True, kw_only=True):
    """Somebody named in a message. The placeholder stands in the text."""

    placeholder: str
    party: Party


class Chat(Struct, kw_only=True, eq=False):
    """A place to talk. A private one has one person and one app."""

    key: str
    chat_id: str
    kind: ChatKind
    title: str
    people: dict[str, Person] = {}
    apps: dict[str, App] = {}
    owner: str = ""
    admins: set[str] = set()
    messages: list[Message] = []
    is_dissolved: bool = False
    is_muted: bool = False  # nobody but the owner may speak

    @property
    def is_private(self) -> bool:
        return self.kind == "p2p"

    def manages(self, who: Party) -> bool:
        """Whether somebody may recall what others said."""
        key = who.name if isinstance(who, App) else who.key
        return key == self.owner or key in self.admins


class Message(Struct, kw_only=True, eq=False):
    """Something said, as it is now."""

    message_id: str
    chat: Chat
    sender: Party
    kind: str
    content: str  # JSON as it was sent
    at: float
    updated_at: float
    key: str = ""
    root: Message | None = None
    parent: Message | None = None
    thread_id: str = ""
    mentions: tuple[Mention, ...] = ()
    forwarded: tuple[Message, ...] = ()  # what stands in a bundle
    edits: int = 0
    changes: list[Change] = []
    reactions: dict[str, Reaction] = {}
    card_id: str = ""
    recalled_at: float | None = None
    recalled_by: Party | None = None

    @property
    def app(self) -> App | None:
        """The app that sent it, if none of the people did."""
        return self.sender if isinstance(self.sender, App) else None


class Reaction(Struct, frozen=True, kw_only=True):
    """An emoji below a message."""

    reaction_id: str
    emoji: str
    by: Party
    at: float


class StoredFile(Struct, frozen=True, kw_only=True):
    """A picture or file, and whose it is; what people send belongs to no app."""

    key: str
    kind: str  # image, or the file_type it was uploaded as
    name: str
    content: bytes
    app: str = ""
    duration_ms: int = 0


class Tenant:
    """Everything there is. Ids follow from the seed."""

    def __init__(
        self,
        seed: int,
        apps: tuple[App, ...],
        *,
        clock: Clock = time.time,
        limits: Limits | None = None,
    ) -> None:
        self.seed = seed
        self.apps = {each.name: each for each in apps}
        self.limits = limits or Limits()
        self.tenant_key = self._hash("tenant")[:16]
        self._clock = clock
        self._watchers: list[Watcher] = []
        self._listeners: list[Callable[[], None]] = []
        self.reset()

    def reset(self) -> None:
        """Forget everybody and everything that was said."""
        self._random = random.Random(self.seed)
        self.notes = Notes(self._clock, self.limits)
        self.people: dict[str, Person] = {}
        self.chats: dict[str, Chat] = {}
        self.messages: dict[str, Message] = {}
        self.files: dict[str, StoredFile] = {}
        self.refused: dict[str, int] = {}  # chat or person → the code of every call about it
        self._files_bytes = 0
        self._chats_by_id: dict[str, Chat] = {}
        self._open_ids: dict[str, tuple[str, Party]] = {}
        self._shared_ids: dict[str, Party] = {}
        for each in self.apps.values():
            self._introduce(each)

    @property
    def now(self) -> float:
        return self._clock()

    # --- ids ------------------------------------------------------------------------------------

    def new_id(self, prefix: str = "", digits: int = 32) -> str:
        """Make an id that nobody has."""
        return f"{prefix}{self._random.getrandbits(4 * digits):0{digits}x}"

    def open_id(self, viewer: App, who: Party) -> str:
        """Return who somebody is to one app."""
        return f"ou_{self._hash('open', viewer.app_id, _key(who))[:32]}"

    def union_id(self, who: Party) -> str:
        """Return who somebody is to all apps of the same developer."""
        return f"on_{self._hash('union', _key(who))[:32]}"

    def user_id(self, who: Party) -> str:
        """Return who somebody is to the tenant."""
        return self._hash("user", _key(who))[:8]

    def ids(self, viewer: App, who: Party) -> dict[str, str]:
        """Return all ids of somebody as events have them."""
        found = {"open_id": self.open_id(viewer, who), "union_id": self.union_id(who)}
        is_shown = "contact:user.employee_id:readonly" not in viewer.missing_scopes
        if isinstance(who, Person) and is_shown:
            found["user_id"] = self.user_id(who)
        return found

    def who(self, viewer: App, some_id: str, id_type: str = "open_id") -> Party | None:
        """Return whom an id means to an app.

        Raises:
            Refusal: the id is another app's.
        """
        if id_type != "open_id":
            return self._shared_ids.get(f"{id_type}:{some_id}")
        owner, who = self._open_ids.get(some_id, ("", None))
        if owner and owner != viewer.name:
            raise Refusal(OTHER_APP, "open_id cross app", is_malformed=True)
        return who

    def _introduce(self, who: Party) -> None:
        for viewer in self.apps.values():
            self._open_ids[self.open_id(viewer, who)] = (viewer.name, who)
        shared = {
            "union_id": self.union_id(who),
            "user_id": self.user_id(who),
            "email": f"{_key(who)}@example.com",
        }
        self._shared_ids |= {f"{kind}:{some_id}": who for kind, some_id in shared.items()}

    def _hash(self, *words: str) -> str:
        return hashlib.sha256("\0".join((str(self.seed), *words)).encode()).hexdigest()

    # --- people and places ----------------------------------------------------------------------

    def app(self, name: str) -> App:
        """Return an app by its name; the first when it is empty.

        Raises:
            OperatorMistake: there is none.
        """
        found = self.apps.get(name) if name else next(iter(self.apps.values()), None)
        if found is None:
            raise OperatorMistake(f"no app {name!r}; there is {', '.join(self.apps)}")
        return found

    def app_by_id(self, app_id: str) -> App | None:
        return next((each for each in self.apps.values() if each.app_id == app_id), None)

    def person(self, key: str, name: str = "") -> Person:
        """Return somebody, whom the tenant employs from now on if it did not."""
        found = self.people.get(key)
        if found is None or (name and name != found.name):
            found = self.people[key] = Person(key=key, name=name or key.title())
            self._introduce(found)
        return found

    def group(self, key: str, *, title: str = "", kind: ChatKind = "group") -> Chat:
        """Return a group by its key or id; a new one has every app in it."""
        found = self.chats.get(key) or self._chats_by_id.get(key)
        if found is None:
            found = self._found(key, kind, title or key.title())
            found.apps = dict(self.apps)
        return found

    def private(self, who: Person, app: App) -> Chat:
        """Return the private chat of a person with a bot."""
        key = f"{who.key}@{app.name}"
        found = self.chats.get(key)
        if found is None:
            found = self._found(key, "p2p", who.name)
            found.people, found.apps = {who.key: who}, {app.name: app}
        return found

    def _found(self, key: str, kind: ChatKind, title: str) -> Chat:
        chat_id = f"oc_{self._hash('chat', key)[:32]}"
        made = Chat(key=key, chat_id=chat_id, kind=kind, title=title)
        self.chats[key] = self._chats_by_id[chat_id] = made
        return made

    def chat(self, chat_id: str) -> Chat | None:
        return self._chats_by_id.get(chat_id)

    def enter(self, chat: Chat, who: Person) -> bool:
        """Let somebody into a group; False when they were there."""
        is_new = who.key not in chat.people
        chat.people[who.key] = who
        chat.owner = chat.owner or who.key
        return is_new

    # --- messages and files ---------------------------------------------------------------------

    def message(self, message_id: str) -> Message:
        """Return a message.

        Raises:
            Refusal: there is none of that id.
        """
        if not message_id.startswith("om_"):
            raise Refusal(
                WRONG_ID,
                f"The request you send is not a valid {{open_message_id}} or "
                f"not exists, example value:om_…, invalid ids: [{message_id}]",
                is_malformed=True,
            )
        found = self.messages.get(message_id)
        if found is None:
            raise Refusal(WRONG_ID, "The request you send is not a valid {open_message_id}")
        return found

    def keep(self, message: Message) -> Message:
        """Put a message into its chat.

        Raises:
            OperatorMistake: there are too many.
        """
        if len(self.messages) >= self.limits.messages_max:
            raise OperatorMistake(
                f"the tenant remembers {self.limits.messages_max} messages; "
                "raise messages_max or reset it"
            )
        self.messages[message.message_id] = message
        message.chat.messages.append(message)
        self.show(message)
        return message

    # --- who wants to know ----------------------------------------------------------------------

    def watch(self, watcher: Watcher) -> None:
        """Call somebody whenever people see a message for the first time, or see it change."""
        self._watchers.append(watcher)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call somebody whenever an event was pushed or taken, a call came in, or people see."""
        self._listeners.append(listener)

    def show(self, message: Message) -> None:
        """Tell the watchers that people see something new."""
        for watcher in self._watchers:
            watcher(message)
        self.stir()

    def stir(self) -> None:
        """Tell the listeners that something happened."""
        for listener in self._listeners:
            listener()

    # --- files ----------------------------------------------------------------------------------

    def keep_file(self, stored: StoredFile) -> str:
        """Keep a file and return its key.

        Raises:
            Refusal: the tenant's storage is full.
        """
        if self._files_bytes + len(stored.content) > self.limits.files_bytes_max:
            raise Refusal(234041, "Tenant storage is full")
        self._files_bytes += len(stored.content)
        self.files[stored.key] = stored
        return stored.key

    def own_file(self, app: App, key: object) -> StoredFile:
        """Return a file that an app may send.

        Raises:
            Refusal: there is none, or it is another's.
        """
        found = self.files.get(key) if isinstance(key, str) else None
        if found is None:
            raise malformed(f"no file {key!r}")
        if found.app != app.name:
            raise Refusal(230017, "Bot is NOT the owner of the resource.")
        return found

    def apps_in(self, chat: Chat) -> Iterator[App]:
        yield from chat.apps.values()


def _key(who: Party) -> str:
    return f"app/{who.app_id}" if isinstance(who, App) else who.key
