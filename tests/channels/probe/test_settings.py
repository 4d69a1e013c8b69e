"""The options of a probe bot: what they mean, and what is said where they are wrong."""

import pytest

from posthouse.model.capabilities import Capabilities, SendsFrom
from posthouse.model.errors import OperatorMistake
from posthouse.testing.probe.channel import ProbeChannel
from posthouse.testing.probe.settings import ProbeOptions
from tests.channels.probe.stage import CLASSES, options, tools
from tests.unit.simulators.scene import Clock

ADDRESS = "http://127.0.0.1:1"


def capabilities(name: str, **more: str | float) -> Capabilities:
    return ProbeOptions.model_validate(options(name, ADDRESS, **more)).capabilities()


def test_each_class_differs_where_its_name_says() -> None:
    each = {name: capabilities(name) for name in CLASSES}
    assert {name for name in CLASSES if each[name].resend_key_window_s} == {"keyed"}
    assert {name for name in CLASSES if each[name].can_look_up} == {"lookup"}
    assert {name for name in CLASSES if each[name].can_overwrite} == {"overwrite"}
    assert {name for name in CLASSES if not each[name].can_recall} == {"none"}
    assert {name for name in CLASSES if each[name].slot_s} == {"slot"}
    bound = {name for name in CLASSES if each[name].sends_from is SendsFrom.CONNECTION}
    assert bound == {"connection"}


def test_editable_is_another_word_for_overwrite() -> None:
    assert capabilities("editable") == capabilities("overwrite")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"class": "keyd"}, "bots.a.class"),
        ({"text_max": 5}, "bots.a.text_max"),
        ({"colour": "red"}, "bots.a.colour"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, object], said: str) -> None:
    wrong = {**options("keyed", ADDRESS), **given}
    with pytest.raises(OperatorMistake, match=said):
        ProbeChannel.build("a", wrong, tools(Clock()))


def test_a_missing_secret_is_named_and_no_other_shown() -> None:
    given = dict(options("keyed", ADDRESS, token="very-secret"))
    del given["secret"]
    with pytest.raises(OperatorMistake) as caught:
        ProbeChannel.build("a", given, tools(Clock()))
    assert "bots.a.secret" in str(caught.value)
    assert "very-secret" not in str(caught.value)
    assert caught.value.__cause__ is None
