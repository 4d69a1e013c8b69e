"""What the codes of log records mean, in words. Fields stand in braces."""

from __future__ import annotations

from collections.abc import Mapping

from posthouse.settings.language import Said

LOG_SENTENCES: Mapping[str, Said] = {
    # the house
    "house_started": Said("驿站已开门：{url}", "the house is open: {url}"),
    "house_stopping": Said("正在关门，最多 {within_s} 秒", "closing, within {within_s} s"),
    "house_stopped": Said("驿站已关门", "the house is closed"),
    "house_forced": Said("不再等待，立即退出", "not waiting any longer, leaving now"),
    "house_failed": Said("驿站的一个部件出错", "a part of the house failed"),
    "variable_ignored": Said("环境变量 {name}：{said}", "environment variable {name}: {said}"),
    "library": Said("{library}：{said}", "{library}: {said}"),
    "request_failed": Said("处理请求 {method} {path} 时出错", "{method} {path} failed inside"),
    "admin_failed": Said("操作员命令 {task} 出错", "the operator's task {task} failed"),
    # the road
    "claim_postponed": Said(
        "暂时取不到排队的消息，稍后再试：{problem}",
        "cannot take from the queue, trying again: {problem}",
    ),
    "turn_left": Said(
        "第 {turn} 轮没有做完，稍后重来", "turn {turn} was left, it will be done again"
    ),
    "turn_again": Said(
        "第 {turn} 轮出错，稍后重试：{problem}", "turn {turn} failed and is tried again: {problem}"
    ),
    "turn_fence_lost": Said(
        "第 {turn} 轮已由另一进程接手", "another process has taken turn {turn} over"
    ),
    "turn_buried": Said(
        "第 {turn} 轮多次失败，已放弃，等待处理（posthouse why）",
        "turn {turn} failed several times and was given up, see `posthouse why`",
    ),
}
