"""Answers as Feishu's messages: which kind they become, and what they can never do."""

import json

import pytest

from posthouse.channels.channel import Letter
from posthouse.channels.feishu import outgoing
from posthouse.channels.feishu.outgoing import Form, as_card, as_post
from posthouse.channels.feishu.rendering import to_card_markdown
from posthouse.model.address import Chat, ChatKind, Person
from posthouse.model.delivery import Kind
from posthouse.model.event import ReplyContext
from posthouse.model.message import Choice, Content, Media

CHAT = Chat(1, "duty", "oc_1", ChatKind.GROUP)
TABLE = "| a | b |\n| --- | --- |\n| 1 | 2 |"


def sent(content: Content, **letter: object) -> outgoing.Outgoing:
    body = outgoing.encode(content, Letter(chat=CHAT, **letter))  # type: ignore[arg-type]
    assert body == outgoing.encode(content, Letter(chat=CHAT, **letter))  # type: ignore[arg-type]
    return outgoing.decode(body)


@pytest.mark.parametrize("text", ["hello", "你好。\n\n第二段", "1 + 1 = 2"])
def test_plain_words_are_a_text(text: str) -> None:
    message = sent(Content(text))
    assert (message.form, json.loads(message.content)) == (Form.TEXT, {"text": text})
    assert message.to == "oc_1"


@pytest.mark.parametrize("text", ['<at user_id="all"></at>', "<b>x</b>", "a & b", "[x](y)"])
def test_what_a_text_would_take_for_a_command_is_a_post_of_words(text: str) -> None:
    message = sent(Content(text, "plain"))
    assert message.form is Form.POST
    rows = json.loads(message.content)["zh_cn"]["content"]
    assert rows == [[{"tag": "text", "text": text}]]


def test_markdown_is_a_card() -> None:
    message = sent(Content(f"# Title\n\n**bold**\n\n{TABLE}"))
    card = json.loads(message.content)
    assert (message.form, card["schema"]) == (Form.CARD, "2.0")
    assert card["config"]["update_multi"] is True
    assert "streaming_mode" not in card["config"]
    (element,) = card["body"]["elements"]
    assert element["content"] == f"# Title\n\n**bold**\n\n{TABLE}"


def test_buttons_bring_their_tokens_back() -> None:
    card = json.loads(sent(Content("Sure?", choices=(Choice("Yes", "y1"),))).content)
    button = card["body"]["elements"][1]
    assert button["text"]["content"] == "Yes"
    assert button["behaviors"] == [{"type": "callback", "value": {"t": "y1"}}]


def test_a_growing_answer_is_a_card_that_streams_only_as_one_that_grows() -> None:
    """Without the scope for growing the same words are a card like others, which never types."""
    written = sent(Content("so far"), kind=Kind.DRAFT).content
    assert json.loads(outgoing.streaming(written))["config"]["streaming_mode"] is True
    assert "streaming_mode" not in written


@pytest.mark.parametrize(("mime", "form"), [("image/png", Form.IMAGE), ("", Form.FILE)])
def test_a_file_waits_for_its_key(mime: str, form: Form) -> None:
    message = sent(Content(media=Media("sha256:0", "x.png", mime)))
    assert (message.form, message.content) == (form, "")
    name = "image_key" if form is Form.IMAGE else "file_key"
    assert json.loads(outgoing.file_content(form, "k")) == {name: "k"}


def test_people_are_mentioned_in_every_form() -> None:
    people = (Person("ou_ann"),)
    assert (
        '<at user_id="ou_ann"></at>'
        in json.loads(sent(Content("x", mentions=people)).content)["text"]
    )
    post = json.loads(sent(Content("a<b", "plain", mentions=people)).content)
    assert post["zh_cn"]["content"][0][0] == {"tag": "at", "user_id": "ou_ann"}
    card = json.loads(sent(Content("**x**", mentions=people)).content)
    assert card["body"]["elements"][0]["content"] == "<at id=ou_ann></at> **x**"


def test_answers_go_where_they_were_asked() -> None:
    assert sent(Content("x")).reply_to == ""
    assert sent(Content("x"), quote_message_id="om_1").reply_to == "om_1"
    context = ReplyContext("om_2")
    threaded = sent(Content("x"), thread="omt_1", reply_context=context)
    assert (threaded.reply_to, threaded.is_in_thread) == ("om_2", True)


def test_new_words_keep_the_kind_that_the_message_has() -> None:
    now_markdown = sent(Content("**x** < y"))
    assert json.loads(as_post(now_markdown))["zh_cn"]["content"] == [
        [{"tag": "text", "text": "x < y"}]
    ]
    now_plain = sent(Content("x < y", "plain"))
    (element,) = json.loads(as_card(now_plain))["body"]["elements"]
    assert element["content"] == "x &lt; y"
    quoting = sent(Content("> quoted\n\nfine"))
    assert quoting.form is Form.POST, "which says it just as well"
    (element,) = json.loads(as_card(quoting))["body"]["elements"]
    assert element["content"] == "> quoted\n\nfine", "but what grew as a card stays one"


@pytest.mark.parametrize(
    "text",
    [
        "<at id=all></at>",
        "**<at id=all></at>**",
        "- <at id=all></at>",
        "> <at id=all></at>",
        "# <at id=all></at>",
        "[<at id=all></at>](https://x.example)",
        "![<at id=all></at>](https://x.example)",
        "[x](<https://x.example/<at id=all></at>>)",
        "| <at id=all></at> |\n| --- |\n| <at id=all></at> |",
        "\\<at id=all></at>",
        "&lt;at id=all&gt;",
    ],
)
def test_no_words_call_everybody(text: str) -> None:
    assert "<at" not in to_card_markdown(text)
    assert "<at" not in json.loads(sent(Content(text, "plain")).content).get("text", "")


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("a *b* ~~c~~ `d`", "a *b* ~~c~~ `d`"),
        ("- a\n- b\n  - c", "- a\n- b\n    - c"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("```py\na < b\n```", "```py\na < b\n```"),
        ("````\n```\n````", "````\n```\n````"),
        ("> a\n> b", "> a\n> b"),
        ("[a](https://x.example)", "[a](https://x.example)"),
        ("[a](javascript:x)", "&#91;a&#93;(javascript:x)"),
        ("1 \\* 2", "1 &#42; 2"),
        ("---", "---"),
    ],
)
def test_marks_mean_the_same_on_a_card(markdown: str, shown: str) -> None:
    assert to_card_markdown(markdown) == shown
