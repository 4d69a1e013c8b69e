"""The words in which an answer speaks of itself: its titles, its leads, its closing words.

They say nothing of the matter, so nothing needs to bear them. Beside a "no" they would.
"""

from __future__ import annotations

import re
from typing import Final

LABEL_COLUMNS_MAX: Final = 40  # of a title that names what stands beneath; Chinese takes two

_ZH = (
    r"第?\s?[\d一二两三四五六七八九]\s?(?:[步种点条项类]|个(?!月))",
    r"步骤\s*\d{1,2}",
    "如有|如需|如果|还有|任何|其他|其它|别的|更多|进一步|疑问|问题|希望|帮到|有?帮助|有用|有所",
    "随时|告诉|告知|联系|继续|提问|欢迎|抱歉|对不起|很?遗憾|不好意思|您好|你好|好的|当然",
    "根据|按照|依据|参考|关于|对于|所提供|提供|资料|文档|来源|文中|其中|知识库|信息|内容|情况",
    "具体|详细|主要|大致|简单|相关|常见|以下|如下|下面|下列|上面|上述|以上|包括|分为|分别|几",
    "答案|回答|解答|结论|总结|概述|小结|简介|补充|另外|此外|首先|其次|最后|接着|随后|总之|因此",
    "例如|比如|示例|例子|注意|提示|提醒|说明|事项|要点|重点|前提|条件|要求|期限|时限|时间|范围",
    "步骤|操作|流程|方法|方式|做法|解决|方案|办法|原因|进行|完成|执行|通过|即可",
    "(?<![应使作])[按用](?=[以如下上])",
    "项目|名称|规则|规定|政策|类型|字段|参数|选项|功能|作用|含义|用途|描述|备注|命令|示范|等等|等",
)
_EN = (
    r"\d\s+(?:steps?|ways?|options?|things?|points?)|steps?\s+\d|feel\s+free",
    "steps?|ways?|options?|points?|items?|parts?|follows?|following|below|above|next|then|first",
    "firstly|second|secondly|third|finally|lastly|also|additionally|furthermore|moreover",
    "however|therefore|thus|hence|otherwise|instead|overview|summary|short|brief|briefly",
    "conclusion|notes?|noted|important|tips?|hints?|examples?|prerequisites?|requirements?",
    "conditions?|instructions?|details?|detailed|descriptions?|explanations?|answers?",
    "according|based|regarding|concerning|provided|sources?|documents?|documentation|docs",
    "information|hope|hopes|helps?|helpful|further|additional|happy|assist|assistance|welcome",
    "questions?|ask|sorry|afraid|unfortunately|course|sure|certainly|(?:un)?clear|happens?|rules?|policy",
    "names?|values?|types?",
    "fields?|parameters?|meanings?|purposes?|commands?|solutions?|reasons?|methods?|procedures?",
    "use|used|using|work|works|etc",
)
# What one does with a program, as the name of a step of it.
_ZH_TASKS = (
    "安装|启动|运行|停止|重启|配置|设置|下载|创建|新建|打开|查看|使用|准备|检查|验证|升级|部署",
)
_EN_TASKS = (
    "install|installing|installation|start|starting|run|running|stop|stopping|restart|configure",
    "configuration|set|setup|download|create|open|check|verify|usage|upgrade|deploy|prepare",
)
_COUNT: Final = r"[\d一二两三四五六七八九十]{1,2}"
_ENUMERATOR = re.compile(
    r"^[\s#>*_|(（-]*(?:\d{1,2}[.)）、．\ufe0f\u20e3]+\s*"
    rf"|(?:step|option|method|part|phase|tip|question)\s+{_COUNT}[\s.:：)—-]*"
    rf"|(?:步骤|方法|方案|方式|选项|情况|第)\s*{_COUNT}\s*[步种点条项]?[\s.:：、)—-]*)",
    re.IGNORECASE,
)
# What courtesy says at the beginning and the end, with a "no" in some of it.
_ZH_COURTESY = (
    "不(?:客气|用谢)|祝[您你](?:生活|工作|使用|购物|一切|用餐|旅途)?(?:愉快|顺利)",
    "以上就是(?:全部)?|仅?供[您你]?参考",
    "感谢[您你]?的?(?:理解|支持|提问|咨询)?|谢谢[您你]?|好(?:消息|问题)|[哦哟啦呀]",
    "还?不(?:清楚|明白)的(?:地方)?|疑[惑虑]|(?:咨询|联络|联系)(?:我们|客服)?|需要",
    "(?:如果?|若|还)?有(?:任何|其[他它]|别的|更多|什么)*(?:问题|疑问)|再?[问找]我们?|再问",
)
_EN_COURTESY = (
    r"(?:do\s+not|don['’]t)\s+hesitate\s+to(?:\s+(?:ask|contact(?:\s+(?:me|us))?))?",
    r"contact\s+(?:(?:the|our|customer)\s+){0,2}(?:support|service)(?:\s+team)?|reach\s+out",
    r"let\s+(?:me|us)\s+(?:know|explain)|anything\s+else|no\s+problem|(?:great|good)\s+(?:question|news)",
    r"have\s+a\s+(?:nice|great|good)\s+day|good\s+luck|enjoy|glad|thank\s+you|thanks|hi|hello",
    r"you(?:['’]re|\s+are)\s+welcome",
)
# What promises much with few words, and stands in no title for nothing.
_SWEEPING = re.compile(
    r"免|赠|白送|退全款|永久|永远|永不|终身|终生|所有|全部|一切|任何|一律|统统|随意|随便|保证|无限"
    r"|\b(?:free|gifts?|gratis|forever|lifetime|always|all|any|every|(?:any|every)\w+"
    r"|unlimited|guaranteed?|hundreds?|thousands?|millions?)\b",
    re.IGNORECASE,
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_MARKS = " \t\n#>*_|`~:：-"


def _words(zh: tuple[str, ...], en: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"{'|'.join(zh)}|\b(?:{'|'.join(en)})\b", re.IGNORECASE)


_ITSELF = _words(_ZH, _EN)
_STEP = _words(_ZH_TASKS, _EN_TASKS)
_COURTESY = _words(_ZH_COURTESY, _EN_COURTESY)
_NEGATED = re.compile(
    r"[没无不非未勿免]|\b(?:no|not|never|without|none|nothing)\b|n['’]t\b", re.IGNORECASE
)


def is_no(text: str) -> bool:
    """Whether a sentence denies something."""
    return bool(_NEGATED.search(text))


def matter(text: str) -> str:
    """Return a sentence without the words in which an answer speaks of itself."""
    said = _COURTESY.sub(" ", text)
    return said if _NEGATED.search(said) else _ITSELF.sub(" ", said)


def matter_of_title(text: str) -> str:
    """Return a title without its number, and what a step of any work may be called."""
    bare = _ENUMERATOR.sub("", text)
    return bare if _NEGATED.search(bare) else _STEP.sub(" ", matter(bare))


def matter_of_remains(text: str) -> str:
    """Return what else a sentence says that says it does not know: its "no" is no claim."""
    return _ITSELF.sub(" ", text)


def is_label(text: str) -> bool:
    """Whether a title is short, and has no number, no "no" and no big word: it merely names.

    A question may have a "no": "No receipt?"

    Args:
        text: a title, a lead, or the head of a table, whose cells are titles.
    """
    bare = _ENUMERATOR.sub("", text)
    denies = is_no(bare) and not bare.rstrip(_MARKS).endswith(("?", "？"))
    if denies or any(map(str.isdigit, bare)) or _SWEEPING.search(bare):
        return False
    return all(_columns(cell.strip(_MARKS)) <= LABEL_COLUMNS_MAX for cell in bare.split("|"))


def _columns(text: str) -> int:
    return len(text) + len(_HAN.findall(text))
