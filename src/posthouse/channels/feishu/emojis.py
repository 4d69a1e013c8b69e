"""Emojis by Feishu's names and as characters: the house knows them as characters everywhere. Pure.

Source: open.feishu.cn, "Emoji introduction". Names without a character here stay names.
"""

from __future__ import annotations

_CHARACTERS = {
    "THUMBSUP": "👍",
    "ThumbsDown": "👎",
    "OK": "👌",
    "CLAP": "👏",
    "APPLAUSE": "👏",
    "MUSCLE": "💪",
    "HIGHFIVE": "🙌",
    "THANKS": "🙏",
    "HEART": "❤",
    "HEARTBROKEN": "💔",
    "PARTY": "🎉",
    "Fire": "🔥",
    "Hundred": "💯",
    "CheckMark": "✅",
    "DONE": "✅",
    "CrossMark": "❌",
    "SMILE": "🙂",
    "LAUGH": "😄",
    "JOYFUL": "😂",
    "LOVE": "😍",
    "WINK": "😉",
    "THINKING": "🤔",
    "CRY": "😢",
    "SOB": "😭",
    "ANGRY": "😠",
    "SHOCKED": "😱",
    "FACEPALM": "🤦",
    "EYES": "👀",
    "ROSE": "🌹",
    "BEER": "🍺",
    "CAKE": "🍰",
    "GIFT": "🎁",
    "Coffee": "☕",
    "Trophy": "🏆",
    "Pin": "📌",
    "Alarm": "⏰",
    "BOMB": "💣",
    "POOP": "💩",
}
_NAMES = {character: name for name, character in reversed(_CHARACTERS.items())}
_VARIANTS = str.maketrans("", "", "\ufe0f" + "".join(map(chr, range(0x1F3FB, 0x1F400))))


def emoji_of(name: str) -> str:
    """Return an emoji's character."""
    return _CHARACTERS.get(name, name)


def name_of(emoji: str) -> str:
    """Return what Feishu calls an emoji, of whatever colour; the opposite of ``emoji_of``."""
    return _NAMES.get(emoji.translate(_VARIANTS), emoji)
