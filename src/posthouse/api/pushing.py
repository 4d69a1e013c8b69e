"""What a push meets before the road: who asks, whom it is for, whether the key is known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from msgspec import UNSET
from msgspec.structs import replace

from posthouse.api.callers import Caller
from posthouse.api.message import (
    TARGETS_MAX,
    Answer,
    Edit,
    Line,
    Mention,
    Message,
    Place,
    Upload,
    Uploaded,
    hash_of,
)
from posthouse.gateway import pusher
from posthouse.gateway.pusher import Asked, Pusher, Saying
from posthouse.handlers.handler import Handler
from posthouse.model.address import Chat, Person
from posthouse.model.address import Place as ModelPlace
from posthouse.model.errors import NotUnderstood, Refused
from posthouse.model.message import Content, Media
from posthouse.model.reasons import explain
from posthouse.model.scopes import may_push_to, may_push_to_tag, may_push_with_bot
from posthouse.store.chats import Chats
from posthouse.store.media import FileTooLarge, Shelf
from posthouse.store.pushes import Push, Pushes, Target


class NotFound(Refused):
    """There is no such push, chat or tag."""


@dataclass(frozen=True)
class PushBooks:
    """What of the store pushes need."""

    chats: Chats
    pushes: Pushes
    shelf: Shelf


class Pushing:
    """Authorises pushes, finds their targets, puts them on the road and says what became of them.

    Args:
        books: the store, and where files lie.
        pusher: the road's side.
        handlers: the names of those who may deal with a press of a button.
        clock: seconds since the epoch.
        file_bytes_max: of one file.
    """

    def __init__(
        self,
        books: PushBooks,
        pusher: Pusher,
        handlers: Mapping[str, Handler],
        clock: Callable[[], float],
        file_bytes_max: int,
    ) -> None:
        self._chats = books.chats
        self._pushes = books.pushes
        self._shelf = books.shelf
        self._pusher = pusher
        self._handlers = handlers
        self._clock = clock
        self._file_bytes_max = file_bytes_max

    async def push(self, caller: Caller, key: str, message: Message) -> Push:
        """Say something; the same key and body again is the same push.

        Raises:
            KeyUsed: the key came with another body before.
            NotFound: a target does not exist.
            Refused: a target is not the caller's to write to.
            NotUnderstood: a platform cannot carry the content.
            TryLater: not everything was written; ask again with the same key.
        """
        body_hash = hash_of(message)
        push = await self._pushes.find(caller.token, key, body_hash)
        saying = replace(await self._saying(message), policy=message.policy)
        if push is None:
            targets = await self._targets(caller.scopes, message)
            await self._pusher.check(targets, saying)
            now = self._clock()
            push = await self._pushes.begin(caller.token, key, body_hash, targets, now)
        return await self._pusher.push(push, saying)

    async def edit(self, push: Push, edit: Edit) -> Push:
        """Give an earlier push other words.

        Raises:
            TakenBack: it was taken back.
            NotUnderstood: a platform cannot carry the content.
            TryLater: not everything was written; ask again.
        """
        return await self._pusher.edit(push, hash_of(edit), await self._saying(edit))

    async def recall(self, push: Push) -> Push:
        """Take an earlier push back."""
        return await self._pusher.recall(push)

    async def find(self, token: int, key: str) -> Push:
        """Return an earlier push.

        Raises:
            NotFound: there is none under this key of this token.
        """
        push = await self._pushes.find(token, key)
        if push is None:
            raise NotFound(f"there is no push under the key {key}", zh=f"没有 key 为 {key} 的推送")
        return push

    async def answer(self, push: Push, wait_s: float | None) -> tuple[Answer, bool]:
        """Describe a push, and say whether everything about it is decided.

        Args:
            push: which one.
            wait_s: how long to wait until it is decided; None leaves out what became of it, so
                that a repeat gets the same words.
        """
        found = await self._pusher.lines(push, wait_s or 0.0)
        lines = tuple(map(_still if wait_s is None else _line, found))
        answer = Answer(
            key=push.key,
            put_at=push.put_at,
            targets=lines,
            edits=0 if wait_s is None else push.edits,
            recalled_at=None if wait_s is None else push.recalled_at,
        )
        return answer, all(line.is_decided for line in found)

    async def upload(self, chunks: AsyncIterator[bytes], name: str) -> Uploaded:
        """Keep a file that pushes may carry.

        Raises:
            FileTooLarge: it is longer than files may be.
            StorageFull: there is no room for it.
        """
        media = await self._shelf.put(chunks, name, self._file_bytes_max)
        return Uploaded(ref=media.ref, mime=media.mime, size_bytes=media.size_bytes)

    def close(self) -> None:
        """Let nobody wait for an outcome any longer: the house closes."""
        self._pusher.close()

    # --- to whom ------------------------------------------------------------------------------

    async def _targets(self, scopes: tuple[str, ...], message: Message) -> tuple[Target, ...]:
        """Find the chats; nothing is written before all of them are known to be allowed."""
        places: list[tuple[str, Chat | Place]] = []
        for to in message.targets:
            places += await self._found(scopes, to)
        if len(places) > TARGETS_MAX:
            raise NotUnderstood(
                f"these are {len(places)} chats; push to at most {TARGETS_MAX} at once",
                zh=f"一共 {len(places)} 个会话；一次最多 {TARGETS_MAX} 个",
            )
        targets: dict[int, Target] = {}
        for name, place in places:
            chat = place if isinstance(place, Chat) else await self._entered(place)
            self._pusher.bot(chat.bot)
            targets.setdefault(chat.id, Target(name, chat.id, chat.bot))
        return tuple(targets.values())

    async def _entered(self, place: Place) -> Chat:
        where = ModelPlace(place.bot, place.chat, place.kind)
        return await self._chats.resolve(where, self._clock())

    async def _found(
        self, scopes: tuple[str, ...], to: int | str | Place
    ) -> list[tuple[str, Chat | Place]]:
        if isinstance(to, Place):
            return [(f"{to.bot}:{to.chat}", await self._at(scopes, to))]
        if isinstance(to, int):
            chat = await self._chats.get(to)
            return [(str(to), await self._allowed(scopes, str(to), chat))]
        tag = to.removeprefix("tag:")
        chats = await self._chats.tagged(tag, TARGETS_MAX + 1)
        if not may_push_to_tag(scopes, tag):
            if not chats:
                raise _forbidden(to)
            return [(to, await self._allowed(scopes, to, chat)) for chat in chats]
        if not chats:
            raise NotFound(f"no chat has the tag {tag}", zh=f"没有会话带标签 {tag}")
        return [(to, chat) for chat in chats]

    async def _at(self, scopes: tuple[str, ...], place: Place) -> Chat | Place:
        if may_push_with_bot(scopes, place.bot):
            self._pusher.bot(place.bot)
            return place
        found = await self._chats.find(place.bot, place.chat)
        return await self._allowed(scopes, f"{place.bot}:{place.chat}", found)

    async def _allowed(self, scopes: tuple[str, ...], name: str, chat: Chat | None) -> Chat:
        """Return the chat; who may not write everywhere does not learn which chats there are."""
        if chat is None:
            if "push" in scopes:
                raise NotFound(f"there is no chat {name}", zh=f"没有会话 {name}")
            raise _forbidden(name)
        tags = (await self._chats.tags((chat.id,))).get(chat.id, ())
        if not may_push_to(scopes, chat, tags):
            raise _forbidden(name)
        return chat

    # --- what ---------------------------------------------------------------------------------

    async def _saying(self, edit: Edit) -> Saying:
        takers = [name for name, each in self._handlers.items() if each.traits.takes_pushes]
        if edit.handler and edit.handler not in takers:
            names = ", ".join(sorted(takers)) or "-"
            raise NotUnderstood(
                f"no handler {edit.handler} answers the buttons of a push; these do: {names}",
                zh=f"处理程序 {edit.handler} 不处理推送的按钮；可用：{names}",
            )
        content = Content(
            text=edit.text or edit.markdown,
            format="plain" if edit.text else "markdown",
            media=await self._media(edit),
            mentions=tuple(map(_person, edit.mentions)),
        )
        asked = Asked(
            choices=tuple(edit.choices),
            handler=edit.handler,
            state=edit.state,
            expires_s=edit.expires_s,
        )
        return Saying(content=content, asked=asked if edit.choices else None)

    async def _media(self, edit: Edit) -> Media | None:
        upload = edit.image or edit.file
        if upload is None:
            return None
        media = await self._shelved(upload)
        if edit.image and not media.mime.startswith("image/"):
            raise NotUnderstood(
                f"`image` is {media.mime}; send it as `file`",
                zh=f"image 的内容是 {media.mime}；请作为 file 发送",
            )
        return media

    async def _shelved(self, upload: Upload) -> Media:
        if upload.base64 is not UNSET:
            try:
                return await self._shelf.put(
                    _once(upload.base64), upload.name, self._file_bytes_max
                )
            except FileTooLarge:
                raise NotUnderstood(
                    f"a file has at most {self._file_bytes_max} bytes",
                    zh=f"文件最多 {self._file_bytes_max} 字节",
                ) from None
        assert upload.ref is not UNSET
        media = await self._shelf.media(upload.ref, upload.name)
        if media is None:
            raise NotUnderstood(
                "there is no file under this reference; upload it first",
                zh="没有这个引用的文件；请先上传",
            )
        return media


def _forbidden(name: str) -> Refused:
    return Refused(f"this token may not push to {name}", zh=f"这个令牌不能推送到 {name}")


def _person(mention: str | Mention) -> Person:
    return Person(mention) if isinstance(mention, str) else Person(mention.id, mention.name)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _still(line: pusher.Line) -> Line:
    target = line.target
    return Line(to=target.to, chat=target.chat, bot=target.bot, deliveries=line.deliveries)


def _line(line: pusher.Line) -> Line:
    return replace(
        _still(line),
        state=line.state or "queued",
        reason=line.reason,
        zh=explain(line.reason, "zh"),
        en=explain(line.reason, "en"),
        message_ids=line.platform_ids,
        edit=line.edit,
    )
