"""What operators' tools ask about knowledge: bases, their sources, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from posthouse.api.desk import Desk, Task
from posthouse.knowledge.ingest import documents_of
from posthouse.knowledge.passage import Found
from posthouse.knowledge.room import Looking, ReadingRoom
from posthouse.knowledge.sources.built_in import BASE as BUILT_IN
from posthouse.knowledge.sources.catalogue import BY_HAND, is_base_name
from posthouse.knowledge.sources.place import Options
from posthouse.knowledge.usual import bases_for
from posthouse.model.errors import OperatorMistake
from posthouse.store.documents import Base, Document, Source

PROBLEMS_MAX = 1000
CLI = "cli"  # what the audit calls who may read the lock file
HITS_MAX = 100


class Stock(Struct, frozen=True, kw_only=True):
    """A base, where its documents come from, and which of them could not be read."""

    base: Base
    sources: tuple[Source, ...]
    problems: tuple[Document, ...]


class AddSource(Struct, frozen=True, kw_only=True):
    """A place whose documents a base is to have; the base is made where there is none."""

    base: str
    place: str
    options: Options = Options()


class Which(Struct, frozen=True, kw_only=True):
    """Sources: all, those of a base, or one by its number."""

    base: str = ""
    source: int = 0


class Numbers(Struct, frozen=True):
    """Sources, by their numbers."""

    sources: tuple[int, ...]


class Search(Struct, frozen=True, kw_only=True):
    """A question to some bases; none means those that the assistant would look into."""

    question: str
    bases: tuple[str, ...] = ()
    limit: int = 8


async def stocks(desk: Desk, wanted: Which) -> tuple[Stock, ...]:
    """Return the bases."""
    room = _room(desk)
    bases = [base for base in await room.documents.bases() if wanted.base in {"", base.name}]
    return tuple([await _stock(room, base) for base in bases])


async def _stock(room: ReadingRoom, base: Base) -> Stock:
    sources = await room.documents.sources(base.name)
    return Stock(base=base, sources=sources, problems=await _problems(room, sources))


async def _problems(room: ReadingRoom, sources: tuple[Source, ...]) -> tuple[Document, ...]:
    found: list[Document] = []
    for source in sources:
        async for document in documents_of(room.documents, source):
            if document.problem:
                found.append(document)
            if len(found) == PROBLEMS_MAX:
                return tuple(found)
    return tuple(found)


async def add_source(desk: Desk, wanted: AddSource) -> Source:
    """Enter a source; reading it goes on, see ``looking``.

    Raises:
        OperatorMistake: the base's name is none, or there is nothing at this place.
    """
    if not is_base_name(wanted.base) or wanted.base == BUILT_IN:
        raise OperatorMistake(
            f'"{wanted.base}" cannot be the name of a base: choose letters, digits, . - and _, and'
            f' not "{BUILT_IN}", which is the house\'s own.',
            zh=f"“{wanted.base}”不能作为知识库名：请用文字、数字、. - 和 _，且不能是驿站自带的"
            f"“{BUILT_IN}”。",
        )
    source = await _room(desk).add(wanted.base, wanted.place, wanted.options)
    details = {"kind": str(source.kind), "place": source.place}
    await _audit(desk, "source.add", wanted.base, details)
    return source


async def remove_sources(desk: Desk, wanted: Which) -> int:
    """Forget a source, or a whole base; returns how many sources that were.

    Raises:
        OperatorMistake: there is no such base or source.
    """
    room = _room(desk)
    found = await _sources(room, wanted)
    if wanted.source:
        await room.remove(found[0])
    else:
        found = await room.remove_base(wanted.base)
    for source in found:
        details = {"kind": str(source.kind), "place": source.place}
        await _audit(desk, "source.remove", source.base, details)
    if not wanted.source:
        await _audit(desk, "base.remove", wanted.base, {})
    return len(found)


async def _audit(desk: Desk, action: str, base: str, details: Mapping[str, str]) -> None:
    told = msgspec.json.encode(details).decode()
    await desk.access.audit(CLI, action, f"base:{base}", told, desk.now())


async def sync_sources(desk: Desk, wanted: Which) -> tuple[Source, ...]:
    """Begin to read sources again; returns them.

    Raises:
        OperatorMistake: there is no such base or source.
    """
    room = _room(desk)
    found = tuple(each for each in await _sources(room, wanted) if each.kind not in BY_HAND)
    for source in found:
        room.begin(source)
    return found


async def looking(desk: Desk, wanted: Numbers) -> tuple[Looking, ...]:
    """Tell how far the reading of sources is."""
    return tuple(_room(desk).looking(source) for source in wanted.sources)


async def search(desk: Desk, wanted: Search) -> Found:
    """Find what the assistant would find.

    Raises:
        OperatorMistake: there is no such base.
    """
    room = _room(desk)
    names = [base.name for base in await room.documents.bases()]
    for base in wanted.bases:
        if base not in names and base != BUILT_IN:
            raise _no_such(base)
    bases = await bases_for(room.documents, room.freshen, wanted.bases)
    return await room.find(bases, wanted.question, max(1, min(wanted.limit, HITS_MAX)))


async def _sources(room: ReadingRoom, wanted: Which) -> tuple[Source, ...]:
    found = await room.documents.sources(wanted.base)
    if wanted.source:
        found = tuple(source for source in found if source.id == wanted.source)
        if not found:
            raise _no_such(f"#{wanted.source}")
    elif wanted.base and await room.documents.base(wanted.base) is None:
        raise _no_such(wanted.base)
    return found


def _no_such(name: str) -> OperatorMistake:
    return OperatorMistake(
        f"There is no knowledge base or source {name}; `posthouse kb list` shows them.",
        zh=f"没有知识库或来源 {name}；posthouse kb list 可列出。",
    )


def _room(desk: Desk) -> ReadingRoom:
    assert desk.room is not None, "this desk was built by hand, without knowledge"
    return desk.room


KB_LIST = Task("kb_list", Which, stocks, tuple[Stock, ...])
KB_ADD = Task("kb_add", AddSource, add_source, Source)
KB_REMOVE = Task("kb_remove", Which, remove_sources, int)
KB_SYNC = Task("kb_sync", Which, sync_sources, tuple[Source, ...])
KB_LOOKING = Task("kb_looking", Numbers, looking, tuple[Looking, ...])
KB_SEARCH = Task("kb_search", Search, search, Found)

KNOWLEDGE_TASKS: Mapping[str, Task[Struct, object]] = {
    task.name: task  # type: ignore[misc]  # each task checks its own arguments
    for task in (KB_LIST, KB_ADD, KB_REMOVE, KB_SYNC, KB_LOOKING, KB_SEARCH)
}
