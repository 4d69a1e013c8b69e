"""What answers mean. Everything that is in no table is unclear."""

from __future__ import annotations

import json

import pytest

from posthouse.channels.channel import Verb
from posthouse.channels.onebot.codec import read
from posthouse.channels.onebot.outcomes import outcome_of
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown

REFUSAL = (
    'EventChecker Failed: NTEvent sendMsg EventRet:\n{\n    "result": 110,\n    "errMsg": ""\n}'
)
UNCLEAR = 'Timeout: NTEvent serviceAndMethod:sendMsg EventRet:\n{\n    "result": 0\n}'


def outcome(verb: Verb = Verb.SEND, **answer: object) -> Outcome:
    return outcome_of(read(json.dumps({"echo": "1", **answer})), verb)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"message_id": 5}, Sent(("5",))),
        ({"message_id": -77}, Sent(("-77",))),
        ({"message_id": "abc"}, Sent(("abc",))),
        ({"message_id": 0}, Sent()),
        ({"file_id": "x"}, Sent()),
        (None, Sent()),
        ("half", Unknown("cut")),
    ],
)
def test_yes(data: object, expected: Outcome) -> None:
    assert outcome(status="ok", retcode=0, data=data) == expected


def test_later_means_that_it_has_it_under_no_name() -> None:
    assert outcome(status="async", retcode=1, data=None) == Sent()


@pytest.mark.parametrize(
    ("retcode", "wording", "expected"),
    [
        (100, "bad", NotSent("refused_by_platform 100 bad", is_final=True)),
        (102, "", NotSent("refused_by_platform 102", is_final=True)),
        (103, "", NotSent("refused_by_platform 103", is_final=True)),
        (104, "", NotSent("refused_by_platform 104", 60.0)),
        (201, "", NotSent("refused_by_platform 201", 5.0)),
        (1400, "", NotSent("refused_by_platform 1400", is_final=True)),
        (1401, "", NotSent("refused_by_platform 1401", 60.0)),
        (1403, "", NotSent("refused_by_platform 1403", 60.0)),
        (
            1404,
            "no  such\naction",
            NotSent("refused_by_platform 1404 no such action", is_final=True),
        ),
        (429, "", NotSent("rate_limited", 5.0)),
        (1200, REFUSAL, NotSent("refused_by_platform 110", is_final=True)),
        (1200, "群不存在", NotSent("refused_by_platform 1200 群不存在", is_final=True)),
        (200, "muted", NotSent("refused_by_platform 200 muted", is_final=True)),
        (200, UNCLEAR, Unknown("platform_error 200")),
        (1200, UNCLEAR, Unknown("platform_error 1200")),
        (100, "发送超时", Unknown("platform_error 100")),
        (-1, "?", Unknown("platform_error -1 ?")),
        (99999, "", Unknown("platform_error 99999")),
    ],
)
def test_no(retcode: int, wording: str, expected: Outcome) -> None:
    assert outcome(status="failed", retcode=retcode, data=None, wording=wording) == expected


@pytest.mark.parametrize("key", ["wording", "msg", "message"])
def test_the_words_are_found_wherever_they_stand(key: str) -> None:
    answer = outcome(Verb.SEND, status="failed", retcode=103, **{key: "muted"})
    assert answer == NotSent("refused_by_platform 103 muted", is_final=True)


def test_words_are_cut() -> None:
    answer = outcome(status="failed", retcode=103, wording="x" * 5000)
    assert isinstance(answer, NotSent)
    assert len(answer.reason) < 200
