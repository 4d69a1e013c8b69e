"""A house whose assistant knows a few passages; its gate and its library are small and plain."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from msgspec import Struct

from posthouse.handlers.assistant.answering import Answering
from posthouse.handlers.assistant.book import Book
from posthouse.handlers.assistant.calls import Voice
from posthouse.handlers.assistant.errands import Errands
from posthouse.handlers.assistant.finding import Finder, Library
from posthouse.handlers.assistant.gates import Gate, Gates
from posthouse.handlers.assistant.handler import Assistant, Parts
from posthouse.handlers.assistant.handover import Handover
from posthouse.handlers.assistant.purses import Purses
from posthouse.handlers.assistant.settings import AssistantOptions
from posthouse.handlers.assistant.tools import Tool, Tools
from posthouse.handlers.assistant.writing import Writer
from posthouse.handlers.trying import Concluded, Trial, Tried, Tries
from posthouse.knowledge.passage import Found, Hit, Passage
from posthouse.knowledge.usual import Freshen
from posthouse.knowledge.words import fingerprint, normalise, tokens
from posthouse.llm.model import Model, Usage
from posthouse.llm.scripted import Line, Scripted
from posthouse.model.address import ChatMode
from posthouse.model.event import MessageReceived
from posthouse.settings.settings import RouteRule
from posthouse.store.asked import Question
from posthouse.store.sql.store import SqlStore
from tests.house.kit import HouseKit, closed

NAME = "assistant"
BASE = "handbook"

PORT = Passage(
    base=BASE,
    document_id=1,
    path="server.md",
    title="Server",
    text="The house listens on port 8350.\n\nSet `port` in `[server]` to change the port.",
    headings=("Where it listens",),
    line=12,
    hash="p1",
    address="https://docs.example/server",
)
RECALL = Passage(
    base=BASE,
    document_id=2,
    path="recall.md",
    title="撤回",
    text="在聊天里发送“撤回”，机器人就会撤回它的回答。\n\n撤回在 24 小时内有效。",
    page=3,
    hash="p2",
)
REFUND = Passage(
    base=BASE,
    document_id=3,
    path="faq",
    title="FAQ",
    text="Refunds take *exactly* five days.",
    hash="p3",
)
HOTLINE = Passage(
    base=BASE, document_id=4, path="faq", title="FAQ", text="Call Ann: 13812345678.", hash="p4"
)
FIXED = {"How long does a refund take?": REFUND, "Whom do I call?": HOTLINE}


class Shelf:
    """Finds passages by the words they share with a question (``finding.Library``)."""

    def __init__(self, *passages: Passage) -> None:
        self.passages = list(passages)
        self.asked: list[tuple[tuple[str, ...], str]] = []

    async def find(self, bases: tuple[str, ...], query: str, limit: int = 8) -> Found:
        self.asked.append((bases, query))
        prints = {fingerprint(question): answer for question, answer in FIXED.items()}
        exact = prints.get(fingerprint(query))
        wanted = set(tokens(normalise(query)))
        hits = [
            Hit(passage, len(held) / len(wanted))
            for passage in self.passages
            if passage.base in bases
            and (held := wanted & set(tokens(normalise(passage.title + passage.text))))
        ]
        hits.sort(key=lambda hit: -hit.score)
        words = tuple((word, 1) for word in sorted(wanted))
        exact = exact if BASE in bases else None
        best = hits[0].score if hits else 0.0
        return Found(
            query, tuple(hits[:limit]), coverage=best, words=words, passages=3, exact=exact
        )


class Judged(Struct, frozen=True):
    score: float
    threshold: float
    why: str = ""

    @property
    def is_sure(self) -> bool:
        return self.score >= self.threshold


class PlainGate:
    """Is as sure as the best passage is near (``gates.Gate``)."""

    def judge(self, text: str, found: Found, *, is_addressed: bool) -> Judged:
        best = found.hits[0].score if found.hits else 0.0
        return Judged(best, 0.2 if is_addressed else 0.6)


class Living:
    """The book as the process sees it that lives now, for handlers that outlive it in a test."""

    def __init__(self, house: HouseKit, part: str = "") -> None:
        self._house = house
        self._part = part

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands in for any part of a store
        if not self._part:
            return Living(self._house, name)
        store = getattr(self._house, "mortal", self._house.store)
        return getattr(getattr(store, self._part), name)


async def as_it_is(_: Sequence[str]) -> None:
    """Nothing changes on this shelf."""


def assistant(
    house: HouseKit,
    *,
    models: Iterable[Model] = (),
    tools: dict[str, Tool] | None = None,
    passages: tuple[Passage, ...] = (PORT, RECALL, REFUND),
    library: Library | None = None,
    gate: Callable[[], Gate] = PlainGate,
    freshen: Freshen = as_it_is,
    **options: Any,  # noqa: ANN401 - those of the handler
) -> Assistant:
    """Put an assistant together on the book of a house."""
    store = cast("SqlStore", Living(house))
    settings = AssistantOptions(**{"bases": (BASE,), **options})
    gates = Gates(store.conduct, gate, lambda _: gate())
    shelf = library or Shelf(*passages)
    by_name = {model.name: model for model in models}

    def voice_for(name: str | None) -> Voice | None:
        model = next(iter(by_name.values()), None) if name is None else by_name.get(name)
        return None if model is None else Voice(model=model)

    errands = Errands(Tools(tools or {}, store.grants))
    return Assistant(
        NAME,
        settings,
        Parts(
            answering=Answering(
                settings,
                Finder(settings, store.documents, shelf, gates, freshen),
                Writer(settings, errands),
                voice_for,
            ),
            errands=errands,
            handover=Handover(NAME, settings.handoff_words, store.conduct, store.grants),
            book=Book(store.asked),
            documents=store.documents,
            purses=Purses(NAME, store.asked, _price, settings.trial_tokens_per_day),
            asked=store.asked,
            conduct=store.conduct,
            chats=store.chats,
            roads=store.reader,
        ),
    )


def _price(used: Usage) -> int:
    return used.prompt_tokens + 2 * used.answer_tokens


async def opened(**choices: Any) -> HouseKit:  # noqa: ANN401 - of ``closed`` and ``assistant``
    """Open a house with an assistant, which hears everything in its room when it listens."""
    for_house = {name: choices.pop(name) for name in ("can", "words") if name in choices}
    house = closed(routes=(RouteRule(handler=NAME),), **for_house)
    house.handlers = {NAME: assistant(house, **choices)}
    await house.open()
    return house


async def steps(house: HouseKit, trial: Trial) -> list[Tried]:
    """Try a question in a house, to its end."""
    handler = house.handlers[NAME]
    assert isinstance(handler, Tries)
    return [each async for each in handler.attempt(trial)]


async def tried(house: HouseKit, trial: Trial) -> Concluded:
    """Try a question in a house, and return how it ends."""
    end = (await steps(house, trial))[-1]
    assert isinstance(end, Concluded)
    return end


async def listen(house: HouseKit, mode: ChatMode = ChatMode.LISTEN) -> None:
    """Let the bot hear what is said in the room without being addressed."""
    await house.store.chats.set_mode((await house.chat()).id, mode, house.clock())


async def asked(house: HouseKit) -> tuple[Question, ...]:
    """What the book of questions holds, oldest first."""
    return (await house.store.asked.recent())[::-1]


def saying(*lines: tuple[str, str], house: HouseKit | None = None, **details: Any) -> Scripted:  # noqa: ANN401 - of ``Scripted``
    """A model that answers by patterns of the newest message."""
    return Scripted(*(Line(pattern, text) for pattern, text in lines), **details)


async def notes(house: HouseKit, message: MessageReceived) -> dict[str, str]:
    """What was noted beside the turn of a message."""
    turn = (await house.road(message)).turn
    assert turn is not None
    return dict(turn.notes)
