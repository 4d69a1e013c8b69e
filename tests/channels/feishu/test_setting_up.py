"""`posthouse init feishu`: conversations with somebody at a terminal, before a pretended tenant."""

from __future__ import annotations

import base64
import gzip
import io
import json
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web

from posthouse.channels.feishu.registration import NoApp, Registered, Registration
from posthouse.cli.bot_table import add_bot, refuse_a_second
from posthouse.cli.init_feishu import Setup, Wanted, from_config_ini
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.model.errors import OperatorMistake
from posthouse.settings.load import load
from posthouse.simulators.feishu.server import FeishuServer
from posthouse.simulators.feishu.tenant import Tenant
from tests.channels.feishu.stage import APP


class Person:
    """Answers questions in turn; ``when`` looks around at the question with these words."""

    def __init__(self, *answers: str, when: dict[str, Callable[[], None]] | None = None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, bool]] = []
        self._when = when or {}

    def __call__(self, question: str, *, is_secret: bool = False) -> str:
        self.asked.append((question, is_secret))
        for words, look in self._when.items():
            if words in question:
                look()
        return self.answers.pop(0) if self.answers else ""


@asynccontextmanager
async def tenant() -> AsyncIterator[FeishuServer]:
    async with FeishuServer(Tenant(7, (APP,))) as feishu:
        yield feishu


def wanted(feishu: FeishuServer, config: Path, **more: Any) -> Wanted:  # noqa: ANN401 - fields
    given: dict[str, Any] = {"platform": "feishu", "config": config, "domain": feishu.address}
    given |= more
    return Wanted(**given)


async def set_up(wanted: Wanted, person: Person) -> tuple[int, str]:
    out = io.StringIO()
    code = await Setup(wanted, Terminal("en", out, out), person).run()
    return code, out.getvalue()


async def test_a_conversation_from_nothing_to_a_bot(tmp_path: Path) -> None:
    config = tmp_path / "posthouse.toml"
    lines: list[int] = []
    async with tenant() as feishu:
        saving = {"press Enter when it is saved": lambda: lines.append(feishu.connections())}
        person = Person(APP.app_id, APP.app_secret, when=saving)
        code, said = await set_up(wanted(feishu, config), person)
        assert code == OK
        assert lines == [1], "the console saves the long connection only while there is one"
        assert feishu.connections() == 0
    assert ("App Secret", True) in person.asked
    order = ("Add Features → Bot", "press Save", "Add Events", "Callback", "Publish", "Wrote")
    assert [said.index(words) for words in order] == sorted(said.index(words) for words in order)
    settings = load({}, config=config).settings
    bot = settings.bots["feishu"]
    assert (bot.channel, bot.model_extra["app_secret"]) == ("feishu", APP.app_secret)  # type: ignore[index]
    assert settings.bots["web"].channel == "web", "the chat page stays"
    assert APP.app_secret not in config.read_text("utf-8") + said


async def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    config = tmp_path / "posthouse.toml"
    add_bot(config, "fs", {"channel": "feishu", "app_id": "cli_1"}, {"app_secret": "s"}, "zh")
    secret = tmp_path / "secrets" / "fs.app_secret"
    assert secret.read_text("utf-8") == "s\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


async def test_a_wrong_secret_writes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "posthouse.toml"
    async with tenant() as feishu:
        given = {"app_id": APP.app_id, "app_secret": "wr0ng", "asks": False}
        code, said = await set_up(wanted(feishu, config, **given), Person())
    assert code == PROBLEM_FOUND
    assert "Nothing was written" in said
    assert not config.exists()


async def test_without_questions(tmp_path: Path) -> None:
    """A second bot goes below what stands in the file."""
    config = tmp_path / "posthouse.toml"
    config.write_text('language = "en"\n\n[bots.desk]\nchannel = "web"', "utf-8")
    async with tenant() as feishu:
        given = {"app_id": APP.app_id, "app_secret": APP.app_secret, "name": "fs", "asks": False}
        person = Person()
        code, _ = await set_up(wanted(feishu, config, **given), person)
        assert (code, person.asked) == (OK, [])
        settings = load({}, config=config).settings
        assert settings.language == "en"
        assert set(settings.bots) == {"desk", "fs"}
        assert settings.bots["fs"].model_extra["domain"] == feishu.address  # type: ignore[index]


async def test_without_questions_nothing_may_be_missing(tmp_path: Path) -> None:
    async with tenant() as feishu:
        with pytest.raises(OperatorMistake, match="--app-id"):
            await set_up(wanted(feishu, tmp_path / "x.toml", asks=False), Person())


def test_a_bot_of_that_name_stays(tmp_path: Path) -> None:
    config = tmp_path / "posthouse.toml"
    config.write_text('[bots.feishu]\nchannel = "web"\n', "utf-8")
    with pytest.raises(OperatorMistake, match="--name"):
        refuse_a_second(config, "feishu")


@pytest.mark.parametrize("text", ["[bots", "bots = { a = { channel = 'web' } }\n"])
def test_a_file_that_cannot_take_a_table_stays_as_it_was(tmp_path: Path, text: str) -> None:
    config = tmp_path / "posthouse.toml"
    config.write_text(text, "utf-8")
    with pytest.raises(OperatorMistake):
        add_bot(config, "fs", {"channel": "feishu"}, {"app_secret": "s"}, "en")
    assert config.read_text("utf-8") == text
    assert not (tmp_path / "secrets").exists()


def test_the_settings_of_huixiangdou_are_understood(tmp_path: Path) -> None:
    old = tmp_path / "config.ini"
    old.write_text(
        '[frontend]\ntype = "lark_group"\n[frontend.lark_group]\napp_id = "cli_1"\n'
        'app_secret = "s"\nencrypt_key = "k"\nverification_token = "v"\n',
        "utf-8",
    )
    assert from_config_ini(old) == {
        "app_id": "cli_1",
        "app_secret": "s",
        "encrypt_key": "k",
        "verification_token": "v",
    }
    old.write_text("[worker]\n", "utf-8")
    with pytest.raises(OperatorMistake, match="lark_group"):
        from_config_ini(old)


# --- a new app by a link -------------------------------------------------------------------------


class Accounts:
    """The side of Feishu that creates apps, told what to answer; ``asked`` has who was asked."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.slept_s: list[float] = []
        self.now = 0.0

    async def sleep(self, span_s: float) -> None:
        self.slept_s.append(span_s)
        self.now += span_s

    @asynccontextmanager
    async def registration(self) -> AsyncIterator[Registration]:
        app = web.Application()
        app.router.add_post("/{side}/oauth/v1/app/registration", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        sides = {side: f"http://{host}:{port}/{side}" for side in ("feishu", "lark")}
        async with aiohttp.ClientSession() as session:
            yield Registration(session, lambda: self.now, self.sleep, accounts=sides)
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        fields = {key: str(value) for key, value in (await request.post()).items()}
        self.asked.append((request.match_info["side"], fields))
        body = self.answers.pop(0) if self.answers else {"error": "authorization_pending"}
        return web.json_response(body, status=400 if "error" in body else 200)


BEGUN = {
    "device_code": "d-1",
    "verification_uri_complete": "https://open.feishu.cn/page/launcher?user_code=AB-CD",
    "interval": 5,
    "expire_in": 600,
}
PENDING = {"error": "authorization_pending"}
MADE = {"client_id": "cli_1", "client_secret": "s", "user_info": {"tenant_brand": "feishu"}}


async def test_a_link_makes_an_app() -> None:
    accounts = Accounts(BEGUN, PENDING, {"error": "slow_down"}, MADE)
    async with accounts.registration() as registration:
        invitation = await registration.begin()
        made = await registration.wait(invitation)
    assert made == Registered(app_id="cli_1", app_secret="s", domain="feishu")
    assert accounts.slept_s == [5.0, 5.0, 10.0]
    assert [fields["action"] for _, fields in accounts.asked] == ["begin", "poll", "poll", "poll"]
    query = parse_qs(urlsplit(invitation.url).query)
    assert query["user_code"] == ["AB-CD"]
    packed = base64.urlsafe_b64decode(query["addons"][0] + "==")
    wishes = json.loads(gzip.decompress(packed))
    assert "im:message:send_as_bot" in wishes["scopes"]["tenant"]
    assert wishes["callbacks"]["items"] == ["card.action.trigger"]
    assert "d-1" not in repr(invitation)
    assert "'s'" not in repr(made)


async def test_an_account_at_lark_gets_its_app_there() -> None:
    elsewhere = {"user_info": {"tenant_brand": "lark"}, "error": "authorization_pending"}
    accounts = Accounts(BEGUN, elsewhere, MADE | {"user_info": {"tenant_brand": "lark"}})
    async with accounts.registration() as registration:
        made = await registration.wait(await registration.begin())
    assert made.domain == "lark"
    assert [side for side, _ in accounts.asked] == ["feishu", "feishu", "lark"]


@pytest.mark.parametrize("error", ["access_denied", "expired_token", "unheard_of"])
async def test_a_no_is_an_end(error: str) -> None:
    accounts = Accounts(BEGUN, {"error": error})
    async with accounts.registration() as registration:
        with pytest.raises(NoApp):
            await registration.wait(await registration.begin())


async def test_nobody_waits_for_ever() -> None:
    accounts = Accounts(BEGUN)
    async with accounts.registration() as registration:
        with pytest.raises(NoApp):
            await registration.wait(await registration.begin())
    assert accounts.now == pytest.approx(600.0, abs=5.0)


async def test_a_platform_without_links_says_no() -> None:
    async with Accounts({"error": "unsupported"}).registration() as registration:
        with pytest.raises(NoApp):
            await registration.begin()
