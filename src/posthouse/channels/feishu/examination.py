"""What is right and wrong on Feishu's side, asked without changing anything.

Source: open.feishu.cn, "Obtain bot information", "Query tenant's authorization status"
(``GET /application/v6/scopes``), "Get the number of online long connections"
(``GET /event/v1/connection``), and the error tables of each. What the platform does not tell (which
events are subscribed, how callbacks come) is said to be unknown, with the page that shows it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import msgspec
from msgspec import Struct

from posthouse.channels.feishu.client import Call, CallFailed, Client
from posthouse.channels.feishu.contents import UNREADABLE
from posthouse.channels.feishu.long_connection import refusal_of_discovery
from posthouse.channels.feishu.scopes import SCOPES, Scope
from posthouse.channels.feishu.settings import FeishuOptions, webhook_path
from posthouse.channels.finding import Finding, Mark
from posthouse.channels.keep_connected import BadCredentials
from posthouse.model.errors import PosthouseError
from posthouse.settings.language import Said

GRANTED = 1
ENABLED = 2
MISSING_SCOPE = 99991672

_NO_REMEDY = Said("", "")
_BROKEN = (aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE)


class _Bot(Struct, frozen=True):
    open_id: str = ""
    app_name: str = ""
    activate_status: int = ENABLED


class _BotAnswer(Struct, frozen=True):
    bot: _Bot = _Bot()


class _Granted(Struct, frozen=True):
    scope_name: str = ""
    grant_status: int = 0
    scope_type: str = "tenant"


class _Grants(Struct, frozen=True):
    scopes: tuple[_Granted, ...] = ()


class _GrantsAnswer(Struct, frozen=True):
    data: _Grants = _Grants()


class _Online(Struct, frozen=True):
    online_instance_cnt: int = 0


class _OnlineAnswer(Struct, frozen=True):
    data: _Online = _Online()


_ACTIVATION = {
    0: Said("尚未启用", "not enabled yet"),
    1: Said("已被企业停用", "disabled by the enterprise"),
    3: Said("安装后未启用", "installed, but not enabled"),
    4: Said("升级后待启用", "to be enabled after an update"),
    5: Said("许可已过期", "its licence is over"),
    6: Said("套餐已到期或降级", "the plan is over or was reduced"),
}


class Examination:
    """Looks at one app."""

    def __init__(self, bot: str, client: Client, options: FeishuOptions, webhook: str) -> None:
        self._bot = bot
        self._client = client
        self._options = options
        self._webhook = webhook  # the address to enter in the console; empty when unknown

    async def findings(self) -> AsyncIterator[Finding]:
        """Yield what there is to say, the most basic first; ends where nothing more can be seen."""
        try:
            bot = (await self._client.get("/bot/v3/info", _BotAnswer)).bot
        except BadCredentials as problem:
            yield self._fail(
                problem, Said("凭证与基础信息", "Credentials & Basic Info"), "baseinfo"
            )
            return
        except CallFailed:
            bot = _Bot()
        except _BROKEN as error:
            yield self._unreachable(error)
            return
        yield self._ok("凭证有效", "the credentials are right")
        yield self._about_bot(bot)
        for finding in await self._about_scopes():
            yield finding
        async for finding in self._about_entrance():
            yield finding
        yield self._about_callbacks()

    # --- the app and its rights ------------------------------------------------------------------

    def _about_bot(self, bot: _Bot) -> Finding:
        if not bot.open_id:
            return self._finding(
                Mark.FAIL,
                Said("应用没有机器人能力", "the app has no bot"),
                self._page(
                    Said(
                        "添加应用能力 → 机器人，然后创建版本并发布",
                        "Add Features → Bot, then create a version and publish it",
                    ),
                    "capability",
                ),
            )
        if bot.activate_status != ENABLED:
            state = _ACTIVATION.get(bot.activate_status, Said("未启用", "not enabled"))
            return self._finding(
                Mark.FAIL,
                Said(f"机器人 {bot.app_name} {state.zh}", f"the bot {bot.app_name} is {state.en}"),
                self._page(
                    Said(
                        "创建版本并发布；等企业管理员批准",
                        "create a version and publish it; an administrator approves it",
                    ),
                    "version",
                ),
            )
        return self._ok(f"机器人 {bot.app_name} 已启用", f"the bot {bot.app_name} is enabled")

    async def _about_scopes(self) -> list[Finding]:
        try:
            granted = await self._granted()
        except (CallFailed, PosthouseError, *_BROKEN):
            granted = None
        missing = (
            [scope for scope in SCOPES if not granted & {*scope.names}]
            if granted is not None
            else [scope for scope in SCOPES if await self._is_refused(scope)]
        )
        if not missing:
            return [self._ok("权限齐全", "no scope is missing")]
        return [self._about_scope(scope) for scope in missing]

    async def _granted(self) -> set[str]:
        answer = await self._client.get("/application/v6/scopes", _GrantsAnswer)
        return {
            each.scope_name
            for each in answer.data.scopes
            if each.grant_status == GRANTED and each.scope_type == "tenant"
        }

    async def _is_refused(self, scope: Scope) -> bool:
        """Try a call that needs the scope and can change nothing; only a clear no counts."""
        call = _TRIALS.get(scope.name)
        if call is None:
            return False
        try:
            reply = await self._client.call(call)
        except (PosthouseError, *_BROKEN):
            return False
        named = set(re.findall(rb"[a-z]+:[a-z0-9_.]+(?::[a-z_]+)?", reply.body))
        names = {name.encode() for name in scope.names}
        return reply.code == MISSING_SCOPE and (not named or bool(named & names))

    def _about_scope(self, scope: Scope) -> Finding:
        return self._finding(
            Mark.FAIL if scope.is_needed else Mark.WARN,
            Said(
                f"没有权限 {scope.name}（{scope.reason.zh}）",
                f"the scope {scope.name} is missing ({scope.reason.en})",
            ),
            self._page(
                Said(
                    f"开通 {scope.name}，再创建版本并发布",
                    f"add {scope.name}, then create a version and publish it",
                ),
                f"auth?q={scope.name}&op_from=openapi&token_type=tenant",
            ),
        )

    # --- how events come --------------------------------------------------------------------------

    async def _about_entrance(self) -> AsyncIterator[Finding]:
        if self._options.entrance == "webhook":
            yield self._about_webhook()
            return
        if self._options.entrance == "relay":
            yield self._about_relay()
            return
        try:
            status, body = await self._client.discover()
            problem = refusal_of_discovery(status, body)
        except _BROKEN as error:
            yield self._unreachable(error)
            return
        if problem is not None:
            yield self._fail(problem, Said("事件与回调", "Events & Callbacks"), "event")
            return
        yield self._ok("可以建立长连接", "the long connection can be opened")
        yield await self._about_connections()

    async def _about_connections(self) -> Finding:
        try:
            online = await connections_of(self._client)
        except (PosthouseError, *_BROKEN):
            return self._ok(
                "飞书没有说现在有几个长连接", "Feishu does not tell how many connections there are"
            )
        if online <= 1:
            return self._ok(f"现有 {online} 个长连接", f"{online} long connections are open")
        return self._finding(
            Mark.WARN,
            Said(f"这个应用有 {online} 个长连接", f"this app has {online} long connections"),
            Said(
                "每条消息只随机送给其中一个：不是本驿站的，请停掉，或给它另建一个应用",
                "each message goes to one of them at random: stop those that are not this house's,"
                " or give them an app of their own",
            ),
        )

    def _about_relay(self) -> Finding:
        return self._finding(
            Mark.OK,
            Said("消息经中转站来", "messages come by way of the relay"),
            self._page(
                Said(
                    "事件配置与回调配置两处都填中转站启动时给出的地址",
                    "for events and for callbacks, enter the address that the relay shows at its"
                    " start",
                ),
                "event",
            ),
        )

    def _about_webhook(self) -> Finding:
        path = webhook_path(self._bot, self._options.webhook_path)
        if not self._webhook:
            return self._finding(
                Mark.WARN,
                Said("不知道飞书怎样访问本机", "nobody knows how Feishu reaches this house"),
                Said(
                    f"设置 server.public_url；请求地址是它加上 {path}",
                    f"set server.public_url; the request URL is that plus {path}",
                ),
            )
        return self._finding(
            Mark.OK,
            Said(f"请求地址应为 {self._webhook}", f"the request URL should be {self._webhook}"),
            self._page(
                Said("事件配置与回调配置两处都填它", "enter it for events and for callbacks"),
                "event",
            ),
        )

    def _about_callbacks(self) -> Finding:
        """Say what cannot be asked: Feishu tells no app how its callbacks come."""
        way = (
            Said("使用长连接接收回调", "Receive callbacks through persistent connection")
            if self._options.entrance == "long_connection"
            else Said("将回调发送至开发者服务器", "Send callbacks to developer's server")
        )
        return self._finding(
            Mark.OK,
            Said(
                "按钮回调的订阅方式与事件分开设置，飞书不提供查询",
                "how presses of buttons come is set apart from events, and Feishu does not tell it",
            ),
            self._page(Said(f"回调配置 → {way.zh}", f"Callback Configuration → {way.en}"), "event"),
        )

    # --- lines -------------------------------------------------------------------------------

    def _unreachable(self, error: BaseException) -> Finding:
        where = self._options.base_url
        return self._finding(
            Mark.FAIL,
            Said(f"连不上 {where}（{type(error).__name__}）", f"cannot reach {where}"),
            Said(
                "检查网络、DNS、代理（proxy）与证书（ca_file）",
                "check the network, DNS, the proxy and ca_file",
            ),
        )

    def _fail(self, problem: PosthouseError, page: Said, path: str) -> Finding:
        said = Said(problem.sentence("zh"), problem.sentence("en"))
        return self._finding(Mark.FAIL, said, self._page(page, path))

    def _ok(self, zh: str, en: str) -> Finding:
        return self._finding(Mark.OK, Said(zh, en))

    def _finding(self, mark: Mark, said: Said, remedy: Said = _NO_REMEDY) -> Finding:
        named = Said(f"{self._bot}：{said.zh}", f"{self._bot}: {said.en}")
        return Finding(mark, f"bot {self._bot}", named, remedy)

    def _page(self, what: Said, path: str) -> Said:
        url = self._options.console_url(path)
        return Said(f"{what.zh}：{url}", f"{what.en}: {url}")


async def connections_of(client: Client) -> int:
    """Ask how many long connections the app has, whoever holds them.

    Raises:
        CallFailed: the platform does not tell.
        BadCredentials, aiohttp.ClientError, TimeoutError, OSError: as for every call.
    """
    answer = await client.get("/event/v1/connection", _OnlineAnswer)
    return answer.data.online_instance_cnt


_NOBODY = "om_0"  # no message has this name
_TRIALS = {
    "im:chat:readonly": Call(method="GET", path="/im/v1/chats", query={"page_size": "1"}),
    "im:message:readonly": Call(method="GET", path=f"/im/v1/messages/{_NOBODY}"),
    "im:message:send_as_bot": Call(method="DELETE", path=f"/im/v1/messages/{_NOBODY}"),
    "contact:contact.base:readonly": Call(method="GET", path="/contact/v3/users/ou_0"),
    "cardkit:card:write": Call(
        method="POST", path="/cardkit/v1/cards", body=msgspec.json.encode({})
    ),
}
