"""``posthouse chats``: the chats with their numbers, and tags by which scripts name them."""

from __future__ import annotations

from posthouse.api.desk import Nothing
from posthouse.api.push_tasks import CHATS, TAG, SetTags
from posthouse.cli.house import counter_of
from posthouse.cli.terminal import OK, Terminal
from posthouse.settings.settings import Settings


async def show(settings: Settings, *, as_json: bool) -> int:
    """List chats, the most recently used first."""
    async with counter_of(settings) as house:
        found = await house.ask(CHATS, Nothing())
    terminal = Terminal()
    if as_json:
        terminal.json(found)
        return OK
    for each in found:
        chat = each.chat
        tags = " ".join(f"#{tag}" for tag in each.tags)
        title = chat.title or chat.platform_id
        terminal.line(f"{chat.id}  {chat.bot}  {chat.kind}  {title}  {tags}".rstrip())
    if not found:
        terminal.say("还没有会话。", "There are no chats yet.")
    return OK


async def tag(settings: Settings, number: int, tags: tuple[str, ...]) -> int:
    """Give a chat these tags and no others."""
    async with counter_of(settings) as house:
        tagged = await house.ask(TAG, SetTags(number, tags))
    Terminal().line(f"{tagged.chat.id}  {' '.join(f'#{each}' for each in tagged.tags)}".rstrip())
    return OK
