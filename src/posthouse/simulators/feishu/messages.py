"""The calls about messages: send, reply, edit, update, recall, get, history, files of messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, Struct

from posthouse.simulators.feishu import content, events
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.calls import Body, Call, Download, Endpoint, paged, reached
from posthouse.simulators.feishu.cards import Cards
from posthouse.simulators.feishu.events import Event
from posthouse.simulators.feishu.faults import Verb
from posthouse.simulators.feishu.pace import Windows
from posthouse.simulators.feishu.people import People
from posthouse.simulators.feishu.record import Change
from posthouse.simulators.feishu.refusals import (
    BAD_PARAMETER,
    CHAT_RATE,
    NOT_IN_CHAT,
    Refusal,
    card_failed,
    malformed,
)
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.shown import Shown
from posthouse.simulators.feishu.tenant import (
    Chat,
    Mention,
    Message,
    Person,
    StoredFile,
    Tenant,
)

DAY_S = 86400.0
PATCH_WINDOW_S = 14 * DAY_S
OTHERS_RECALL_S = 365 * DAY_S
KINDS = (
    "text",
    "post",
    "image",
    "file",
    "audio",
    "media",
    "sticker",
    "interactive",
    "share_chat",
    "share_user",
    "system",
)
ID_TYPES = ("open_id", "union_id", "user_id", "email", "chat_id")

Uuid = Annotated[str, Meta(max_length=50)]
Emit = Callable[[Event], object]


class SendBody(Struct, frozen=True, kw_only=True):
    receive_id: str
    msg_type: str
    content: str
    uuid: Uuid = ""


class ReplyBody(Struct, frozen=True, kw_only=True):
    msg_type: str
    content: str
    reply_in_thread: bool = False
    uuid: Uuid = ""


class EditBody(Struct, frozen=True, kw_only=True):
    msg_type: str
    content: str


class PatchBody(Struct, frozen=True, kw_only=True):
    content: str


class LateUpdateBody(Struct, frozen=True, kw_only=True):
    token: str
    card: Any


class Messages:
    """Does what bot programs ask about messages."""

    def __init__(
        self, tenant: Tenant, settings: TenantSettings, people: People, cards: Cards, emit: Emit
    ) -> None:
        self._tenant = tenant
        self._settings = settings
        self._people = people
        self._cards = cards
        self._emit = emit
        self._shown = Shown(tenant, cards)
        self.reset()

    def reset(self) -> None:
        self._windows = Windows(lambda: self._tenant.now)
        self._sent: dict[tuple[str, str], tuple[str, float]] = {}  # (app, uuid) → message, until

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API list that are done here."""
        messages, one = "/im/v1/messages", "/im/v1/messages/{message_id}"
        send = ("im:message", "im:message:send_as_bot", "im:message:send")
        get = ("im:message", "im:message:readonly", "im:message.history:readonly")
        write = ("im:message", "im:message:send_as_bot", "im:message:update")
        undo = ("im:message", "im:message:send_as_bot", "im:message:recall")
        return (
            _row("POST", messages, self.send, Verb.SEND, send),
            _row("GET", messages, self.history, Verb.LOOK_UP, get),
            _row("POST", f"{one}/reply", self.reply, Verb.SEND, send),
            _row("PUT", one, self.edit, Verb.EDIT, write),
            _row("PATCH", one, self.patch, Verb.EDIT, write),
            _row("DELETE", one, self.recall, Verb.RECALL, undo),
            _row("GET", one, self.get, Verb.LOOK_UP, get),
            _row("GET", f"{one}/resources/{{file_key}}", self.resource, Verb.FILE, get),
            _row("GET", f"{one}/read_users", self.read_users, Verb.LOOK_UP, get),
            _row("POST", "/interactive/v1/card/update", self.late_update, Verb.EDIT),
        )

    # --- sending --------------------------------------------------------------------------------

    def send(self, call: Call) -> Body:
        id_type = call.choice("receive_id_type", ID_TYPES)
        body = call.body(SendBody)
        chat = self._receiver(call, id_type, body.receive_id)
        return self._say(call, chat, body.msg_type, body.content, key=body.uuid)

    def reply(self, call: Call) -> Body:
        body = call.body(ReplyBody)
        parent = reached(self._tenant, call)
        if parent.recalled_at is not None:
            raise Refusal(230011, "The message was recalled.")
        if body.reply_in_thread and not parent.thread_id:
            parent.thread_id = self._tenant.new_id("omt_", 16)
        self._check_may_send(call.app, parent.chat)
        is_in_thread = body.reply_in_thread or parent.thread_id
        thread_id = parent.thread_id if is_in_thread else ""
        return self._say(
            call,
            parent.chat,
            body.msg_type,
            body.content,
            key=body.uuid,
            parent=parent,
            thread_id=thread_id,
        )

    def _say(  # noqa: PLR0913 - all that makes a message
        self,
        call: Call,
        chat: Chat,
        kind: str,
        given: str,
        *,
        key: str,
        parent: Message | None = None,
        thread_id: str = "",
    ) -> Body:
        call.entry.chat, call.entry.key = chat.key, key
        self._check_pace(chat)
        first = self._first_of(call.app, key)
        if first is not None:
            return self._repeated(call, first)
        made = self._made(call.app, chat, kind, given)
        made.key, made.parent, made.thread_id = key, parent, thread_id
        made.root = (parent.root or parent) if parent is not None else None
        if key:
            until = self._tenant.now + self._settings.key_window_s
            self._sent[call.app.name, key] = (made.message_id, until)
        self._tenant.keep(made)
        call.entry.message_id = made.message_id
        for event in self._people.heard(made):
            self._emit(event)
        return self._shown.message(call.app, made)

    def _first_of(self, app: App, key: str) -> Message | None:
        """Return what a uuid was used for, while that is remembered."""
        message_id, until = self._sent.get((app.name, key), ("", 0.0))
        return self._tenant.messages[message_id] if key and until > self._tenant.now else None

    def _repeated(self, call: Call, first: Message) -> Body:
        call.entry.message_id = first.message_id
        if self._settings.repeated_key == "busy":
            raise Refusal(230049, "The message is being sent.")
        return self._shown.message(call.app, first)

    def _made(self, app: App, chat: Chat, kind: str, given: str) -> Message:
        now = self._tenant.now
        made = Message(
            message_id=self._tenant.new_id("om_"),
            chat=chat,
            sender=app,
            kind=kind,
            content=given,
            at=now,
            updated_at=now,
        )
        self._fill(app, made, kind, given)
        return made

    def _fill(self, app: App, message: Message, kind: str, given: str) -> None:
        """Put content into a message, after looking at it closely."""
        if kind not in KINDS or (kind == "system" and not message.chat.is_private):
            raise Refusal(
                230054, f"This operation is not supported for msg_type {kind}", is_malformed=True
            )
        content.check_size(kind, given)
        found = content.parsed(given)
        match kind:
            case "text":
                content.check_text(found)
                given, message.mentions = self._mentioned(app, found["text"])
            case "post":
                content.post_of(found)
            case "interactive":
                self._fill_card(app, message, found)
            case "image" | "file" | "audio" | "media" | "sticker":
                self._check_file(app, kind, found)
            case "share_chat" if self._tenant.chat(str(found.get("chat_id"))) is None:
                raise malformed("chat_id")
            case "share_user" if self._tenant.who(app, str(found.get("user_id"))) is None:
                raise malformed("user_id")
        message.kind, message.content = kind, given

    def _fill_card(self, app: App, message: Message, found: Body) -> None:
        data = found.get("data")
        if found.get("type") == "card" and isinstance(data, dict):
            self._cards.send(app, str(data.get("card_id", "")), message)
        elif found.get("type") == "template":
            if not isinstance(data, dict) or not data.get("template_id"):
                raise card_failed(200380, "template does not exist")
        else:
            content.check_card(found)

    def _check_file(self, app: App, kind: str, found: Body) -> None:
        name = "image_key" if kind == "image" else "file_key"
        stored = self._tenant.own_file(app, found.get(name))
        wanted = {"image": ("image",), "audio": ("opus",), "media": ("mp4",)}
        forbidden = {"file": ("image", "mp4"), "sticker": ("image",)}
        is_fit = stored.kind in wanted.get(kind, (stored.kind,))
        if not is_fit or stored.kind in forbidden.get(kind, ()):
            raise Refusal(
                230055,
                "The type of file upload does not match the type of message.",
                is_malformed=True,
            )

    def _mentioned(self, app: App, text: str) -> tuple[str, tuple[Mention, ...]]:
        """Turn ``<at …>`` into placeholders, as the history shows them."""
        found: list[Mention] = []
        for some_id in content.ats(text):
            who = None if some_id == "all" else self._tenant.who(app, some_id)
            if some_id != "all" and who is None:
                raise malformed(f"at user_id {some_id!r}")
            if who is not None:
                found.append(Mention(placeholder=f"@_user_{len(found) + 1}", party=who))
        return events.as_json({"text": text}), tuple(found)

    # --- who may send where ---------------------------------------------------------------------

    def _receiver(self, call: Call, id_type: str, receive_id: str) -> Chat:
        if id_type == "chat_id":
            chat = self._tenant.chat(receive_id)
            if chat is None:
                raise Refusal(230034, "The receive_id is invalid.")
        else:
            who = self._tenant.who(call.app, receive_id, id_type)
            if not isinstance(who, Person):
                raise Refusal(230034, "The receive_id is invalid.")
            chat = self._tenant.private(who, call.app)
        call.entry.chat = chat.key
        self._check_may_send(call.app, chat)
        return chat

    def _check_may_send(self, app: App, chat: Chat) -> None:
        if chat.is_dissolved:
            raise Refusal(232009, "Your request specifies a chat which has already been dissolved.")
        if app.name not in chat.apps:
            raise Refusal(NOT_IN_CHAT, "Bot/User can NOT be out of the chat.")
        for key in (chat.key, *(chat.people if chat.is_private else ())):
            if key in self._tenant.refused:
                raise Refusal(self._tenant.refused[key], "The tenant's settings forbid it.")
        if chat.is_muted and not chat.manages(app):
            raise Refusal(230018, "This operation is not allowed by the settings of the group.")

    def _check_pace(self, chat: Chat) -> None:
        key = f"chat {chat.key}" if not chat.is_private else f"user {next(iter(chat.people))}"
        self._count(key, self._settings.chat_per_s)

    def _count(self, key: str, calls_max: int) -> None:
        if self._settings.is_paced and self._windows.over(key, calls_max, 1) is not None:
            raise Refusal(CHAT_RATE, "This operation triggers the frequency limit.")

    # --- changing -------------------------------------------------------------------------------

    def edit(self, call: Call) -> Body:
        body = call.body(EditBody)
        message = self._own(call, 230071)
        if body.msg_type not in ("text", "post") or message.kind not in ("text", "post"):
            raise Refusal(
                230054, "This operation is not supported for this message type.", is_malformed=True
            )
        self._check_pace(message.chat)
        if message.edits >= self._settings.edits_max:
            raise Refusal(230072, "The message has reached the number of times it can be edited.")
        self._check_window(message, self._settings.edit_window_s, 230075, "edit")
        self._fill(call.app, message, body.msg_type, body.content)
        message.edits += 1
        self._changed(message, "edited")
        return self._shown.message(call.app, message)

    def patch(self, call: Call) -> Body:
        body = call.body(PatchBody)
        message = self._own(call, 230012)
        if message.kind != "interactive":
            raise Refusal(BAD_PARAMETER, "This message is NOT a card.", is_malformed=True)
        self._count(f"patch {message.message_id}", self._settings.chat_per_s)
        self._check_window(message, PATCH_WINDOW_S, 230031, "update")
        self.update_card(message, body.content)
        return {}

    def update_card(self, message: Message, given: str) -> None:
        """Show another card in a message.

        Raises:
            Refusal: it cannot be built, or is not shared.
        """
        content.check_size("interactive", given)
        before, found = self._cards.shown(message), content.parsed(given)
        if found.get("type") not in ("template", "card"):
            content.check_card(found)
        for card in (before, found):
            if card is not None and not _is_shared(card):
                raise card_failed(300302, "update_multi must be true")
        if before is not None and content.is_new_card(before) and not content.is_new_card(found):
            raise Refusal(
                200830, "a card of schema 2.0 cannot become one of 1.0", is_malformed=True
            )
        message.card_id, message.content = "", given
        self._changed(message, "updated")

    def late_update(self, call: Call) -> Body:
        body = call.body(LateUpdateBody)
        message = self._cards.use_token(call.app, body.token)
        self.update_card(message, events.as_json(body.card))
        call.entry.message_id, call.entry.chat = message.message_id, message.chat.key
        return {}

    def _changed(self, message: Message, what: str) -> None:
        message.updated_at = self._tenant.now
        text = content.readable(message.kind, message.content, self._cards.shown(message))
        message.changes = [*message.changes, Change(what=what, at=self._tenant.now, text=text)]
        self._tenant.show(message)

    def recall(self, call: Call) -> Body:
        message = reached(self._tenant, call)
        if message.recalled_at is not None:
            raise Refusal(230110, "The operation unavailable as the message is deleted.")
        if message.sender == call.app:
            self._check_window(message, self._settings.recall_window_s, 230009, "recall")
        elif not message.chat.manages(call.app) or message.chat.is_private:
            raise Refusal(230026, "No permission to recall this message.")
        else:
            self._check_window(message, OTHERS_RECALL_S, 230009, "recall")
        for event in self._people.withdrawn(message, call.app).events:
            self._emit(event)
        return {}

    def _check_window(self, message: Message, window_s: float | None, code: int, what: str) -> None:
        if window_s is not None and self._tenant.now > message.at + window_s:
            raise Refusal(code, f"The message is too old to {what}.")

    # --- looking --------------------------------------------------------------------------------

    def get(self, call: Call) -> Body:
        message = reached(self._tenant, call)
        inner = [self._shown.message(call.app, each) for each in message.forwarded]
        for each in inner:
            each["upper_message_id"] = message.message_id
        return {"items": [self._shown.message(call.app, message), *inner]}

    def history(self, call: Call) -> Body:
        kind = call.choice("container_id_type", ("chat", "thread"))
        order = call.choice("sort_type", ("ByCreateTimeAsc", "ByCreateTimeDesc"), "ByCreateTimeAsc")
        start, size = call.page()
        found = self._in_container(call, kind, call.query.get("container_id", ""))
        since, until = _seconds(call, "start_time", 0.0), _seconds(call, "end_time", float("inf"))
        found = [each for each in found if since <= int(each.at) <= until]
        found.sort(key=lambda each: each.at, reverse=order == "ByCreateTimeDesc")
        page = paged([{"at": each.message_id} for each in found], start, size)
        page["items"] = [
            self._shown.message(call.app, self._tenant.messages[each["at"]])
            for each in page["items"]
        ]
        return page

    def _in_container(self, call: Call, kind: str, container_id: str) -> list[Message]:
        if kind == "thread":
            every = self._tenant.messages.values()
            found = [each for each in every if each.thread_id == container_id and container_id]
            chats = list({each.chat.key: each.chat for each in found}.values())
        else:
            chat = self._tenant.chat(container_id)
            chats, found = ([chat], list(chat.messages)) if chat is not None else ([], [])
        for chat in chats:
            call.entry.chat = chat.key
            if call.app.name not in chat.apps:
                raise Refusal(NOT_IN_CHAT, "Bot/User can NOT be out of the chat.")
        if not chats:
            raise Refusal(BAD_PARAMETER, "container_id is invalid.")
        return found

    def resource(self, call: Call) -> Download:
        kind, key = call.choice("type", ("image", "file")), call.path["file_key"]
        message = reached(self._tenant, call)
        if message.kind in ("sticker", "interactive", "folder", "merge_forward"):
            raise Refusal(234043, "The type of the message is not supported.")
        stored = self._tenant.files.get(key)
        if stored is None or key not in message.content:
            raise Refusal(234003, "The resource does not belong to the message.")
        if (kind == "image") != (stored.kind == "image"):
            raise Refusal(234001, "Invalid request param: type.", is_malformed=True)
        return download(stored)

    def read_users(self, call: Call) -> Body:
        message = self._own(call, 230027)
        start, size = call.page(size_max=100)
        readers = [
            {
                "user_id_type": "open_id",
                "user_id": self._tenant.open_id(call.app, each),
                "timestamp": events.milliseconds(message.at),
                "tenant_key": self._tenant.tenant_key,
            }
            for each in message.chat.people.values()
        ]
        return paged(readers, start, size)

    # --- messages that are meant ------------------------------------------------------------

    def _own(self, call: Call, code: int) -> Message:
        found = reached(self._tenant, call)
        if found.sender != call.app:
            raise Refusal(code, "The operator is not the sender of the message.")
        if found.recalled_at is not None:
            raise Refusal(230011, "The message was recalled.")
        return found


def download(stored: StoredFile) -> Download:
    return Download(content=stored.content, name=stored.name)


def _row(
    method: str,
    path: str,
    do: Callable[[Call], Body | Download],
    verb: Verb,
    scopes: tuple[str, ...] = (),
) -> Endpoint:
    return Endpoint(method=method, path=path, do=do, verb=verb, scopes=scopes)


def _is_shared(card: Body) -> bool:
    """Whether everybody sees the same card: those of schema 2.0 unless they say otherwise."""
    if card.get("type") in ("template", "card"):
        return True
    return bool(card.get("config", {}).get("update_multi", content.is_new_card(card)))


def _seconds(call: Call, name: str, default: float) -> float:
    given = call.query.get(name)
    if given is None:
        return default
    if not given.isdecimal() or len(given) > 11:  # noqa: PLR2004 - milliseconds have 13 digits
        raise Refusal(BAD_PARAMETER, f"{name} is in seconds.", is_malformed=True)
    return float(given)
