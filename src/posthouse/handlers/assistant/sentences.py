"""What the assistant says by itself, in Chinese and English."""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")

_SENTENCES: dict[str, tuple[str, str]] = {
    "sources": ("来源：", "Sources:"),
    "page": ("第 {page} 页", "page {page}"),
    "line": ("第 {line} 行", "line {line}"),
    "quoted": ("文档里是这样写的：", "This is what the documents say:"),
    "closest": (
        "我不确定：找到的内容没有提到“{what}”。最接近的是：",
        "I don't know: nothing that fits mentions “{what}”. What comes closest:",
    ),
    "not_in_knowledge": (
        "我在知识库里没有找到答案。",
        "I don't know: the knowledge base does not hold an answer to this.",
    ),
    "rephrase": ("可以换个说法再问一次。", "You may try other words."),
    "ask_a_human": ("发送“{word}”可以联系同事。", "Send “{word}” to reach a person."),
    "hello": (
        "我在。请直接提问，我会从知识库里找答案。",
        "I am here. Just ask; I look for answers in the knowledge base.",
    ),
    "no_picture": (
        "我看不了图片，请用文字描述一下问题。",
        "I cannot see pictures; please put the question into words.",
    ),
    "picture_not_seen": (
        "（我看不了图片，只按文字回答。）",
        "(I cannot see the picture; this answers the words only.)",
    ),
    "out_of_hours": (
        "现在不是服务时间（{hours}），您的问题已记录。",
        "This is outside our hours ({hours}); your question has been noted.",
    ),
    "questions_used_up": (
        "您今天的 {count} 次提问已用完，请明天再来。",
        "Your {count} questions of today are used up; please come back tomorrow.",
    ),
    "tokens_used_up": (
        "今天的模型额度已用完，下面是文档原文。",
        "Today's model budget is used up; this is what the documents say.",
    ),
    "handed_off": (
        "好的，已通知同事；在同事结束之前，我不再回答您在这里的消息。",
        "All right, a person has been told. Until they are done I stay silent for you here.",
    ),
    "nobody_told": (
        "好的，我不再回答您在这里的消息，请等同事来处理。（通知不到操作员；可在控制台“知识”里接回）",
        (
            "All right, I stay silent for you here until a person takes over."
            " (No operator could be told; the console's knowledge page gives it back.)"
        ),
    ),
    "offer_human": (
        "这个问题需要同事来处理，要转人工吗？",
        "A person should look at this. Shall I call one?",
    ),
    "offer_yes": ("转人工", "Call a person"),
    "offer_no": ("不用", "No, thanks"),
    "offer_declined": ("好的，有需要再叫我。", "All right; just ask again when you need me."),
    "handoff_notice": (
        (
            "需要人工：{person} 在 {chat}（chat:{number}）。\n最近的问题：{question}\n"
            "处理完后发送：/assistant resume chat:{number}"
        ),
        (
            "A person is wanted: {person} in {chat} (chat:{number}).\nLast question: {question}\n"
            "When it is done, send: /assistant resume chat:{number}"
        ),
    ),
    "held_for_review": (
        "这个回答需要同事先看一下，稍后给您。",
        "A person looks at this answer first; you will get it soon.",
    ),
    "review_notice": (
        (
            "有一条回答等待审核：{person} 在 {chat} 问“{question}”。\n回答：{answer}\n"
            "发出去请发送：/assistant send {turn}"
        ),
        (
            "An answer waits for review: {person} in {chat} asked “{question}”.\nAnswer: {answer}\n"
            "To send it: /assistant send {turn}"
        ),
    ),
    "blocked_words": (
        "这个回答含有不能外发的内容，没有发送。",
        "The answer held something that may not leave, so it was not sent.",
    ),
    "model_busy": (
        "模型现在太忙，请稍后再问。",
        "The model is too busy right now; please ask again in a moment.",
    ),
    "model_silent": (
        "模型没有回应，请稍后再问。",
        "The model does not respond; please ask again in a moment.",
    ),
    "model_refused": (
        "模型拒绝了请求，请管理员检查模型设置。",
        "The model refuses our requests; an administrator should check its settings.",
    ),
    "model_cut_short": (
        "模型的回答中断了，请再问一次。",
        "The model's answer broke off; please ask again.",
    ),
    "model_failed": ("模型出错了，请稍后再问。", "The model failed; please ask again in a moment."),
    "in_documents": ("在此之前，文档里是这样写的：", "Until then, this is what the documents say:"),
    "thanks_good": ("谢谢反馈！", "Thank you!"),
    "thanks_bad": ("已记下，会改进。", "Noted; we will look into it."),
    "confirm_tool": ("要执行吗？\n\n{what}", "Shall I run this?\n\n{what}"),
    "confirm_yes": ("执行", "Run it"),
    "confirm_no": ("取消", "Cancel"),
    "tool_declined": ("已取消。", "Cancelled."),
    "tool_not_allowed": ("您没有权限使用 `{what}`。", "You may not use `{what}`."),
    "tool_unknown": (
        "执行被中断，可能做了一部分，也可能没有开始；为避免重复，没有再次执行。请检查后再试。",
        (
            "This was interrupted: it may have run, wholly, half or not at all, and was not run"
            " again. Please check, then ask anew."
        ),
    ),
    "tool_misread": (
        "模型想执行的命令无法识别，什么也没有执行。",
        "The model asked for a command that could not be read, so nothing was run.",
    ),
    "tool_file": (
        "（文件 {file}：请直接发送命令查看）",
        "(a file, {file}: send the command yourself to get it)",
    ),
    "tool_silent": ("完成。", "Done."),
    "tool_too_long": (
        "这条命令太长，无法完整显示给您确认；请直接发送命令。",
        "This command is too long to be shown for a yes; please send it yourself.",
    ),
    "tool_trial": (
        "（试问不执行）会执行：\n\n{what}",
        "(Not run in a trial.) It would run:\n\n{what}",
    ),
}


def say(name: str, language: str, **values: object) -> str:
    """Put a sentence together."""
    zh, en = _SENTENCES[name]
    return (zh if language == "zh" else en).format(**values)


def has(name: str) -> bool:
    """Whether there is such a sentence."""
    return name in _SENTENCES


def language_of(text: str, otherwise: str) -> str:
    """Tell the language of a question: that of its letters."""
    if _HAN.search(text):
        return "zh"
    return "en" if _LATIN.search(text) else otherwise
