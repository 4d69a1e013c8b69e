"""What a short message refers to: the question before it, as far as this can be told by words."""

from __future__ import annotations

import re
from typing import Final

from posthouse.knowledge.words import fingerprint, normalise, tokens

LETTERS_MAX: Final = 24  # of a message that may lean on the one before
LETTERS_ALONE_MIN: Final = 5  # from here on it leans only where it says so
CARRIED_CHARACTERS_MAX: Final = 200

Lines = tuple[tuple[str, str], ...]  # ("person" | "bot", text), oldest first

_POINTS_BACK = re.compile(
    r"它|他们|这个|那个|这些|那些|这样|那样|这里|那里|上面|前面|刚才|上述|其中|呢[？?]?$|^那|^还有|^然后|^如果是"
    r"|\b(?:it|its|that|this|these|those|they|them|there|then|the same|above|former|latter)\b"
    r"|^(?:and|or|but|what about|how about|why|which|also)\b",
    re.IGNORECASE,
)
_SMALL_TALK: Final = frozenset(
    fingerprint(words)
    for words in (
        *(
            "谢谢",
            "多谢",
            "谢谢你",
            "谢谢您",
            "感谢",
            "好的",
            "好",
            "嗯",
            "哦",
            "收到",
            "明白",
            "明白了",
            "知道了",
        ),
        *(
            "懂了",
            "ok",
            "okay",
            "thanks",
            "thank you",
            "thx",
            "got it",
            "great",
            "nice",
            "cool",
            "yes",
            "no",
        ),
        *(
            "你好",
            "您好",
            "在吗",
            "在么",
            "在",
            "hi",
            "hello",
            "hey",
            "早",
            "早上好",
            "晚上好",
            "good morning",
        ),
        *(
            "哈哈",
            "哈哈哈",
            "666",
            "赞",
            "不错",
            "再见",
            "拜拜",
            "bye",
            "是",
            "是的",
            "对",
            "不是",
            "没事了",
        ),
    )
)


def is_small_talk(text: str) -> bool:
    """Whether somebody greets, thanks or agrees, or says nothing at all."""
    return not fingerprint(text) or fingerprint(text) in _SMALL_TALK


def leans(text: str) -> bool:
    """Whether a message may be understood only with the one before it."""
    letters = len(fingerprint(text))
    if letters > LETTERS_MAX * (2 if text.isascii() else 1):
        return False
    is_short = letters < LETTERS_ALONE_MIN and len(tokens(normalise(text))) < LETTERS_ALONE_MIN
    return is_short or _POINTS_BACK.search(text) is not None


def last_question(history: Lines) -> str:
    """Return what the person asked last; empty where they asked nothing that can be leant on."""
    asked = (text for who, text in reversed(history) if who == "person")
    return next((text for text in asked if not is_small_talk(text)), "")


def carried(text: str, history: Lines) -> str:
    """Put the words of the last question behind a message that leans on it."""
    before = last_question(history)
    if not before or not leans(text):
        return text
    return f"{text}\n{before[:CARRIED_CHARACTERS_MAX]}"
