"""The promises that every channel keeps, and a whole session, before pretended QQ as the judge."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from posthouse.channels.channel import ConnectionState, Letter, Part, Verb
from posthouse.channels.onebot.codec import Context, decode
from posthouse.model.address import Chat, ChatKind, Person
from posthouse.model.delivery import Kind, Outcome, Sent
from posthouse.model.event import Event, MessageReceived
from posthouse.model.message import Content, plain_text
from posthouse.simulators.onebot.accounts import Account, IdStyle, MessageFormat
from posthouse.simulators.onebot.happenings import Chat as QqChat
from posthouse.simulators.onebot.happenings import Person as QqPerson
from posthouse.simulators.onebot.happenings import Said
from posthouse.simulators.onebot.server import OneBotServer
from posthouse.simulators.onebot.state import Network
from posthouse.testing.conformance import channel as promises
from posthouse.testing.conformance.channel import Subject
from posthouse.testing.conformance.checks import Check, checks_of
from tests.channels.onebot.stage import PATH, Stage, reverse, running, said

TOKEN = "t0p-secret"
ADA = QqPerson(user_id=30001, nickname="Ada")
TEAM = QqChat(20001)
GROUP = Chat(1, "qq", "group:20001", ChatKind.GROUP)
ADAS = Chat(2, "qq", "private:30001", ChatKind.PRIVATE)


class Court(NamedTuple):
    """A bot of the house, and the QQ that judges it."""

    stage: Stage
    qq: OneBotServer

    async def say(self, text: str, chat: QqChat = TEAM, *, mentions_bot: bool = True) -> str:
        """Have Ada say something; returns the message's id when the bot has it."""
        told = Said(bot="a", chat=chat, sender=ADA, text=text, mentions_bot=mentions_bot)
        before = len(self.stage.door.events)
        await self.qq.tell(told)
        await self.stage.door.until_accepted(before + 1)
        event = self.stage.door.events[-1]
        assert isinstance(event, MessageReceived)
        return event.message_id

    def complaints(self) -> object:
        return self.qq.network.record().complaints


@asynccontextmanager
async def court(
    data_dir: Path,
    *,
    is_forward: bool = False,
    ids: IdStyle = IdStyle.INT32,
    form: MessageFormat = MessageFormat.ARRAY,
    **options: object,
) -> AsyncIterator[Court]:
    """A bot that is connected, in a group and a private chat that exist."""
    options = {"token": TOKEN, **options}
    if is_forward:
        account = Account(
            name="a", self_id=10000, token=TOKEN, forward_port=0, ids=ids, message_format=form
        )
        async with OneBotServer(Network(seed=7, accounts=(account,))) as qq:
            options["url"] = qq.forward_url("a")
            async with running(data_dir, options) as stage:
                yield await _opened(Court(stage, qq))
        return
    async with reverse(data_dir, options) as stage:
        account = Account(
            name="a",
            self_id=10000,
            token=TOKEN,
            urls=(stage.url + PATH,),
            ids=ids,
            message_format=form,
        )
        async with OneBotServer(Network(seed=7, accounts=(account,))) as qq:
            yield await _opened(Court(stage, qq))


async def _opened(made: Court) -> Court:
    await made.stage.statuses.until_state(ConnectionState.CONNECTED)
    await made.qq.until_connected("a")
    await made.say("hello")
    return made


def _decode(payload: bytes) -> Sequence[Event]:
    return decode(payload, Context("qq", 1000.0))


@pytest.mark.parametrize("check", checks_of(promises), ids=lambda check: check.__name__)
async def test_promise(check: Check[Subject], tmp_path: Path) -> None:
    numbers = count(1)
    async with court(tmp_path) as (stage, _):
        stage.clock.advance(60.0)  # a call without a connection does not wait for one
        subject = Subject(
            channel=stage.channel,
            chat=GROUP,
            new_key=lambda: f"{next(numbers):032x}",
            decode=_decode,
            payloads=(json.dumps(said("hello 你好", 5, time=7)).encode(),),
            secrets=(TOKEN,),
        )
        await check(subject)


@pytest.mark.parametrize(
    ("is_forward", "ids", "form"),
    [
        (False, IdStyle.INT32, MessageFormat.ARRAY),
        (False, IdStyle.SIGNED, MessageFormat.STRING),
        (True, IdStyle.INT64, MessageFormat.ARRAY),
    ],
)
async def test_a_whole_session_without_a_complaint(
    tmp_path: Path,
    is_forward: bool,  # noqa: FBT001
    ids: IdStyle,
    form: MessageFormat,
) -> None:
    async with court(tmp_path, is_forward=is_forward, ids=ids, form=form) as here:
        stage, qq = here
        asked = await here.say("[a] & b, c")
        event = stage.door.events[-1]
        assert isinstance(event, MessageReceived)
        assert event.is_addressed
        assert plain_text(event.parts) == "[a] & b, c"
        content = Content("[b] & c, d", mentions=(Person("30001", "Ada"),))
        sent = await _perform(stage, content, Letter(chat=GROUP, quote_message_id=asked))
        await here.say("in private", QqChat(30001, "private"))
        assert isinstance(await _perform(stage, Content("hi"), Letter(chat=ADAS)), Sent)
        react = Letter(chat=GROUP, quote_message_id=asked, kind=Kind.REACT)
        assert isinstance(await _perform(stage, Content("👍"), react), Sent)
        assert isinstance(sent, Sent)
        taken_back = Part(verb=Verb.RECALL, message_ids=sent.ids)
        assert await stage.channel.perform(taken_back, GROUP) == sent
        record = qq.network.record()
        own = [message.text for message in record.messages if message.is_own]
        assert [text.endswith(words) for text, words in zip(own, ("[b] & c, d", "hi"), strict=True)]
        assert record.messages[1].reactions
        assert record.complaints == ()


async def _perform(stage: Stage, content: Content, letter: Letter) -> Outcome:
    body = stage.channel.encode(content, letter)
    return await stage.channel.perform(Part(verb=Verb.SEND, body=body), letter.chat)


async def test_what_was_said_in_between_is_fetched(tmp_path: Path) -> None:
    async with court(tmp_path, is_forward=True) as (stage, qq):
        told = Said(bot="a", chat=TEAM, sender=ADA, text="missed", mentions_bot=True)
        qq.cut("a")
        await qq.until_disconnected("a")
        await stage.statuses.until_state(ConnectionState.WAITING)
        await qq.tell(told)
        stage.clock.advance(60.0)
        await stage.door.until_accepted(2)
        missed = stage.door.events[-1]
        assert isinstance(missed, MessageReceived)
        assert plain_text(missed.parts) == "missed"
