"""What people do, turned into what everyone sees and into events."""

from __future__ import annotations

from posthouse.simulators.onebot import events
from posthouse.simulators.onebot import segments as codec
from posthouse.simulators.onebot.accounts import Account
from posthouse.simulators.onebot.events import Body
from posthouse.simulators.onebot.happenings import (
    AnyHappening,
    FriendAdded,
    InChat,
    Joined,
    Left,
    Poked,
    Raw,
    Reacted,
    Recalled,
    Requested,
    Said,
    Uploaded,
)
from posthouse.simulators.onebot.record import EventEntry, MessageEntry
from posthouse.simulators.onebot.segments import Segment, Segments
from posthouse.simulators.onebot.state import Event, Failed, Network

BUSID = 102


def happen(network: Network, what: AnyHappening) -> Event:
    """Let something happen, and return the event that tells of it.

    Raises:
        OperatorMistake: there is no such account.
        Failed: it cannot happen, such as a recall of what is not there.
        Malformed: the words make no message.
    """
    account = network.account(what.bot)
    if isinstance(what, InChat):
        return _in_chat(network, account, what)
    match what:
        case FriendAdded():
            network.meet(what.sender)
            body = _notice(network, account, "friend_add", user_id=what.sender.user_id)
        case Requested():
            body = _request(network, account, what)
        case _:
            assert isinstance(what, Raw)
            body = {"time": int(network.now), "self_id": account.self_id, **what.event}
    return _event(network, account, what, body)


def _in_chat(network: Network, account: Account, what: InChat) -> Event:
    if what.chat.kind == "private" and what.chat.id != what.sender.user_id:
        raise Failed("a private chat has the number of the person in it")
    network.gather(account, what.chat, what.sender)
    match what:
        case Said():
            entry = network.show(account, str(what.chat), what.sender.user_id, _said(account, what))
            return _event(network, account, what, network.written(account, entry), entry)
        case Recalled():
            entry = network.recall(account, what.message_id, what.sender.user_id)
            return _event(network, account, what, recalled(network, account, entry), entry)
        case Joined() | Left():
            body = _moved(network, account, what)
        case Poked():
            body = _poked(network, account, what)
        case Reacted():
            body = _reacted(network, account, what)
        case Uploaded():
            return _uploaded(network, account, what)
        case _:
            raise AssertionError(what)
    return _event(network, account, what, body)


def recalled(network: Network, account: Account, entry: MessageEntry) -> Body:
    """Tell of a recall."""
    kind, _, number = entry.chat.partition(":")
    about: Body = {"user_id": entry.sender, "message_id": entry.message_id}
    if kind == "private":
        return _notice(network, account, "friend_recall", **about)
    return _notice(
        network,
        account,
        "group_recall",
        group_id=int(number),
        operator_id=entry.recalled_by,
        **about,
    )


def _said(account: Account, what: Said) -> Segments:
    """Put a message together as a client does: what it replies to, whom it names, its words."""
    words = f" {what.text}" if what.mentions_bot else what.text
    said = (codec.text(words),) if what.message is None else codec.read(what.message)
    quote = (Segment("reply", {"id": str(what.quote)}),) if what.quote is not None else ()
    mention = (Segment("at", {"qq": str(account.self_id)}),) if what.mentions_bot else ()
    return (*quote, *mention, *said)


def _moved(network: Network, account: Account, what: Joined | Left) -> Body:
    user_id, members = what.sender.user_id, network.group(what.chat.id).members
    about: Body = {"group_id": what.chat.id, "user_id": user_id, "operator_id": user_id}
    if isinstance(what, Joined):
        return _notice(network, account, "group_increase", sub_type=what.how, **about)
    members.pop(user_id, None)
    how = "kick_me" if what.how == "kick" and user_id == account.self_id else what.how
    return _notice(network, account, "group_decrease", sub_type=how, **about)


def _poked(network: Network, account: Account, what: Poked) -> Body:
    about: Body = {"user_id": what.sender.user_id, "target_id": what.target_id or account.self_id}
    if what.chat.kind == "group":
        about["group_id"] = what.chat.id
    else:
        about["sender_id"] = what.sender.user_id
    return _notice(network, account, "notify", sub_type="poke", **about)


def _reacted(network: Network, account: Account, what: Reacted) -> Body:
    return _notice(
        network,
        account,
        "group_msg_emoji_like",
        group_id=what.chat.id,
        user_id=what.sender.user_id,
        message_id=network.message(account, what.message_id).message_id,
        likes=[{"emoji_id": what.emoji_id, "count": 1}],
        is_add=True,
    )


def _uploaded(network: Network, account: Account, what: Uploaded) -> Event:
    """Show a file; a group is told by a notice, a private chat by a message with a segment."""
    data = {"file": what.name, "file_id": f"/{what.name}", "file_size": str(what.size_bytes)}
    shown = (Segment("file", {**data, "url": network.file_url(what.name)}),)
    entry = network.show(account, str(what.chat), what.sender.user_id, shown)
    if what.chat.kind == "private":
        return _event(network, account, what, network.written(account, entry), entry)
    body = _notice(
        network,
        account,
        "group_upload",
        group_id=what.chat.id,
        user_id=what.sender.user_id,
        file={"id": f"/{what.name}", "name": what.name, "size": what.size_bytes, "busid": BUSID},
    )
    return _event(network, account, what, body, entry)


def _request(network: Network, account: Account, what: Requested) -> Body:
    network.meet(what.sender)
    about: Body = {
        "user_id": what.sender.user_id,
        "comment": what.comment,
        "flag": network.new_flag(),
    }
    if what.group_id is None:
        return events.request(account, network.now, "friend", **about)
    return events.request(
        account, network.now, "group", sub_type=what.how, group_id=what.group_id, **about
    )


def _notice(network: Network, account: Account, kind: str, **fields: object) -> Body:
    return events.notice(account, network.now, kind, **fields)


def _event(
    network: Network,
    account: Account,
    what: AnyHappening,
    body: Body,
    entry: MessageEntry | None = None,
) -> Event:
    sender = getattr(what, "sender", None)
    message_id = body.get("message_id")
    noted = EventEntry(
        bot=account.name,
        chat=str(what.chat) if isinstance(what, InChat) else "",
        sender=sender.user_id if sender is not None else 0,
        type=str(what.__struct_config__.tag),
        message_id=message_id if isinstance(message_id, int) else None,
        text=entry.text if entry is not None else "",
        happened_at=network.now,
    )
    return Event(account, body, network.note(noted))
