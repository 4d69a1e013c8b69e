"""Content is made to fit what a platform can show."""

import pytest

from posthouse.channels.degrade import split
from posthouse.channels.markup import MARKDOWN_CHARACTERS_MAX
from posthouse.channels.paging import TEXT_MAX_LEAST
from posthouse.model.address import Person
from posthouse.model.capabilities import Capabilities
from posthouse.model.message import Choice, Content, Media

YES_NO = (Choice("Yes", "q1:0"), Choice("No", "q1:1"))
REPORT = Media(ref="sha256:00", name="report.pdf")
WIDE = Capabilities(text_max=4000, choices_max=5, has_markdown=True, has_media=True)


def test_what_fits_stays_as_it_is() -> None:
    content = Content("*hello*", choices=YES_NO, mentions=(Person("u-1"),))
    assert split(content, WIDE) == (content,)


def test_buttons_stand_below_the_last_words() -> None:
    content = Content("word " * 100, choices=YES_NO, mentions=(Person("u-1"),))
    first, *_, last = split(content, Capabilities(text_max=200, choices_max=2, has_markdown=True))
    assert (first.choices, first.mentions) == ((), (Person("u-1"),))
    assert (last.choices, last.mentions) == (YES_NO, ())


def test_buttons_that_do_not_all_fit_become_a_list_of_numbers() -> None:
    (part,) = split(Content("Sure?", choices=YES_NO), Capabilities(choices_max=1))
    assert part.choices == ()
    assert part.text == "Sure?\n\n1. Yes\n2. No"


def test_markdown_becomes_plain_where_there_is_none() -> None:
    (part,) = split(Content("**Hi** [there](https://a.example)"), Capabilities())
    assert (part.text, part.format) == ("Hi there (https://a.example)", "plain")


def test_plain_text_is_never_read_as_markdown() -> None:
    (part,) = split(Content("2*3*4", "plain"), Capabilities())
    assert part.text == "2*3*4"


def test_words_and_file_are_two_messages() -> None:
    words, file = split(Content("Here:", media=REPORT, choices=YES_NO), WIDE)
    assert (words.text, words.media, words.choices) == ("Here:", None, YES_NO)
    assert (file.text, file.media, file.choices) == ("", REPORT, ())


def test_a_file_alone_carries_the_buttons() -> None:
    assert split(Content(media=REPORT, choices=YES_NO), WIDE) == (
        Content(media=REPORT, choices=YES_NO),
    )


def test_a_file_is_named_where_there_are_none() -> None:
    (part,) = split(Content("Here:", media=REPORT), Capabilities())
    assert (part.text, part.media) == ("Here:\n\n📎 report.pdf", None)


def test_nothing_to_say_is_still_one_message() -> None:
    assert split(Content(""), WIDE) == (Content(""),)


def test_a_huge_text_is_not_parsed() -> None:
    content = Content("*a* " * (MARKDOWN_CHARACTERS_MAX // 4 + 1))
    assert {part.format for part in split(content, WIDE)} == {"plain"}


def test_a_limit_without_room_for_a_fence_is_a_defect_of_the_channel() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        split(Content("hello"), Capabilities(text_max=TEXT_MAX_LEAST - 1))
