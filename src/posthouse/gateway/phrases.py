"""The house's own sentences, in Chinese and English."""

from __future__ import annotations

from posthouse.model.address import Chat

_PHRASES: dict[str, tuple[str, str]] = {
    "paused": ("我已暂停，现在由同事接待您。", "I am paused; a colleague is taking care of you."),
    "overload": (
        "您前面的消息还在处理，这条没有收下，请稍后再发。",
        "Your earlier messages are still being worked on; please send this one again later.",
    ),
    "question_unknown": ("这个按钮已失效。", "This button is no longer in use."),
    "question_foreign": ("这个问题不是问您的。", "This question was not for you."),
    "question_late": (
        "这个问题已过期，请重新发起。",
        "This question has expired; please start again.",
    ),
    "question_taken": ("这个问题已经有人回答了。", "This question has been answered already."),
    "handler_error": (
        "处理时出错了，编号 {reference}；请把编号告诉管理员。",
        "Something went wrong; please tell an administrator this reference: {reference}.",
    ),
    "handler_timeout": (
        "处理超过 {seconds:.0f} 秒，已放弃，编号 {reference}。",
        "This took longer than {seconds:.0f} s and was given up; reference {reference}.",
    ),
    "handler_missing": (
        "配置里没有处理程序 {handler}，请管理员检查 [[routes]]。",
        "No handler {handler} is configured; an administrator should check [[routes]].",
    ),
    "no_answer": ("没有可说的内容。", "I have nothing to say to that."),
    "buried": (
        "多次尝试都没有成功，已转给管理员，编号 {reference}。",
        "Several attempts failed; it is now with the administrator, reference {reference}.",
    ),
    "interrupted": (
        "处理被中断，可能只完成了一部分；为避免重复执行，没有再次运行。请检查后重新发送。",
        "This was interrupted and may be half done; it was not run again. Please check and resend.",
    ),
    "stopped": ("已停止。", "Stopped."),
    "stop_button": ("停止", "Stop"),
    "stop_foreign": (
        "只有提问的人或操作员可以停止这个回答。",
        "Only the person who asked, or an operator, may stop this answer.",
    ),
    "stop_late": ("这个回答已经结束了。", "This answer has ended already."),
    "nothing_to_stop": ("当前没有正在处理的内容。", "Nothing is running."),
    "draft_cancelled": ("（已停止）", "(stopped)"),
    "new": (
        "新的对话开始了，之前的内容不再参考。",
        "A new conversation begins; the old one is set aside.",
    ),
    "pause": ("已暂停。发送 /resume 恢复。", "Paused. Send /resume to go on."),
    "pause_until": (
        "已暂停到 {until}。发送 /resume 提前恢复。",
        "Paused until {until}. Send /resume to go on earlier.",
    ),
    "resume": ("已恢复，继续为您服务。", "Back again."),
    "mode": ("当前模式：{mode}（{code}）。", "The mode here: {mode} ({code})."),
    "mode_unknown": (
        "没有这个模式。可选：被@才答（mention）、旁听（listen）、影子（shadow）、暂停（paused）。",
        "No such mode. Choose mention (answers when mentioned), listen, shadow or paused.",
    ),
    "mode_mention": ("被@才答", "answering when mentioned"),
    "mode_listen": ("旁听", "listening along"),
    "mode_shadow": ("影子", "in the shadow"),
    "mode_paused": ("暂停", "paused"),
    "not_allowed": (
        "只有群主或管理员可以这样做。",
        "Only the owner or an administrator of the chat may do that.",
    ),
    "not_granted": (
        "您还没有获准使用；操作员会看到您的请求。",
        "You have not been allowed to use this yet; the operators will see that you asked.",
    ),
    "blocked": (
        "操作员不允许您在这里使用。",
        "An operator does not allow you to use this.",
    ),
    "grant_expired": (
        "您的权限已于 {day} 到期，请联系操作员续期。",
        "Your permission ended on {day}; please ask an operator to renew it.",
    ),
    "grant_not_yet": (
        "您的权限从 {day} 开始生效。",
        "Your permission begins on {day}.",
    ),
    "not_operator": (
        "只有操作员可以这样做。第一位操作员：posthouse operators claim-code",
        "Only an operator may do that. The first one: posthouse operators claim-code",
    ),
    "claimed": (
        "您现在是机器人 {bot} 的操作员：/grant、/block、/revoke、/grants。",
        "You are an operator of the bot {bot} now: /grant, /block, /revoke, /grants.",
    ),
    "claim_refused": (
        "这个代码不对或已失效；posthouse operators claim-code 可以再生成一个。",
        "This code is wrong or over; `posthouse operators claim-code` makes another.",
    ),
    "grant_usage": (
        "没看懂。例如：/grant @某人 deploy.start until 2026-12-01，/grant chat deploy 30d",
        "For example: /grant @somebody deploy.start until 2026-12-01, or /grant chat deploy 30d",
    ),
    "revoke_usage": ("例如：/revoke 7；/grants 列出编号。", "For example: /revoke 7; see /grants."),
    "revoked": ("已删除 {number}。", "Struck out: {number}."),
    "revoke_unknown": (
        "这个机器人没有自己的第 {number} 条；其他的由管理员删除。",
        "This bot has no line {number} of its own; an administrator can revoke the others.",
    ),
    "grants_none": ("没有任何权限记录。", "Nothing is written down."),
    "grants_more": ("……还有更多：posthouse grants", "… and more: posthouse grants"),
    "grant_allow": ("允许", "allowed"),
    "grant_block": ("禁止", "blocked"),
    "grant_from": ("从 {at} 起", "from {at}"),
    "grant_until": ("到 {at} 为止", "until {at}"),
    "grant_over": ("已过期", "over"),
    "stranger": (
        "{name}（{person}）想使用 {handler}（{chat}），还没有获准。",
        "{name} ({person}) would like to use {handler} ({chat}) and has not been allowed yet.",
    ),
    "stranger_allow": ("允许", "Allow"),
    "stranger_allow_30d": ("允许 30 天", "Allow for 30 days"),
    "stranger_block": ("禁止", "Block"),
    "stranger_allowed": ("好的，{name} 现在可以使用 {handler}。", "{name} may use {handler} now."),
    "stranger_blocked": ("好的，已禁止 {name}。", "{name} is blocked."),
    "you_are_allowed": (
        "{name}，操作员已允许您使用，请再发一次。",
        "{name}, an operator has allowed you in; please send it again.",
    ),
    "assistant_none": (
        "没有配置 assistant。",
        "There is no assistant in the settings.",
    ),
    "assistant_rule": ("本会话对 {handler} 的设置：", "What is set for {handler} here:"),
    "assistant_rule_of": (
        "本会话里 {handler} 对 {person} 的设置：",
        "What is set for {handler} here, for {person}:",
    ),
    "assistant_usage": (
        (
            "/assistant 知识|模型|语气|语言|时间|次数|额度 值 [@某人]（“默认”取消），"
            "/assistant resume [@某人|chat:编号]，/assistant send 编号，/assistant handoffs"
        ),
        (
            "/assistant knowledge|model|tone|language|hours|questions|tokens VALUE [@somebody]"
            " (“default” takes it away), /assistant resume [@somebody|chat:NUMBER],"
            " /assistant send NUMBER, /assistant handoffs"
        ),
    ),
    "assistant_resumed": (
        "好的，已接回 {count} 位，之前的对话不再参考。",
        "All right: I answer {count} again; what was said before is set aside.",
    ),
    "assistant_not_away": (
        "没有转给人工的对话。",
        "Nobody here talks with a human.",
    ),
    "assistant_no_review": (
        "没有这条等待审核的回答。",
        "No such answer waits for a review.",
    ),
    "assistant_sent": ("已发出。", "Sent."),
    "span_unknown": (
        "时间没看懂。例如：/pause 30m、/pause 2h。",
        "I did not understand the time. For example: /pause 30m, /pause 2h.",
    ),
    "welcome": (
        "大家好，我是{bot}。当前模式：{mode}。发送 /help 查看用法。",
        "Hello, I am {bot}. My mode here: {mode}. Send /help to see what I can do.",
    ),
    "recall_nothing": ("没有可以撤回的消息。", "There is nothing to take back."),
    "recall_withdrawn": ("已撤回 {count} 条", "took back {count}"),
    "recall_dropped": ("取消待发 {count} 条", "dropped {count} before sending"),
    "recall_cancelled": ("停止 {count} 个正在处理的回答", "stopped {count} answers in the making"),
    "recall_kept": ("{count} 条撤不回（{reasons}）", "{count} could not be taken back ({reasons})"),
    "recall_doubtful": (
        "{count} 条不确定是否送达，请人工检查",
        "{count} may or may not have arrived, please check by hand",
    ),
    "away": (
        "{since}–{until} 我不在线，期间收到 {count} 条找我的消息，没有逐条回答。",
        "I was away {since}–{until}; {count} messages for me came in and were not answered.",
    ),
    "away_button": ("现在回答", "Answer now"),
    "away_answered": ("好的，正在回答。", "All right, answering now."),
}


def language_of(chat: Chat, house: str) -> str:
    """Return the language the house speaks in a chat."""
    return chat.language or house


def say(phrase: str, language: str, **values: object) -> str:
    """Say one of the house's sentences.

    Args:
        phrase: its name.
        language: ``zh``, or anything else for English.
        values: what stands in the braces.
    """
    zh, en = _PHRASES[phrase]
    return (zh if language == "zh" else en).format(**values)


def join(clauses: list[str], language: str) -> str:
    """Join clauses to one sentence."""
    return "，".join(clauses) + "。" if language == "zh" else ", ".join(clauses).capitalize() + "."
