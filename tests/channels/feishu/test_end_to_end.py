"""Whole sessions: what people of a pretended tenant say and see, and what the house has of it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from posthouse.channels.feishu.channel import MEDIA_FOLDER
from posthouse.channels.feishu.scopes import DIRECTORY
from posthouse.channels.feishu.tokens import Tokens
from posthouse.model.address import ChatKind, Person
from posthouse.model.delivery import Kind, NotSent, Outcome, Sent, Unknown
from posthouse.model.errors import Refused, TryLater
from posthouse.model.event import (
    ButtonPressed,
    MembersChanged,
    MessageRecalled,
    MessageReceived,
    ReactionChanged,
)
from posthouse.model.message import (
    Choice,
    Content,
    File,
    Image,
    Media,
    Mention,
    Quote,
    Unsupported,
    plain_text,
)
from posthouse.simulators.feishu.apps import App, Hears, app
from posthouse.simulators.feishu.faults import Fault, Verb
from posthouse.simulators.feishu.happenings import File as Attached
from posthouse.simulators.feishu.happenings import Members, Press, React, Recall, Say
from posthouse.store.media import Shelf
from tests.channels.feishu.stage import APP, Stage, opened

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
GRID = "# Rates\n\n| a | b |\n| --- | --- |\n| 1 | **2** |\n\n```python\nprint('<hi>')\n```"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with opened(tmp_path) as stage:
        yield stage
        assert stage.feishu.complaints == []


# --- coming in -------------------------------------------------------------------------------


async def test_a_mention_in_a_group_addresses_the_bot(stage: Stage) -> None:
    said = await stage.hear("how much?")
    assert said.is_addressed
    assert said.place.kind is ChatKind.GROUP
    assert plain_text(said.parts) == "how much?"


async def test_another_ones_mention_does_not(tmp_path: Path) -> None:
    """A bot that hears everything answers only its own name."""
    every = App(
        name="a",
        app_id="cli_00000000000000aa",
        app_secret="s",
        bot_name="Bot",
        hears=Hears.EVERYTHING,
    )
    async with opened(tmp_path, apps=(every, app("b"))) as stage:
        overheard = await stage.hear("for b", mentions=("b",))
        assert not overheard.is_addressed
        assert [part.is_me for part in overheard.parts if isinstance(part, Mention)] == [False]
        everybody = await stage.hear("for all", mentions=("all",))
        assert not everybody.is_addressed


async def test_a_private_message_addresses_the_bot(stage: Stage) -> None:
    said = await stage.hear("hello", chat_type="p2p", app="a")
    assert said.is_addressed
    assert said.place.kind is ChatKind.PRIVATE
    sent = await stage.answer("hello yourself", said)
    assert stage.shown(sent).chat_id == said.place.platform_id


async def test_a_reply_has_its_quote(stage: Stage) -> None:
    said = await stage.hear()
    sent = await stage.answer("hi", said)
    answered = await stage.hear("and then?", reply_to=sent.ids[0])
    assert Quote(sent.ids[0]) in answered.parts


async def test_names_are_known_from_the_second_message_on(stage: Stage) -> None:
    await stage.hear(name="Ada Lovelace")
    await stage.channel._opened.names.settled()
    again = await stage.hear("again")
    assert again.sender.name == "Ada Lovelace"
    assert again.place.title


@pytest.mark.parametrize("missing", ["contact:contact.base:readonly", "contact:user.base:readonly"])
async def test_names_that_nobody_may_know_are_asked_for_once_and_cost_one_warning(
    tmp_path: Path, missing: str
) -> None:
    poor = replace(APP, missing_scopes=frozenset({missing, *DIRECTORY}))
    async with opened(tmp_path, apps=(poor,)) as stage:
        with capture_logs() as told:
            for person in ("ada", "ben", "ada", "ben"):
                assert (await stage.hear(person=person)).sender.name == ""
                await stage.channel._opened.names.settled()
        warnings = [line for line in told if line["event"] == "names_unknown"]
        assert len(warnings) == 1
        assert missing in warnings[0]["remedy"]
        calls = [call.path for call in stage.feishu.record().calls if "/contact/" in call.path]
        assert len(calls) == 2, "one for each of them"


async def test_a_picture_can_be_fetched(stage: Stage) -> None:
    attached = Attached("cat.png", base64.b64encode(PICTURE).decode())
    said = await stage.hear("", chat_type="p2p", type="image", file=attached)
    (image,) = said.parts
    assert isinstance(image, Image)
    assert await _fetched(stage, image.media) == PICTURE


async def test_a_file_keeps_its_name(stage: Stage) -> None:
    attached = Attached("报告.pdf", base64.b64encode(b"%PDF-1.7 words").decode())
    said = await stage.hear("", chat_type="p2p", type="file", file=attached)
    (file,) = said.parts
    assert isinstance(file, File)
    assert file.media.name == "报告.pdf"
    assert await _fetched(stage, file.media) == b"%PDF-1.7 words"


async def _fetched(stage: Stage, media: Media) -> bytes:
    return b"".join([chunk async for chunk in stage.channel.download(media)])


async def test_a_file_without_measure_is_not_fetched_to_its_end(tmp_path: Path) -> None:
    async with opened(tmp_path, options={"file_bytes_max": 1024}) as stage:
        attached = Attached("long.bin", base64.b64encode(bytes(4096)).decode())
        said = await stage.hear("", chat_type="p2p", type="file", file=attached)
        (file,) = said.parts
        assert isinstance(file, File)
        with pytest.raises(Refused, match="longer than 1024"):
            await _fetched(stage, file.media)


async def test_a_person_takes_a_message_back(stage: Stage) -> None:
    said = await stage.hear(chat_type="p2p")
    stage.feishu.recall(Recall(message_id=said.message_id))
    gone = await stage.until(MessageRecalled)
    assert (gone.message_id, gone.place.kind) == (said.message_id, ChatKind.PRIVATE)


async def test_a_bot_is_invited(stage: Stage) -> None:
    people = stage.feishu.people
    stage.feishu.tell(people.join(Members(chat="new", apps=("a",), by="ada", title="New")))
    came = await stage.until(MembersChanged)
    assert came.is_about_me
    assert came.place.title == "New"


# --- bundles ---------------------------------------------------------------------------------


async def forwarded(stage: Stage, *texts: str) -> tuple[str, ...]:
    """Let Ben say something in a group; returns the messages, for a bundle."""
    told = [stage.feishu.say(Say(person="ben", chat="other", text=text)) for text in texts]
    return tuple(each.message_id or "" for each in told)


async def bundle(stage: Stage, messages: tuple[str, ...]) -> MessageReceived:
    return await stage.hear("", chat_type="p2p", type="merge_forward", forwarded=messages)


async def test_a_bundle_is_opened(stage: Stage) -> None:
    picture = stage.feishu.say(Say(person="ben", chat="other", type="image"))
    words = await forwarded(stage, "first", "second")
    said = await bundle(stage, (*words, picture.message_id or ""))
    assert plain_text(said.parts) == "- first\n- second\n-"
    kinds = [part.kind for part in said.parts if isinstance(part, Unsupported)]
    assert kinds == ["merge_forward.image"], "what nobody can download is no picture to the house"


async def test_who_said_what_is_known_from_the_second_bundle_on(stage: Stage) -> None:
    words = await forwarded(stage, "first")
    await bundle(stage, words)
    await stage.channel._opened.names.settled()
    assert plain_text((await bundle(stage, words)).parts) == "Ben: first"


async def test_a_bundle_without_end_is_cut(stage: Stage) -> None:
    words = await forwarded(stage, *(f"{number}" for number in range(120)))
    said = await bundle(stage, words)
    lines = plain_text(said.parts).splitlines()
    assert (len(lines), lines[-1]) == (101, "…")


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ERROR_BEFORE, Fault.RESET_BEFORE])
async def test_a_bundle_that_cannot_be_opened_comes_in_closed(stage: Stage, fault: Fault) -> None:
    words = await forwarded(stage, "first")
    stage.feishu.faults.add("a", Verb.LOOK_UP, (fault, fault))  # a read is tried twice
    said = await bundle(stage, words)
    assert [type(part) for part in said.parts] == [Unsupported]


# --- presses and reactions -------------------------------------------------------------------

BUTTONS = (Choice("Yes", "q:yes"), Choice("No", "q:no"))


@pytest.mark.parametrize("frame", ["event", "card"])
async def test_a_press_is_answered_and_comes_in(stage: Stage, frame: str) -> None:
    stage.feishu.switches["a"].callback_frame = frame  # type: ignore[assignment]  # a parameter
    said = await stage.hear()
    sent = await stage.answer(Content("Sure?", choices=BUTTONS), said)
    assert [button.label for button in stage.shown(sent).buttons] == ["Yes", "No"]
    seen = await stage.feishu.press(Press(message_id=sent.ids[0], person="ada", label="Yes"))
    assert (seen.code, seen.problem, seen.answer) == (0, "", {})
    pressed = await stage.until(ButtonPressed)
    assert (pressed.token, pressed.message_id) == ("q:yes", sent.ids[0])
    assert pressed.sender.id == said.sender.id
    assert pressed.place.platform_id == said.place.platform_id


@pytest.mark.parametrize("chat_type", ["p2p", "group"])
async def test_a_press_tells_what_kind_of_chat_it_is(tmp_path: Path, chat_type: str) -> None:
    """Also the first thing that this process hears of a chat."""
    async with opened(tmp_path) as stage:
        said = await stage.hear(chat_type=chat_type)
        sent = await stage.answer(Content("Sure?", choices=BUTTONS), said)
        stage.channel._opened.places.forget()
        await stage.feishu.press(Press(message_id=sent.ids[0], person="ada", label="No"))
        pressed = await stage.until(ButtonPressed)
        assert pressed.place.kind is said.place.kind


async def test_a_reaction_comes_from_the_chat_of_its_message(stage: Stage) -> None:
    said = await stage.hear()
    sent = await stage.answer("hi", said)
    stage.feishu.react(React(message_id=sent.ids[0], person="ada", emoji="THUMBSUP"))
    reaction = await stage.until(ReactionChanged)
    assert reaction.place.platform_id == said.place.platform_id
    assert (reaction.message_id, reaction.emoji) == (sent.ids[0], "👍")


@pytest.mark.parametrize("frame", ["event", "card"])
async def test_a_press_shows_what_its_turn_says_at_once(stage: Stage, frame: str) -> None:
    stage.feishu.switches["a"].callback_frame = frame  # type: ignore[assignment]  # a parameter
    said = await stage.hear()
    sent = await stage.answer(Content("Sure?", choices=BUTTONS), said)
    stage.door.answers = [stage.channel.encode_toast("Noted.")]
    seen = await stage.feishu.press(Press(message_id=sent.ids[0], person="ada", label="Yes"))
    assert (seen.toast, seen.toast_type, seen.problem) == ("Noted.", "info", "")
    await stage.door.until_written(1)
    assert [is_written for _, is_written in stage.door.written] == [True]
    (wait_s,) = stage.door.waits_s
    assert 0 < wait_s < 3, "the platform waits three seconds"


async def test_a_press_that_waits_holds_no_message_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        said = await stage.hear()
        sent = await stage.answer(Content("Sure?", choices=BUTTONS), said)
        stage.door.hold_answers()
        press = Press(message_id=sent.ids[0], person="ada", label="Yes")
        pressing = asyncio.ensure_future(stage.feishu.press(press))
        await stage.until(ButtonPressed)
        told = stage.feishu.say(Say(person="ben", text="meanwhile", mentions=("a",)))
        assert await told.taken()
        assert not pressing.done()
        stage.door.release_answers()
        assert (await pressing).problem == ""


async def test_a_card_whose_button_is_being_pressed_is_settled_a_little_later(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as stage:
        said = await stage.hear()
        content = Content("It is …", choices=(Choice("Stop", "stop:1"),))
        sent = await stage.answer(content, said, kind=Kind.DRAFT, is_draft=True)
        stage.door.hold_answers()
        press = Press(message_id=sent.ids[0], person="ada", label="Stop")
        pressing = asyncio.ensure_future(stage.feishu.press(press))
        await stage.until(ButtonPressed)
        busy = await stage.edit("It is … (stopped)", said, sent, kind=Kind.SETTLE)
        assert busy == NotSent("refused_by_platform 200810", retry_after_s=1.0)
        stage.door.release_answers()
        assert (await pressing).problem == ""
        assert isinstance(await stage.edit("It is … (stopped)", said, sent, kind=Kind.SETTLE), Sent)
        assert stage.shown(sent).buttons == ()


async def test_a_press_that_cannot_be_stored_fails_before_everybodys_eyes(stage: Stage) -> None:
    said = await stage.hear()
    sent = await stage.answer(Content("Sure?", choices=BUTTONS), said)
    stage.door.refusal = TryLater()
    seen = await stage.feishu.press(Press(message_id=sent.ids[0], person="ada", label="Yes"))
    assert seen.code == 200671


async def test_a_reaction_from_nowhere_is_left_out(stage: Stage) -> None:
    """Without the right to read the message it would open a chat that does not exist."""
    said = await stage.hear()
    sent = await stage.answer("hi", said)
    stage.feishu.faults.add("a", Verb.LOOK_UP, (Fault.REFUSED,) * 5)
    stage.feishu.faults.add("a", Verb.OTHER, (Fault.REFUSED,) * 5)
    told = stage.feishu.react(React(message_id=sent.ids[0], person="ada"))
    assert await told.taken()
    assert not [event for event in stage.door.events if isinstance(event, ReactionChanged)]


# --- going out -------------------------------------------------------------------------------


async def test_plain_words_are_a_text_message(stage: Stage) -> None:
    sent = await stage.answer("21 degrees & rising", await stage.hear())
    shown = stage.shown(sent)
    assert shown.text == "21 degrees & rising"


async def test_markdown_is_a_card(stage: Stage) -> None:
    shown = stage.shown(await stage.answer(GRID, await stage.hear()))
    assert shown.kind == "interactive"
    assert "print('<hi>')" in shown.text


@pytest.mark.parametrize("signs", ["*", "<", "[x]", "\n<", '"', "\\", "|", "长", "`"])
@pytest.mark.parametrize("form", ["plain", "markdown"])
@pytest.mark.parametrize("choices", [(), (Choice("Yes", "q:yes"),)])
async def test_a_full_message_of_awkward_signs_fits(
    stage: Stage,
    signs: str,
    form: Any,  # noqa: ANN401 - a parameter
    choices: tuple[Choice, ...],
) -> None:
    room = stage.channel.capabilities.text_max
    text = signs * (room // len(signs.encode()))
    await stage.answer(Content(text, form, choices=choices), await stage.hear())


async def test_a_quoting_answer_is_a_reply(stage: Stage) -> None:
    said = await stage.hear()
    sent = await stage.answer("hi", said, quote_message_id=said.message_id)
    assert stage.shown(sent).quote == said.message_id
    assert stage.shown(sent).thread is None


async def test_what_is_said_in_a_thread_is_answered_there(stage: Stage) -> None:
    first = await stage.hear("topic")
    said = await stage.hear("in it", reply_to=first.message_id, thread=True)
    assert said.thread
    assert not [part for part in said.parts if isinstance(part, Quote)]
    sent = await stage.answer("here", said, thread=said.thread, reply_context=said.reply_context)
    assert stage.shown(sent).thread == said.thread


async def test_people_can_be_mentioned(stage: Stage) -> None:
    said = await stage.hear(name="Ada")
    content = Content("look", mentions=(Person(said.sender.id, "Ada"),))
    assert "Ada" in stage.shown(await stage.answer(content, said)).text


async def test_the_same_key_is_one_message(stage: Stage) -> None:
    said = await stage.hear()
    first = await stage.answer("once", said, key="k" * 32)
    assert await stage.answer("once", said, key="k" * 32) == first
    assert [each.text for each in stage.feishu.visible(is_own_only=True)] == ["once"]


async def test_a_call_that_broke_after_it_was_taken_is_unclear_and_can_be_repeated(
    stage: Stage,
) -> None:
    said = await stage.hear()
    stage.feishu.faults.add("a", Verb.SEND, (Fault.RESET_AFTER,))
    assert isinstance(await stage.send("once", said, key="k1"), Unknown)
    assert isinstance(await stage.send("once", said, key="k1"), Sent)
    assert [each.text for each in stage.feishu.visible(is_own_only=True)] == ["once"]


async def test_without_a_token_nothing_was_sent(stage: Stage) -> None:
    """However the question for a token ends, the message itself has not left."""
    said = await stage.hear()
    for fault in (Fault.RESET_AFTER, Fault.ERROR_AFTER, Fault.TOO_MANY, Fault.HALF_RESPONSE):
        stage.channel._client._tokens = Tokens(stage.channel._client._fetch_token, stage.clock)
        stage.feishu.faults.add("a", Verb.TOKEN, (fault,))
        assert await stage.send("once", said) == NotSent("cannot_reach"), fault
    assert isinstance(await stage.send("once", said), Sent)
    assert [each.text for each in stage.feishu.visible(is_own_only=True)] == ["once"]


def tokens_asked_for(stage: Stage) -> int:
    return sum(call.verb is Verb.TOKEN for call in stage.feishu.record().calls)


async def test_a_token_that_is_not_known_any_more_is_replaced(stage: Stage) -> None:
    said = await stage.hear()
    before = tokens_asked_for(stage)
    stage.feishu.faults.add("a", Verb.SEND, (Fault.BAD_TOKEN,))
    assert isinstance(await stage.send("once", said), Sent)
    assert tokens_asked_for(stage) == before + 1, "with another one than before"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("cat.png", PICTURE, "image"),
        ("cat.svg", b"<svg/>", "file"),
        ("notes.pdf", b"%PDF-1.7", "file"),
        ("clip.mp4", b"\0\0\0\x18ftypmp42", "media"),
        ("word.opus", b"OggS", "audio"),
        ('报 告".txt', b"words", "file"),
    ],
)
async def test_a_file_goes_out_as_what_it_is(
    tmp_path: Path, stage: Stage, name: str, content: bytes, kind: str
) -> None:
    media = await Shelf(tmp_path / MEDIA_FOLDER).put(_chunks(content), name, 1 << 20)
    said = await stage.hear()
    sent = await stage.answer(Content(media=media), said)
    assert stage.shown(sent).kind == kind
    await stage.answer(Content(media=media), said)
    uploads = [call for call in stage.feishu.record().calls if call.verb is Verb.FILE]
    assert len(uploads) == 1, "the second message uses the key of the first"


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


# --- emojis ---------------------------------------------------------------------------------


async def react(stage: Stage, emoji: str, to: MessageReceived) -> Outcome:
    return await stage.send(emoji, to, kind=Kind.REACT, quote_message_id=to.message_id)


def emojis_below(stage: Stage, said: MessageReceived) -> dict[str, list[str]]:
    entries = {entry.message_id: entry for entry in stage.feishu.visible()}
    return entries[said.message_id].reactions


@pytest.mark.parametrize(
    ("emoji", "name"),
    [("👍", "THUMBSUP"), ("👍🏽", "THUMBSUP"), ("❤️", "HEART"), ("OnIt", "OnIt")],
)
async def test_an_emoji_is_put_below_what_somebody_said(
    stage: Stage, emoji: str, name: str
) -> None:
    said = await stage.hear()
    assert await react(stage, emoji, said) == Sent()
    assert await react(stage, emoji, said) == Sent(), "a repeat shows nothing new"
    assert emojis_below(stage, said) == {name: ["a"]}


async def test_an_emoji_below_nothing_is_refused_for_good(stage: Stage) -> None:
    said = await stage.hear()
    stage.feishu.recall(Recall(message_id=said.message_id))
    outcome = await react(stage, "👍", said)
    assert isinstance(outcome, NotSent)
    assert outcome.is_final


async def test_without_the_scope_an_emoji_does_not_hold_the_words_up(tmp_path: Path) -> None:
    missing = frozenset({"im:message", "im:message.reactions:write_only"})
    async with opened(tmp_path, apps=(replace(APP, missing_scopes=missing),)) as stage:
        said = await stage.hear()
        assert await react(stage, "👍", said) == NotSent("cannot_react", is_final=True)


async def test_a_broken_call_for_an_emoji_is_unclear(stage: Stage) -> None:
    said = await stage.hear()
    stage.feishu.faults.add("a", Verb.REACT, (Fault.RESET_AFTER,))
    assert isinstance(await react(stage, "👍", said), Unknown)
    assert await react(stage, "👍", said) == Sent()
    assert emojis_below(stage, said) == {"THUMBSUP": ["a"]}


# --- second thoughts -------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["plain", "**bold**\n\n- one"])
async def test_an_answer_is_edited_whatever_it_was(stage: Stage, words: str) -> None:
    said = await stage.hear()
    sent = await stage.answer(words, said)
    assert await stage.edit("better now", said, sent) == Sent()
    assert stage.shown(sent).text.strip() == "better now"
    assert await stage.edit("**best** of all", said, sent) == Sent()
    assert "best of all" in stage.shown(sent).text.replace("**", "")


async def test_a_text_takes_twenty_edits(stage: Stage) -> None:
    said = await stage.hear()
    sent = await stage.answer("0", said)
    stage.feishu.settings.is_paced = False
    outcomes = [await stage.edit(f"{number}", said, sent) for number in range(21)]
    assert outcomes[:20] == [Sent()] * 20
    assert outcomes[20] == NotSent("cannot_edit 230072", is_final=True)


async def test_an_answer_is_taken_back(stage: Stage) -> None:
    said = await stage.hear()
    sent = await stage.answer("oh", said)
    assert isinstance(await stage.recall(said, sent), Sent)
    assert stage.shown(sent).is_recalled
    assert isinstance(await stage.recall(said, sent), Sent), "done is done"


async def test_an_old_answer_stays(stage: Stage) -> None:
    said = await stage.hear()
    sent = await stage.answer("oh", said)
    stage.clock.advance(2 * 86400.0)
    assert await stage.recall(said, sent) == NotSent("recall_too_late", is_final=True)


# --- growing answers -------------------------------------------------------------------------


async def test_an_answer_grows_and_settles(stage: Stage) -> None:
    said = await stage.hear()
    sent = await stage.answer("The", said, kind=Kind.DRAFT, is_draft=True)
    assert stage.shown(sent).is_streaming
    for words in ("The answer", "The answer is **42**"):
        assert await stage.edit(words, said, sent, kind=Kind.DRAFT, is_draft=True) == Sent()
    assert "42" in stage.shown(sent).text
    settled = Content("The answer is **42**.", choices=BUTTONS)
    assert await stage.edit(settled, said, sent, kind=Kind.SETTLE) == Sent()
    shown = stage.shown(sent)
    assert not shown.is_streaming
    assert [button.label for button in shown.buttons] == ["Yes", "No"]
    assert await stage.edit("Or 43", said, sent) == Sent(), "a settled answer can be edited"
    assert stage.shown(sent).text.strip() == "Or 43"


async def test_a_growing_answer_outlives_ten_minutes(stage: Stage) -> None:
    said = await stage.hear()
    sent = await stage.answer("The", said, kind=Kind.DRAFT, is_draft=True)
    stage.clock.advance(660.0)
    closed = await stage.edit("The answer", said, sent, kind=Kind.DRAFT, is_draft=True)
    assert closed == NotSent("draft_closed", is_final=True)
    assert await stage.edit("The answer is 42", said, sent, kind=Kind.SETTLE) == Sent()
    assert stage.shown(sent).text.strip() == "The answer is 42"
    assert not stage.shown(sent).is_streaming


async def test_a_growing_answer_survives_a_restart(stage: Stage) -> None:
    """Numbers of calls must grow, also when nobody remembers the last one."""
    said = await stage.hear()
    sent = await stage.answer("The", said, kind=Kind.DRAFT, is_draft=True)
    for _ in range(3):
        await stage.edit("The answer", said, sent, kind=Kind.DRAFT, is_draft=True)
    await stage.channel.close()
    stage.channel._open = None
    stage.clock.advance(1.0)
    assert await stage.edit("The answer is 42", said, sent, kind=Kind.SETTLE) == Sent()
    refused = [call.code for call in stage.feishu.record().calls if call.code]
    assert refused == [], "the clock alone makes numbers that grow"
    assert stage.shown(sent).text.strip() == "The answer is 42"


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_growing_answer_whose_opening_was_unclear_is_the_one_that_is_shown(
    stage: Stage,
    is_killed: bool,  # noqa: FBT001 - a parameter
) -> None:
    """The repeat shows nothing new, so what it made for itself nobody would ever see."""
    said = await stage.hear()
    stage.feishu.faults.add("a", Verb.SEND, (Fault.RESET_AFTER,))
    opening: dict[str, Any] = {"key": "k1", "kind": Kind.DRAFT, "is_draft": True}
    assert isinstance(await stage.send("The", said, **opening), Unknown)
    if is_killed:
        await stage.channel.close()
        stage.channel._open = None
    sent = await stage.answer("The", said, **opening)
    assert await stage.edit("The answer", said, sent, kind=Kind.DRAFT, is_draft=True) == Sent()
    assert await stage.edit("The answer is 42", said, sent, kind=Kind.SETTLE) == Sent()
    (shown,) = stage.feishu.visible(is_own_only=True)
    assert (shown.text.strip(), shown.is_streaming) == ("The answer is 42", False)


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.RESET_BEFORE, Fault.TOO_MANY])
async def test_which_card_is_shown_is_asked_again_when_nobody_told(
    stage: Stage, fault: Fault
) -> None:
    """Guessing would give the final words to a card that nobody sees."""
    said = await stage.hear()
    stage.feishu.faults.add("a", Verb.SEND, (Fault.RESET_AFTER,))
    opening: dict[str, Any] = {"key": "k1", "kind": Kind.DRAFT, "is_draft": True}
    await stage.send("The", said, **opening)
    await stage.channel.close()
    stage.channel._open = None
    stage.feishu.faults.add("a", Verb.CARD, (None, fault))
    assert isinstance(await stage.send("The", said, **opening), Unknown)
    sent = await stage.answer("The", said, **opening)
    assert await stage.edit("The answer is 42", said, sent, kind=Kind.SETTLE) == Sent()
    (shown,) = stage.feishu.visible(is_own_only=True)
    assert shown.text.strip() == "The answer is 42"


async def test_without_the_scope_a_growing_answer_is_a_card_like_others(tmp_path: Path) -> None:
    poor = App(
        name="a",
        app_id="cli_00000000000000aa",
        app_secret="s",
        bot_name="Bot",
        missing_scopes=frozenset({"cardkit:card:write"}),
    )
    async with opened(tmp_path, apps=(poor,)) as stage:
        said = await stage.hear()
        sent = await stage.answer("The", said, kind=Kind.DRAFT, is_draft=True)
        assert not stage.shown(sent).is_streaming
        assert await stage.edit("The answer", said, sent, kind=Kind.DRAFT, is_draft=True) == Sent()
        assert await stage.edit("The answer is 42", said, sent, kind=Kind.SETTLE) == Sent()
        assert stage.shown(sent).text.strip() == "The answer is 42"
