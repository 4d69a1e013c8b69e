"""A page to speak as a person in the browser: the chats, their messages, buttons that work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from html import escape
from typing import Any

from aiohttp import web
from multidict import MultiDictProxy

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.feishu.exchange import Exchange
from posthouse.simulators.feishu.happenings import Press, Recall, Say
from posthouse.simulators.feishu.record import MessageEntry

SHOWN_MAX = 200

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HEAD = """<!doctype html><html lang="zh"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>飞书（模拟） · Feishu, pretended</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:0;color:#1f2329;background:#f5f6f7}
main{max-width:46rem;margin:0 auto;padding:.5rem 1rem}
form{display:flex;gap:.4rem;flex-wrap:wrap;margin:.5rem 0}
input[name=text]{flex:1 1 14rem}
input,select,button{font:inherit;padding:.3rem .5rem}
iframe{width:100%;height:68vh;border:1px solid #dee0e3;background:#fff;border-radius:.5rem}
article{margin:.5rem 0;padding:.4rem .7rem;border-radius:.5rem;background:#eff0f1}
article.own{background:#e1eaff}article.gone{opacity:.5}
article form{display:inline-flex;margin:0 .3rem 0 0}
pre{white-space:pre-wrap;margin:.2rem 0;font:inherit}
small{color:#646a73}b{font-weight:600}
@media(prefers-color-scheme:dark){body,iframe{background:#1a1a1a;color:#ebebeb}
article{background:#2b2b2b}article.own{background:#22335c}}
</style>"""


class Page:
    """The pages at ``/`` and below ``/_sim/page``."""

    def __init__(self, server: Exchange) -> None:
        self._server = server

    def routes(self) -> Iterator[web.RouteDef]:
        """Return what is served."""
        yield web.get("/", self._front)
        yield web.get("/_sim/page", self._messages)
        yield web.post("/_sim/page/say", _back(self._say))
        yield web.post("/_sim/page/press", _back(self._press))
        yield web.post("/_sim/page/recall", _back(self._recall))

    async def _front(self, request: web.Request) -> web.StreamResponse:
        person = request.query.get("person", "ada")
        chat = request.query.get("chat", "team")
        at, problem = _address(person, chat), request.query.get("problem", "")
        names = "".join(f"<option>{escape(each)}" for each in self._server.tenant.apps)
        chats = "".join(f"<option>{escape(each)}" for each in self._chats())
        body = f"""{_HEAD}<main>
<form method="get"><label>我是 I am <input name="person" value="{escape(person)}" size="8"></label>
<label>在 in <input name="chat" value="{escape(chat)}" list="chats" size="16"></label>
<datalist id="chats">{chats}</datalist><button>切换 Go</button></form>
<iframe src="/_sim/page?{at}" title="messages"></iframe>
<p role="alert">{escape(problem)}</p>
<form method="post" action="/_sim/page/say?{at}">
<input name="text" placeholder="说点什么 Say something" autofocus autocomplete="off">
<select name="mention"><option value="">不提及 no @</option>{names}</select>
<label><input type="checkbox" name="private" value="1"> 单聊 private</label>
<button>发送 Send</button></form></main>"""
        return web.Response(text=body, content_type="text/html")

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        person = request.query.get("person", "ada")
        chat = request.query.get("chat", "team")
        shown = self._server.visible(chat)[-SHOWN_MAX:]
        parts = [_article(each, person, chat) for each in reversed(shown)]
        empty = "<p><small>还没有消息 Nothing yet</small></p>"
        refresh = '<meta http-equiv="refresh" content="1">'
        body = f"{_HEAD}{refresh}<main>{''.join(parts) or empty}</main>"
        return web.Response(text=body, content_type="text/html")

    def _chats(self) -> Iterator[str]:
        yield from {"team": None, **self._server.tenant.chats}

    async def _say(self, request: web.Request) -> str:
        form = await request.post()
        person, chat = request.query.get("person", "ada"), request.query.get("chat", "team")
        mention, is_private = _field(form, "mention"), _field(form, "private") == "1"
        key, _, app = chat.partition("@")
        said = Say(
            person=person,
            chat=key,
            chat_type="p2p" if is_private or app else "group",
            app=app or (mention if is_private else ""),
            text=_field(form, "text"),
            mentions=(mention,) if mention and not is_private else (),
        )
        self._server.say(said)
        who = self._server.tenant.person(person)
        if not is_private:
            return f"/?{_address(person, chat)}"
        private = self._server.tenant.private(who, self._server.tenant.app(said.app))
        return f"/?{_address(person, private.key)}"

    async def _press(self, request: web.Request) -> str:
        form = await request.post()
        person, chat = request.query.get("person", "ada"), request.query.get("chat", "team")
        index = int(_field(form, "index") or "0")
        press = Press(message_id=_field(form, "message_id"), person=person, index=index)
        pressed = await self._server.press(press)
        said = f"{pressed.code} {pressed.problem}" if pressed.code else pressed.toast
        return f"/_sim/page?{_address(person, chat)}#{said}"

    async def _recall(self, request: web.Request) -> str:
        form = await request.post()
        person, chat = request.query.get("person", "ada"), request.query.get("chat", "team")
        self._server.recall(Recall(message_id=_field(form, "message_id"), person=person))
        return f"/_sim/page?{_address(person, chat)}"


def _back(handler: Callable[[web.Request], Awaitable[str]]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            address = await handler(request)
        except (OperatorMistake, ValueError) as mistake:
            person, chat = request.query.get("person", "ada"), request.query.get("chat", "team")
            address = f"/?{_address(person, chat)}&problem={escape(str(mistake))}"
        raise web.HTTPSeeOther(address)

    return handle


def _article(each: MessageEntry, person: str, chat: str) -> str:
    kind = ("own" if each.is_own else "") + (" gone" if each.is_recalled else "")
    who = f"🤖 {each.sender}" if each.is_own else each.sender
    text = "（已撤回 recalled）" if each.is_recalled else each.text
    notes = [f"已编辑 edited ×{each.edits}"] if each.edits else []
    notes += ["生成中 generating"] if each.is_streaming else []
    notes += [f"{emoji} {', '.join(by)}" for emoji, by in each.reactions.items()]
    tools = "" if each.is_recalled else _tools(each, person, chat)
    return (
        f'<article class="{kind}"><b>{escape(who)}</b> <small>{escape(" · ".join(notes))}</small>'
        f"<pre>{escape(text)}</pre>{tools}</article>"
    )


def _tools(each: MessageEntry, person: str, chat: str) -> str:
    at = _address(person, chat)
    kept = f'<input type="hidden" name="message_id" value="{escape(each.message_id)}">'
    presses = "".join(
        f'<form method="post" action="/_sim/page/press?{at}">{kept}'
        f'<input type="hidden" name="index" value="{place}">'
        f"<button>{escape(button.label)}</button></form>"
        for place, button in enumerate(each.buttons)
        if not (button.url and button.value is None)
    )
    if each.sender != person:
        return presses
    return f'<form method="post" action="/_sim/page/recall?{at}">{kept}<button>撤回</button></form>'


def _address(person: str, chat: str) -> str:
    from urllib.parse import urlencode

    return urlencode({"person": person, "chat": chat})


def _field(form: MultiDictProxy[Any], name: str) -> str:
    found = form.get(name, "")
    return found if isinstance(found, str) else ""
