"""``/api/v1/ask``: the stages of a real answer for scripts; bounded, and nothing is written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from posthouse.api import ask as asking
from posthouse.api.ask import AT_ONCE, PATH, Ask
from posthouse.api.guards import Failures
from posthouse.handlers.trying import Concluded, Growing, Source, Stage, Trial, Tried, Tries
from posthouse.model.address import Place
from posthouse.model.errors import NotThere, OperatorMistake, Refused, TryLater, UsedUp
from posthouse.model.scopes import checked_scopes
from posthouse.model.secret import hashed
from posthouse.store.sqlite.store import SqliteStore, open_memory_store

NOW = 1_750_000_000.0
SCOPES = {
    "ask": ("ask",),
    "push": ("push",),
    "room": ("ask:chat=1",),
    "bot": ("ask:bot=support", "ask:person=ann"),
    "faq": ("ask:base=help",),
    "wide": ("ask", "ask:chat=77", "ask:handler=hr", "ask:base=secret"),
}
SOURCE = Source(
    number=1, base="help", title="Guide", text="thus", key="help:g#1", score=0.9, is_cited=True
)
DONE = Concluded(
    reason="answered",
    answer="thus [1]",
    score=0.8,
    threshold=0.55,
    bases=("help",),
    sources=(SOURCE,),
)


@dataclass
class Scripted:
    """Says what a test wants, and remembers as whom it was asked."""

    says: tuple[Tried | Exception, ...] = (Stage("for_us", "yes"), Growing("thus"), DONE)
    trials: list[Trial] = field(default_factory=list)
    closed: int = 0

    async def attempt(self, trial: Trial) -> AsyncGenerator[Tried]:
        self.trials.append(trial)
        try:
            for each in self.says:
                if isinstance(each, Exception):
                    raise each
                yield each
        finally:
            self.closed += 1


class Desk:
    """A client with a token in front of the door."""

    def __init__(self, store: SqliteStore, tries: Mapping[str, Tries]) -> None:
        self.ask = Ask(lambda: tries, store.chats, store.access, lambda: NOW)
        app = Starlette(routes=list(self.ask.routes()), middleware=[Middleware(Failures)])
        self.client = TestClient(app)

    def post(self, body: object, secret: str = "ph_ask", **headers: str) -> Any:  # noqa: ANN401 - as the client has it
        headers = {
            "authorization": f"Bearer {secret}",
            "content-type": "application/json",
        } | headers
        return self.client.post(PATH, content=json.dumps(body), headers=headers)


@pytest.fixture
async def store() -> SqliteStore:
    store = open_memory_store()
    for name, scopes in SCOPES.items():
        await store.access.add_token(name, scopes, hashed(f"ph_{name}"), "cli", NOW)
    return store


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def desk(store: SqliteStore, scripted: Scripted) -> Desk:
    return Desk(store, {"assistant": scripted})


async def test_a_question_is_answered_with_its_steps_and_references(
    desk: Desk, store: SqliteStore, scripted: Scripted
) -> None:
    chat = await store.chats.resolve(Place("support", "room"), NOW)
    body = {"question": "how?", "chat": chat.id, "person": "ann", "bases": ["help"]}
    answer = desk.post(body, "ph_bot")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["answer"], told["reason"], told["zh"]) == ("thus [1]", "answered", "已回答")
    assert (told["score"], told["threshold"], told["bases"]) == (0.8, 0.55, ["help"])
    assert told["steps"] == [{"name": "for_us", "value": "yes"}]
    (reference,) = told["references"]
    assert (reference["title"], reference["is_cited"]) == ("Guide", True)
    (trial,) = scripted.trials
    assert (trial.author, trial.bot, trial.chat) == ("token:bot", "support", chat.id)
    assert trial.person == "ann"
    assert (trial.bases, trial.is_addressed, trial.at) == (("help",), True, NOW)
    assert scripted.closed == 1
    assert await store.asked.recent() == ()


def test_it_comes_bit_by_bit_to_who_listens(desk: Desk) -> None:
    answer = desk.post({"question": "how?"}, accept="text/event-stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [
        (block.split("\n")[0].removeprefix("event: "), json.loads(block.split("data: ")[1]))
        for block in answer.text.strip().split("\n\n")
    ]
    assert [name for name, _ in events] == ["step", "growing", "done"]
    assert events[1][1] == {"text": "thus"}
    assert events[2][1] == desk.post({"question": "how?"}).json()


@pytest.mark.parametrize(
    ("problem", "code"), [(TryLater("busy"), "try_later"), (ValueError("a secret"), "failed")]
)
def test_what_goes_wrong_is_told_without_details(
    store: SqliteStore, problem: Exception, code: str
) -> None:
    desk = Desk(store, {"assistant": Scripted((Stage("a", "b"), problem))})
    plain = desk.post({"question": "how?"})
    assert (plain.status_code, plain.json()["code"]) == (
        503 if code == "try_later" else 500,
        code,
    )
    streamed = desk.post({"question": "how?"}, accept="text/event-stream").text
    assert f'event: failed\ndata: {{"code":"{code}"' in streamed
    assert "secret" not in plain.text + streamed


def test_what_is_used_up_is_said_with_when_to_come_back(store: SqliteStore) -> None:
    problem = UsedUp("trial_tokens_per_day = 9", retry_after_s=4000.0)
    desk = Desk(store, {"assistant": Scripted((Stage("a", "b"), problem))})
    plain = desk.post({"question": "how?"})
    assert (plain.status_code, plain.headers["retry-after"]) == (429, "4000")
    assert plain.json()["code"] == "used_up"
    assert "trial_tokens_per_day" in plain.json()["en"]
    streamed = desk.post({"question": "how?"}, accept="text/event-stream").text
    assert 'event: failed\ndata: {"code":"used_up"' in streamed


def test_who_may_not_ask_learns_nothing(desk: Desk, scripted: Scripted) -> None:
    assert desk.post({"question": "how?"}, "ph_wrong").status_code == 401
    assert desk.post({"question": "how?"}, "ph_push").status_code == 403
    assert scripted.trials == []


@pytest.mark.parametrize(
    ("token", "body", "lacks"),
    [
        ("ask", {}, ""),
        ("ask", {"chat": 1}, "ask:chat=1"),
        ("ask", {"chat": 78}, "ask:chat=78"),
        ("ask", {"person": "ann"}, "ask:person=ann"),
        ("ask", {"handler": "assistant"}, ""),
        ("ask", {"handler": "hr"}, "ask:handler=hr"),
        ("ask", {"handler": "gone"}, "ask:handler=gone"),
        ("wide", {"handler": "hr"}, ""),
        ("room", {"chat": 1}, ""),
        ("room", {}, "ask"),
        ("room", {"chat": 1, "person": "ann"}, "ask:person=ann"),
        ("bot", {"chat": 1, "person": "ann"}, ""),
        ("bot", {"chat": 1, "person": "ben"}, "ask:person=ben"),
        ("faq", {"bases": ["help"]}, ""),
        ("faq", {}, "ask"),
        ("faq", {"bases": ["help", "hr"]}, "ask"),
        ("push", {}, "any"),
    ],
)
async def test_a_token_asks_only_where_and_as_whom_it_may(
    store: SqliteStore, scripted: Scripted, token: str, body: dict[str, object], lacks: str
) -> None:
    desk = Desk(store, {"assistant": scripted, "hr": scripted})
    chat = await store.chats.resolve(Place("support", "room"), NOW)
    assert chat.id == 1
    answer = desk.post({"question": "how?"} | body, f"ph_{token}")
    assert answer.status_code == (403 if lacks else 200)
    assert len(scripted.trials) == (0 if lacks else 1)
    if token != "push":
        assert not lacks or answer.json()["en"].endswith(f"the scope {lacks}")


@pytest.mark.parametrize("name", SCOPES)
def test_they_are_scopes(name: str) -> None:
    assert checked_scopes(SCOPES[name]) == SCOPES[name]


@pytest.mark.parametrize(
    "scope", ["ask:", "ask:chat=x", "ask:person=", "ask:person=a b", "ask:base=a/b", "ask:tag=x"]
)
def test_others_are_none(scope: str) -> None:
    with pytest.raises(OperatorMistake, match="not a scope"):
        checked_scopes((scope,))


def test_a_trial_knows_which_bases_its_token_may_name(desk: Desk, scripted: Scripted) -> None:
    desk.post({"question": "how?"}, "ph_wide")
    assert scripted.trials[0].bases_beyond == ("secret",)


@pytest.mark.parametrize(("problem", "code"), [(NotThere("x"), 404), (Refused("x"), 403)])
def test_a_base_that_may_not_be_asked_is_told(
    store: SqliteStore, problem: Exception, code: int
) -> None:
    desk = Desk(store, {"assistant": Scripted((problem,))})
    answer = desk.post({"question": "how?", "bases": ["x"]})
    assert (answer.status_code, answer.json()["en"]) == (code, "x")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": ""},
        {"question": " "},
        {"question": "x" * 2001},
        {"question": 1},
        {"question": "x", "chat": -1},
        {"question": "x", "bases": ["b"] * 21},
        {"question": "x", "language": "fr"},
        {"question": "x", "unknown": 1},
        [],
    ],
)
def test_what_is_no_question_is_refused(desk: Desk, scripted: Scripted, body: object) -> None:
    assert desk.post(body).status_code == 400
    assert scripted.trials == []


def test_nobody_to_ask_is_said_so(desk: Desk, store: SqliteStore) -> None:
    assert desk.post({"question": "x", "handler": "hr"}, "ph_wide").status_code == 404
    assert desk.post({"question": "x", "chat": 77}, "ph_wide").status_code == 404
    assert desk.post({"question": "x"}, **{"content-type": "text/plain"}).status_code == 415
    nobody = Desk(store, {}).post({"question": "x"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")


async def test_so_many_at_once_and_each_in_its_time(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, is_over = asyncio.Semaphore(0), asyncio.Event()

    class Slow:
        async def attempt(self, trial: Trial) -> AsyncGenerator[Tried]:
            begun.release()
            await is_over.wait()
            yield DONE

    slow, trial = Slow(), Trial(question="x")
    desk = Desk(store, {"assistant": slow}).ask
    waiting = [asyncio.create_task(desk._collected(slow, trial)) for _ in range(AT_ONCE)]
    for _ in range(AT_ONCE):
        await begun.acquire()
    with pytest.raises(TryLater, match="try again in a moment"):
        await desk._collected(slow, trial)
    is_over.set()
    assert {(await each).answer for each in waiting} == {"thus [1]"}
    is_over.clear()
    monkeypatch.setattr(asking, "WITHIN_S", 0.0)
    with pytest.raises(TryLater, match="takes longer"):
        await desk._collected(slow, trial)
    assert desk._under_way == 0
