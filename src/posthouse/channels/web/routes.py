"""Every address of the chat, in one table."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount, Route

from posthouse.channels.web.api import PeopleAndRooms
from posthouse.channels.web.chat import Chat
from posthouse.channels.web.exchange import guarded
from posthouse.channels.web.pace import Buckets
from posthouse.channels.web.pages import PACKAGE, Pages
from posthouse.channels.web.talk import Talk
from posthouse.look.pages import Static

_OTHERS_PER_POST = 10  # edits, presses and the like are cheaper than messages


def routes(chat: Chat, pages: Pages) -> list[BaseRoute]:
    """Return the pages, the interface below ``<path>/api`` and the static files."""
    path, per_minute = chat.options.path, chat.options.posts_per_minute
    posts = Buckets(per_minute / 60, max(1.0, per_minute / 2), chat.clock)
    others = Buckets(
        per_minute * _OTHERS_PER_POST / 60, max(1.0, per_minute * _OTHERS_PER_POST / 2), chat.clock
    )
    talk, rooms = Talk(chat, posts, others), PeopleAndRooms(chat, others)
    api = [
        Route(f"{path}/api{below}", guarded(endpoint, chat.visitors), methods=[method])
        for method, below, endpoint in (*rooms.table(), *talk.table())
    ]
    events = Route(f"{path}/rooms/{{room}}/events", guarded(talk.events, chat.visitors))
    static = Mount(f"{path}/static/{pages.stamp}", Static(PACKAGE))
    shown = [
        Route(address, pages.guarded(endpoint), methods=methods)
        for address, endpoint, methods in pages.table()
    ]
    return [*shown, events, *api, static]
