"""OneBot v11 as bytes: events out, actions in, answers out. No I/O."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

SELF_ID = 10001
NO_SUCH_ACTION = 1404
RECENT = "get_recent_contact"
PRIVATE_CHAT, GROUP_CHAT = 1, 2  # NapCat's kinds


class Said(Struct, frozen=True):
    """A message that somebody sends to the bot."""

    token: str  # what the command must answer
    person: int
    group: int | None = None  # None: in private


class Action(Struct, frozen=True):
    """What the bot wants done, with the mark that its answer must carry."""

    action: str
    params: Raw = Raw(b"{}")
    echo: Raw = Raw(b"null")


class _Segment(Struct, frozen=True):
    type: str
    data: Raw


class _Words(Struct, frozen=True):
    text: str = ""


class _Sent(Struct, frozen=True):
    message: str | list[_Segment] | _Segment = ""
    user_id: int | str | None = None
    group_id: int | str | None = None


class Shown(Struct, frozen=True):
    """A text that the bot shows, and to whom."""

    text: str  # without mentions and replies
    person: int | None
    group: int | None


class Wanted(Struct, frozen=True):
    """Whose newest messages a bot asks for, and how many."""

    person: int | None = msgspec.field(default=None, name="user_id")
    group: int | None = msgspec.field(default=None, name="group_id")
    count: int = 20


class Recent(Struct, frozen=True):
    """A chat in which something was said of late."""

    peer: int
    is_group: bool
    newest: bytes  # its newest message, as an event


_wanted = msgspec.json.Decoder(Wanted, strict=False)
_actions = msgspec.json.Decoder(Action)
_sent = msgspec.json.Decoder(_Sent)
_words = msgspec.json.Decoder(_Words)


def connected() -> bytes:
    """Return the event with which an implementation introduces itself."""
    return (
        b'{"time":%d,"self_id":%d,"post_type":"meta_event","meta_event_type":"lifecycle",'
        b'"sub_type":"connect"}' % (time.time(), SELF_ID)
    )


def event(said: Said, message_id: int) -> bytes:
    """Return a message as an event in array form; in a group it mentions the bot."""
    return (_private if said.group is None else _grouped)(
        said, f"demo echo {said.token}", message_id
    )


def _private(said: Said, text: str, message_id: int) -> bytes:
    return (
        f'{{"time":{int(time.time())},"self_id":{SELF_ID},"post_type":"message",'
        f'"message_type":"private","sub_type":"friend","message_id":{message_id},'
        f'"user_id":{said.person},'
        f'"message":[{{"type":"text","data":{{"text":"{text}"}}}}],"raw_message":"{text}",'
        f'"font":0,"message_format":"array","sender":{{"user_id":{said.person},'
        f'"nickname":"P{said.person}","sex":"unknown","age":0}}}}'
    ).encode()


def _grouped(said: Said, text: str, message_id: int) -> bytes:
    return (
        f'{{"time":{int(time.time())},"self_id":{SELF_ID},"post_type":"message",'
        f'"message_type":"group","sub_type":"normal","message_id":{message_id},'
        f'"user_id":{said.person},"group_id":{said.group},"anonymous":null,'
        f'"message":[{{"type":"at","data":{{"qq":"{SELF_ID}"}}}},'
        f'{{"type":"text","data":{{"text":" {text}"}}}}],'
        f'"raw_message":"[CQ:at,qq={SELF_ID}] {text}","font":0,"message_format":"array",'
        f'"sender":{{"user_id":{said.person},"nickname":"P{said.person}","card":"",'
        f'"role":"member","sex":"unknown","age":0,"area":"","level":"","title":""}}}}'
    ).encode()


def decode(frame: str | bytes) -> Action:
    """Read what the bot wants done."""
    return _actions.decode(frame)


def is_send(action: Action) -> bool:
    """Whether this shows a message to somebody."""
    return action.action.removesuffix("_async") in {
        "send_msg",
        "send_private_msg",
        "send_group_msg",
    }


def shown(action: Action) -> Shown:
    """Read what a sending action shows."""
    sent = _sent.decode(action.params)
    return Shown(_text(sent.message), _number(sent.user_id), _number(sent.group_id))


def _text(message: str | list[_Segment] | _Segment) -> str:
    if isinstance(message, str):
        return message.strip()
    segments = message if isinstance(message, list) else [message]
    return "".join(_words.decode(one.data).text for one in segments if one.type == "text").strip()


def _number(said: int | str | None) -> int | None:
    return int(said) if said else None


def is_look_back(action: Action) -> bool:
    """Whether this asks for what was said before."""
    return action.action in {"get_friend_msg_history", "get_group_msg_history"}


def wanted(action: Action) -> Wanted:
    """Read which messages an action asks for."""
    return _wanted.decode(action.params)


def history(action: Action, events: Sequence[bytes]) -> bytes:
    """Answer with what was said before, oldest first."""
    return b'{"status":"ok","retcode":0,"data":{"messages":[%s]},"echo":%s}' % (
        b",".join(events),
        bytes(action.echo),
    )


def recent(action: Action, chats: Sequence[Recent]) -> bytes:
    """Answer with the chats of late, as NapCat does."""
    listed = b",".join(
        b'{"peerUin":"%d","chatType":%d,"msgTime":"%d","lastestMsg":%s}'
        % (chat.peer, GROUP_CHAT if chat.is_group else PRIVATE_CHAT, time.time(), chat.newest)
        for chat in chats
    )
    return b'{"status":"ok","retcode":0,"data":[%s],"echo":%s}' % (listed, bytes(action.echo))


def sent(action: Action, message_id: int) -> bytes:
    """Answer a sending action: it is shown under this id."""
    return b'{"status":"ok","retcode":0,"data":{"message_id":%d},"echo":%s}' % (
        message_id,
        bytes(action.echo),
    )


def answered(action: Action) -> bytes:
    """Answer any other action: who we are, or that there is no such action here."""
    data = _KNOWN.get(action.action)
    if data is None:
        return b'{"status":"failed","retcode":%d,"data":null,"echo":%s}' % (
            NO_SUCH_ACTION,
            bytes(action.echo),
        )
    return b'{"status":"ok","retcode":0,"data":%s,"echo":%s}' % (data, bytes(action.echo))


_KNOWN = {
    "get_login_info": b'{"user_id":%d,"nickname":"bench"}' % SELF_ID,
    "get_status": b'{"online":true,"good":true}',
    "get_version_info": b'{"app_name":"bench","app_version":"1","protocol_version":"v11"}',
}
