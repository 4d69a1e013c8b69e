"""Frames of the long connection against the bytes that the official clients wrote."""

import json
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.channels.feishu.fragments import (
    EVENT_BYTES_MAX,
    FRAGMENTS_MAX,
    KEPT_S,
    Fragments,
)
from posthouse.channels.feishu.frames import Frame, Method, answer, decode, encode, ping
from posthouse.model.errors import NotUnderstood

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
FRAMES = {case["name"]: case for case in VECTORS["frames"]["cases"]}
RECORDED = VECTORS["recorded_client_frames"]["frames"]


def data_of(case: dict[str, str]) -> bytes:
    return bytes.fromhex(case["hex"])


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_written_as_it_was_read(name: str) -> None:
    data = data_of(FRAMES[name])
    assert encode(decode(data)) == data


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_read_as_the_official_client_reads_it(name: str) -> None:
    fields = FRAMES[name]["fields"]
    frame = decode(data_of(FRAMES[name]))
    assert (frame.sequence, frame.log) == (fields["SeqID"], fields["LogID"])
    assert (frame.service, frame.method) == (fields["service"], fields["method"])
    assert frame.headers == tuple((name, value) for name, value in fields["headers"])
    assert frame.log_new == fields.get("LogIDNew")
    if "payload_utf8" in fields:
        assert frame.payload == fields["payload_utf8"].encode()


@pytest.mark.parametrize("place", range(len(RECORDED)))
def test_what_official_clients_sent_is_read_and_written_again(place: int) -> None:
    data = data_of(RECORDED[place])
    frame = decode(data)
    assert [list(header) for header in frame.headers] == RECORDED[place]["headers"]
    assert encode(frame) == data


def test_our_ping_is_theirs() -> None:
    assert encode(ping(33554678)) == data_of(FRAMES["ping"])


def test_our_acknowledgement_is_theirs() -> None:
    event = decode(data_of(FRAMES["event_single"]))
    theirs = next(
        frame
        for frame in map(decode, map(data_of, RECORDED))
        if frame.payload == b'{"code":200}' and frame.header("biz_rt").isdecimal()
    )
    ours = answer(event, b'{"code":200}', int(theirs.header("biz_rt")))
    assert [name for name, _ in ours.headers] == [*[n for n, _ in event.headers], "biz_rt"]
    assert (ours.payload, ours.header("biz_rt")) == (theirs.payload, theirs.header("biz_rt"))
    assert ours.header("instance_id") == event.header("instance_id")
    assert (ours.sequence, ours.log, ours.service) == (event.sequence, event.log, event.service)


@pytest.mark.parametrize("case", VECTORS["frames"]["missing_required_fields"])
def test_a_missing_number_is_zero(case: dict[str, str]) -> None:
    frame = decode(data_of(case))
    missing = {"SeqID": frame.sequence, "LogID": frame.log, "service": frame.service}
    assert {**missing, "method": frame.method}[case["missing"]] == 0


@pytest.mark.parametrize(
    "data",
    [b"\x08", b"\x2a\xff", b"\x2a\x02\x0a\x05", b"\x0f", b"\x08" + b"\xff" * 10, b"\x32\x01\xff"],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(NotUnderstood):
        decode(data)


def test_a_field_of_a_later_version_is_skipped() -> None:
    data = data_of(FRAMES["ping"]) + b"\x7d\x01\x02\x03\x04" + b"\x79" + bytes(8)
    assert decode(data) == ping(33554678)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        frame = decode(data)
    except NotUnderstood:
        return
    assert decode(encode(frame)) == frame


@given(
    st.builds(
        Frame,
        sequence=st.integers(0, 2**64 - 1),
        log=st.integers(0, 2**64 - 1),
        service=st.integers(-(2**31), 2**31 - 1),
        method=st.integers(0, 2**31 - 1),
        headers=st.lists(st.tuples(st.text(), st.text()), max_size=8).map(tuple),
        payload_encoding=st.none() | st.text(),
        payload_type=st.none() | st.text(),
        payload=st.none() | st.binary(),
        log_new=st.none() | st.text(),
    )
)
def test_every_frame_survives_the_wire(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


# --- fragments -----------------------------------------------------------------------------


def fragment(place: object, count: object, payload: bytes, message_id: str = "m1") -> Frame:
    headers = (("type", "event"), ("message_id", message_id))
    numbers = (("sum", str(count)), ("seq", str(place)))
    return Frame(service=1, method=Method.DATA, headers=headers + numbers, payload=payload)


class Clock:
    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_fragments_come_in_any_order_and_twice(order: tuple[int, ...]) -> None:
    fragments = Fragments(Clock())
    pieces = (b"a", b"", b"c")
    *before, last = order
    for place in before:
        assert fragments.add(fragment(place, 3, pieces[place])) is None
        assert fragments.add(fragment(place, 3, pieces[place])) is None
    assert fragments.add(fragment(last, 3, pieces[last])) == b"ac"
    assert fragments.add(fragment(last, 3, pieces[last])) is None  # not the event once more


def test_the_fragments_of_the_official_server_make_the_event() -> None:
    frames = [decode(data_of(case)) for name, case in FRAMES.items() if "fragment" in name]
    assert len(frames) == 3
    fragments = Fragments(Clock())
    whole = [fragments.add(frame) for frame in frames]
    assert whole == [None, None, VECTORS["frames"]["reassembled_event_payload_utf8"].encode()]


def test_a_gap_of_a_minute_is_no_loss() -> None:
    clock = Clock()
    fragments = Fragments(clock)
    fragments.add(fragment(0, 2, b"a"))
    clock.now += 60.0
    assert fragments.add(fragment(1, 2, b"b")) == b"ab"


def test_what_is_never_completed_is_forgotten() -> None:
    clock = Clock()
    fragments = Fragments(clock)
    fragments.add(fragment(0, 2, b"a"))
    clock.now += KEPT_S + 1.0
    fragments.add(fragment(0, 2, b"x", message_id="m2"))
    assert fragments.add(fragment(1, 2, b"b")) is None


def test_an_event_without_measure_is_refused() -> None:
    fragments = Fragments(Clock())
    piece = bytes(EVENT_BYTES_MAX // 4)
    for place in range(4):
        assert fragments.add(fragment(place, 9, piece)) is None
    with pytest.raises(NotUnderstood, match="more than"):
        fragments.add(fragment(4, 9, b"x"))
    assert fragments.add(fragment(5, 9, b"x")) is None, "and what it took is free again"


def test_only_so_many_events_may_be_incomplete() -> None:
    fragments = Fragments(Clock())
    for number in range(1000):
        fragments.add(fragment(0, 2, b"a", message_id=str(number)))
    assert repr(fragments) == "<Fragments of 64 events>"


@pytest.mark.parametrize(
    ("place", "count"), [(2, 2), (0, 0), ("x", 2), (0, "²"), (0, FRAGMENTS_MAX + 1), ("-1", 2)]
)
def test_numbers_without_sense_are_refused(place: object, count: object) -> None:
    with pytest.raises(NotUnderstood):
        Fragments(Clock()).add(fragment(place, count, b""))
