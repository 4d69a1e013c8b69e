"""What scenes can say and ask, and who may run them."""

from pathlib import Path

import pytest

from posthouse.handlers.handler import CannotAnswer
from posthouse.model.action import Ask, Draft, Send
from posthouse.model.message import Content
from posthouse.model.turn import Answer, OnCrash, OnEdit, Turn
from tests.unit.handlers.commands.stage import Book, staged, turn_of

TALK = '''
    """All that can be said."""
    import asyncio
    from pathlib import Path
    from posthouse.scene import *

    def cmd_add(a: int, b: int = 2):
        """Add two numbers."""
        return f"{a + b}"

    def cmd_nothing(): ...

    def cmd_plain():
        return Text("*as it is*")

    def cmd_number():
        return 42

    def cmd_list():
        return ["one", ["two", Text("three")]]

    def cmd_steps():
        yield Progress("half")
        yield "one"
        yield "two"

    async def cmd_later():
        await asyncio.sleep(0)
        return "later"

    async def cmd_stream():
        for word in ("a", "b", "c"):
            await asyncio.sleep(0)
            yield word

    def cmd_picture():
        return Image(b"\\x89PNG\\r\\n\\x1a\\n" + bytes(20), "chart.png")

    def cmd_file(path: Path):
        return File(path)

    def cmd_who():
        call = caller()
        person, chat = call.person, call.chat
        return f"{person.id} {person.groups} {chat.number} {call.bot} {call.language}"

    def cmd_wrong(name: str):
        raise Mistake(f"there is no {name}")

    def cmd_tell(chat: int, text: str):
        yield Push(chat, text)
        yield "told"

    def cmd_note(title: str, text: str):
        return f"{title}: {text!r}"
'''

ASKING = """
    from posthouse.scene import Ask, Card

    def cmd_restart(host: str):
        return Ask(f"Restart {host}?", ("Yes", "No"), then=restart, state={"host": host})

    def restart(answer, state):
        if answer.choice != 0:
            return f"left {state['host']} alone ({answer.text})"
        return Ask("Why?", then="why", state=state)

    def why(answer, state):
        return f"restarted {state['host']}: {answer.text}"

    def cmd_card():
        return Card("Hosts", {"Up": up, "Down": down}, state=1, anyone=True)

    def up(answer, state):
        return f"up {state}"

    def down(answer, state):
        return f"down {state}"

    def cmd_stray():
        return Ask("?", ("a",), then="os_system")
"""

ALL = Book({("*", "*", "*")})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/talk add 1", "3"),
        ("／TALK Add 1 5", "6"),
        ("talk nothing", "Done."),
        ("/talk plain", "*as it is*"),
        ("/talk number", "42"),
        ("/talk list", "one\ntwo\nthree"),
        ("/talk steps", "one\ntwo"),
        ("/talk later", "later"),
        ("/talk stream", "a\nb\nc"),
        ("/talk who", "ann ('ops',) 7 b en"),
        ("/talk wrong host", "there is no host"),
        ("/talk note title\none\ntwo", "title: 'one\\ntwo'"),
        ('/talk note “a b” "c d"', "a b: 'c d'"),
    ],
)
async def test_an_answer(tmp_path: Path, text: str, said: str) -> None:
    book = Book(groups={"ann": ("ops",)})
    async with staged(tmp_path, public={"talk": TALK}, book=book) as stage:
        assert await stage.answer(text) == said


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("/talk add", ("`a` is missing (a whole number)", "`/talk add <a> [b=2]`")),
        ("/talk add one", ("`a` cannot be “one”; it is a whole number",)),
        ("/talk add 1 2 3", ("nothing to do with “3”",)),
        ("/talk ad 1", ("`talk` has no command `ad`", "`/talk add`")),
        ("/tlak add 1", ("no command `tlak`", "`/talk`")),
        ('/talk add "1', ('quote " has no end',)),
        ("/talk add " + "1 " * 10_000, ("Too many arguments, 1000",)),
        ("/talk add " + "x" * 300_000, ("too long",)),
        ("/talk", ("All that can be said.", "`/talk add <a> [b=2]`: Add two numbers.")),
        ("/help talk", ("All that can be said.", "Add two numbers.")),
        ("/help talk add", ("`/talk add <a> [b=2]`", "Add two numbers.", "`a`: a whole number")),
        ("/help tlak", ("`/talk`",)),
        ("/help", ("`/whoami`", "`/talk`: All that can be said.")),
    ],
)
async def test_help_for_who_needs_it(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    async with staged(tmp_path, public={"talk": TALK}) as stage:
        shown = await stage.answer(text)
        assert [part for part in parts if part not in shown] == [], shown


async def test_the_help_is_chinese_where_chinese_is_spoken(tmp_path: Path) -> None:
    async with staged(tmp_path, public={"talk": TALK}) as stage:
        assert "缺少参数 `a`（整数）" in await stage.answer("/talk add", language="zh")


async def test_what_is_said_alone_waits_for_the_end_and_what_comes_in_steps_does_not(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, public={"talk": TALK}) as stage:
        (alone,) = await stage.actions(turn_of("/talk add 1"))
        assert alone == Send(Content("3"), is_last=True)
        progress, one, two = await stage.actions(turn_of("/talk steps"))
        assert progress == Draft("half")
        assert one == Send(Content("one"))
        assert isinstance(two, Send)


async def test_a_picture_goes_to_the_shelf(tmp_path: Path) -> None:
    async with staged(tmp_path, public={"talk": TALK}) as stage:
        (sent,) = await stage.actions(turn_of("/talk picture"))
        assert isinstance(sent, Send)
        media = sent.content.media
        assert media is not None
        assert (media.name, media.mime) == ("chart.png", "image/png")
        path = stage.shelf.path(media.ref)
        assert path is not None
        assert path.read_bytes().startswith(b"\x89PNG")
        assert list((tmp_path / "scratch").rglob("result-*")) == []


async def test_a_file_is_copied_and_what_is_no_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "a report.txt").write_text("hello")
    (tmp_path / "large").write_bytes(bytes(1_000_001))
    async with staged(tmp_path, public={"talk": TALK}) as stage:
        assert await stage.answer(f'/talk file "{tmp_path}/a report.txt"') == "a report.txt"
        for unreadable in ("/dev/zero", f"{tmp_path}", f"{tmp_path}/none", f"{tmp_path}/large"):
            assert "cannot be read" in await stage.answer(f'/talk file "{unreadable}"')


async def test_a_push_goes_to_the_house(tmp_path: Path) -> None:
    pushed: list[tuple[int, int, str]] = []

    async def push(turn: Turn, number: int, chat: int, content: Content) -> None:
        pushed.append((number, chat, content.text))

    async with staged(tmp_path, public={"talk": TALK}, push=push) as stage:
        assert await stage.answer("/talk tell 9 hello") == "told"
    assert pushed == [(0, 9, "hello")]


async def test_a_push_that_cannot_be_sent_is_said(tmp_path: Path) -> None:
    async with staged(tmp_path, public={"talk": TALK}) as stage:
        assert "could not send to chat 9" in await stage.answer("/talk tell 9 hello")


# ── questions ────────────────────────────────────────────────────────────────────────────────


async def test_a_question_and_its_answers(tmp_path: Path) -> None:
    async with staged(tmp_path, private={"ops": ASKING}, book=ALL) as stage:
        asked = await stage.ask("/ops restart web")
        assert (asked.question.text, asked.choices) == ("Restart web?", ("Yes", "No"))
        assert not asked.takes_text
        assert await stage.reply(asked, 1) == "left web alone (No)"
        (second,) = await stage.actions(turn_of("", answer=Answer("q", asked.state, 0)))
        assert isinstance(second, Ask)
        assert second.takes_text
        assert await stage.reply(second, text="too hot") == "restarted web: too hot"


async def test_a_button_written_out_is_pressed(tmp_path: Path) -> None:
    async with staged(tmp_path, private={"ops": ASKING}, book=ALL) as stage:
        asked = await stage.ask("/ops restart web")
        assert await stage.reply(asked, text=" no ") == "left web alone (No)"


async def test_every_button_of_a_card_has_its_function(tmp_path: Path) -> None:
    async with staged(tmp_path, private={"ops": ASKING}, book=ALL) as stage:
        card = await stage.ask("/ops card")
        assert card.who == "anyone"
        assert [await stage.reply(card, number) for number in (0, 1)] == ["up 1", "down 1"]


async def test_a_question_survives_a_new_house(tmp_path: Path) -> None:
    async with staged(tmp_path, private={"ops": ASKING}, book=ALL) as stage:
        asked = await stage.ask("/ops restart web")
    async with staged(tmp_path, private={"ops": ASKING}, book=ALL) as stage:
        assert await stage.reply(asked, 1) == "left web alone (No)"


async def test_an_answer_to_a_function_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    async with staged(tmp_path, private={"ops": ASKING}, book=ALL) as stage:
        asked = await stage.ask("/ops stray")
        with pytest.raises(CannotAnswer, match="has changed since it asked"):
            await stage.reply(asked, 0)


async def test_who_may_not_run_a_command_may_not_answer_for_it(tmp_path: Path) -> None:
    book = Book({("ann", "ops", "restart")})
    async with staged(tmp_path, private={"ops": ASKING}, book=book) as stage:
        asked = await stage.ask("/ops restart web")
        with pytest.raises(CannotAnswer, match="You may not use"):
            await stage.reply(asked, 0, who="bob")


# ── permissions ──────────────────────────────────────────────────────────────────────────────

TRACE = """
    import pathlib
    def cmd_run(path: str):
        pathlib.Path(path).touch()
        return "ran"
"""


@pytest.mark.parametrize(
    ("granted", "is_allowed"),
    [
        (("ann", "trace", "run"), True),
        (("ann", "trace", "*"), True),
        (("ann", "*", "*"), True),
        (("ann", "trace", "stop"), False),
        (("ann", "other", "run"), False),
        (("bob", "trace", "run"), False),
    ],
)
async def test_nothing_runs_without_a_grant(
    tmp_path: Path, granted: tuple[str, str, str], *, is_allowed: bool
) -> None:
    ran = tmp_path / "ran"
    async with staged(tmp_path, private={"trace": TRACE}, book=Book({granted})) as stage:
        shown = await stage.answer(f"/trace run {ran}")
    assert (shown == "ran") == ran.exists() == is_allowed
    assert is_allowed or shown == "You may not use `trace run`. Ask an administrator to grant it."


@pytest.mark.parametrize(
    ("reason", "words_of"),
    [
        ("blocked", "You are barred"),
        ("grant_expired 2026-11-03", "ended on 2026-11-03"),
        ("grant_not_yet 2026-12-01", "begins on 2026-12-01"),
    ],
)
async def test_a_refusal_says_why_and_the_book_too(
    tmp_path: Path, reason: str, words_of: str
) -> None:
    async with staged(tmp_path, private={"trace": TRACE}, book=Book(reason=reason)) as stage:
        with pytest.raises(CannotAnswer, match=words_of) as caught:
            await stage.actions(turn_of("/trace run x"))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("/trace run x", "trace"),
        ("/trace", "trace"),
        ("/help trace", "trace"),
        ("/reload", "reload"),
    ],
)
async def test_operators_are_asked_about_the_scene_that_was_wanted(
    tmp_path: Path, text: str, scene: str
) -> None:
    """Without its name, one press of "Allow" would open every scene."""
    async with staged(tmp_path, private={"trace": TRACE}, book=Book()) as stage:
        with pytest.raises(CannotAnswer) as caught:
            await stage.actions(turn_of(text))
    assert caught.value.reason == f"not_granted {scene}"


async def test_help_and_hints_show_what_one_may_use(tmp_path: Path) -> None:
    book = Book({("bob", "trace", "run")})
    scenes = {"trace": TRACE, "other": TRACE}
    async with staged(tmp_path, private=scenes, book=book) as stage:
        for who, sees in (("ann", False), ("bob", True)):
            assert ("/trace" in await stage.answer("/help", who=who)) == sees
            assert ("/trace" in await stage.answer("/trcae x", who=who)) == sees
            assert "/other" not in await stage.answer("/help", who=who)
        for text in ("/help trace", "/trace"):  # it names no command
            assert "You may not use `trace`." in await stage.answer(text)


async def test_a_public_scene_asks_for_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path, public={"trace": TRACE}) as stage:
        assert await stage.answer(f"/trace run {tmp_path}/ran") == "ran"


async def test_a_block_counts_in_a_public_scene_too(tmp_path: Path) -> None:
    public = {"trace": TRACE, "hash_line": HASH}
    special = {"#": "hash_line:answer"}
    async with staged(
        tmp_path, public=public, special=special, book=Book(reason="blocked")
    ) as stage:
        assert "barred from `trace run`" in await stage.answer(f"/trace run {tmp_path}/ran")
        assert "barred from `#`" in await stage.answer("#tea")
        assert "/trace" not in await stage.answer("/help")
        assert not (tmp_path / "ran").exists()


async def test_of_two_scenes_of_one_name_the_first_folder_counts(tmp_path: Path) -> None:
    both = {"trace": TRACE}
    async with staged(tmp_path, private=both, public=both) as stage:
        assert "may not use" in await stage.answer(f"/trace run {tmp_path}/ran")


# ── marks ────────────────────────────────────────────────────────────────────────────────────

HASH = """
    def answer(line):
        return f"<{line}>"
"""


MARK_ASKS = """
    from posthouse.scene import Ask

    def line(text):
        return Ask("Sure?", ("Yes", "No"), then=decided, state=text)

    def decided(answer, state):
        return f"{state}: {answer.text}"
"""


async def test_a_mark_leads_to_its_function(tmp_path: Path) -> None:
    book = Book({("ann", "#", "*")})
    special = {"#": "hash_line:answer"}
    async with staged(tmp_path, private={"hash_line": HASH}, special=special, book=book) as stage:
        assert await stage.answer('# what is "this\n1') == '<what is "this\n1>'
        assert "may not use `#`" in await stage.answer("#x", who="bob")
        assert "no command" in await stage.answer("/hash_line answer x")
        assert stage.commands.traits.marks == ("#",)


async def test_a_mark_of_a_public_scene_may_ask_and_be_answered_by_anybody(tmp_path: Path) -> None:
    """The same rule for the question and for its answer."""
    async with staged(tmp_path, public={"asks": MARK_ASKS}, special={"#": "asks:line"}) as stage:
        asked = await stage.ask("#tea")
        assert await stage.reply(asked, 0) == "tea: Yes"


async def test_a_mark_of_a_guarded_scene_is_guarded_when_answered(tmp_path: Path) -> None:
    book, scenes = Book({("ann", "#", "*")}), {"asks": MARK_ASKS}
    async with staged(tmp_path, private=scenes, special={"#": "asks:line"}, book=book) as stage:
        asked = await stage.ask("#tea")
        assert await stage.reply(asked, 0) == "tea: Yes"
        with pytest.raises(CannotAnswer, match="You may not use `#`"):
            await stage.reply(asked, 0, who="bob")


async def test_a_mark_whose_scene_is_not_loaded_is_guarded(tmp_path: Path) -> None:
    async with staged(tmp_path, special={"#": "nowhere:line"}) as stage:
        assert "You may not use `#`." in await stage.answer("#tea")


# ── what is asked of the house ───────────────────────────────────────────────────────────────


async def test_no_text_leads_to_an_import(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef cmd_x(): ...")
    async with staged(tmp_path, public={"talk": TALK}) as stage:
        for name in ("evil", "../evil", "os", "talk.asyncio", "posthouse.scene", "__init__"):
            assert "There is no command" in await stage.answer(f"/{name} x")
        assert "has no command" in await stage.answer("/talk asyncio")
        assert not (tmp_path / "ran").exists()


async def test_built_in_commands_may_run_twice_and_scenes_may_not(tmp_path: Path) -> None:
    async with staged(tmp_path, public={"talk": TALK}) as stage:
        traits = stage.commands.traits_for
        assert traits(turn_of("/echo hi")).on_crash is OnCrash.RERUN
        assert traits(turn_of("/talk add 1")).on_crash is OnCrash.REPORT
        assert traits(turn_of("#x")).on_crash is OnCrash.REPORT
        assert stage.commands.traits.on_edit is OnEdit.IGNORE
        assert {"talk", "help", "reload"} <= set(stage.commands.traits.answers_to)
