"""``examples/onebot`` as it stands there, in a process of its own, with pretended QQ."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from posthouse.cli.laboratory.premises import Premises
from posthouse.simulators.onebot.accounts import Account
from posthouse.simulators.onebot.happenings import Chat, Person, Said
from posthouse.simulators.onebot.server import OneBotServer
from posthouse.simulators.onebot.state import Network
from tests.architecture.tree import ROOT
from tests.channels.onebot.stage import PATH

EXAMPLE = ROOT / "examples" / "onebot"
ADA = Person(user_id=30001, nickname="Ada")
ANSWER_WITHIN_S = 20.0

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("chat", "mentions_bot"),
    [(Chat(30001, "private"), False), (Chat(20001), True), (Chat(20001), False)],
)
async def test_the_example_answers(
    tmp_path: Path,
    chat: Chat,
    mentions_bot: bool,  # noqa: FBT001
) -> None:
    settings = (EXAMPLE / "posthouse.toml").read_text("utf-8")
    scenes = f'public_dirs = ["{EXAMPLE / "scenes"}"]'
    premises = Premises(tmp_path, settings.replace('public_dirs = ["scenes"]', scenes))
    url = premises.url.replace("http", "ws", 1) + PATH
    account = Account(name="a", self_id=10000, urls=(url,), reconnect_s=0.1)
    async with premises.house() as house, OneBotServer(Network(seed=7, accounts=(account,))) as qq:
        await house.until_open()
        await qq.until_connected("a")
        said = Said(
            bot="a", chat=chat, sender=ADA, text="demo echo 你好 [x]", mentions_bot=mentions_bot
        )
        has_changed = asyncio.Event()
        qq.network.listen(has_changed.set)
        await qq.tell(said)
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while not (answers := _answers(qq)):
                has_changed.clear()
                await has_changed.wait()
    assert answers == ["你好 [x]"]
    assert qq.network.record().complaints == ()


def _answers(qq: OneBotServer) -> list[str]:
    return [message.text for message in qq.network.record().messages if message.is_own]
