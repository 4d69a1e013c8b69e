"""How a recall is put into words, and how times of day are shown."""

import pytest
from msgspec.structs import replace

from posthouse.gateway.control import report
from posthouse.store.journal import Recall

NOTHING = Recall(id=1, chat=7)


@pytest.mark.parametrize(
    ("recall", "zh", "en"),
    [
        (NOTHING, "没有可以撤回的消息。", "There is nothing to take back."),
        (replace(NOTHING, withdrawn=2), "已撤回 2 条。", "Took back 2."),
        (
            replace(NOTHING, withdrawn=2, dropped=3, cancelled=1),
            "已撤回 2 条，取消待发 3 条，停止 1 个正在处理的回答。",
            "Took back 2, dropped 3 before sending, stopped 1 answers in the making.",
        ),
        (
            replace(NOTHING, kept=2, kept_reasons=("cannot_recall", "refused_by_platform 60020")),
            "2 条撤不回（平台不支持撤回; 平台拒绝 (60020)）。",
            (
                "2 could not be taken back (this platform cannot take messages back; "
                "the platform refused it (60020))."
            ),
        ),
        (
            replace(NOTHING, doubtful=1),
            "1 条不确定是否送达，请人工检查。",
            "1 may or may not have arrived, please check by hand.",
        ),
    ],
)
def test_a_recall_is_reported_with_counts_and_reasons(recall: Recall, zh: str, en: str) -> None:
    assert report(recall, "zh") == zh
    assert report(recall, "en") == en
