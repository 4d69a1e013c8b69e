"""Messages of the history become the events that would have come, under the same keys."""

import json
from pathlib import Path

import msgspec

from posthouse.channels.feishu.codec import Identity, decode
from posthouse.channels.feishu.history import Message, event_of
from posthouse.model.address import ChatKind
from posthouse.model.event import MessageRecalled, MessageReceived, recall_key
from posthouse.store.reader import HeardChat

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
EVENT = VECTORS["events"]["im.message.receive_v1"]["text_group_mention"]
NOW = 1_750_000_000.0
ME = Identity(bot="duty", app_id="cli_1", open_id="ou_b07b07b07b07b07b07b07b07b07b07b0")
CHAT = HeardChat("oc_5ce6d572455d361153b7xx51da133945", ChatKind.GROUP, NOW)


def as_rest(**changed: object) -> Message:
    """The message of the vectors as ``GET /im/v1/messages`` tells it."""
    message, sender = EVENT["event"]["message"], EVENT["event"]["sender"]
    (mention,) = message["mentions"]
    told = {
        "message_id": message["message_id"],
        "msg_type": message["message_type"],
        "create_time": message["create_time"],
        "chat_id": message["chat_id"],
        "deleted": False,
        "sender": {
            "id": sender["sender_id"]["open_id"],
            "id_type": "open_id",
            "sender_type": "user",
        },
        "body": {"content": message["content"]},
        "mentions": [
            {
                "key": mention["key"],
                "id": mention["id"]["open_id"],
                "id_type": "open_id",
                "name": "TestBot",
            }
        ],
    }
    return msgspec.convert({**told, **changed}, type=Message)


def test_a_missed_message_is_the_event_that_did_not_come() -> None:
    missed = event_of(as_rest(), CHAT, ME, NOW)
    live = decode(json.dumps(EVENT).encode(), ME, NOW)
    assert isinstance(live, MessageReceived)
    assert missed == live


def test_a_private_chat_is_known_as_one() -> None:
    missed = event_of(as_rest(mentions=[]), HeardChat("oc_1", ChatKind.PRIVATE, NOW), ME, NOW)
    assert isinstance(missed, MessageReceived)
    assert missed.is_addressed


def test_a_message_of_a_thread_is_answered_there() -> None:
    missed = event_of(as_rest(thread_id="omt_1", parent_id="om_0"), CHAT, ME, NOW)
    assert isinstance(missed, MessageReceived)
    assert missed.reply_context is not None
    assert missed.reply_context.token == missed.message_id


def test_what_is_gone_is_taken_back_under_the_key_of_the_event() -> None:
    """The platform's own word for it may still come, or have come."""
    gone = event_of(as_rest(deleted=True), CHAT, ME, NOW)
    assert isinstance(gone, MessageRecalled)
    assert gone.key == recall_key(CHAT.platform_id, gone.message_id)


def test_what_is_no_persons_is_left() -> None:
    for kind in ("app", "anonymous"):
        assert event_of(as_rest(sender={"id": "x", "sender_type": kind}), CHAT, ME, NOW) is None
