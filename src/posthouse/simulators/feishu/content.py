"""What stands in a message: is it well-formed, how does a person read it, what can be pressed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from posthouse.simulators.feishu.record import Button
from posthouse.simulators.feishu.refusals import Refusal, card_failed, malformed

CARD_BYTES_MAX = 30 * 1024
TEXT_BYTES_MAX = 150 * 1024
ELEMENTS_MAX = 200
NESTING_MAX = 16
ONLY_IN_OLD_CARDS = frozenset({"action", "note"})

_AT = re.compile(r"<at (?:user_id|id)=\"?([^\">]*)\"?>(.*?)</at>", re.DOTALL)
_FORMAT = re.compile(r"</?(?:b|i|u|s|font|text_tag|number_tag)(?: [^>]*)?>")
_POST_TAGS = frozenset({"text", "a", "at", "img", "media", "emotion", "code_block", "hr", "md"})


def parsed(content: str) -> dict[str, Any]:
    """Read the JSON inside a message.

    Raises:
        Refusal: it is not a JSON object.
    """
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        raise malformed("content is not a string in json format") from None
    if not isinstance(found, dict):
        raise malformed("content is no JSON object")
    return found


def check_size(kind: str, content: str) -> None:
    """See that a message is not too long.

    Raises:
        Refusal: it is.
    """
    is_rich = kind in ("interactive", "post")
    if len(content.encode()) > (CARD_BYTES_MAX if is_rich else TEXT_BYTES_MAX):
        raise Refusal(230025, "The length of the message content reaches its limit.")


# --- text and posts -----------------------------------------------------------------------------


def check_text(content: dict[str, Any]) -> None:
    """See that a text has words.

    Raises:
        Refusal: it has none.
    """
    text = content.get("text")
    if not isinstance(text, str) or not text.strip():
        raise malformed("text content is empty")


def post_of(content: dict[str, Any]) -> dict[str, Any]:
    """Return a post's first locale.

    Raises:
        Refusal: it is no post.
    """
    for post in content.values():
        if isinstance(post, dict) and isinstance(post.get("content"), list):
            _check_post(post)
            return post
    raise malformed("a post needs a locale such as zh_cn around title and content")


def _check_post(post: dict[str, Any]) -> None:
    if not post["content"]:
        raise malformed("a post without a paragraph")
    for paragraph in post["content"]:
        if not isinstance(paragraph, list):
            raise malformed("a paragraph of a post is a list")
        for part in paragraph:
            if not isinstance(part, dict) or part.get("tag") not in _POST_TAGS:
                raise malformed(f"a post has no part {part!r}")
        is_block = any(part["tag"] in ("img", "media", "md", "hr") for part in paragraph)
        if is_block and len(paragraph) > 1:
            raise malformed("img, media, md and hr stand in a paragraph of their own")


def ats(text: str) -> Iterator[str]:
    """Find whom a text mentions: ids, or ``all``."""
    for found in _AT.finditer(text):
        yield found[1]


def split_ats(text: str) -> Iterator[tuple[str, str]]:
    """Cut a text into words and mentions: (words, "") or ("", who is mentioned)."""
    at = 0
    for found in _AT.finditer(text):
        yield text[at : found.start()], ""
        yield "", found[1]
        at = found.end()
    yield text[at:], ""


def plain(text: str) -> str:
    """Return a text as people read it, its formatting away."""
    return _FORMAT.sub("", _AT.sub(lambda found: f"@{found[2] or found[1]}", text))


def _post_text(post: dict[str, Any]) -> str:
    lines = [str(post["title"])] if post.get("title") else []
    lines += ["".join(map(_part_text, paragraph)) for paragraph in post.get("content", ())]
    return "\n".join(lines)


def _part_text(part: dict[str, Any]) -> str:
    text = plain(str(part.get("text", "")))
    shown = {
        "a": f"{text} ({part.get('href', '')})",
        "at": f"@{part.get('user_name') or part.get('user_id', '')}",
        "img": "[图片]",
        "media": "[视频]",
        "emotion": f"[{part.get('emoji_type', '')}]",
        "hr": "---",
        "code_block": f"```{part.get('language', '')}\n{part.get('text', '')}\n```",
    }
    return shown.get(str(part.get("tag")), text)


# --- cards --------------------------------------------------------------------------------------


def is_new_card(card: dict[str, Any]) -> bool:
    return card.get("schema") == "2.0"


def card_elements(card: dict[str, Any]) -> list[Any]:
    """Return what stands on a card below its header."""
    body = card.get("body") if is_new_card(card) else card
    found = body.get("elements") if isinstance(body, dict) else None
    if found is None and isinstance(card.get("i18n_elements"), dict):
        found = next(iter(card["i18n_elements"].values()), None)
    return found if isinstance(found, list) else []


def check_card(card: dict[str, Any]) -> None:
    """See that a card can be built.

    Raises:
        Refusal: it cannot.
    """
    if not card_elements(card) and "header" not in card:
        raise card_failed(200621, "parse card json err: no elements")
    elements = list(_walk(card_elements(card)))
    if is_new_card(card):
        _check_new_card(elements)
    if len(elements) > ELEMENTS_MAX:
        raise card_failed(300305, f"more than {ELEMENTS_MAX} elements")
    if any(not isinstance(element.get("tag"), str) for element in elements):
        raise card_failed(200621, "an element without a tag")


def _check_new_card(elements: list[dict[str, Any]]) -> None:
    for element in elements:
        if element.get("tag") in ONLY_IN_OLD_CARDS:
            raise card_failed(200861, f"cards of schema V2 no longer support tag {element['tag']}")
    ids = [element["element_id"] for element in elements if element.get("element_id")]
    if len(set(ids)) < len(ids):
        raise card_failed(300301, "duplicate element_id")


def _walk(elements: object, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Find all elements, outer ones first."""
    if depth > NESTING_MAX:
        raise card_failed(200621, "nested too deep")
    for element in elements if isinstance(elements, list) else ():
        if not isinstance(element, dict):
            raise card_failed(200621, "an element is no object")
        yield element
        for inner in ("elements", "columns", "actions", "fields", "extra"):
            found = element.get(inner)
            yield from _walk([found] if isinstance(found, dict) else found, depth + 1)


def walk(card: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Find all elements of a card, outer ones first."""
    return _walk(card_elements(card))


def buttons(card: dict[str, Any]) -> Iterator[Button]:
    """Find what can be pressed."""
    for element in _walk(card_elements(card)):
        if element.get("tag") in ("button", "overflow", "select_static", "checker"):
            value, url = _pressed(element)
            yield Button(
                label=_words(element.get("text") or element.get("placeholder")),
                value=value,
                name=str(element.get("name", "")),
                url=url,
            )


def _pressed(element: dict[str, Any]) -> tuple[object, str]:
    """Say what comes back when a button is pressed, and which page opens."""
    value, url = element.get("value"), str(element.get("url", ""))
    for behaviour in element.get("behaviors") or ():
        if isinstance(behaviour, dict) and behaviour.get("type") == "callback":
            value = behaviour.get("value")
        elif isinstance(behaviour, dict) and behaviour.get("type") == "open_url":
            url = str(behaviour.get("default_url", ""))
    return value, url


def card_text(card: dict[str, Any]) -> str:
    """Return a card as a person reads it."""
    header = card.get("header")
    lines = [_words(header.get("title"))] if isinstance(header, dict) else []
    lines += [_element_text(element) for element in _walk(card_elements(card))]
    return "\n".join(line for line in lines if line)


def _element_text(element: dict[str, Any]) -> str:
    match element.get("tag"):
        case "button":
            return f"[{_words(element.get('text'))}]"
        case "markdown" | "lark_md" | "plain_text":
            return plain(str(element.get("content", "")))
        case "hr":
            return "---"
        case "img":
            return "[图片]"
        case "table":
            return _table_text(element)
    return _words(element.get("text"))


def _table_text(table: dict[str, Any]) -> str:
    columns = [each for each in table.get("columns") or () if isinstance(each, dict)]
    rows = [[str(each.get("display_name") or each.get("name", "")) for each in columns]]
    names = [each.get("name", "") for each in columns]
    rows += [[str(row.get(name, "")) for name in names] for row in table.get("rows") or ()]
    return "\n".join(" | ".join(row) for row in rows)


def _words(text: object) -> str:
    if isinstance(text, dict):
        return plain(str(text.get("content", "")))
    return text if isinstance(text, str) else ""


# --- everything ---------------------------------------------------------------------------------

_MARKS = {
    "image": "[图片]",
    "file": "[文件]",
    "folder": "[文件夹]",
    "audio": "[语音]",
    "media": "[视频]",
    "sticker": "[表情]",
    "share_chat": "[群名片]",
    "share_user": "[个人名片]",
    "merge_forward": "[合并转发]",
}


def readable(kind: str, content: str, card: dict[str, Any] | None = None) -> str:
    """Return a message as a person reads it, whatever it is."""
    if card is not None:
        return card_text(card)
    try:
        found = parsed(content)
    except Refusal:
        return content
    match kind:
        case "text":
            return plain(str(found.get("text", "")))
        case "post":
            return _post_text(found if "content" in found else post_of(found))
        case "interactive":
            return card_text(found)
    name = found.get("file_name") or found.get("name") or found.get("summary") or ""
    return f"{_MARKS.get(kind, f'[{kind}]')}{name}"
