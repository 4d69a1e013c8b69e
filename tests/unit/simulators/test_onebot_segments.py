from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.simulators.onebot import segments
from posthouse.simulators.onebot.segments import Malformed, Segment, text

words = st.text(alphabet="ab,[]&;=#912 \n中", min_size=1, max_size=12)
pieces = st.one_of(
    words.map(text),
    st.builds(
        Segment,
        st.sampled_from(["at", "image", "unheard-of"]),
        st.dictionaries(st.sampled_from(["qq", "file", "x"]), words, max_size=3),
    ),
)


@given(st.lists(pieces, min_size=1, max_size=6))
def test_what_is_written_as_codes_is_read_back(message: list[Segment]) -> None:
    if any(one.type == two.type == "text" for one, two in pairwise(message)):
        return  # neighbouring words become one segment
    assert segments.read(segments.as_codes(message)) == tuple(message)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("plain", (text("plain"),)),
        ("[CQ:face,id=14]", (Segment("face", {"id": "14"}),)),
        ("a[CQ:at,qq=1] b", (text("a"), Segment("at", {"qq": "1"}), text(" b"))),
        ("&#91;CQ:face&#93;&amp;#44;&#44;", (text("[CQ:face]&#44;,"),)),
        ("[CQ:image,file=a&#44;b&#91;&amp;]", (Segment("image", {"file": "a,b[&"}),)),
        ("[CQ:shake]", (Segment("shake"),)),
        ("[not a code] [CQ:", (text("[not a code] [CQ:"),)),
        ("[CQ:x,a=b=c]", (Segment("x", {"a": "b=c"}),)),
    ],
)
def test_strings_are_read_as_the_standard_says(line: str, expected: object) -> None:
    assert segments.read(line) == expected


def test_auto_escape_takes_a_string_as_it_is() -> None:
    line = "[CQ:face,id=14]&amp;"
    assert segments.read(line, auto_escape=True) == (text(line),)


def test_a_single_segment_and_an_array_are_read() -> None:
    raw = {"type": "at", "data": {"qq": "all"}}
    assert segments.read(raw) == segments.read([raw]) == (Segment("at", {"qq": "all"}),)


@pytest.mark.parametrize("message", ["", [], None, 7, ["text"], [{"data": {}}], [{"type": 1}]])
def test_what_is_no_message_is_refused(message: object) -> None:
    with pytest.raises(Malformed):
        segments.read(message)


@pytest.mark.parametrize(
    ("segment", "problem"),
    [
        (Segment("sticker"), "segment type 'sticker' cannot be sent"),
        (Segment("image"), "image.file is None, not a string"),
        (Segment("text", {"text": 7}), "text.text is 7, not a string"),
        (Segment("at", {"qq": True}), "at.qq is True, not a string"),
        (Segment("at", {"qq": "Ada"}), "at.qq is 'Ada', neither a number nor 'all'"),
        (Segment("reply", {"id": "om_1"}), "reply.id is 'om_1', not a message id"),
    ],
)
def test_what_would_be_dropped_is_named(segment: Segment, problem: str) -> None:
    assert list(segments.mistakes((segment,))) == [problem]


@pytest.mark.parametrize(
    "segment",
    [
        text("x"),
        Segment("at", {"qq": "all"}),
        Segment("at", {"qq": 10001}),
        Segment("reply", {"id": "-12"}),
        Segment("dice"),
    ],
)
def test_what_can_be_shown_is_no_mistake(segment: Segment) -> None:
    assert list(segments.mistakes((segment,))) == []


def test_people_read_words_and_brackets() -> None:
    message = segments.read("[CQ:reply,id=7][CQ:at,qq=1] look: [CQ:image,file=x][CQ:odd]")
    assert segments.words(message) == "@1 look: [image][odd]"
    assert segments.quoted(message) == 7
    assert segments.quoted((text("x"),)) is None
