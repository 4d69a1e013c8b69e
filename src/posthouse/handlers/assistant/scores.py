"""Reading the score that a model gives, without ever making one up."""

from __future__ import annotations

import re

SCORE_MAX = 10.0

_NUMBER = r"(?<![\d.\-])(\d{1,3}(?:\.\d+)?)(?![\d.]*\d|\s*[-–~至到]\s*\d)"
_OUT_OF = re.compile(rf"{_NUMBER}\s*(?:分)?\s*(?:/|／|out\s+of|of|满分)\s*{_NUMBER}", re.IGNORECASE)
_ALONE = re.compile(_NUMBER)
_CHINESE = re.compile(r"(十|[零〇一二两三四五六七八九])\s*(?:点([零一二三四五六七八九半]))?\s*分")
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "十": 10,
}


def read_score(text: str) -> float | None:
    """Read ``8``, ``8.5``, ``3 out of 10``, ``4/5``, ``八分`` on the scale from 0 to 10.

    None when there is no score, more than one, or one beyond the scale: nobody may guess.
    """
    shares = _OUT_OF.findall(text)
    if shares:
        return _one({_share(float(part), float(whole)) for part, whole in shares})
    found: set[float | None] = {_on_scale(float(number)) for number in _ALONE.findall(text)}
    found |= {_on_scale(_chinese(*each)) for each in _CHINESE.findall(text)}
    return _one(found)


def _one(scores: set[float | None]) -> float | None:
    return scores.pop() if len(scores) == 1 else None


def _share(part: float, whole: float) -> float | None:
    return part / whole * SCORE_MAX if whole > 0 and part <= whole else None


def _on_scale(score: float) -> float | None:
    return score if score <= SCORE_MAX else None


def _chinese(whole: str, tenths: str) -> float:
    part = 0.5 if tenths == "半" else _DIGITS.get(tenths, 0) / 10
    return _DIGITS[whole] + part
