"""Whatever a bot server sends, the pretended QQ answers, and what it shows can be told."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from posthouse.simulators.onebot.actions import ACTIONS
from tests.unit.simulators.onebot_scene import Hall

FIELDS = sorted({name for action in ACTIONS.values() for name in action.params.__struct_fields__})
KINDS = ["text", "at", "reply", "image", "node", "face", "odd"]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.sampled_from([20001, 30001, 10000, "20001", "private", "group", "7", ""]),
    st.text(alphabet="[CQ:at,q=1]&;#45 é\x00", max_size=20),
)
segments = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        "data": st.dictionaries(
            st.sampled_from(["text", "qq", "id", "file", "content"]), scalars, max_size=3
        )
    },
)
values = st.one_of(scalars, st.lists(st.one_of(scalars, segments), max_size=3), segments)
targets = st.fixed_dictionaries(
    {}, optional={"group_id": st.just(20001), "user_id": st.just(30001), "message": values}
)


@given(
    action=st.sampled_from(sorted(ACTIONS)),
    target=targets,
    more=st.dictionaries(st.sampled_from(FIELDS), values, max_size=3),
    echo=values,
)
def test_every_frame_is_answered(
    action: str, target: dict[str, object], more: dict[str, object], echo: object
) -> None:
    hall = Hall()
    frame = {"action": action, "params": {**more, **target}, "echo": echo}
    answer = hall.take(json.dumps(frame))
    assert answer["echo"] == echo
    assert (answer["retcode"] == 0) == (answer["status"] == "ok")
    for entry in hall.network.record().messages:
        if not entry.is_recalled:
            json.dumps(hall.network.written(hall.account, entry))
    if answer["retcode"] == 1400:
        assert hall.complaints != []
