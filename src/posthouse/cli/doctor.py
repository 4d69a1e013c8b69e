"""``posthouse doctor``: looks at everything that can be wrong and says what to do about it."""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from posthouse import __version__
from posthouse.api.app import is_loopback
from posthouse.api.desk import CHECK, COUNTS, HELD, Nothing
from posthouse.api.server import listen
from posthouse.bootstrap import database_of, examined
from posthouse.channels.channel import ConnectionState
from posthouse.channels.finding import Finding, Mark
from posthouse.cli.doctor_relay import relay_findings, relayed_finding
from posthouse.cli.doctor_tools import tool_findings
from posthouse.cli.house import Counter, counter_of
from posthouse.cli.model_check import model_findings
from posthouse.cli.roads import STATES as DELIVERIES
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.cli.welcome import STATES
from posthouse.model.errors import PosthouseError
from posthouse.model.relay import BotState
from posthouse.settings.data_directory import Owner, owner_of
from posthouse.settings.language import Said
from posthouse.settings.load import Loaded
from posthouse.settings.origin import Layer
from posthouse.settings.settings import Settings
from posthouse.settings.store_address import without_password
from posthouse.settings.zone import zone_of

FREE_BYTES_WARN = 1024**3
FREE_BYTES_FAIL = 100 * 1024**2
FUTURE_S = 300.0  # files dated later than this mean that the clock went back
RELEASED_AT = 1_735_689_600.0  # 2025-01-01: no clock of a running Posthouse is older
FILES_PER_HOUSE = 256  # open files beside one per connection
HEALTH_WITHIN_S = 5.0
TROUBLES = ("turns_buried", "deliveries_failed", "deliveries_doubtful")


async def doctor(loaded: Loaded, *, as_json: bool, shows_settings: bool) -> int:
    """Look at everything and report; 1 when something fails."""
    findings = [*_around(loaded), *await _house(loaded.settings)]
    is_relay = loaded.settings.role == "relay"
    looking = relay_findings if is_relay else _platforms
    findings += [finding async for finding in looking(loaded.settings)]
    findings += [finding async for finding in model_findings(loaded.settings)]
    has_book = owner_of(loaded.settings.data) is not None or _has_book(loaded.settings)
    tools = tool_findings(loaded.settings, time.time(), has_book=has_book)
    findings += [finding async for finding in tools]
    sources = [
        {"key": key, "value": value, "from": str(origin)}
        for key, value, origin in loaded.sources()
        if shows_settings or as_json
    ]
    terminal = Terminal()
    if as_json:
        terminal.json({"findings": findings, "settings": sources})
    else:
        for source in sources:
            terminal.line(f"     {source['key']} = {source['value']} · {source['from']}")
        for finding in findings:
            terminal.line(shown(finding, terminal.language))
    return PROBLEM_FOUND if any(finding.mark is Mark.FAIL for finding in findings) else OK


def shown(finding: Finding, language: str) -> str:
    """Put a finding into lines."""
    remedy = finding.remedy(language)
    tail = f"\n     → {remedy}" if remedy else ""
    return f"{finding.mark:<4} {finding.said(language)}{tail}"


# ── what is around the house ─────────────────────────────────────────────────────────────────


def _around(loaded: Loaded) -> Iterator[Finding]:
    settings = loaded.settings
    about = f"Posthouse {__version__} · Python {platform.python_version()} · {platform.system()}"
    yield Finding(Mark.OK, "version", Said(about, about))
    yield from settings_findings(loaded)
    yield from directory_findings(settings.data)
    yield clock_finding(time.time(), settings.data, settings)
    yield from exposure_findings(as_it_runs(settings, owner_of(settings.data)))
    yield from limit_findings(settings)


def settings_findings(loaded: Loaded) -> Iterator[Finding]:
    """Say where the settings came from, and which variables mean nothing."""
    given = sum(origin.layer is not Layer.DEFAULT for origin in loaded.origins.values())
    file = Said(str(loaded.file), str(loaded.file))
    if loaded.file is None:
        file = Said("没有配置文件", "no settings file")
    yield Finding(
        Mark.OK,
        "settings",
        Said(f"配置：{file.zh}，{given} 项不是默认值", f"settings: {file.en}, {given} not default"),
    )
    for name, said in loaded.remarks:
        yield Finding(Mark.WARN, "settings", Said(f"{name}：{said.zh}", f"{name}: {said.en}"))


def directory_findings(data: Path) -> Iterator[Finding]:
    """Say whether the data directory can be written, and how much room it has."""
    folder = data if data.exists() else next(p for p in data.absolute().parents if p.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Finding(
            Mark.FAIL,
            "data",
            Said(
                f"数据目录 {data} 不可写：{error.strerror}",
                f"cannot write to {data}: {error.strerror}",
            ),
            Said(
                "给当前用户写权限，或用 --data 另选", "give this user the right to, or use --data"
            ),
        )
        return
    free_bytes = shutil.disk_usage(folder).free
    mark = Mark.OK
    if free_bytes < FREE_BYTES_WARN:
        mark = Mark.FAIL if free_bytes < FREE_BYTES_FAIL else Mark.WARN
    free = f"{free_bytes / 1024**3:.1f} GiB"
    yield Finding(
        mark,
        "data",
        Said(f"数据目录 {data} 可写，剩余 {free}", f"{data} can be written, {free} free"),
        Said("", "") if mark is Mark.OK else Said("请腾出空间", "free some space"),
    )


def clock_finding(now: float, data: Path, settings: Settings) -> Finding:
    """Say what time it is, and whether that can be true."""
    at = datetime.fromtimestamp(now, zone_of(settings.timezone))
    shown = f"{at:%Y-%m-%d %H:%M:%S %Z}"
    newest_at = max((path.stat().st_mtime for path in data.glob("posthouse.*")), default=0.0)
    if now >= RELEASED_AT and newest_at <= now + FUTURE_S:
        return Finding(Mark.OK, "clock", Said(f"时间 {shown}", f"it is {shown}"))
    newest = f"{datetime.fromtimestamp(max(newest_at, RELEASED_AT), UTC):%Y-%m-%d %H:%M} UTC"
    return Finding(
        Mark.FAIL,
        "clock",
        Said(
            f"时钟不对：{shown}，而数据写于 {newest}", f"wrong clock: {shown}, data is of {newest}"
        ),
        Said("请校时（NTP）", "set the clock (NTP)"),
    )


def as_it_runs(settings: Settings, owner: Owner | None) -> Settings:
    """Return the settings with the address that the running house has, if one runs."""
    if owner is None or not owner.host:
        return settings
    address = {"host": owner.host, "port": urlsplit(owner.url).port}
    return settings.model_copy(update={"server": settings.server.model_copy(update=address)})


def exposure_findings(settings: Settings) -> Iterator[Finding]:
    """Say who can reach the house."""
    server = settings.server
    where = f"{server.host}:{server.port}"
    if is_loopback(server.host):
        yield Finding(
            Mark.OK, "address", Said(f"只对本机开放：{where}", f"this machine only: {where}")
        )
    elif server.public_url.startswith("https://"):
        yield Finding(Mark.OK, "address", Said(f"{server.public_url}", f"{server.public_url}"))
    else:
        yield Finding(
            Mark.WARN,
            "address",
            Said(f"对网络开放且没有 TLS：{where}", f"open to the network without TLS: {where}"),
            Said(
                "放在带 HTTPS 的反向代理后面，并设置 server.public_url",
                "put it behind a reverse proxy with HTTPS and set server.public_url",
            ),
        )


def limit_findings(settings: Settings) -> Iterator[Finding]:
    """Say whether the process may open as many connections as the settings promise."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.server.connections_max + FILES_PER_HOUSE
    if 0 <= soft < wanted:
        yield Finding(
            Mark.WARN,
            "limits",
            Said(
                f"最多只能打开 {soft} 个文件，少于 {wanted}", f"{soft} open files, {wanted} wanted"
            ),
            Said(
                f"ulimit -n {wanted}，或调小 server.connections_max",
                f"ulimit -n {wanted}, or lower server.connections_max",
            ),
        )


# ── the house itself ─────────────────────────────────────────────────────────────────────────


async def _house(settings: Settings) -> list[Finding]:
    owner = owner_of(settings.data)
    findings = list(_running(owner) if owner else _standing(settings))
    findings += _shared_database(settings)
    if owner is None and not _has_book(settings):
        said = Said("数据库：还没有，首次启动时建立", "database: none yet, made at the first start")
        return [*findings, Finding(Mark.OK, "database", said)]
    try:
        async with counter_of(settings) as house:
            return [*findings, *await _book(house)]
    except PosthouseError as problem:
        said = Said(problem.sentence("zh"), problem.sentence("en"))
        return [*findings, Finding(Mark.FAIL, "database", said)]


def _shared_database(settings: Settings) -> Iterator[Finding]:
    if settings.store.is_shared:
        where = without_password(settings.store.url)
        me = settings.gateway.name
        said = Said(f"共用的数据库 {where}，本进程叫 {me}", f"shared database {where}, as {me}")
        yield Finding(Mark.OK, "database", said)


def _has_book(settings: Settings) -> bool:
    return settings.store.is_shared or database_of(settings).exists()


def _standing(settings: Settings) -> Iterator[Finding]:
    yield Finding(Mark.OK, "house", Said("驿站没有在运行", "the house is not running"))
    try:
        listening = listen(settings.server)
    except PosthouseError as problem:
        said = Said(problem.sentence("zh"), problem.sentence("en"))
        yield Finding(Mark.FAIL, "port", said)
        return
    listening.socket.close()
    port = settings.server.port
    yield Finding(Mark.OK, "port", Said(f"端口 {port} 空闲", f"port {port} is free"))


def scene_finding(name: str) -> Finding:
    """Say that a scene does not load."""
    return Finding(
        Mark.FAIL,
        "scenes",
        Said(f"场景 {name} 加载失败", f"the scene {name} does not load"),
        Said("posthouse reload 说明原因", "`posthouse reload` says why"),
    )


def _running(owner: Owner) -> Iterator[Finding]:
    try:
        address = f"{owner.url}/api/v1/health"
        with urllib.request.urlopen(address, timeout=HEALTH_WITHIN_S) as answer:  # noqa: S310 - ours
            health = json.load(answer)
    except (OSError, ValueError):
        yield Finding(
            Mark.FAIL,
            "house",
            Said(
                f"进程 {owner.pid} 占用数据目录，但没有回应",
                f"process {owner.pid} has the data directory but does not answer",
            ),
            Said("它可能正在启动；否则请重启它", "it may be starting; else restart it"),
        )
        return
    where = f"{owner.url}, pid {owner.pid}"
    yield Finding(Mark.OK, "house", Said(f"正在运行：{where}", f"running: {where}"))
    for problem in health["problems"]:
        if problem["code"] == "nobody_fetches":
            continue  # said below, bot by bot
        yield Finding(Mark.FAIL, "house", Said(problem["zh"], problem["en"]))
    yield from map(scene_finding, health["broken_scenes"])
    relayed = msgspec.convert(health.get("relayed", ()), tuple[BotState, ...])
    yield from map(relayed_finding, relayed)
    for bot in health["bots"] if not relayed else ():
        yield _bot(bot["name"], bot["channel"], bot["status"])


def _bot(name: str, channel: str, status: dict[str, str]) -> Finding:
    state = ConnectionState(status["state"])
    is_fine = state in {ConnectionState.OFF, ConnectionState.CONNECTED}
    zh, en = (
        f"{name} · {channel} · {STATES[state](language)} {status['detail']}".rstrip()
        for language in ("zh", "en")
    )
    return Finding(Mark.OK if is_fine else Mark.FAIL, "bot", Said(f"机器人 {zh}", f"bot {en}"))


async def _platforms(settings: Settings) -> AsyncIterator[Finding]:
    """Ask the platforms that tell whether they are set up for their bots."""
    for name in settings.bots:
        try:
            async for finding in examined(name, settings):
                yield finding
        except PosthouseError as problem:
            said = Said(problem.sentence("zh"), problem.sentence("en"))
            yield Finding(Mark.FAIL, f"bot {name}", said)


COUNTED = {
    "turns_waiting": Said("等待处理 {} 条", "{} wait for an answer"),
    "turns_running": Said("回答中 {} 条", "{} being answered"),
    "turns_buried": Said("已放弃、需要处理 {} 条", "{} given up"),
    "amends_waiting": Said("等待修改或撤回 {} 条", "{} to be edited or taken back"),
    "events_undecodable": Said("无法识别 {} 条", "{} could not be read"),
    **{
        f"deliveries_{state}": Said(f"{said.zh} {{}} 条", f"{{}} {said.en}")
        for state, said in DELIVERIES.items()
    },
}


def counted(counts: Mapping[str, int]) -> Said:
    """Put the numbers of the book into words; what is not there is not told."""
    told = [(COUNTED[what], count) for what, count in counts.items() if count]
    zh = "，".join(said.zh.format(count) for said, count in told)
    en = ", ".join(said.en.format(count) for said, count in told)
    return Said(f"册子：{zh or '没有等着的'}", f"in the book: {en or 'nothing waits'}")


async def _book(house: Counter) -> list[Finding]:
    problems = await house.ask(CHECK, Nothing())
    counts = await house.ask(COUNTS, Nothing())
    held = await house.ask(HELD, Nothing())
    findings = [
        Finding(
            Mark.FAIL,
            "database",
            Said(f"数据库：{problem}", f"database: {problem}"),
            Said(
                "停止驿站，恢复备份：posthouse restore", "stop, then `posthouse restore` a backup"
            ),
        )
        for problem in problems
    ] or [Finding(Mark.OK, "database", Said("数据库完好", "the database is in order"))]
    findings.append(Finding(Mark.OK, "book", counted(counts)))
    if any(counts.get(what) for what in TROUBLES):
        findings.append(
            Finding(
                Mark.WARN,
                "book",
                Said("有消息需要处理", "some messages need attention"),
                Said("posthouse why", "posthouse why"),
            )
        )
    if held.house.is_held:
        findings.append(
            Finding(
                Mark.WARN,
                "held",
                Said("恢复备份后暂不发送", "held after a restore: nothing is sent"),
                Said("posthouse held list", "posthouse held list"),
            )
        )
    return findings
