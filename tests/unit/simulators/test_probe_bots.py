"""How bots are declared."""

import pytest

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.probe.bots import Bot, BotClass, bot, parse_bots
from posthouse.simulators.probe.state import ProbePlatform


def test_bots_are_declared_by_name_and_class() -> None:
    assert parse_bots("a=keyed, b=none") == (bot("a", BotClass.KEYED), bot("b", BotClass.NONE))


def test_editable_is_another_spelling() -> None:
    assert parse_bots("a=editable") == parse_bots("a=overwrite")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not name=class"),
        ("=keyed", "not name=class"),
        ("a", "no class ''"),
        ("a=clever", "no class 'clever'"),
        ("a/b=keyed", "not name=class"),
        ("a=keyed,a=none", "named twice"),
    ],
)
def test_a_senseless_declaration_is_refused(text: str, words: str) -> None:
    with pytest.raises(OperatorMistake, match=words):
        parse_bots(text)


@pytest.mark.parametrize("bots", [(), tuple(bot(f"b{n}", BotClass.NONE) for n in range(65))])
def test_a_platform_wants_a_few_bots(bots: tuple[Bot, ...]) -> None:
    with pytest.raises(OperatorMistake, match="1 to 64"):
        ProbePlatform(1, bots=bots)
