"""Every message ends with a reason: one stable code, one sentence in Chinese and English.

Console, ``posthouse why``, API and log show the same words. A stored reason is a code, or a code
and details behind a space (``refused_by_platform 60020``); the details stay as they are.
"""

from __future__ import annotations

from msgspec import Struct


class Reason(Struct, frozen=True):
    """One outcome in words, and what to click or change next (may be empty)."""

    code: str
    zh: str
    en: str
    next_zh: str = ""
    next_en: str = ""


_ALL = (
    Reason("answered", "已回答", "answered"),
    Reason(
        "not_addressed",
        "没有@机器人",
        "the bot was not addressed",
        "在群里@机器人，或把该群设为 listen 模式",
        "mention the bot, or set the chat's mode to `listen`",
    ),
    Reason("no_route", "没有规则需要这条消息", "no rule wants this event"),
    Reason("send_only", "这个机器人只发送，不回答", "this bot only sends and answers nothing"),
    Reason("from_bot", "来自机器人的消息不作回答", "messages from bots are not answered"),
    Reason(
        "rule_ignores", "规则要求忽略", "a rule says `ignore`", "查看 [[routes]]", "see [[routes]]"
    ),
    Reason(
        "rule_refuses", "规则要求拒绝", "a rule says `refuse`", "查看 [[routes]]", "see [[routes]]"
    ),
    Reason(
        "late",
        "收到时已经过时，没有回答",
        "it was too old to be answered when it arrived",
        "点“现在回答”，或调大 answer_within_s",
        "press “answer now”, or raise `answer_within_s`",
    ),
    Reason(
        "restored",
        "恢复备份后的重复投递，只保存不回答",
        "a repeat from before the restored backup: stored, not answered",
    ),
    Reason(
        "overload",
        "排队的消息太多，没有处理",
        "too many messages were waiting in this conversation",
        "稍后再发，或调大 session_queue_max",
        "send it again later, or raise `session_queue_max`",
    ),
    Reason(
        "paused",
        "机器人已暂停，由人工接管",
        "paused: a person has taken over",
        "/resume",
        "/resume",
    ),
    Reason("granted", "已获准", "allowed"),
    Reason(
        "not_granted",
        "没有获准",
        "nobody has allowed it",
        "/grant 或 posthouse grant",
        "/grant, or `posthouse grant`",
    ),
    Reason(
        "blocked",
        "被禁止",
        "it is blocked",
        "/grants 列出，/revoke 解除",
        "/grants lists the block, /revoke lifts it",
    ),
    Reason(
        "grant_expired",
        "权限已到期",
        "the permission is over",
        "用 /grant 续期",
        "renew it with /grant",
    ),
    Reason("grant_not_yet", "权限尚未开始", "the permission has not begun"),
    Reason("shadow", "影子模式：只决定，不发送", "shadow mode: decided, not sent"),
    Reason("recalled", "消息已被撤回", "it was taken back"),
    Reason("recalled_early", "撤回先于消息到达", "its recall arrived before the message"),
    Reason("edited_early", "编辑的消息不在记录中", "an edit of a message that is not in the book"),
    Reason("edited", "消息被修改，已重新回答", "the message was edited and answered anew"),
    Reason("edit_ignored", "消息被修改，答案不变", "the message was edited; the answer stays"),
    Reason("stopped", "已按要求停止", "stopped on request"),
    Reason(
        "undecodable", "内容无法识别，原文已保存", "it could not be read; the raw bytes are kept"
    ),
    Reason("question_late", "提问已过期", "the question had expired"),
    Reason("question_taken", "提问已被回答", "the question had been answered already"),
    Reason("question_foreign", "提问不是问这个人的", "the question was for somebody else"),
    Reason("stop_late", "按停止时回答已经结束", "the answer had ended before it was to be stopped"),
    Reason(
        "stop_foreign",
        "只有提问的人或操作员可以停止回答",
        "only who asked, or an operator, may stop an answer",
    ),
    Reason("question_unknown", "提问不在记录中", "the question is not in the book"),
    Reason("no_answer", "处理程序没有给出回答", "the handler had nothing to say"),
    Reason(
        "unsure",
        "没有把握，没有回答",
        "not sure enough to answer",
        "用 👍/👎 标注后训练，或在 [handlers.<name>] 调低阈值",
        "label with 👍/👎 and train, or lower the threshold in [handlers.<name>]",
    ),
    Reason(
        "not_in_knowledge",
        "知识库里没有答案",
        "the knowledge does not hold the answer",
        "在控制台“知识”里补一条问答",
        "add an FAQ entry on the console's knowledge page",
    ),
    Reason("not_a_question", "不是提问", "it was no question"),
    Reason(
        "handed_off",
        "已转人工，机器人不作声",
        "a human has taken over; the bot is silent",
        "/assistant resume",
        "/assistant resume",
    ),
    Reason(
        "out_of_hours",
        "不在服务时间",
        "outside working hours",
        "/assistant hours",
        "/assistant hours",
    ),
    Reason(
        "questions_used_up",
        "今天的提问次数已用完",
        "the questions of this day are used up",
        "/assistant questions 或 questions_per_day",
        "/assistant questions, or `questions_per_day`",
    ),
    Reason(
        "tokens_used_up",
        "今天的模型额度已用完",
        "the model tokens of this day are used up",
        "/assistant tokens 或 tokens_per_day",
        "/assistant tokens, or `tokens_per_day`",
    ),
    Reason(
        "blocked_words",
        "答案含有禁止外发的词，没有发送",
        "the answer held words that may not leave; not sent",
        "查看 block_words",
        "see `block_words`",
    ),
    Reason(
        "held_for_review",
        "答案等待人工审核",
        "the answer waits for an operator's review",
        "/assistant send 或控制台“知识”",
        "/assistant send, or the console's knowledge page",
    ),
    Reason(
        "model_busy",
        "模型太忙，没有回答",
        "the model was too busy to answer",
        "稍后再问，或配置 fallback",
        "ask again later, or set `fallback`",
    ),
    Reason(
        "model_silent",
        "模型没有回应",
        "the model did not respond",
        "检查 [models] 的 base_url 和 proxy",
        "check `base_url` and `proxy` in [models]",
    ),
    Reason(
        "model_refused",
        "模型拒绝了请求",
        "the model refused the request",
        "检查 [models] 的 api_key 和 model",
        "check `api_key` and `model` in [models]",
    ),
    Reason(
        "model_cut_short",
        "模型的回答中断或无法识别",
        "the model's answer broke off or could not be read",
    ),
    Reason("model_failed", "模型出错", "the model failed", "查看日志", "see the log"),
    Reason(
        "handler_error",
        "处理程序出错",
        "the handler raised an error",
        "用日志里的编号查找原因",
        "look the reference up in the log",
    ),
    Reason(
        "handler_timeout",
        "处理超时，已放弃",
        "the handler took too long and was given up",
        "调大 max_run_s",
        "raise `max_run_s`",
    ),
    Reason(
        "handler_missing",
        "配置中没有这个处理程序",
        "no such handler is configured",
        "检查 [[routes]] 的 handler",
        "check `handler` in [[routes]]",
    ),
    Reason(
        "buried",
        "多次失败后已放弃，等待处理",
        "given up after several failures",
        "posthouse why；修复后用 db revive 重试",
        "see `posthouse why`; after the repair, retry it",
    ),
    Reason(
        "interrupted", "处理中断，没有重复执行", "interrupted by a crash; not run a second time"
    ),
    Reason("gave_up", "多次尝试后放弃", "given up after many attempts"),
    Reason(
        "cannot_reach",
        "连不上平台",
        "the platform cannot be reached",
        "posthouse doctor",
        "posthouse doctor",
    ),
    Reason("cut", "发送时连接中断，不知是否送达", "the connection broke while sending"),
    Reason("timed_out", "平台没有回应，不知是否送达", "the platform did not answer in time"),
    Reason("platform_error", "平台内部错误，不知是否送达", "the platform failed inside"),
    Reason("crashed", "发送时进程中断，不知是否送达", "the process died while sending"),
    Reason("postponed", "稍后再发", "put off for a moment"),
    Reason(
        "cannot_encode",
        "无法转换成平台的格式，原因见日志",
        "it could not be put into the platform's form; see the log",
    ),
    Reason("rate_limited", "平台要求放慢", "the platform asked to slow down"),
    Reason("refused_by_platform", "平台拒绝", "the platform refused it"),
    Reason("too_long", "内容超过平台上限", "longer than the platform allows"),
    Reason("not_found_on_platform", "平台上没有这条消息", "the platform does not have it"),
    Reason("cannot_recall", "平台不支持撤回", "this platform cannot take messages back"),
    Reason(
        "no_platform_id", "平台没有给出消息编号，无法撤回", "the platform gave no id to recall by"
    ),
    Reason(
        "recall_too_late", "已过平台允许撤回的时间", "too late to be taken back on this platform"
    ),
    Reason("cannot_edit", "平台不支持修改", "this platform cannot edit messages"),
    Reason("cannot_react", "平台不支持表情回应，或应用没有这项权限", "no emoji may be put there"),
    Reason("superseded", "被后来的内容取代", "replaced by what was said later"),
    Reason("draft_closed", "流式消息已被平台关闭", "the platform closed the growing message"),
    Reason("not_connected", "机器人没有连接", "the bot is not connected"),
    Reason(
        "held",
        "恢复备份后暂不发送",
        "held after a restore",
        "posthouse held list",
        "posthouse held list",
    ),
    Reason("dropped_by_operator", "操作员取消了发送", "an operator decided not to send it"),
    Reason("sent_by_operator", "操作员确认此前已发送", "an operator says it had been sent"),
)

REASONS: dict[str, Reason] = {reason.code: reason for reason in _ALL}


def explain(stored: str, language: str) -> str:
    """Put a stored reason into words; an unknown code is shown as it is.

    Args:
        stored: a code, or a code and details behind a space.
        language: ``zh`` or anything else for English.
    """
    code, _, details = stored.partition(" ")
    reason = REASONS.get(code)
    if reason is None:
        return stored
    sentence = reason.zh if language == "zh" else reason.en
    return f"{sentence} ({details})" if details else sentence


def next_click(stored: str, language: str) -> str:
    """Say what to do about a stored reason; empty where nothing needs doing."""
    reason = REASONS.get(stored.partition(" ")[0])
    if reason is None:
        return ""
    return reason.next_zh if language == "zh" else reason.next_en
