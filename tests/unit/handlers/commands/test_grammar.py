"""How a command is said."""

import pytest

from posthouse.handlers.commands.grammar import (
    WORDS_MAX,
    NotClosed,
    Spoken,
    TooManyWords,
    parse,
    split_words,
)

PREFIXES = ("/", "／", "!!", "!")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("deploy web 1.2", ("deploy", "web", "1.2")),
        ("/deploy web", ("deploy", "web")),
        ("／deploy web", ("deploy", "web")),
        ("!!deploy", ("deploy",)),
        ("  / deploy   web  ", ("deploy", "web")),
        ("/deploy@our_bot web@home", ("deploy", "web@home")),
        ("部署　上线\t网站", ("部署", "上线", "网站")),
        ("", ()),
        ("/", ()),
    ],
)
def test_words_behind_an_optional_prefix(text: str, words: tuple[str, ...]) -> None:
    assert parse(text, PREFIXES) == Spoken(words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('a "b c" d', ["a", "b c", "d"]),
        ("a 'b c'", ["a", "b c"]),
        ("a “b c” ‘d e’", ["a", "b c", "d e"]),
        ("a 「b c」『d e』", ["a", "b c『d", "e』"]),
        ("a ＂b c＂ ＇d e＇", ["a", "b c", "d e"]),
        ('name="two words"', ["name=two words"]),
        ('a "" b', ["a", "", "b"]),
        ("don't stop", ["don't", "stop"]),
        (r'say "a \"b\" c"', ["say", 'a "b" c']),
        (r"two\ words C:\temp \\", ["two words", r"C:\temp", "\\"]),
        ('“it is " here”', ['it is " here']),
    ],
)
def test_quotes_keep_words_together(line: str, words: list[str]) -> None:
    assert split_words(line) == words


@pytest.mark.parametrize(("line", "quote"), [('a "b', '"'), ("a “b c", "“"), ("'", "'")])
def test_an_open_quote_is_named(line: str, quote: str) -> None:
    with pytest.raises(NotClosed, match=quote):
        split_words(line)


def test_lines_below_are_one_argument_whatever_stands_in_them() -> None:
    spoken = parse('/note add title\n  "open\n\n$(rm -rf)\n', PREFIXES)
    assert spoken == Spoken(("note", "add", "title"), '  "open\n\n$(rm -rf)')


def test_there_is_a_limit() -> None:
    assert len(split_words("x " * WORDS_MAX)) == WORDS_MAX
    for too_many in ("x " * 10_000, '"x" ' * 10_000):
        with pytest.raises(TooManyWords):
            split_words(too_many)
