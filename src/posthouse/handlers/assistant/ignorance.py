"""Whether a sentence says that there is no answer, rather than what it is."""

from __future__ import annotations

import re
from typing import Final

_KNOWLEDGE: Final = r"(?:信息|资料|内容|答案|回答|答复|说明|介绍|记录|数据|描述|解释)"
_ZH: Final = (
    # of oneself; what others do not know is something else
    r"(?<![您你户们员他她它])不(?:太|大|是很)?(?:知道|清楚|确定|了解)"
    r"|无法(?:回答|解答|作答|答复|确定|得知)|(?:答|回答|帮)不(?:了|上)"
    rf"|无法(?:提供|给出)[^，。；\n]{{0,8}}(?:{_KNOWLEDGE}|帮助)"
    # of what was found
    r"|(?:没有?|未|并未|未曾)(?:在[^，。；\n]{0,10})?(?:提到|提及)"
    r"|未在[^，。；\n]{0,10}(?:涉及|说明|介绍|找到|出现)"
    r"|(?:资料|文档|文本|来源|知识库|上下文|材料|原文|段落|其中|文中)[^，。；\n]{0,16}"
    r"(?:没有?|未|并未|无|不)(?:找到|提供|包含|涉及|说明|介绍|给出|覆盖|写明|相关)"
    rf"|(?:没有?|暂无|并无|缺少|缺乏|未?找不?到|未见|查不到)[^，。；\n]{{0,10}}{_KNOWLEDGE}"
    rf"|{_KNOWLEDGE}[^，。；\n]{{0,6}}(?:找不到|不足|未知)"
)
_TEXT: Final = (
    r"\b(?:sources?|documents?|documentation|docs?|contexts?|passages?|knowledge\s+base|texts?"
    r"|excerpts?|materials?|articles?|manuals?)\b"
)
_NOT: Final = r"(?:do(?:es)?\s+not|don['’]t|doesn['’]t|did\s+not|didn['’]t|fails?\s+to)"
_CANNOT: Final = (
    r"(?:do\s+not|don['’]t|did\s+not|didn['’]t|can\s?not|can['’]t|could\s+not|couldn['’]t"
    r"|(?:am|are|was|were|['’]m)\s+(?:unable|not\s+able)\s+to)"
)
_NEWS: Final = r"(?:information|answers?|details?|data|mention)"
_EN: Final = (
    rf"\b(?:I|we)(?:\s+\w+){{0,2}}?\s*{_CANNOT}\s+"
    rf"(?:know|find|answer|determine|tell|say|confirm|locate|help|(?:have|see)\s[^,.\n]{{0,40}}?{_NEWS})\b"
    r"|\b(?:I['’]m|I\s+am|we\s+are)\s+not\s+(?:sure|certain|aware)\b"
    rf"|{_TEXT}[^.\n]{{0,30}}?\b{_NOT}\b[^.\n]{{0,20}}?"
    r"\b(?:mention|contain|provide|say|include|cover|answer|specify|state|describe|address|discuss"
    r"|explain|give|have)\b"
    rf"|{_TEXT}[^.\n]{{0,30}}?\b(?:ha(?:s|ve)|contains?|gives?|provides?|makes?)\s+no\b"
    rf"|{_TEXT}[^.\n]{{0,30}}?\bsilent\s+(?:on|about)\b"
    rf"|\bthere(?:\s+is|\s+are|['’]s)(?:\s+no|\s+not\s+any|n['’]t\s+any)\s+(?:\w+\s+)?{_NEWS}\b"
    rf"|\bno\s+(?:\w+\s+)?{_NEWS}\s+(?:about|on|regarding|of|available|given|found|provided|"
    r"(?:is|was|are|were)\s+(?:available|given|found|provided))\b"
    rf"|\b(?:this|that|it|question|topic|{_NEWS})\s+(?:is|was|are|were)(?:n['’]t|\s+not)\s+"
    r"(?:mentioned|described|documented|addressed|specified|stated|discussed|known|clear"
    r"|(?:given|provided|found|available)(?=\s+in\b|\s*[.\[]|$))"
    r"|\b(?:this|that)\s+(?:\w+\s+)?(?:is|was)(?:n['’]t|\s+not)\s+covered\b(?!\s+by)"
    rf"|\b(?:{_NEWS}|it|this|that)\s+(?:is|was|are)\s+(?:unknown|unclear)\b"
    r"|\b(?:unknown|not\s+known|unclear)\s+to\s+(?:me|us)\b"
    r"|\b(?:can\s?not|can['’]t|could\s+not|couldn['’]t)\s+be\s+(?:answered|determined)\b"
    r"|\b(?:unable|not\s+able)\s+to\s+(?:answer|determine|help|find\s[^,.\n]{0,40}?"
    + _NEWS
    + r")\b"
)
_AT_A_LOSS = re.compile(f"{_ZH}|{_EN}", re.IGNORECASE)
_SUPPOSED = re.compile(
    r"(?:如果|(?<!例)如(?![下图何])|若|假如|要是|万一"
    r"|\b(?:if|when|whenever|unless|until|whether|case)\b)[^，,。\n]*$",
    re.IGNORECASE,
)
_MEANWHILE = re.compile(r"[^，,。\n]{0,8}(?:时|的话|的)(?=[，,\s]|$)|的")  # "无法确定时，…"
_SORRY = re.compile(r"抱歉|对不起|很遗憾|\b(?:sorry|unfortunately)\b", re.IGNORECASE)


def at_a_loss(sentence: str) -> tuple[int, int] | None:
    """Return where a sentence says that nothing is known; nothing where it merely supposes it."""
    for found in _AT_A_LOSS.finditer(sentence):
        is_supposed = _SUPPOSED.search(sentence, 0, found.start())
        if not is_supposed and not _MEANWHILE.match(sentence, found.end()):
            return found.span()
    return None


def is_sorry(text: str) -> bool:
    """Whether somebody apologises."""
    return bool(_SORRY.search(text))
