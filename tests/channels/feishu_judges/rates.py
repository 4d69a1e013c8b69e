"""How long one frame takes: ours, and the one that Feishu's own SDK takes beside it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from posthouse.channels.feishu import codec, frames
from posthouse.channels.feishu.codec import Identity
from posthouse.channels.feishu.fragments import Fragments
from posthouse.channels.feishu.frames import Frame, Method
from posthouse.channels.feishu.long_connection import OK
from posthouse.model.event import MessageReceived

VECTORS = Path(__file__).parent.parent / "feishu" / "vectors.json"
ME = Identity(bot="fs", app_id="cli_0", open_id="ou_me")


def frame() -> bytes:
    """Write a message in a group as the platform brings it."""
    body = json.loads(VECTORS.read_text("utf-8"))["events"]["im.message.receive_v1"]
    payload = json.dumps(body["text_group_mention"], ensure_ascii=False, separators=(",", ":"))
    headers = {
        "timestamp": "1608725989000",
        "type": "event",
        "message_id": "0" * 32,
        "sum": "1",
        "seq": "0",
        "trace_id": "1" * 32,
        "instance_id": "2" * 16,
    }
    return frames.encode(
        Frame(
            sequence=7,
            log=1 << 50,
            service=33554678,
            method=Method.DATA,
            headers=tuple(headers.items()),
            payload=payload.encode(),
        )
    )


def ours(raw: bytes, times: int) -> float:
    """Take a frame so many times; returns the CPU of one, its acknowledgement written."""
    event, fragments = None, Fragments(time.time)
    began = time.thread_time()
    for _ in range(times):
        came = frames.decode(raw)
        payload = fragments.add(came)
        assert payload is not None
        event = codec.decode(payload, ME, 0.0)
        frames.encode(frames.answer(came, OK, 1))
    each_s = (time.thread_time() - began) / times
    assert isinstance(event, MessageReceived)
    return each_s
