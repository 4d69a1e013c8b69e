"""The web channel's rooms; the queries are in ``rooms.sql``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from posthouse.model.address import ChatKind, Person, Role
from posthouse.model.errors import Refused
from posthouse.model.message import Media
from posthouse.store.queries import load
from posthouse.store.rooms import (
    BOT,
    Changes,
    Errand,
    ErrandKind,
    Member,
    Message,
    NewMessage,
    Press,
    Quoted,
    Room,
    RoomOfPerson,
    Said,
    Upload,
)
from posthouse.store.sql import about
from posthouse.store.sql.about import About
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.reading import Reading
from posthouse.store.sql.rows import json

SQL = load("sqlite/rooms.sql")
STEP = "room"  # in ``store/points.py``

_SNIPPET_CHARS = 500
_ROOM_COLUMNS = 8
_NEWEST = 2**62

_saids = msgspec.json.Decoder(Said)
_presses = msgspec.json.Decoder(tuple[Press, ...])
_media = msgspec.json.Decoder(Media)


class SqlRooms:
    """``Rooms`` on a SQL database."""

    def __init__(self, committer: Committer, reading: Reading) -> None:
        self._committer = committer
        self._reading = reading

    # --- people -------------------------------------------------------------------------

    async def name_person(self, bot: str, person: str, name: str, now: float) -> tuple[str, ...]:
        return await self._committer.commit(
            STEP, (f"person {bot} {person}",), name_person, bot, person, name, now
        )

    async def person_name(self, bot: str, person: str) -> str | None:
        row = await self._reading.one(SQL["person_name"], bot=bot, person=person)
        return None if row is None else row[0]

    # --- rooms --------------------------------------------------------------------------

    async def create(self, room: Room, owner: str, now: float) -> Room:
        return await self._committer.commit(STEP, about.room(room.id), create, room, owner, now)

    async def room(self, bot: str, room: str) -> Room | None:
        row = await self._reading.one(SQL["room"], bot=bot, room=room)
        return None if row is None else _room(row)

    async def retitle(self, room: str, title: str) -> None:
        await self._committer.commit(STEP, about.room(room), retitle, room, title)

    async def join(self, room: str, person: str, now: float, members_max: int) -> bool:
        return await self._committer.commit(
            STEP, about.room(room), join, room, person, now, members_max
        )

    async def leave(self, room: str, person: str, now: float) -> bool:
        return await self._committer.commit(STEP, about.room(room), leave, room, person, now)

    async def member(self, room: str, person: str) -> Member | None:
        row = await self._reading.one(SQL["member"], room=room, person=person)
        return None if row is None else _member(row)

    async def members(self, room: str) -> tuple[Member, ...]:
        return tuple(_member(row) for row in await self._reading.all(SQL["members"], room=room))

    async def rooms_of(self, bot: str, person: str, limit: int) -> tuple[RoomOfPerson, ...]:
        rows = await self._reading.all(SQL["rooms_of"], bot=bot, person=person, limit=limit)
        return tuple(_room_of_person(row) for row in rows)

    async def mark_read(self, room: str, person: str, number: int) -> None:
        await self._committer.commit(STEP, about.room(room), mark_read, room, person, number)

    # --- messages -----------------------------------------------------------------------

    async def post(self, message: NewMessage, now: float) -> tuple[Message, bool]:
        return await self._committer.commit(
            STEP, _about(message.room, message.said), post, message, now
        )

    async def edit(self, room: str, number: int, person: str, said: Said, now: float) -> bool:
        return await self._committer.commit(
            STEP, _about(room, said), edit, room, number, person, said, now
        )

    async def recall(self, room: str, number: int, person: str, now: float) -> bool:
        return await self._committer.commit(
            STEP, about.room(room, has_files=True), recall, room, number, person, now
        )

    async def press(self, room: str, number: int, person: str, token: str, now: float) -> bool:
        return await self._committer.commit(
            STEP, about.room(room), press, room, number, person, token, now
        )

    async def press_in_vain(self, room: str, number: int, person: str) -> None:
        await self._committer.commit(STEP, about.room(room), press_in_vain, room, number, person)

    async def rewrite(
        self, room: str, number: int, said: Said, now: float, *, is_draft: bool
    ) -> bool:
        return await self._committer.commit(
            STEP, _about(room, said), rewrite, room, number, said, now, is_draft=is_draft
        )

    async def withdraw(self, room: str, number: int, now: float) -> bool:
        return await self._committer.commit(
            STEP, about.room(room, has_files=True), withdraw, room, number, now
        )

    async def message(self, room: str, number: int) -> Message | None:
        return await self._reading.ask(find, room, number)

    async def before(self, room: str, number: int | None, limit: int) -> tuple[Message, ...]:
        end = _NEWEST if number is None else number
        rows = await self._reading.all(SQL["before"], room=room, number=end, limit=limit)
        return tuple(_message(row) for row in reversed(rows))

    async def changes(self, room: str, after: int, limit: int) -> Changes:
        # The versions first: what changes between the two reads is only told once more.
        version, people_version = await self._reading.one(SQL["versions"], room=room) or (after, 0)
        rows = await self._reading.all(SQL["changes"], room=room, after=after, limit=limit)
        messages = tuple(_message(row) for row in rows)
        is_more = len(messages) == limit
        return Changes(
            version=messages[-1].version if is_more else version,
            messages=messages,
            has_people_changed=people_version > after,
            is_more=is_more,
        )

    # --- files --------------------------------------------------------------------------

    async def keep_upload(self, upload: Upload, now: float) -> None:
        await self._committer.commit(
            STEP, about.room(upload.room, has_files=True), keep_upload, upload, now
        )

    async def upload(self, room: str, person: str, ref: str) -> Upload | None:
        row = await self._reading.one(SQL["upload"], room=room, person=person, ref=ref)
        if row is None:
            return None
        return Upload(room=room, person=person, media=_media.decode(row[0]))

    async def forget_uploads(self, before_at: float, limit: int) -> tuple[str, ...]:
        return await self._committer.commit(STEP, (about.FILES,), forget_uploads, before_at, limit)

    # --- the road -----------------------------------------------------------------------

    async def errands(self, bot: str, room: str | None, limit: int) -> tuple[Errand, ...]:
        rows = await self._reading.all(SQL["errands"], bot=bot, room=room, limit=limit)
        return tuple(_errand(row) for row in rows)

    async def done(self, errands: Sequence[int]) -> None:
        await self._committer.commit(STEP, about.NOTHING, done, tuple(errands))


def _about(room: str, said: Said) -> About:
    return about.room(room, has_files=bool(said.media))


# --- operations: what runs inside one transaction ---------------------------------------------


def name_person(db: Database, bot: str, person: str, name: str, now: float) -> tuple[str, ...]:
    db.run(SQL["name_person"], bot=bot, person=person, name=name, now=now)
    rooms = tuple(row[0] for row in db.all(SQL["rooms_showing"], bot=bot, person=person))
    for room in rooms:
        _count_people_change(db, room)
    return rooms


def create(db: Database, room: Room, owner: str, now: float) -> Room:
    db.run(
        SQL["create"],
        room=room.id,
        bot=room.bot,
        kind=room.kind,
        title=room.title,
        now=now,
        language=room.language,
    )
    db.run(SQL["join"], room=room.id, person=owner, role=Role.OWNER, now=now, read_number=0)
    version = _count_people_change(db, room.id)
    _add_errand(db, room.id, ErrandKind.CREATED, version, owner, now)
    return replace(room, created_at=now, version=version, people_version=version)


def retitle(db: Database, room: str, title: str) -> None:
    db.run(SQL["retitle"], room=room, title=title)
    _count_people_change(db, room)


def join(db: Database, room: str, person: str, now: float, members_max: int) -> bool:
    if db.one(SQL["member"], room=room, person=person) is not None:
        return True
    count = db.one(SQL["count_members"], room=room)
    if count is None or count[0] >= members_max:
        return False
    version = _count_people_change(db, room)
    role = Role.MEMBER if count[0] else Role.OWNER  # an empty room belongs to whoever comes
    db.run(SQL["join"], room=room, person=person, role=role, now=now, read_number=version)
    _add_errand(db, room, ErrandKind.JOINED, version, person, now)
    return True


def leave(db: Database, room: str, person: str, now: float) -> bool:
    row = db.one(SQL["leave"], room=room, person=person)
    if row is None:
        return False
    if row[0] == Role.OWNER:
        db.run(SQL["inherit"], room=room, role=Role.OWNER)
    version = _count_people_change(db, room)
    _add_errand(db, room, ErrandKind.LEFT, version, person, now)
    return True


def mark_read(db: Database, room: str, person: str, number: int) -> None:
    db.run(SQL["mark_read"], room=room, person=person, number=number)


def post(db: Database, new: NewMessage, now: float) -> tuple[Message, bool]:
    known = db.one(SQL["find_key"], room=new.room, sender=new.sender, key=new.key)
    if known is not None:
        return _found(db, new.room, known[0]), False
    number = _count_change(db, new.room)
    db.run(
        SQL["post"],
        room=new.room,
        number=number,
        sender=new.sender,
        key=new.key,
        said=json(new.said),
        snippet=_snippet(new.said),
        quote=new.quote,
        now=now,
        is_draft=new.is_draft,
    )
    _carry(db, new.room, number, new.said)
    if new.sender != BOT:
        mark_read(db, new.room, new.sender, number)
        _add_errand(db, new.room, ErrandKind.POSTED, number, new.sender, now, number=number)
    return _found(db, new.room, number), True


def edit(db: Database, room: str, number: int, person: str, said: Said, now: float) -> bool:
    message = find(db, room, number)
    if message is None or message.sender != person or message.is_recalled:
        return False
    if message.said == said:
        return True
    version = _rewrite(db, message, said, now, is_draft=False)
    _add_errand(db, room, ErrandKind.EDITED, version, person, now, number=number)
    return True


def recall(db: Database, room: str, number: int, person: str, now: float) -> bool:
    message = find(db, room, number)
    if message is None or message.sender != person:
        return False
    if not message.is_recalled:
        version = _erase(db, message, now)
        _add_errand(db, room, ErrandKind.RECALLED, version, person, now, number=number)
    return True


def press(db: Database, room: str, number: int, person: str, token: str, now: float) -> bool:
    message = find(db, room, number)
    who = db.one(SQL["member"], room=room, person=person)
    if message is None or who is None or token not in {c.token for c in message.said.choices}:
        return False
    if any(known.person == person for known in message.presses):
        return True
    version = _count_change(db, room)
    presses = (*message.presses, Press(person, who[1], token))
    db.run(SQL["press"], room=room, number=number, version=version, presses=json(presses))
    _add_errand(db, room, ErrandKind.PRESSED, version, person, now, number=number, token=token)
    return True


def press_in_vain(db: Database, room: str, number: int, person: str) -> None:
    message = find(db, room, number)
    if message is None or not any(known.person == person for known in message.presses):
        return
    presses = tuple(
        replace(known, is_vain=True) if known.person == person else known
        for known in message.presses
    )
    version = _count_change(db, room)
    db.run(SQL["press"], room=room, number=number, version=version, presses=json(presses))


def rewrite(
    db: Database, room: str, number: int, said: Said, now: float, *, is_draft: bool
) -> bool:
    message = find(db, room, number)
    if message is None or message.sender != BOT or message.is_recalled:
        return False
    if message.said != said or message.is_draft != is_draft:
        _rewrite(db, message, said, now, is_draft=is_draft)
    return True


def withdraw(db: Database, room: str, number: int, now: float) -> bool:
    message = find(db, room, number)
    if message is None or message.sender != BOT:
        return False
    if not message.is_recalled:
        _erase(db, message, now)
    return True


def keep_upload(db: Database, upload: Upload, now: float) -> None:
    media = upload.media
    db.run(
        SQL["keep_upload"],
        room=upload.room,
        person=upload.person,
        ref=media.ref,
        media=json(media),
        now=now,
    )


def forget_uploads(db: Database, before_at: float, limit: int) -> tuple[str, ...]:
    old = db.all(SQL["old_uploads"], before_at=before_at, limit=limit)
    for room, person, ref in old:
        db.run(SQL["forget_upload"], room=room, person=person, ref=ref)
    refs = dict.fromkeys(ref for _, _, ref in old)
    return tuple(ref for ref in refs if db.one(SQL["is_used"], ref=ref) == (0,))


def done(db: Database, errands: tuple[int, ...]) -> None:
    for errand in errands:
        db.run(SQL["done"], id=errand)


# --- below: pieces of operations ----------------------------------------------------------------


def find(db: Database, room: str, number: int) -> Message | None:
    """Return a message as it is shown."""
    row = db.one(SQL["message"], room=room, number=number)
    return None if row is None else _message(row)


def _found(db: Database, room: str, number: int) -> Message:
    message = find(db, room, number)
    assert message is not None
    return message


def _count_change(db: Database, room: str) -> int:
    row = db.one(SQL["count_change"], room=room)
    if row is None:
        raise Refused(f"there is no room {room}")
    return int(row[0])


def _count_people_change(db: Database, room: str) -> int:
    version = _count_change(db, room)
    db.run(SQL["people_changed"], room=room)
    return version


def _add_errand(  # noqa: PLR0913 - the columns of one row
    db: Database,
    room: str,
    kind: ErrandKind,
    version: int,
    person: str,
    now: float,
    *,
    number: int = 0,
    token: str = "",
) -> None:
    db.run(
        SQL["add_errand"],
        room=room,
        kind=kind,
        version=version,
        number=number,
        person=person,
        token=token,
        now=now,
    )


def _rewrite(db: Database, message: Message, said: Said, now: float, *, is_draft: bool) -> int:
    """Give a message other words; a draft that grows or is finished does not count as edited.

    Presses of buttons that are gone are forgotten: whoever made one may press those that came.
    """
    version = _count_change(db, message.room)
    tokens = {choice.token for choice in said.choices}
    db.run(
        SQL["rewrite"],
        room=message.room,
        number=message.number,
        version=version,
        said=json(said),
        snippet=_snippet(said),
        edited_at=message.edited_at if message.is_draft else now,
        is_draft=is_draft,
        presses=json(tuple(press for press in message.presses if press.token in tokens)),
    )
    _uncarry(db, message)
    _carry(db, message.room, message.number, said)
    return version


def _erase(db: Database, message: Message, now: float) -> int:
    version = _count_change(db, message.room)
    db.run(SQL["erase"], room=message.room, number=message.number, version=version)
    _uncarry(db, message)
    for media in message.said.media:  # forgotten, and then removed, with the old uploads
        keep_upload(db, Upload(room=message.room, person=message.sender, media=media), now)
    return version


def _carry(db: Database, room: str, number: int, said: Said) -> None:
    for media in said.media:
        db.run(SQL["carry"], ref=media.ref, room=room, number=number)


def _uncarry(db: Database, message: Message) -> None:
    for media in message.said.media:
        db.run(SQL["uncarry"], ref=media.ref, room=message.room, number=message.number)


def _snippet(said: Said) -> str:
    return said.text[:_SNIPPET_CHARS] or ", ".join(media.name for media in said.media)


# --- below: rows -------------------------------------------------------------------------------


def _room(row: Row) -> Room:
    room, bot, kind, title, created_at, version, people_version, language = row
    return Room(
        id=room,
        bot=bot,
        kind=ChatKind(kind),
        title=title,
        created_at=created_at,
        version=version,
        people_version=people_version,
        language=language,
    )


def _member(row: Row) -> Member:
    person, name, role, joined_at, read_number = row
    return Member(
        id=person, name=name, role=Role(role), joined_at=joined_at, read_number=read_number
    )


def _room_of_person(row: Row) -> RoomOfPerson:
    role, unread, *last = row[_ROOM_COLUMNS:]
    return RoomOfPerson(
        room=_room(row[:_ROOM_COLUMNS]),
        role=Role(role),
        unread=unread,
        last=None if last[0] is None else _message(tuple(last)),
    )


def _message(row: Row) -> Message:
    room, number, version, sender, name, said, at, key = row[:8]
    edited_at, is_recalled, is_draft, presses = row[8:12]
    return Message(
        room=room,
        number=number,
        version=version,
        sender=sender,
        sender_name=name,
        said=_saids.decode(said),
        at=at,
        key=key,
        quoted=_quoted(row[12:]),
        edited_at=edited_at,
        is_recalled=bool(is_recalled),
        is_draft=bool(is_draft),
        presses=() if presses == "[]" else _presses.decode(presses),
    )


def _quoted(columns: Row) -> Quoted | None:
    number, sender, name, snippet, is_recalled = columns
    if number is None:
        return None
    return Quoted(
        number=number,
        sender=sender,
        sender_name=name,
        text=snippet,
        is_recalled=bool(is_recalled),
    )


def _errand(row: Row) -> Errand:
    number_, room, kind, version, number, person, name, role, token, at = row
    return Errand(
        id=number_,
        room=room,
        kind=ErrandKind(kind),
        version=version,
        number=number,
        person=Person(id=person, name=name, role=Role(role)),
        token=token,
        at=at,
    )
