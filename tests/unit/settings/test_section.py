"""The further keys of a bot or handler are read with the same sentences for mistakes."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from posthouse.model.errors import OperatorMistake
from posthouse.settings.mistakes import section


class Options(BaseModel):
    """What a channel might want."""

    model_config = ConfigDict(extra="forbid")

    app_id: str
    retries: int = 3


def test_what_is_right_comes_back_typed() -> None:
    options = section(Options, {"app_id": "x", "retries": "5"}, "bots.a")
    assert (options.app_id, options.retries) == ("x", 5)


@pytest.mark.parametrize(
    ("options", "english", "chinese"),
    [
        ({}, "bots.a.app_id: is missing", "bots.a.app_id：缺少"),
        ({"app_id": "x", "retrys": 1}, "did you mean retries?", "retries"),
        ({"app_id": "x", "retries": "many"}, "retries = 3", "整数"),
    ],
)
def test_what_is_wrong_is_named_in_both_languages(
    options: dict[str, object], english: str, chinese: str
) -> None:
    with pytest.raises(OperatorMistake) as caught:
        section(Options, options, "bots.a")
    assert english in caught.value.sentence("en")
    assert chinese in caught.value.sentence("zh")


def test_a_secret_is_not_repeated() -> None:
    class Secretive(BaseModel):
        token: int

    with pytest.raises(OperatorMistake) as caught:
        section(Secretive, {"token": "hush-hush"}, "bots.a")
    assert "hush-hush" not in str(caught.value)
