"""Commands with scenes keep what every handler promises, and the book of permissions rules them."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.handlers.handler import CannotAnswer
from posthouse.model.permission import Effect, Field, Subject, SubjectKind
from posthouse.store.grants import NewGrant
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.testing.conformance import handler as suite
from posthouse.testing.conformance.checks import Check, checks_of
from posthouse.testing.conformance.handler import Subject as Looked
from posthouse.testing.scripted_handler import StillContext
from tests.unit.handlers.commands.stage import build, turn_of

SCENES = {"app": "def cmd_run(): return 'ran'\ndef cmd_stop(): return 'stopped'"}
MARK = {"line": "def answer(text): return f'<{text}>'"}


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
async def test_promise(tmp_path: Path, check: Check[Looked]) -> None:
    stage = build(tmp_path, public=SCENES | MARK, special={"h": "line:answer"})
    await stage.commands.open()
    try:
        await check(Looked(handler=stage.commands, new_context=StillContext))
    finally:
        await stage.commands.close()


async def grant(store: SqliteStore, effect: Effect, field: Field, until_at: float | None) -> None:
    subject = Subject(SubjectKind.PERSON, "ann")
    new = NewGrant(effect=effect, subject=subject, field=field, until_at=until_at)
    await store.grants.grant(new, "test", 1.0)


@pytest.mark.parametrize(
    ("field", "until_at", "texts"),
    [
        (Field(scene="app", command="run"), None, {"/app run": "ran"}),
        (Field(scene="app"), None, {"/app run": "ran", "/app stop": "stopped"}),
        (Field(scene="app", command="run"), 1.0, {}),
        (Field(scene="app", handler="other"), None, {}),
        (Field(scene="#"), None, {"#x": "<x>"}),
        (Field(scene="reload"), None, {"/reload": "Loaded again: `app`"}),
    ],
)
async def test_a_line_of_the_book_opens_what_it_says_and_nothing_else(
    tmp_path: Path, field: Field, until_at: float | None, texts: dict[str, str]
) -> None:
    store = open_memory_store()
    await grant(store, Effect.ALLOW, field, until_at)
    stage = build(tmp_path, private=SCENES | MARK, book=store.grants, special={"#": "line:answer"})
    await stage.commands.open()
    try:
        for text in ("/app run", "/app stop", "#x", "/reload"):
            if text in texts:
                assert await stage.answer(text) == texts[text]
            else:
                with pytest.raises(CannotAnswer):
                    await stage.actions(turn_of(text))
    finally:
        await stage.commands.close()
        await store.close()


async def test_a_block_beats_a_grant(tmp_path: Path) -> None:
    store = open_memory_store()
    await grant(store, Effect.ALLOW, Field(), None)
    await grant(store, Effect.BLOCK, Field(scene="app", command="stop"), None)
    stage = build(tmp_path, private=SCENES, book=store.grants)
    await stage.commands.open()
    try:
        assert await stage.answer("/app run") == "ran"
        with pytest.raises(CannotAnswer) as caught:
            await stage.actions(turn_of("/app stop"))
        assert caught.value.reason == "blocked"
    finally:
        await stage.commands.close()
        await store.close()
