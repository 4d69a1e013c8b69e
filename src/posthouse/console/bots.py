"""机器人: every bot with its connection, what it can promise, and a check of the house."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf

from msgspec import Struct
from starlette.responses import Response

from posthouse.channels.channel import ConnectionState, Status
from posthouse.console.asking import Ask, Entry
from posthouse.console.house import Finding, Surroundings
from posthouse.console.pages import DAY_S, Pages, span
from posthouse.console.problems import Declined
from posthouse.console.words import words_of
from posthouse.gateway.bots import Bot
from posthouse.model.capabilities import Capabilities, DraftKind, TextUnit
from posthouse.model.permission import OperatorRole
from posthouse.settings.language import Said

_TONES = {
    ConnectionState.OFF: "good",
    ConnectionState.CONNECTED: "good",
    ConnectionState.CONNECTING: "busy",
    ConnectionState.WAITING: "bad",
    ConnectionState.SUPERSEDED: "bad",
    ConnectionState.REFUSED: "bad",
}

_UNITS = {
    TextUnit.CHARACTERS: Said("个字符", "characters"),
    TextUnit.BYTES: Said("字节", "bytes"),
    TextUnit.UTF16: Said("个 UTF-16 单位", "UTF-16 units"),
}
FOR_EVER_S = 365 * DAY_S  # a platform that remembers a key this long never forgets it in time


class BotLine(Struct, frozen=True):
    """A bot in the list."""

    name: str
    channel: str
    status: Status
    tone: str
    is_send_only: bool


class Promise(Struct, frozen=True):
    """One row of the guarantee table."""

    name: str
    value: str
    meaning: str
    is_good: bool


class BotPages:
    """The bots of the house."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/bots", self._list),
            Entry("GET", "/bots/{bot}", self._bot),
            Entry("POST", "/bots/{bot}/test", self._test, OperatorRole.OPERATOR),
        )

    def _line(self, bot: Bot) -> BotLine:
        status = bot.channel.status
        channel = self._around.arranged().channels.get(bot.name, "")
        return BotLine(bot.name, channel, status, _TONES[status.state], bot.is_send_only)

    async def _list(self, ask: Ask) -> Response:
        lines = [self._line(bot) for bot in self._around.bots.values()]
        return self._pages.show(ask, "bots.html", bots=lines)

    async def _bot(self, ask: Ask) -> Response:
        return self._show(ask, self._wanted(ask), None)

    async def _test(self, ask: Ask) -> Response:
        bot = self._wanted(ask)
        return self._show(ask, bot, [_connection(bot), *await self._around.look_around()])

    def _wanted(self, ask: Ask) -> Bot:
        bot = self._around.bots.get(ask.request.path_params["bot"])
        if bot is None:
            raise Declined("not_found")
        return bot

    def _show(self, ask: Ask, bot: Bot, findings: Sequence[Finding] | None) -> Response:
        return self._pages.show(
            ask,
            "bot.html",
            section="bots",
            bot=self._line(bot),
            promises=promises(bot.capabilities, ask.language),
            findings=findings,
            can_act=ask.visitor.may(OperatorRole.OPERATOR),
        )


def _connection(bot: Bot) -> Finding:
    status = bot.channel.status
    zh, en = (words_of(language)[f"state_{status.state}"] for language in ("zh", "en"))
    mark = {"good": "ok", "busy": "warn", "bad": "fail"}[_TONES[status.state]]
    detail = f" · {status.detail}" if status.detail else ""
    return Finding(mark, Said(f"{bot.name}：{zh}{detail}", f"{bot.name}: {en}{detail}"))


def promises(can: Capabilities, language: str) -> list[Promise]:
    """Say what holds for a bot, read from its capabilities."""

    def said(zh: str, en: str) -> str:
        return zh if language == "zh" else en

    def window(is_able: bool, seconds: float) -> str:  # noqa: FBT001 - a column of the table
        if not is_able:
            return said("不能", "no")
        return said("能", "yes") if isinf(seconds) else said("能，", "yes, ") + span(seconds)

    unclear, is_clear = _unclear(can)
    return [
        Promise(
            said("不明时", "When unclear"),
            unclear(language),
            said("崩溃、断线或超时后，不知是否送达", "after a crash, a cut or a time-out"),
            is_clear,
        ),
        Promise(
            said("撤回", "Take back"),
            window(can.can_recall, can.recall_window_s),
            said("已发的消息可以撤回多久", "how long a sent message can be taken back"),
            can.can_recall,
        ),
        Promise(
            said("修改", "Edit"),
            window(can.can_edit, can.edit_window_s),
            said("问题改了，答案原地改", "an edited question edits its answer"),
            can.can_edit,
        ),
        Promise(
            said("流式", "Growing answers"),
            {
                DraftKind.MESSAGE: said("原地更新", "edited in place"),
                DraftKind.PREVIEW: said("预览", "a preview"),
                DraftKind.TYPING: said("正在输入", "a typing sign"),
                DraftKind.NONE: said("没有", "none"),
            }[can.draft],
            said("写的时候能看到什么", "what people see while it is written"),
            can.draft is not DraftKind.NONE,
        ),
        Promise(
            said("按钮", "Buttons"),
            str(can.choices_max or said("没有", "none")),
            said("一条消息最多几个；更多变成编号", "below one message; more become numbers"),
            can.choices_max > 0,
        ),
        Promise(
            said("长度", "Length"),
            f"{can.text_max:,} {_UNITS[can.text_unit](language)}",
            said("更长的会分成几条", "longer ones become several"),
            True,  # noqa: FBT003 - a column of the table
        ),
        Promise(
            said("文件", "Files"),
            said("能", "yes") if can.has_media else said("不能", "no"),
            said("图片和文件", "pictures and documents"),
            can.has_media,
        ),
    ]


def _unclear(can: Capabilities) -> tuple[Said, bool]:
    """Say what happens when nobody can tell whether a message arrived."""
    if can.resend_key_window_s >= FOR_EVER_S:
        return Said("再发多少次都只显示一条", "sent again, it is still shown once"), True
    if can.resend_key_window_s:
        within = span(can.resend_key_window_s)
        return (
            Said(
                f"{within} 内重发，平台去重，不会重复", f"sent again within {within}, never twice"
            ),
            True,
        )
    if can.can_overwrite:
        return Said("覆盖同一条，不会重复", "written over the same message, never twice"), True
    if can.can_look_up:
        return Said("先到平台查，再决定", "looked up on the platform first"), True
    return Said("最多重发一次，并标明可能重复", "one repeat at most, marked as maybe twice"), False
