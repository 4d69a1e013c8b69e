"""The actions of OneBot v11, with the extensions that NapCat and go-cqhttp share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

from posthouse.simulators.onebot import events
from posthouse.simulators.onebot import segments as codec
from posthouse.simulators.onebot.accounts import Account
from posthouse.simulators.onebot.events import Body
from posthouse.simulators.onebot.faults import Verb
from posthouse.simulators.onebot.files import files_of, without_content
from posthouse.simulators.onebot.happenings import Person
from posthouse.simulators.onebot.people import recalled
from posthouse.simulators.onebot.record import MessageEntry
from posthouse.simulators.onebot.segments import Malformed, Segment, Segments
from posthouse.simulators.onebot.state import Event, Failed, Group, Network

HISTORY_MAX = 100
NODES_MAX = 100

P = TypeVar("P", bound="Params")


class Params(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an action is about; unknown fields are mistakes."""


class NoParams(Params, frozen=True):
    """Nothing."""


class Result(Struct):
    """What an action came to."""

    data: object = None
    message: MessageEntry | None = None  # shown by it
    events: tuple[Event, ...] = ()  # that follow from it


class Action(Struct, Generic[P], frozen=True):
    """How an action is read and done."""

    params: type[P]
    act: Callable[[Network, Account, P], Result]
    verb: Verb = Verb.OTHER


# --- sending ------------------------------------------------------------------------------------


class PrivateMessage(Params, frozen=True, kw_only=True):
    user_id: int
    message: Any
    group_id: int | None = None  # the group of a passing acquaintance
    auto_escape: bool = False


class GroupMessage(Params, frozen=True, kw_only=True):
    group_id: int
    message: Any
    auto_escape: bool = False


class AnyMessage(Params, frozen=True, kw_only=True):
    message: Any
    message_type: Literal["private", "group"] | None = None
    user_id: int | None = None
    group_id: int | None = None
    auto_escape: bool = False


class PrivateForward(Params, frozen=True, kw_only=True):
    user_id: int
    messages: list[dict[str, Any]]


class GroupForward(Params, frozen=True, kw_only=True):
    group_id: int
    messages: list[dict[str, Any]]


class AnyForward(Params, frozen=True, kw_only=True):
    messages: list[dict[str, Any]]
    message_type: Literal["private", "group"] | None = None
    user_id: int | None = None
    group_id: int | None = None


def _send_private(network: Network, account: Account, params: PrivateMessage) -> Result:
    said = codec.read(params.message, auto_escape=params.auto_escape)
    return _send(network, account, _private(network, params.user_id), said)


def _send_group(network: Network, account: Account, params: GroupMessage) -> Result:
    said = codec.read(params.message, auto_escape=params.auto_escape)
    return _send(network, account, _group(network, params.group_id), said)


def _send_any(network: Network, account: Account, params: AnyMessage) -> Result:
    chat = _either(network, params.message_type, params.user_id, params.group_id)
    return _send(network, account, chat, codec.read(params.message, auto_escape=params.auto_escape))


def _forward_private(network: Network, account: Account, params: PrivateForward) -> Result:
    return _forward(network, account, _private(network, params.user_id), params.messages)


def _forward_group(network: Network, account: Account, params: GroupForward) -> Result:
    return _forward(network, account, _group(network, params.group_id), params.messages)


def _forward_any(network: Network, account: Account, params: AnyForward) -> Result:
    chat = _either(network, params.message_type, params.user_id, params.group_id)
    return _forward(network, account, chat, params.messages)


def _private(network: Network, user_id: int) -> str:
    return f"private:{network.person(user_id).user_id}"


def _group(network: Network, group_id: int) -> str:
    return f"group:{network.group(group_id).group_id}"


def _either(network: Network, kind: str | None, user_id: int | None, group_id: int | None) -> str:
    if kind != "private" and group_id is not None:
        return _group(network, group_id)
    if kind != "group" and user_id is not None:
        return _private(network, user_id)
    raise Malformed("neither group_id nor user_id says where to send it")


def _send(network: Network, account: Account, chat: str, said: Segments) -> Result:
    if len(codec.words(said)) > network.limits.text_max:
        raise Failed("消息过长")
    entry = _show(network, account, chat, said)
    return Result({"message_id": entry.message_id}, entry, _own(network, account, entry))


def _show(network: Network, account: Account, chat: str, said: Segments) -> MessageEntry:
    files = files_of(network, said)
    return network.show(account, chat, account.self_id, without_content(said, files), files)


def _own(network: Network, account: Account, entry: MessageEntry) -> tuple[Event, ...]:
    """Tell the bot server of its own message, if the account is set to do so."""
    if not account.reports_self:
        return ()
    return (Event(account, network.written(account, entry), None),)


def _forward(network: Network, account: Account, chat: str, nodes: list[dict[str, Any]]) -> Result:
    """Show several messages as one that can be opened."""
    if not 1 <= len(nodes) <= NODES_MAX:
        raise Malformed(f"a forwarded message has 1 to {NODES_MAX} nodes")
    segments = codec.read(nodes)
    words = " ⏎ ".join(_node(network, account, segment) for segment in segments)
    shown = Segment("forward", {"id": network.new_flag(), "content": nodes})
    entry = network.show(account, chat, account.self_id, (shown,))
    entry.text = words
    data: Body = {"message_id": entry.message_id, "res_id": shown.data["id"]}
    return Result(data, entry, _own(network, account, entry))


def _node(network: Network, account: Account, node: Segment) -> str:
    if node.type != "node":
        raise Malformed("a forwarded message consists of nodes")
    if "id" in node.data:
        return network.message(account, _as_id(node.word("id"))).text
    return codec.words(codec.read(node.data.get("content")))


def _as_id(word: str) -> int:
    if not word.lstrip("-").isdecimal():
        raise Malformed(f"{word!r} is not a message id")
    return int(word)


# --- messages that are there ----------------------------------------------------------------------


class OneMessage(Params, frozen=True, kw_only=True):
    message_id: int


class GroupHistory(Params, frozen=True, kw_only=True):
    group_id: int
    message_seq: int = 0
    count: int = 20
    reverseOrder: bool = False  # noqa: N815 - NapCat's spelling


class FriendHistory(Params, frozen=True, kw_only=True):
    user_id: int
    message_seq: int = 0
    count: int = 20
    reverseOrder: bool = False  # noqa: N815 - NapCat's spelling


class Recent(Params, frozen=True, kw_only=True):
    count: int = 10


class EmojiLike(Params, frozen=True, kw_only=True):
    message_id: int
    emoji_id: int | str
    set: bool = True


class ForwardId(Params, frozen=True, kw_only=True):
    id: str | None = None
    message_id: str | int | None = None


def _delete(network: Network, account: Account, params: OneMessage) -> Result:
    entry = network.recall(account, params.message_id, account.self_id)
    return Result(events=(Event(account, recalled(network, account, entry), None),))


def _get_message(network: Network, account: Account, params: OneMessage) -> Result:
    return Result(network.written(account, network.message(account, params.message_id)))


def _group_history(network: Network, account: Account, params: GroupHistory) -> Result:
    return _history(network, account, _group(network, params.group_id), params)


def _friend_history(network: Network, account: Account, params: FriendHistory) -> Result:
    return _history(network, account, _private(network, params.user_id), params)


def _history(
    network: Network, account: Account, chat: str, params: GroupHistory | FriendHistory
) -> Result:
    count = min(max(params.count, 1), HISTORY_MAX)
    found = network.history(account, chat, params.message_seq, count)
    messages = [network.written(account, entry) for entry in found]
    return Result({"messages": messages[::-1] if params.reverseOrder else messages})


def _recent(network: Network, account: Account, params: Recent) -> Result:
    found = network.recent(account, min(max(params.count, 1), HISTORY_MAX))
    return Result([_contact(network, account, entry) for entry in found])


def _contact(network: Network, account: Account, entry: MessageEntry) -> Body:
    """Write a chat as NapCat does, spelling included."""
    kind, _, number = entry.chat.partition(":")
    person = network.person(entry.sender)
    is_group = kind == "group"
    name = network.group(int(number)).name if is_group else network.person(int(number)).nickname
    return {
        "lastestMsg": network.written(account, entry),
        "peerUin": number,
        "remark": "",
        "msgTime": str(int(entry.at)),
        "chatType": 2 if is_group else 1,
        "msgId": str(entry.message_id),
        "sendNickName": person.nickname,
        "sendMemberName": person.card if is_group else "",
        "peerName": name,
    }


def _get_forward(network: Network, account: Account, params: ForwardId) -> Result:
    wanted = str(params.id or params.message_id or "")
    for entry in network.record().messages:
        for segment in entry.segments:
            is_it = wanted in (segment.word("id"), str(entry.message_id))
            if entry.bot == account.name and segment.type == "forward" and is_it:
                return Result({"messages": segment.data["content"]})
    raise Failed("消息已过期或者为内层消息，无法获取转发消息")


def _like(network: Network, account: Account, params: EmojiLike) -> Result:
    entry = network.message(account, params.message_id)
    emoji = str(params.emoji_id)
    entry.reactions = [each for each in entry.reactions if each != emoji]
    if params.set:
        entry.reactions.append(emoji)
    return Result({"result": 0, "errMsg": ""})


# --- people and groups ----------------------------------------------------------------------------


class Stranger(Params, frozen=True, kw_only=True):
    user_id: int
    no_cache: bool = False


class OneGroup(Params, frozen=True, kw_only=True):
    group_id: int
    no_cache: bool = False


class OneMember(Params, frozen=True, kw_only=True):
    group_id: int
    user_id: int
    no_cache: bool = False


class Everyone(Params, frozen=True, kw_only=True):
    no_cache: bool = False


class FriendRequest(Params, frozen=True, kw_only=True):
    flag: str
    approve: bool = True
    remark: str = ""


class GroupRequest(Params, frozen=True, kw_only=True):
    flag: str
    sub_type: Literal["add", "invite"] | None = None
    type: Literal["add", "invite"] | None = None
    approve: bool = True
    reason: str = ""


def _login(_network: Network, account: Account, _params: NoParams) -> Result:
    return Result({"user_id": account.self_id, "nickname": account.nickname})


def _stranger(network: Network, _account: Account, params: Stranger) -> Result:
    person = network.person(params.user_id)
    return Result(events.sender(person, is_group=False))


def _friends(network: Network, _account: Account, _params: Everyone) -> Result:
    return Result(
        [
            {"user_id": each.user_id, "nickname": each.nickname, "remark": ""}
            for each in network.people.values()
        ]
    )


def _one_group(network: Network, _account: Account, params: OneGroup) -> Result:
    return Result(_group_card(network.group(params.group_id)))


def _groups(network: Network, account: Account, _params: Everyone) -> Result:
    return Result(
        [
            _group_card(group)
            for group in network.groups.values()
            if account.self_id in group.members
        ]
    )


def _group_card(group: Group) -> Body:
    return {
        "group_id": group.group_id,
        "group_name": group.name,
        "member_count": len(group.members),
        "max_member_count": 200,
    }


def _one_member(network: Network, _account: Account, params: OneMember) -> Result:
    return Result(_member_card(params.group_id, network.member(params.group_id, params.user_id)))


def _members(network: Network, _account: Account, params: OneGroup) -> Result:
    members = network.group(params.group_id).members.values()
    return Result([_member_card(params.group_id, each) for each in members])


def _member_card(group_id: int, person: Person) -> Body:
    return {
        **events.sender(person, is_group=True),
        "group_id": group_id,
        "join_time": 0,
        "last_sent_time": 0,
        "unfriendly": False,
        "title_expire_time": 0,
        "card_changeable": True,
    }


def _answer_friend(network: Network, _account: Account, params: FriendRequest) -> Result:
    return _answer(network, params.flag, is_approved=params.approve)


def _answer_group(network: Network, _account: Account, params: GroupRequest) -> Result:
    return _answer(network, params.flag, is_approved=params.approve)


def _answer(network: Network, flag: str, *, is_approved: bool) -> Result:
    if network.requests.get(flag, is_approved) is not None:
        raise Failed(f"请求 {flag} 不存在或已处理")
    network.requests[flag] = is_approved
    return Result()


# --- files ----------------------------------------------------------------------------------------


class GroupUpload(Params, frozen=True, kw_only=True):
    group_id: int
    file: str
    name: str
    folder: str = ""
    folder_id: str = ""


class PrivateUpload(Params, frozen=True, kw_only=True):
    user_id: int
    file: str
    name: str


class OneFile(Params, frozen=True, kw_only=True):
    file: str | None = None
    file_id: str | None = None
    out_format: str = ""


def _upload_group(network: Network, account: Account, params: GroupUpload) -> Result:
    return _upload(network, account, _group(network, params.group_id), params.file, params.name)


def _upload_private(network: Network, account: Account, params: PrivateUpload) -> Result:
    return _upload(network, account, _private(network, params.user_id), params.file, params.name)


def _upload(network: Network, account: Account, chat: str, file: str, name: str) -> Result:
    shown = (Segment("file", {"file": file, "name": name}),)
    entry = _show(network, account, chat, shown)
    return Result({"file_id": f"/{name}"}, entry)


def _get_file(network: Network, _account: Account, params: OneFile) -> Result:
    name = (params.file or params.file_id or "").removeprefix("/")
    size_bytes = len(network.file(name))
    url = network.file_url(name)
    return Result({"file": url, "url": url, "file_size": str(size_bytes), "file_name": name})


# --- the account ----------------------------------------------------------------------------------


class InputStatus(Params, frozen=True, kw_only=True):
    user_id: int | str
    event_type: int = 1


class Anything(Params, frozen=True, forbid_unknown_fields=False):
    """What is taken and has no visible effect here."""


def _status(_network: Network, _account: Account, _params: NoParams) -> Result:
    return Result({"online": True, "good": True, "stat": {}})


def _version(_network: Network, _account: Account, _params: NoParams) -> Result:
    return Result(
        {
            "app_name": "Posthouse.Simulator",
            "app_version": "1.0.0",
            "protocol_version": "v11",
        }
    )


def _yes(_network: Network, _account: Account, _params: NoParams) -> Result:
    return Result({"yes": True})


def _nothing(_network: Network, _account: Account, _params: Params) -> Result:
    return Result()


ACTIONS: dict[str, Action[Any]] = {
    "send_private_msg": Action(PrivateMessage, _send_private, Verb.SEND),
    "send_group_msg": Action(GroupMessage, _send_group, Verb.SEND),
    "send_msg": Action(AnyMessage, _send_any, Verb.SEND),
    "send_private_forward_msg": Action(PrivateForward, _forward_private, Verb.SEND),
    "send_group_forward_msg": Action(GroupForward, _forward_group, Verb.SEND),
    "send_forward_msg": Action(AnyForward, _forward_any, Verb.SEND),
    "upload_group_file": Action(GroupUpload, _upload_group, Verb.SEND),
    "upload_private_file": Action(PrivateUpload, _upload_private, Verb.SEND),
    "delete_msg": Action(OneMessage, _delete, Verb.RECALL),
    "get_msg": Action(OneMessage, _get_message, Verb.LOOK_UP),
    "get_group_msg_history": Action(GroupHistory, _group_history, Verb.LOOK_UP),
    "get_friend_msg_history": Action(FriendHistory, _friend_history, Verb.LOOK_UP),
    "get_recent_contact": Action(Recent, _recent, Verb.LOOK_UP),
    "get_forward_msg": Action(ForwardId, _get_forward, Verb.LOOK_UP),
    "set_msg_emoji_like": Action(EmojiLike, _like),
    "get_login_info": Action(NoParams, _login),
    "get_stranger_info": Action(Stranger, _stranger),
    "get_friend_list": Action(Everyone, _friends),
    "get_group_info": Action(OneGroup, _one_group),
    "get_group_list": Action(Everyone, _groups),
    "get_group_member_info": Action(OneMember, _one_member),
    "get_group_member_list": Action(OneGroup, _members),
    "set_friend_add_request": Action(FriendRequest, _answer_friend),
    "set_group_add_request": Action(GroupRequest, _answer_group),
    "get_image": Action(OneFile, _get_file),
    "get_record": Action(OneFile, _get_file),
    "get_file": Action(OneFile, _get_file),
    "can_send_image": Action(NoParams, _yes),
    "can_send_record": Action(NoParams, _yes),
    "get_status": Action(NoParams, _status),
    "get_version_info": Action(NoParams, _version),
    "set_input_status": Action(InputStatus, _nothing),
    "mark_msg_as_read": Action(OneMessage, _nothing),
    "friend_poke": Action(Anything, _nothing),
    "group_poke": Action(Anything, _nothing),
    "send_like": Action(Anything, _nothing),
    "clean_cache": Action(NoParams, _nothing),
}
