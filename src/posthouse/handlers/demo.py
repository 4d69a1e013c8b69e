"""A handler to try the house with: it thinks aloud, word by word, and needs nothing installed."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping

from posthouse.handlers.handler import Traits, TurnContext
from posthouse.model.action import Acknowledge, Action, Ask, Draft, Send
from posthouse.model.message import Content, File, Image
from posthouse.model.turn import Answer, OnCrash, OnEdit, Turn

WORD = re.compile(r"\s*(?:[⺀-鿿＀-￯]|[^\s⺀-鿿＀-￯]+)|\s+$")  # a Chinese character is a word
WORD_PAUSE_S = 0.04
WORDS_MAX = 400  # shown one by one; what is longer appears at once
ASK_WORDS = ("投票", "vote", "ask")

_LINES: dict[str, dict[str, str | tuple[str, ...]]] = {
    "zh": {
        "heard": "收到：",
        "files": "附件 {count} 个：{names}",
        "edited": "（按修改后的内容重新回答）",
        "history": "这段对话里我们已经说过 {count} 句。",
        "question": "要继续吗？",
        "choices": ("继续", "算了"),
        "chosen": "好的，您选择了“{choice}”。",
        "more": "我是演示用的机器人。试试：**编辑**或**撤回**您的消息、"
        "发送 `撤回`、`/help`、`投票`。",
    },
    "en": {
        "heard": "You said: ",
        "files": "{count} file(s): {names}",
        "edited": "(answered anew after your edit)",
        "history": "We have exchanged {count} lines in this conversation.",
        "question": "Shall I go on?",
        "choices": ("Go on", "Never mind"),
        "chosen": "All right, you chose “{choice}”.",
        "more": "I am a demonstration bot. Try to **edit** or **take back** your message, send "
        "`recall`, `/help` or `vote`.",
    },
}


class Demo:
    """Repeats what it heard, slowly, with what it knows of the conversation."""

    traits = Traits(on_crash=OnCrash.RERUN, on_edit=OnEdit.RERUN, burst_s=0.3, session_queue_max=50)

    def __init__(self, options: Mapping[str, object]) -> None:
        self._pause_s = float(str(options.get("word_pause_s", WORD_PAUSE_S)))

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Answer word by word; ``vote`` asks a question with buttons."""
        lines = _LINES["zh" if context.language == "zh" else "en"]
        picked = _picked(turn.answer, tuple(lines["choices"]))
        if picked:
            yield Acknowledge(picked)
            yield Send(Content(str(lines["chosen"]).format(choice=picked)))
            return
        if turn.text.strip().lower() in ASK_WORDS:
            yield Ask(Content(str(lines["question"])), tuple(lines["choices"]), takes_text=True)
            return
        answer = await self._answer(turn, context, lines)
        async for draft in self._aloud(answer, context):
            yield draft
        yield Send(Content(answer), is_quoting=turn.replaces is None)

    @staticmethod
    async def _answer(
        turn: Turn, context: TurnContext, lines: Mapping[str, str | tuple[str, ...]]
    ) -> str:
        quoted = "\n".join(f"> {line}" for line in (turn.text or "…").splitlines())
        paragraphs = [f"{lines['heard']}\n\n{quoted}"]
        names = [part.media.name or "?" for part in turn.parts if isinstance(part, Image | File)]
        if names:
            paragraphs.append(str(lines["files"]).format(count=len(names), names="、".join(names)))
        if turn.replaces is not None:
            paragraphs.append(str(lines["edited"]))
        said = len(await context.history())
        paragraphs.append(
            str(lines["history"]).format(count=said) if said > 1 else str(lines["more"])
        )
        return "\n\n".join(paragraphs)

    async def _aloud(self, answer: str, context: TurnContext) -> AsyncGenerator[Draft]:
        shown = ""
        for word in WORD.findall(answer)[:WORDS_MAX]:
            shown += word
            yield Draft(shown)
            await context.sleep(self._pause_s)


def _picked(answer: Answer | None, choices: tuple[str, ...]) -> str:
    """Return which button was pressed or typed; empty where something else was said."""
    if answer is None:
        return ""
    if answer.choice is not None:
        return choices[answer.choice]
    return answer.text if answer.text in choices else ""
