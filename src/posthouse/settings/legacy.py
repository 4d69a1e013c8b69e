"""Environment names that people bring from elsewhere, each answered with one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from posthouse.settings.language import Said


def _platform(zh: str, en: str) -> Said:
    return Said(
        f"{zh} 还不在此版本中，这个变量没有用到",
        f"{en} is not part of this version; it is not used",
    )


# A name that ends in an underscore stands for all that begin with it.
ANSWERS: Mapping[str, Said] = {
    "DINGTALK_CLIENT_ID": _platform("钉钉", "DingTalk"),
    "DINGTALK_CLIENT_SECRET": _platform("钉钉", "DingTalk"),
    "DINGTALK_ROBOT_CODE": _platform("钉钉", "DingTalk"),
    "TELEGRAM_BOT_TOKEN": _platform("Telegram", "Telegram"),
    "WECOM_": _platform("企业微信", "WeCom"),
    "WX_BOT_": _platform("企业微信", "WeCom"),
}


def remarks(environ: Mapping[str, str]) -> Iterator[tuple[str, Said]]:
    """Yield each variable that is set but means nothing here, with what to know about it."""
    for name in sorted(environ):
        answer = ANSWERS.get(name) or _answer_for_prefix(name)
        if answer is not None and environ[name]:
            yield name, answer


def _answer_for_prefix(name: str) -> Said | None:
    prefixes = (known for known in ANSWERS if known.endswith("_"))
    return next((ANSWERS[prefix] for prefix in prefixes if name.startswith(prefix)), None)
