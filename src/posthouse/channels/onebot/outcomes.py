"""What the answer to an action means: tables, since every implementation has codes of its own.

What is in no table is unclear: a wrong "certainly not sent" would say a message twice.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from posthouse.channels.channel import Verb
from posthouse.channels.onebot.codec import UNREADABLE, Frame
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown

CREDENTIALS_RETRY_S = 60.0  # an operator has to act first
BUSY_RETRY_S = 5.0
WORDING_CHARACTERS_MAX = 120

OK, ASYNC = 0, 1
WRONG_TOKEN = frozenset({1401, 1403})  # HTTP's codes and a thousand, where there is no HTTP
NO_SUCH_ACTION = 1404

_REFUSED = frozenset({100, 102, 103, 1400, NO_SUCH_ACTION})
_LATER = {
    104: CREDENTIALS_RETRY_S,  # QQ's own cookie has run out
    201: BUSY_RETRY_S,  # no worker is free
    1401: CREDENTIALS_RETRY_S,
    1403: CREDENTIALS_RETRY_S,
}
_LIMITS = frozenset({429, 1429})

# NTQQ's kernel says no with a result of its own, which NapCat hands on as text. The same text with
# ``Timeout`` in front means that nobody heard the end: often the message is there all the same.
_KERNEL_REFUSAL = re.compile(r"EventChecker Failed.*?\"result\":\s*(-?[1-9][0-9]*)", re.DOTALL)
_REFUSAL = re.compile(
    r"无法解析|不支持|不存在|未找到|不是.?好友|不在.?群|禁言|过长"
    r"|not (found|exist|a friend)|no such|muted",
    re.IGNORECASE,
)
_UNCLEAR = re.compile(r"time\s?d?\s?out|timeout|超时", re.IGNORECASE)


class _Done(Struct, frozen=True):
    message_id: int | str | None = None


_DONE = msgspec.json.Decoder(_Done | None)


def outcome_of(answer: Frame, verb: Verb) -> Outcome:
    """Say what became of an action."""
    if answer.retcode == OK:
        return _sent(answer) if verb is Verb.SEND else Sent()
    if answer.retcode == ASYNC:
        return Sent()  # the implementation has it, and will never say under which id
    return _failed(answer, verb)


def _sent(answer: Frame) -> Outcome:
    try:
        done = _DONE.decode(answer.data) if bytes(answer.data) else None
    except UNREADABLE:
        return Unknown("cut")
    message_id = None if done is None else done.message_id
    return Sent() if message_id in {None, "", 0} else Sent((str(message_id),))


def _failed(answer: Frame, verb: Verb) -> Outcome:
    code, wording = answer.retcode or 0, wording_of(answer)
    if code in _LATER:
        return NotSent(f"refused_by_platform {code}", _LATER[code])
    if code in _LIMITS:
        return NotSent("rate_limited", BUSY_RETRY_S)
    refusal = _KERNEL_REFUSAL.search(wording)
    if refusal:
        return NotSent(f"refused_by_platform {refusal[1]}", is_final=True)
    said = " ".join(wording.split())[:WORDING_CHARACTERS_MAX]
    if _UNCLEAR.search(wording):
        return Unknown(f"platform_error {code}")
    is_clear = code in _REFUSED or _REFUSAL.search(wording) is not None
    if is_clear or verb is Verb.RECALL:  # a recall that failed has no other end
        return NotSent(f"refused_by_platform {code} {said}".rstrip(), is_final=True)
    return Unknown(f"platform_error {code} {said}".rstrip())


def wording_of(answer: Frame) -> str:
    """Return the implementation's own words: ``wording``, ``msg``, or NapCat's ``message``."""
    message = answer.message if isinstance(answer.message, str) else ""
    return answer.wording or answer.msg or message
