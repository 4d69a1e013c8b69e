"""``posthouse init feishu``: from nothing to a bot that answers, click by click."""

from __future__ import annotations

import asyncio
import time
import tomllib
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import aiohttp
import typer
from msgspec import Struct

from posthouse.bootstrap import alone, examined
from posthouse.channels.channel import ConnectionState, Receipts, Status
from posthouse.channels.feishu import guide
from posthouse.channels.feishu.guide import Click
from posthouse.channels.feishu.registration import NoApp, Registration
from posthouse.channels.feishu.settings import DOMAINS, FeishuOptions
from posthouse.channels.finding import Finding, Mark
from posthouse.channels.options import read_options
from posthouse.cli.bot_table import add_bot, refuse_a_second
from posthouse.cli.doctor import shown
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.model.address import Entrance
from posthouse.model.errors import OperatorMistake, TryLater
from posthouse.model.event import Event
from posthouse.settings.load import FILE_NAME
from posthouse.settings.settings import BotSettings, ServerSettings, Settings

CONNECTED_WITHIN_S = 30.0
BY_LINK, BY_HAND = "1", "2"
SECRET_KEYS = ("app_secret", "encrypt_key", "verification_token")


class Wanted(Struct, frozen=True, kw_only=True):
    """What the command line says; what is empty is asked for."""

    platform: str  # feishu or lark
    config: Path
    name: str = ""
    domain: str = ""  # of a private installation
    app_id: str = ""
    app_secret: str = ""
    entrance: str = "long_connection"
    encrypt_key: str = ""
    verification_token: str = ""
    public_url: str = ""
    asks: bool = True

    @property
    def bot(self) -> str:
        return self.name or self.platform


class Asker(Protocol):
    """Somebody at the terminal."""

    def __call__(self, question: str, *, is_secret: bool = False) -> str:
        """Return what they typed."""
        ...


class Setup:
    """One conversation about one bot."""

    def __init__(self, wanted: Wanted, terminal: Terminal, ask: Asker) -> None:
        self._wanted = wanted
        self._terminal = terminal
        self._ask = ask

    async def run(self) -> int:
        """Ask for what is missing, look at the app, lead through the console, write the file.

        Raises:
            OperatorMistake: there is such a bot already, or what was given cannot be.
        """
        refuse_a_second(self._wanted.config, self._wanted.bot)
        options = self._options(await self._fields())
        findings = await self._examined(options)
        if _is_hopeless(findings):
            self._show(findings)
            self._terminal.say("没有写入任何文件。", "Nothing was written.")
            return PROBLEM_FOUND
        if self._wanted.asks and any(finding.mark is not Mark.OK for finding in findings):
            self._show(findings)
        if self._wanted.asks:
            await self._lead(options)
            findings = await self._examined(options)
        self._show(findings)
        self._write(options)
        return OK

    # --- what is known of the app ------------------------------------------------------------

    async def _fields(self) -> dict[str, str]:
        wanted = self._wanted
        fields = {
            "app_id": wanted.app_id,
            "app_secret": wanted.app_secret,
            "domain": wanted.domain or wanted.platform,
            "entrance": wanted.entrance,
            "encrypt_key": wanted.encrypt_key,
            "verification_token": wanted.verification_token,
        }
        if not wanted.asks and not (wanted.app_id and wanted.app_secret):
            raise OperatorMistake(
                "An app needs --app-id, and its secret in --app-secret-file.",
                zh="请给出 --app-id，并把密钥放在 --app-secret-file 指的文件里。",
            )
        if not wanted.app_id and await self._is_by_link():
            fields |= await self._by_link()
        elif not (wanted.app_id and wanted.app_secret):
            fields |= await self._by_hand()
        if wanted.entrance == "webhook" and not (wanted.encrypt_key or wanted.verification_token):
            key = self._words("Encrypt Key（加密策略页）", "Encrypt Key (Encryption Strategy)")
            fields["encrypt_key"] = await self._asked(key, is_secret=True)
        return fields

    async def _is_by_link(self) -> bool:
        if self._wanted.domain or self._wanted.entrance == "webhook":
            return False
        self._terminal.say(
            f"还没有应用？{BY_LINK}：打开一个链接，由飞书自动建好（推荐）；"
            f"{BY_HAND}：在开发者后台手动建，或已有应用",
            f"The app: {BY_LINK}: open a link, and Feishu creates it (recommended);"
            f" {BY_HAND}: create it in the console, or it exists",
        )
        return await self._asked(f"{BY_LINK}/{BY_HAND}") == BY_LINK

    async def _by_link(self) -> dict[str, str]:
        async with aiohttp.ClientSession() as session:
            registration = Registration(session, time.time, asyncio.sleep, self._wanted.platform)
            try:
                invitation = await registration.begin()
                self._terminal.say(
                    "用已登录飞书的浏览器打开，或发到手机上的飞书里点开，然后确认：",
                    "Open it where you are signed in to Feishu, or on your phone, and confirm:",
                )
                self._terminal.line(f"  {invitation.url}")
                made = await registration.wait(invitation)
            except (NoApp, aiohttp.ClientError, TimeoutError, OSError):
                self._terminal.say(
                    "没有建成应用，改为手动。", "No app was created; let us do it by hand."
                )
                return await self._by_hand()
        self._terminal.say(f"应用 {made.app_id} 已建好", f"the app {made.app_id} is there")
        return {"app_id": made.app_id, "app_secret": made.app_secret, "domain": made.domain}

    async def _by_hand(self) -> dict[str, str]:
        domain = self._wanted.domain or self._wanted.platform
        self._clicks((guide.to_create(DOMAINS.get(domain, domain)),))
        app_id = self._wanted.app_id or await self._asked("App ID")
        secret = self._wanted.app_secret or await self._asked("App Secret", is_secret=True)
        return {"app_id": app_id, "app_secret": secret}

    # --- looking and leading -----------------------------------------------------------------

    def _options(self, fields: dict[str, str]) -> FeishuOptions:
        given = {key: value for key, value in fields.items() if value}
        return read_options(FeishuOptions, self._wanted.bot, given)

    def _settings(self, options: FeishuOptions) -> Settings:
        table = {"channel": "feishu", **_plain(options)}
        return Settings(
            bots={self._wanted.bot: BotSettings.model_validate(table)},
            server=ServerSettings(public_url=self._wanted.public_url),
        )

    async def _examined(self, options: FeishuOptions) -> list[Finding]:
        looking = examined(self._wanted.bot, self._settings(options))
        return [finding async for finding in looking]

    async def _lead(self, options: FeishuOptions) -> None:
        self._clicks(guide.before_connecting(options))
        webhook = f"{self._wanted.public_url.rstrip('/')}/webhooks/{self._wanted.bot}"
        if options.entrance == "webhook":
            self._clicks(guide.while_connected(options, webhook))
        else:
            async with self._connected(options):
                self._clicks(guide.while_connected(options, webhook))
                await self._asked(self._words("都保存了就按回车", "press Enter when it is saved"))
        self._clicks(guide.at_the_end(options))
        await self._asked(self._words("发布了就按回车", "press Enter when it is published"))

    @asynccontextmanager
    async def _connected(self, options: FeishuOptions) -> AsyncGenerator[None]:
        """Hold the long connection; what comes in meanwhile comes again when the house runs."""
        is_connected = asyncio.Event()

        def note(_bot: str, status: Status) -> None:
            if status.state is ConnectionState.CONNECTED:
                is_connected.set()

        channel = alone(self._wanted.bot, self._settings(options), on_status=note)
        run = asyncio.ensure_future(channel.run(_ClosedDoor()))
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                await is_connected.wait()
            self._terminal.say("驿站已连上飞书。", "The house is connected to Feishu.")
        except TimeoutError:
            self._terminal.say(
                f"没有连上：{channel.status.detail}", f"not connected: {channel.status.detail}"
            )
        try:
            yield
        finally:
            run.cancel()
            await asyncio.wait({run})
            await channel.close()

    # --- words -------------------------------------------------------------------------------

    async def _asked(self, question: str, *, is_secret: bool = False) -> str:
        return (await asyncio.to_thread(self._ask, question, is_secret=is_secret)).strip()

    def _words(self, zh: str, en: str) -> str:
        return self._terminal.words(zh, en)

    def _clicks(self, clicks: Iterable[Click]) -> None:
        for click in clicks:
            self._terminal.line(f"· {click.said(self._terminal.language)}\n  {click.url}")

    def _show(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._terminal.line(shown(finding, self._terminal.language))

    def _write(self, options: FeishuOptions) -> None:
        wanted, plain = self._wanted, _plain(options)
        secrets = {key: plain.pop(key) for key in SECRET_KEYS if key in plain}
        domain = plain.pop("domain")
        fields = {"channel": domain if domain in DOMAINS else "feishu"}
        if domain not in DOMAINS:
            fields["domain"] = domain
        fields |= plain
        add_bot(wanted.config, wanted.bot, fields, secrets, self._terminal.language)
        self._terminal.say(
            f"已写入 {wanted.config}；运行 posthouse run，然后在飞书里对机器人说话。",
            f"Wrote {wanted.config}. Now `posthouse run`, and talk to the bot in Feishu.",
        )


def _plain(options: FeishuOptions) -> dict[str, str]:
    """Return what differs from the defaults, secrets in plain."""
    plain = {
        "app_id": options.app_id,
        "app_secret": options.app_secret.get_secret_value(),
        "domain": options.domain,
        "encrypt_key": options.encrypt_key.get_secret_value(),
        "verification_token": options.verification_token.get_secret_value(),
        "entrance": options.entrance if options.entrance == "webhook" else "",
    }
    return {key: value for key, value in plain.items() if value}


def _is_hopeless(findings: Sequence[Finding]) -> bool:
    """Whether the credentials are wrong or nobody answers: then there is nothing to look at."""
    return len(findings) == 1 and findings[0].mark is Mark.FAIL


class _ClosedDoor:
    """What comes in while the console is set up is not acknowledged, so it comes again."""

    async def accept(self, events: Sequence[Event], entrance: Entrance) -> Receipts:
        del events, entrance
        raise TryLater

    async def answer(
        self, events: Sequence[Event], entrance: Entrance, wait_s: float
    ) -> bytes | None:
        del events, entrance, wait_s
        raise TryLater

    async def answered(self, events: Sequence[Event], *, is_written: bool) -> None:
        del events, is_written


class Answers(Struct, frozen=True, kw_only=True):
    """The command line."""

    platform: str
    config: Path | None
    name: str
    app_id: str
    app_secret_file: Path | None
    domain: str
    webhook: str
    old: Path | None  # a HuixiangDou ``config.ini``
    asks: bool


async def init_feishu(answers: Answers) -> int:
    """Set a bot up.

    Raises:
        OperatorMistake: what was given cannot be.
    """
    if answers.platform not in DOMAINS:
        raise OperatorMistake(
            f"`posthouse init {answers.platform}` does not exist; there is feishu and lark.",
            zh=f"没有 posthouse init {answers.platform}；可用的有 feishu 和 lark。",
        )
    return await Setup(_wanted(answers), Terminal(), _at_the_terminal).run()


def _at_the_terminal(question: str, *, is_secret: bool = False) -> str:
    return str(typer.prompt(question, default="", show_default=False, hide_input=is_secret))


def _wanted(answers: Answers) -> Wanted:
    old = from_config_ini(answers.old) if answers.old else {}
    secret = _secret(answers.app_secret_file) if answers.app_secret_file else ""
    return Wanted(
        platform=answers.platform,
        config=answers.config or Path(FILE_NAME),
        name=answers.name,
        domain=answers.domain,
        app_id=answers.app_id or old.get("app_id", ""),
        app_secret=secret or old.get("app_secret", ""),
        entrance="webhook" if answers.webhook else "long_connection",
        encrypt_key=old.get("encrypt_key", ""),
        verification_token=old.get("verification_token", ""),
        public_url=answers.webhook,
        asks=answers.asks,
    )


def _secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorMistake(
            f"Cannot read {path}: {error}. It should have one line, the app's secret.",
            zh=f"读不了 {path}：{error}。它应当只有一行，即 App Secret。",
        ) from None


def from_config_ini(path: Path) -> dict[str, str]:
    """Read the Feishu settings of a HuixiangDou ``config.ini``, which is TOML.

    Raises:
        OperatorMistake: it cannot be read, or has none.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        group = tables["frontend"]["lark_group"]
        found = {key: str(group.get(key, "")) for key in ("app_id", *SECRET_KEYS)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OperatorMistake(
            f"{path} has no [frontend.lark_group] that can be read ({type(error).__name__}).",
            zh=f"{path} 里读不到 [frontend.lark_group]（{type(error).__name__}）。",
        ) from None
    return found
