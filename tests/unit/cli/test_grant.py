"""Permissions and operators by the command line, on a house that stands still."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from posthouse.api.permission_tasks import Everybody
from posthouse.cli import grant
from posthouse.cli.grant import _show_operators
from posthouse.cli.terminal import Terminal, speak
from posthouse.console.lockout import Lockout
from posthouse.console.passwords import Passwords
from posthouse.console.sign_in import SignIn, Visit
from posthouse.model.errors import OperatorMistake
from posthouse.model.permission import Effect, Field, OperatorRole, Subject, SubjectKind
from posthouse.model.secret import hashed
from posthouse.settings.settings import BotSettings, Settings
from posthouse.store.grants import PEOPLE_MAX, Stranger
from posthouse.store.sqlite.store import SqliteStore

NOW = 1_795_000_000.0
PASSWORD = "correct horse battery"

Shown = Callable[[], str]


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    speak("en")
    made = Settings(data=tmp_path / "data", language="en", timezone="UTC")
    await SqliteStore.open(made.data / "posthouse.db").close()
    return made


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    return lambda: capsys.readouterr().out


@asynccontextmanager
async def book(settings: Settings) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(settings.data / "posthouse.db")
    try:
        yield store
    finally:
        await store.close()


async def allow(settings: Settings, *words: str, bot: str = "", effect: str = "allow") -> int:
    return await grant.grant(settings, Effect(effect), words, bot, "", NOW)


async def test_a_grant_is_written_and_audited(settings: Settings, shown: Shown) -> None:
    assert await allow(settings, "person:ou_1", "deploy.start", "until 30d") == 0
    assert shown().startswith("#1 allowed person:ou_1 deploy.start until ")
    async with book(settings) as store:
        (line,) = await store.grants.list()
        (audited,) = await store.access.audit_lines()
    assert line.subject == Subject(SubjectKind.PERSON, "ou_1")
    assert line.field == Field(bot="web", handler="commands", scene="deploy", command="start")
    assert line.until_at == NOW + 30 * 86400
    assert (audited.author, audited.action) == ("cli", "grant")


async def test_a_block_is_written(settings: Settings, shown: Shown) -> None:
    await allow(settings, "chat:7", "handler:demo", effect="block")
    assert shown() == "#1 blocked chat:7 handler:demo\n"


@pytest.mark.parametrize(
    "words",
    [
        ("ann", "deploy"),
        ("person:ou_1",),
        ("person:ou_1", "deploy", "until yesterday"),
        ("person:ou_1", "deploy", "until 2001-01-01"),
    ],
)
async def test_what_is_not_understood_is_explained(
    settings: Settings, words: tuple[str, ...]
) -> None:
    with pytest.raises(OperatorMistake, match="posthouse grant person:ou_1"):
        await allow(settings, *words)
    async with book(settings) as store:
        assert await store.grants.list() == ()


async def test_several_bots_must_be_told_apart(settings: Settings, shown: Shown) -> None:
    two = {name: BotSettings(channel="web") for name in ("hall", "yard")}
    settings = settings.model_copy(update={"bots": two})
    with pytest.raises(OperatorMistake, match="hall, yard"):
        await allow(settings, "person:ou_1", "deploy")
    with pytest.raises(OperatorMistake, match="no bot attic"):
        await allow(settings, "person:ou_1", "deploy", bot="attic")
    for bot in ("yard", "*"):
        await allow(settings, "person:ou_1", "deploy", bot=bot)
    async with book(settings) as store:
        assert {line.field.bot for line in await store.grants.list()} == {"yard", "*"}


async def test_lines_are_listed_and_struck_out(settings: Settings, shown: Shown) -> None:
    await allow(settings, "person:ou_1", "deploy")
    await allow(settings, "everyone", "status")
    shown()
    await grant.show_grants(settings, "", "", NOW, as_json=False)
    assert [line.split()[0] for line in shown().splitlines()] == ["#2", "#1"]
    await grant.show_grants(settings, "everyone", "", NOW, as_json=False)
    assert shown() == "#2 allowed person:* status · web · cli\n"
    assert await grant.revoke(settings, [1, 9]) == 1
    assert shown() == "Struck out: #1.\n"
    async with book(settings) as store:
        assert [line.id for line in await store.grants.list()] == [2]


async def test_a_group_of_people_is_set_and_dissolved(settings: Settings, shown: Shown) -> None:
    await grant.people(settings, "ops", ["ann", "bob"], "", as_json=False)
    assert shown() == "people:ops · web · ann bob\n"
    await grant.people(settings, "ops", [], "", as_json=False)
    assert shown() == "There are no groups of people.\n"


async def test_too_large_a_group_is_a_mistake_in_words(settings: Settings) -> None:
    crowd = tuple(map(str, range(PEOPLE_MAX + 1)))
    with pytest.raises(OperatorMistake, match="at most"):
        await grant.people(settings, "all", crowd, "", as_json=False)


async def test_the_claim_code_is_the_one_that_the_chat_takes(
    settings: Settings, shown: Shown
) -> None:
    await grant.claim_code(settings)
    found = re.search(r"/claim (\d{6}) ", shown())
    assert found is not None
    async with book(settings) as store:
        assert await store.access.use_code("claim", hashed(found[1]), 0.0)


async def test_operators_are_added_listed_and_dropped(settings: Settings, shown: Shown) -> None:
    await grant.show_operators(settings, as_json=False)
    assert "claim-code" in shown()
    await grant.appoint(settings, "ou_1", "", "Ann")
    await grant.show_operators(settings, as_json=False)
    assert "web · Ann (ou_1): inside chats" in shown()
    assert await grant.dismiss(settings, "ou_1", "") == 0
    assert await grant.dismiss(settings, "ou_1", "") == 1


# --- links to the console ----------------------------------------------------------------------


def sign_in(store: SqliteStore) -> SignIn:
    return SignIn(store.access, Passwords(memory_kib=8, rounds=1), Lockout(), lambda: NOW)


async def enter(
    settings: Settings, shown: Shown, way: str, use: Callable[[SignIn, str], Awaitable[object]]
) -> None:
    found = re.search(rf"http://127.0.0.1:8350/console/{way}/(\S+)", shown())
    assert found is not None
    async with book(settings) as store:
        await use(sign_in(store), found[1])


async def test_the_first_link_sets_the_console_up(settings: Settings, shown: Shown) -> None:
    await grant.console_link(settings, "")
    await enter(
        settings, shown, "set-up", lambda door, code: door.set_up(code, "ann", PASSWORD, Visit())
    )


async def test_a_link_lets_one_operator_in(settings: Settings, shown: Shown) -> None:
    async with book(settings) as store:
        for name in ("ann", "bob"):
            await store.access.add_operator(name, OperatorRole.ADMIN, "", "cli", NOW)
    with pytest.raises(OperatorMistake, match="ann, bob"):
        await grant.console_link(settings, "")
    with pytest.raises(OperatorMistake, match="ann, bob"):
        await grant.console_link(settings, "eve")
    await grant.console_link(settings, "Bob")
    await enter(
        settings, shown, "link", lambda door, code: door.enter_by_link(code, PASSWORD, Visit())
    )
    async with book(settings) as store:
        entered = await sign_in(store).log_in("bob", PASSWORD, Visit())
        assert entered.visitor.operator.name == "bob"


def test_who_asks_for_a_scene_is_listed_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    asks = [
        Stranger(bot="b", person="ou_1", name="Ann", handler="commands", reason=reason, at=1.0)
        for reason in ("not_granted deploy", "not_granted")
    ]
    _show_operators(Terminal(), Everybody(in_chats=(), of_console=(), strangers=tuple(asks)))
    shown = capsys.readouterr().out.splitlines()
    assert ["commands deploy" in line for line in shown[:2]] == [True, False]
