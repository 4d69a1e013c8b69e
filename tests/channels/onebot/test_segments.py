"""Segments, CQ codes, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.channels.onebot.segments import (
    SEGMENTS_MAX,
    FileRef,
    Reading,
    Segment,
    parse_cq,
    parts_of,
    ref_of,
    unescape,
)
from posthouse.model.message import (
    Audio,
    File,
    Image,
    Media,
    Mention,
    Part,
    Quote,
    Text,
    Unsupported,
    Video,
)

READING = Reading("10001", frozenset({"77"}))
NAMES = st.text("abcdefgh_", min_size=1, max_size=6)


def text(words: str) -> Segment:
    return Segment("text", {"text": words})


@pytest.mark.parametrize(
    ("written", "segments"),
    [
        ("", ()),
        ("hi", (text("hi"),)),
        ("[CQ:at,qq=10001] hi", (Segment("at", {"qq": "10001"}), text(" hi"))),
        ("a[CQ:face,id=178]b", (text("a"), Segment("face", {"id": "178"}), text("b"))),
        ("[CQ:shake]", (Segment("shake", {}),)),
        ("&#91;CQ:at,qq=1&#93;", (text("[CQ:at,qq=1]"),)),
        ("&amp;#91;", (text("&#91;"),)),
        ("a,b", (text("a,b"),)),
        ("[CQ:image,file=a&#44;b.jpg]", (Segment("image", {"file": "a,b.jpg"}),)),
        (
            "[CQ:image,file=x,url=http://a/?b=1&amp;c=2]",
            (Segment("image", {"file": "x", "url": "http://a/?b=1&c=2"}),),
        ),
        ("[CQ:json,data={&#91;1&#44;2&#93;}]", (Segment("json", {"data": "{[1,2]}"}),)),
        ("[CQ:broken", (text("[CQ:broken"),)),
        ("[not a code]", (text("[not a code]"),)),
    ],
)
def test_a_string_with_codes_is_read(written: str, segments: tuple[Segment, ...]) -> None:
    assert parse_cq(written) == segments


def escape(words: str, *, is_value: bool = False) -> str:
    """Write words as the protocol asks for; values inside of codes escape commas as well."""
    words = words.replace("&", "&amp;").replace("[", "&#91;").replace("]", "&#93;")
    return words.replace(",", "&#44;") if is_value else words


def to_cq(segments: Sequence[Segment]) -> str:
    """Write segments as one string."""
    return "".join(
        escape(each.get("text")) if each.type == "text" else code(each) for each in segments
    )


def code(segment: Segment) -> str:
    values = (
        f",{name}={escape(str(v), is_value=True)}" for name, v in (segment.data or {}).items()
    )
    return f"[CQ:{segment.type}{''.join(values)}]"


@given(st.text(), st.booleans())
def test_what_is_escaped_comes_back(words: str, is_value: bool) -> None:  # noqa: FBT001
    assert unescape(escape(words, is_value=is_value)) == words


@given(
    st.lists(
        st.one_of(
            st.builds(text, st.text(min_size=1)),
            st.builds(Segment, st.sampled_from(("at", "x_y")), st.dictionaries(NAMES, st.text())),
        )
    )
)
def test_what_is_written_is_read_again(segments: list[Segment]) -> None:
    read = parse_cq(to_cq(segments))
    assert to_cq(read) == to_cq(segments)
    assert [each for each in read if each.type != "text"] == [
        each for each in segments if each.type != "text"
    ]


def media(kind: str, file: str, url: str = "", **more: object) -> Media:
    return Media(ref_of(FileRef(kind, file, url)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("segment", "part"),
    [
        (text("hi"), Text("hi")),
        (Segment("markdown", {"content": "# a"}), Text("# a")),
        (Segment("at", {"qq": 10001}), Mention("10001", "10001", is_me=True)),
        (Segment("at", {"qq": "20001", "name": "@Ada"}), Mention("20001", "Ada")),
        (Segment("at", {"qq": "all"}), Mention("all", "全体成员")),
        (Segment("reply", {"id": 77}), Quote("77", is_mine=True)),
        (Segment("reply", {"id": "78"}), Quote("78")),
        (
            Segment("image", {"file": "a.jpg", "url": "https://q/a", "file_size": "12"}),
            Image(
                media("image", "a.jpg", "https://q/a", name="a.jpg", mime="image/*", size_bytes=12)
            ),
        ),
        (
            Segment("record", {"file": "https://q/v"}),
            Audio(media("record", "https://q/v", "https://q/v", mime="audio/*")),
        ),
        (
            Segment("video", {"file": "v.mp4"}),
            Video(media("video", "v.mp4", name="v.mp4", mime="video/*")),
        ),
        (
            Segment("file", {"file": "r.pdf", "file_id": "/1-2", "file_size": 9}),
            File(media("file", "/1-2", name="r.pdf", size_bytes=9)),
        ),
        (
            Segment("forward", {"id": "f1"}),
            Unsupported("forward", '{"type":"forward","data":{"id":"f1"}}'),
        ),
        (Segment("face", None), Unsupported("face", '{"type":"face","data":null}')),
        (Segment("image", {}), Unsupported("image", '{"type":"image","data":{}}')),
        (Segment("reply", {}), Unsupported("reply", '{"type":"reply","data":{}}')),
    ],
)
def test_a_segment_becomes_a_part(segment: Segment, part: Part) -> None:
    assert parts_of([segment], READING) == (part,)


def test_a_flood_of_segments_is_cut_and_says_so() -> None:
    parts = parts_of([text("x")] * (SEGMENTS_MAX + 5), READING)
    assert len(parts) == SEGMENTS_MAX + 1
    assert parts[-1] == Unsupported("cut", "5 more segments")


def test_nobody_is_the_bot_while_its_number_is_unknown() -> None:
    [part] = parts_of([Segment("at", {})], Reading("", frozenset()))
    assert isinstance(part, Mention)
    assert not part.is_me
