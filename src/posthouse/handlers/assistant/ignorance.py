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
    r"(?:没有?|未|并未|无|不)(?:找到|提供|包含|涉及|说明|介绍|给出|覆盖|写明|相关|说|讲)"
    rf"|(?:没有?|暂无|并无|查无|缺少|缺乏|未?找不?到|未见|查不到)[^，。；\n]{{0,10}}{_KNOWLEDGE}"
    rf"|{_KNOWLEDGE}[^，。；\n]{{0,6}}(?:找不到|不足|未知)"
    r"|无从(?:得知|知晓|判断|查证|了解|回答)|不得而知"
    r"|没(?:有)?(?:办法|法)(?:回答|答复|告诉|确定|判断)"
    r"|(?:资料|文档|文本|来源|知识库|上下文|材料|原文)[^，。；\n]{0,8}(?:查|找|搜)不(?:到|出)"
    r"|(?:没有?|未|并未)(?:作|做|有|明确|具体|详细)?(?:说明|注明|标明|写明|提及|提到|列出)(?=\W*$)"
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
    rf"|\b(?:neither|none\s+of|no)\s+(?:of\s+)?(?:(?:the|these|those|given|two)\s+){{0,2}}{_TEXT}"
    r"\s+(?:mentions?|says?|states?|specif(?:y|ies)|describes?|address(?:es)?|discuss(?:es)?"
    r"|explains?|answers?|tells?)\b"
    r"|\b(?:this|that)\s+(?:\w+\s+)?(?:is|was)(?:n['’]t|\s+not)\s+covered\b(?!\s+by)"
    rf"|\b(?:{_NEWS}|it|this|that)(?:['’]s|\s+(?:is|was|are|remains))\s+(?:unknown|unclear)\b"
    r"|\b(?:is|was|are|were)(?:n['’]t|\s+not)\s+(?:specified|stated|mentioned|documented)(?=\W*$)"
    r"|\b(?:is|are|remains?)\s+unclear(?=\W*$)"
    r"|\b(?:I|we)\s+have\s+no\s+(?:idea|information|answer)\b"
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
# What is all that a sentence says; within a longer one it would be a claim.
_ZH_SHORT: Final = (
    r"(?:(?:这个|此|该|这)(?:问题|一?点|事|信息|内容)?|我|暂时|目前|暂)*"
    r"(?:[查找搜]不到|没(?:有)?[查找搜]到|未[查找搜]到|不详|不明|不清楚|未知|不知道?|暂无|无答案|无法(?:知道|判断|确认)"
    r"|(?:尚?未|没有?|无|并未)(?:作|做|有|明确|具体|详细)?"
    r"(?:说明|提及|提到|注明|标明|写明|指明|介绍|明确|列出|记载|交代))(?:了|过|呢)?"
)
_EN_SHORT: Final = (
    r"n\s*/\s*a|(?:not\s+enough|insufficient)\s+(?:information|info|data|details?)|no\s+(?:idea|answer|information|info|mention|details?|data)"
    r"|(?:(?:it|this|that)(?:['’]s|\s+(?:is|was|remains))\s+)?(?:unknown|unclear|unspecified|uncertain"
    r"|not\s+(?:specified|stated|mentioned|known|clear|documented|described|sure|certain|given))"
)
_SHORT = re.compile(
    r"(?:\W*(?:抱歉|对不起|很遗憾|sorry|unfortunately)\W+"
    r"|[^:：。.\n]{1,24}[:：]|\W*(?:根据|按照|依据|based\s+on|according\s+to)[^，,。.\n]{1,24}[，,])?"
    rf"\W*((?:{_ZH_SHORT}|{_EN_SHORT})"
    rf"(?:\s+(?:in|by)\s+(?:(?:the|these|any|given|provided)\s+){{0,2}}{_TEXT})?)\W*",
    re.IGNORECASE,
)
# "无法确定时，…", "没有提到时由公司承担"
_MEANWHILE = re.compile(r"[^，,。\n]{0,8}(?:时|的话|的)(?=[，,\s]|$)|的|时(?![间候限长效区段])")
_POINTING = re.compile(
    r"\W*(?:please\s+)?(?:see|cf\.?|refer\s+to|check|read|consult|as\s+in)"
    rf"(?:\s+(?:the|this|these|that|above|below|here|{_TEXT}))*(?:\s+for(?:\s+(?:more|details?|information))+)?\W*"
    r"|\W*请?(?:详情|具体|详细)?(?:内容|信息)?请?(?:参见|参考|参阅|参看|查看|查阅|见|详见|看)"
    r"(?:这里|此处|上文|下文|资料|文档|来源|原文|链接)?\W*",
    re.IGNORECASE,
)
_SORRY = re.compile(r"抱歉|对不起|很遗憾|\b(?:sorry|unfortunately)\b", re.IGNORECASE)


def at_a_loss(sentence: str) -> tuple[int, int] | None:
    """Return where a sentence says that nothing is known; nothing where it merely supposes it."""
    if short := _SHORT.fullmatch(sentence):
        return short.span(1)
    for found in _AT_A_LOSS.finditer(sentence):
        is_supposed = _SUPPOSED.search(sentence, 0, found.start())
        if not is_supposed and not _MEANWHILE.match(sentence, found.end()):
            return found.span()
    return None


def is_sorry(text: str) -> bool:
    """Whether somebody apologises."""
    return bool(_SORRY.search(text))


def only_points(text: str) -> bool:
    """Whether a text says no more than where something stands."""
    return bool(_POINTING.fullmatch(text))
