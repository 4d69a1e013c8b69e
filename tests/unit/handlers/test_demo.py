"""The demonstration bot: thinks aloud, asks, and says what it heard."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from posthouse.handlers.demo import WORDS_MAX, Demo
from posthouse.model.action import Ask, Draft, Send
from posthouse.model.address import Chat, ChatKind, Person
from posthouse.model.message import File, Image, Media, Text
from posthouse.model.turn import Answer, StoredEvent, Turn
from tests.house.people import BOT, NOON, ROOM, said
from tests.unit.handlers.asked import Asked, actions, texts

DEMO = Demo({})


def turn(text: str, **changes: object) -> Turn:
    made = Turn(
        id=1,
        chat=Chat(7, BOT, ROOM, ChatKind.GROUP),
        session="7:m:ann",
        handler="demo",
        person=Person("ann"),
        events=(StoredEvent(1, said(text), NOON),),
    )
    return replace(made, **changes)


def test_it_thinks_aloud_word_by_word_and_ends_with_the_whole() -> None:
    *drafts, last = actions(DEMO, turn("hello there"), Asked())
    shown = [draft.text for draft in drafts if isinstance(draft, Draft)]
    assert len(shown) == len(drafts) > 5
    assert all(after.startswith(before) for before, after in pairwise(shown))
    assert isinstance(last, Send)
    assert shown[-1] == last.content.text
    assert "> hello there" in last.content.text


def test_a_long_message_does_not_take_for_ever() -> None:
    drafts = actions(DEMO, turn("word " * 5000), Asked())[:-1]
    assert len(drafts) == WORDS_MAX


@pytest.mark.parametrize(("language", "words"), [("zh", "投票"), ("en", "Vote "), ("en", "ASK")])
def test_it_asks_with_buttons(language: str, words: str) -> None:
    (question,) = actions(DEMO, turn(words), Asked(language))
    assert isinstance(question, Ask)
    assert len(question.choices) == 2
    assert question.takes_text


@pytest.mark.parametrize(
    ("answer", "said_back"),
    [
        (Answer("q", "", choice=0), "“Go on”"),
        (Answer("q", "", text="Never mind"), "“Never mind”"),
        (Answer("q", "", text="perhaps"), "You said"),
    ],
)
def test_it_repeats_the_choice(answer: Answer, said_back: str) -> None:
    (text,) = texts(DEMO, turn(answer.text, answer=answer), Asked())
    assert said_back in text


def test_it_names_the_files_it_was_given() -> None:
    parts = (Text("look"), Image(Media("r1", "cat.png")), File(Media("r2")))
    event = StoredEvent(1, said("", parts=parts), NOON)
    (text,) = texts(DEMO, turn("", events=(event,)), Asked())
    assert "cat.png" in text
    assert "2 file(s)" in text


def test_it_says_that_it_answers_an_edit_and_quotes_only_the_first_time() -> None:
    edited = actions(DEMO, turn("hello", replaces=5), Asked())[-1]
    fresh = actions(DEMO, turn("hello"), Asked())[-1]
    assert isinstance(edited, Send)
    assert isinstance(fresh, Send)
    assert "after your edit" in edited.content.text
    assert (edited.is_quoting, fresh.is_quoting) == (False, True)


def test_it_remembers_the_conversation() -> None:
    past = (("person", "hello"), ("bot", "hi"))
    (text,) = texts(DEMO, turn("again"), Asked(history=past))
    assert "2 lines" in text


def test_a_message_without_words_is_answered() -> None:
    (text,) = texts(DEMO, turn(""), Asked("zh"))
    assert "收到" in text
