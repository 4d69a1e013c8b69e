"""Lets people do things, and says whom that concerns."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.feishu import content, events
from posthouse.simulators.feishu.apps import App, Hears
from posthouse.simulators.feishu.cards import Cards
from posthouse.simulators.feishu.events import Event
from posthouse.simulators.feishu.happenings import (
    Enter,
    Members,
    Menu,
    Press,
    Raise,
    React,
    Recall,
    Say,
)
from posthouse.simulators.feishu.record import Button, Change, EventEntry
from posthouse.simulators.feishu.tenant import (
    Chat,
    Mention,
    Message,
    Party,
    Person,
    Reaction,
    StoredFile,
    Tenant,
)

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# Scopes that decide which messages an app is told of.
PRIVATE = "im:message.p2p_msg:readonly"
MENTIONING = "im:message.group_at_msg:readonly"
EVERYTHING = "im:message.group_msg"


class Happened(Struct, frozen=True, kw_only=True):
    """What came of something: the message it is about, and whom to tell."""

    message: Message | None = None
    events: tuple[Event, ...] = ()


class People:
    """Everybody who uses the tenant from a phone."""

    def __init__(self, tenant: Tenant, cards: Cards) -> None:
        self._tenant = tenant
        self._cards = cards

    # --- saying ---------------------------------------------------------------------------------

    def say(self, what: Say) -> Happened:
        """Let somebody say something.

        Raises:
            OperatorMistake: no such app, or the message to reply to is not there.
        """
        who = self._tenant.person(what.person, what.name)
        chat = self._chat_of(what, who)
        mentions = tuple(self._mentions(what))
        parent = self._parent(what)
        message = Message(
            message_id=what.message_id or self._tenant.new_id("om_"),
            chat=chat,
            sender=who,
            kind=what.type,
            content=self._content(what, mentions),
            at=self._tenant.now - what.ago_s,
            updated_at=self._tenant.now - what.ago_s,
            parent=parent,
            root=(parent.root or parent) if parent is not None else None,
            thread_id=self._thread(what, chat, parent),
            mentions=mentions,
            forwarded=tuple(self._message(each) for each in what.forwarded),
        )
        self._tenant.keep(message)
        told = tuple(self._told(message))
        return Happened(message=message, events=told)

    def _chat_of(self, what: Say, who: Person) -> Chat:
        if what.chat_type == "p2p":
            return self._tenant.private(who, self._tenant.app(what.app))
        chat = self._tenant.group(what.chat, kind=what.chat_type)
        if not chat.is_private:
            self._tenant.enter(chat, who)
        return chat

    def _mentions(self, what: Say) -> Iterator[Mention]:
        for number, name in enumerate((n for n in what.mentions if n != "all"), start=1):
            app = self._tenant.apps.get(name)
            party: Party = app if app is not None else self._tenant.person(name)
            yield Mention(placeholder=f"@_user_{number}", party=party)

    def _content(self, what: Say, mentions: tuple[Mention, ...]) -> str:
        if what.content is not None:
            given = what.content
            return given if isinstance(given, str) else events.as_json(given)
        if what.type == "text":
            return events.as_json({"text": _with_placeholders(what, mentions)})
        if what.type == "merge_forward":
            return "Merged and Forwarded Message"  # no JSON, as it is
        return events.as_json(self._attached(what))

    def _attached(self, what: Say) -> dict[str, Any]:
        """Keep the file that somebody sends, and say what stands in the message."""
        given = what.file
        name = given.name if given is not None else f"{what.type}.bin"
        try:
            raw = base64.b64decode(given.base64, validate=True) if given is not None else PIXEL
        except binascii.Error as error:
            raise OperatorMistake(f"the content of {name} is no Base64: {error}") from None
        key = self.attach(name, raw, is_image=what.type == "image")
        if what.type == "image":
            return {"image_key": key}
        if what.type == "audio":
            return {"file_key": key, "duration": 2000}
        if what.type == "sticker":
            return {"file_key": key}
        return {"file_key": key, "file_name": name}

    def attach(self, name: str, raw: bytes, *, is_image: bool) -> str:
        """Keep something a person may send; returns its key."""
        kind = "image" if is_image else "stream"
        key = self._tenant.new_id("img_v3_" if is_image else "file_v3_")
        return self._tenant.keep_file(StoredFile(key=key, kind=kind, name=name, content=raw))

    def _parent(self, what: Say) -> Message | None:
        if what.reply_to is None:
            return None
        found = self._tenant.messages.get(what.reply_to)
        if found is None:
            raise OperatorMistake(f"there is no message {what.reply_to} to reply to")
        return found

    def _thread(self, what: Say, chat: Chat, parent: Message | None) -> str:
        if isinstance(what.thread, str):
            return what.thread
        if parent is not None and parent.thread_id:
            return parent.thread_id
        if not (what.thread or chat.kind == "topic"):
            return ""
        thread_id = self._tenant.new_id("omt_", 16)
        if parent is not None:
            parent.thread_id = thread_id
        return thread_id

    def _told(self, message: Message) -> Iterator[Event]:
        for app in self._tenant.apps_in(message.chat):
            if hears(app, message):
                body = events.received(self._tenant, app, message)
                yield self.event(app, events.MESSAGE_RECEIVED, body, message)

    def heard(self, message: Message) -> tuple[Event, ...]:
        """Say which other bots hear what a bot said."""
        return tuple(self._told(message))

    # --- other things that people do ------------------------------------------------------------

    def recall(self, what: Recall) -> Happened:
        """Take a message back.

        Raises:
            OperatorMistake: it is not there, or the person may not.
        """
        message = self._message(what.message_id)
        who = self._tenant.person(what.person) if what.person else message.sender
        if message.recalled_at is not None:
            raise OperatorMistake(f"{what.message_id} is recalled already")
        if who != message.sender and not message.chat.manages(who):
            raise OperatorMistake(f"{what.person} may not recall what others said")
        return self.withdrawn(message, who)

    def withdrawn(self, message: Message, who: Party) -> Happened:
        """Note that a message is recalled, whoever did it."""
        now = self._tenant.now
        message.recalled_at, message.recalled_by = now, who
        message.changes = [*message.changes, Change(what="recalled", at=now, by=_key(who))]
        self._tenant.show(message)
        recall_type = "message_owner"
        if who != message.sender:
            is_owner = _key(who) == message.chat.owner
            recall_type = "group_owner" if is_owner else "group_manager"
        body = events.recalled(message, recall_type, now)
        told = self._each_app(message.chat, events.MESSAGE_RECALLED, lambda _: body, message)
        return Happened(message=message, events=told)

    def react(self, what: React) -> Happened:
        """Put an emoji below a message, or take it away.

        Raises:
            OperatorMistake: the message is not there, or the emoji is not.
        """
        message, who = self._message(what.message_id), self._tenant.person(what.person)
        if not what.is_taken_away:
            return self.reacted(message, who, what.emoji)[1]
        for each in message.reactions.values():
            if (each.by, each.emoji) == (who, what.emoji):
                return self.unreacted(message, each)
        raise OperatorMistake(f"{what.person} has no {what.emoji} below {what.message_id}")

    def reacted(self, message: Message, who: Party, emoji: str) -> tuple[Reaction, Happened]:
        """Note an emoji, whoever put it there."""
        reaction = Reaction(
            reaction_id=self._tenant.new_id("ZCaCIjUBVVWSrm5L-", 24),
            emoji=emoji,
            by=who,
            at=self._tenant.now,
        )
        message.reactions = {**message.reactions, reaction.reaction_id: reaction}
        return reaction, self._reaction(message, reaction, "reacted", events.REACTION_CREATED)

    def unreacted(self, message: Message, reaction: Reaction) -> Happened:
        """Note that an emoji is gone."""
        left = message.reactions.items()
        message.reactions = {key: each for key, each in left if key != reaction.reaction_id}
        return self._reaction(message, reaction, "unreacted", events.REACTION_DELETED)

    def _reaction(self, message: Message, reaction: Reaction, what: str, kind: str) -> Happened:
        emoji, by = reaction.emoji, reaction.by
        change = Change(what=what, at=self._tenant.now, text=emoji, by=_key(by))
        message.changes = [*message.changes, change]
        self._tenant.show(message)
        told = self._each_app(
            message.chat,
            kind,
            lambda app: events.reacted(self._tenant, app, message, emoji, by),
            message,
        )
        return Happened(message=message, events=told)

    def press(self, what: Press) -> Event:
        """Press a button.

        Raises:
            OperatorMistake: there is no such message or button, or it only opens a page.
        """
        message, who = self._message(what.message_id), self._tenant.person(what.person)
        if message.app is None or message.recalled_at is not None:
            raise OperatorMistake(f"{what.message_id} is no card that a bot shows")
        card = self._cards.shown(message)
        found = _button(tuple(content.buttons(card)) if card is not None else (), what)
        if found.url and found.value is None:
            raise OperatorMistake(f"{found.label!r} opens {found.url}; no app is called back")
        action = _action(found, what)
        token = self._cards.new_token(message.app, message)
        body = events.pressed(self._tenant, message.app, message, who, token, action)
        return self.event(message.app, events.CARD_PRESSED, body, message, sender=who)

    # --- members and menus ----------------------------------------------------------------------

    def join(self, what: Members) -> Happened:
        """Let people and bots into a group, which is founded if it is not there."""
        chat = self._tenant.group(what.chat, title=what.title, kind=what.chat_type)
        if what.owner:
            chat.owner = self._tenant.person(what.owner).key
        chat.admins = chat.admins | set(what.admins)
        came = self._people(what)
        for each in came:
            self._tenant.enter(chat, each)
        told = [*self._members_told(chat, what, events.USER_ADDED, came)]
        for name in what.apps:
            app = chat.apps[name] = self._tenant.app(name)
            told.append(self._bot_told(app, chat, what, events.BOT_ADDED))
        return Happened(events=tuple(told))

    def leave(self, what: Members) -> Happened:
        """Let people and bots leave a group."""
        chat = self._tenant.group(what.chat)
        left = self._people(what)
        for each in left:
            chat.people.pop(each.key, None)
        told = [*self._members_told(chat, what, events.USER_DELETED, left)]
        for name in what.apps:
            app = self._tenant.app(name)
            if chat.apps.pop(name, None) is not None:
                told.append(self._bot_told(app, chat, what, events.BOT_DELETED))
        return Happened(events=tuple(told))

    def _people(self, what: Members) -> tuple[Person, ...]:
        return tuple(self._tenant.person(each) for each in what.people)

    def _members_told(
        self, chat: Chat, what: Members, kind: str, people: tuple[Person, ...]
    ) -> tuple[Event, ...]:
        if not people:
            return ()
        by = self._tenant.person(what.by) if what.by else people[0]
        return self._each_app(
            chat, kind, lambda app: events.members_changed(self._tenant, app, chat, by, people)
        )

    def _bot_told(self, app: App, chat: Chat, what: Members, kind: str) -> Event:
        by = self._tenant.person(what.by or chat.owner or "owner")
        body = events.members_changed(self._tenant, app, chat, by, ())
        return self.event(app, kind, body, chat=chat)

    def enter(self, what: Enter) -> Happened:
        """Let somebody open the private chat with a bot."""
        who, app = self._tenant.person(what.person), self._tenant.app(what.app)
        chat = self._tenant.private(who, app)
        body = events.entered(self._tenant, app, chat, who)
        event = self.event(app, events.CHAT_ENTERED, body, chat=chat, sender=who)
        return Happened(events=(event,))

    def choose(self, what: Menu) -> Happened:
        """Let somebody choose from a menu."""
        who, app = self._tenant.person(what.person), self._tenant.app(what.app)
        body = events.chosen(self._tenant, app, who, what.key)
        return Happened(events=(self.event(app, events.MENU, body, sender=who),))

    def raise_event(self, what: Raise) -> Happened:
        """Tell an app of anything else."""
        app = self._tenant.app(what.app)
        event = self.event(app, what.type, what.event)
        if what.version == "1":
            body = events.old_envelope(self._tenant, app, what.type, what.event, self._tenant.now)
            event = replace(event, body=body)
            event.entry.event_id = body["uuid"]
        return Happened(events=(event,))

    # --- telling --------------------------------------------------------------------------------

    def _each_app(
        self,
        chat: Chat,
        kind: str,
        write: Callable[[App], events.Body],
        message: Message | None = None,
    ) -> tuple[Event, ...]:
        return tuple(
            self.event(app, kind, write(app), message, chat=chat)
            for app in self._tenant.apps_in(chat)
        )

    def event(
        self,
        app: App,
        kind: str,
        body: events.Body,
        message: Message | None = None,
        *,
        chat: Chat | None = None,
        sender: Party | None = None,
    ) -> Event:
        """Write an event down and put it into its envelope."""
        chat = message.chat if message is not None else chat
        sender = sender or (message.sender if message is not None else None)
        written = events.envelope(self._tenant, app, kind, body, self._tenant.now)
        is_said = message is not None and kind == events.MESSAGE_RECEIVED
        entry = EventEntry(
            bot=app.name,
            chat=chat.key if chat is not None else "",
            sender=_key(sender) if sender is not None else "",
            type=kind,
            event_id=written["header"]["event_id"],
            message_id=message.message_id if message is not None else None,
            text=events.text_of(message) if is_said and message is not None else "",
            said_at=self._tenant.now,
        )
        self._tenant.notes.events.add(entry)
        return Event(app=app, body=written, entry=entry)

    def _message(self, message_id: str) -> Message:
        found = self._tenant.messages.get(message_id)
        if found is None:
            raise OperatorMistake(f"there is no message {message_id}")
        return found


def hears(app: App, message: Message) -> bool:
    """Whether an app is told of a message: by its settings and scopes, never of its own."""
    if message.sender == app:
        return False
    if message.app is not None and not app.hears_bots:
        return False
    if message.chat.is_private:
        return PRIVATE not in app.missing_scopes
    is_mentioned = any(each.party == app for each in message.mentions)
    if is_mentioned and MENTIONING not in app.missing_scopes:
        return True
    return app.hears is Hears.EVERYTHING and EVERYTHING not in app.missing_scopes


def _with_placeholders(what: Say, mentions: tuple[Mention, ...]) -> str:
    """Put placeholders where the text has @Name, and in front where it has not."""
    text = what.text
    ahead = ["@_all"] if "all" in what.mentions and "@all" not in text else []
    text = text.replace("@all", "@_all") if "all" in what.mentions else text
    for mention, name in zip(mentions, (n for n in what.mentions if n != "all"), strict=True):
        written = f"@(?:{re.escape(events.name_of(mention.party))}|{re.escape(name)})(?!\\w)"
        text, found = re.subn(written, mention.placeholder, text, count=1)
        if not found:
            ahead.append(mention.placeholder)
    return " ".join((*ahead, text) if ahead else (text,))


def _button(found: tuple[Button, ...], what: Press) -> Button:
    for place, each in enumerate(found):
        if what.index == place or (what.index is None and _is_meant(each, what)):
            return each
    labels = ", ".join(each.label for each in found) or "nothing to press"
    raise OperatorMistake(f"no such button on {what.message_id}; there is {labels}")


def _is_meant(button: Button, what: Press) -> bool:
    given = ((what.label, button.label), (what.value, button.value), (what.name, button.name))
    named = [(wanted, has) for wanted, has in given if wanted is not None]
    return bool(named) and all(wanted == has for wanted, has in named)


def _action(button: Button, what: Press) -> dict[str, Any]:
    action: dict[str, Any] = {"tag": "button"}
    if button.value is not None:
        action["value"] = button.value
    if button.name:
        action["name"] = button.name
    if what.form is not None:
        action["form_value"] = what.form
    if what.option is not None:
        action |= {"tag": "select_static", "option": what.option}
    return action


def _key(who: Party) -> str:
    return who.name if isinstance(who, App) else who.key
