"""The page that has settings and scenes read again, in a house that was built of a file."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from markupsafe import escape
from starlette.applications import Starlette

from posthouse.bootstrap import build_house
from posthouse.cli.console import build_console
from posthouse.cli.reloading import Reloading, Source
from posthouse.console.lockout import Lockout
from posthouse.console.passwords import Passwords
from posthouse.console.sign_in import SignIn
from posthouse.house import House
from posthouse.model.permission import OperatorRole
from posthouse.settings.load import load
from tests.unit.console.office import PASSWORD, Browser, Office

SETTINGS = """
language = "en"
[bots.web]
channel = "web"
[handlers.commands]
public_dirs = ["{folder}"]
"""
ADDRESS = "settings/reload"


@dataclass
class Home:
    """A house with a settings file, a folder of scenes and an admin."""

    house: House
    admin: Browser
    file: Path
    scenes: Path

    def write(self, more: str = "") -> None:
        self.file.write_text(SETTINGS.format(folder=self.scenes) + more, "utf-8")

    async def audit(self) -> list[dict[str, object]]:
        """What the audit has about reloads, oldest first."""
        lines = [
            each for each in await self.house.store.access.audit_lines() if each.action == "reload"
        ]
        assert all(each.author == "operator:ann" for each in lines)
        return [json.loads(each.details) for each in reversed(lines)]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    file, scenes = tmp_path / "posthouse.toml", tmp_path / "public"
    scenes.mkdir()
    (scenes / "app.py").write_text("def cmd_run(): return 'ran'", "utf-8")
    file.write_text(SETTINGS.format(folder=scenes), "utf-8")
    read = functools.partial(load, {}, {"data": str(tmp_path / "data")}, file)
    loaded = read()
    house = build_house(loaded.settings)
    await house.open()
    reloading = Reloading(house, Source(loaded, read), lambda _: None)
    cheap = Passwords(memory_kib=8, rounds=1)
    sign_in = SignIn(house.store.access, cheap, Lockout(), time.time)
    console = build_console(loaded.settings, house, sign_in, reloading)
    admin = Browser(Starlette(routes=list(console.routes())), language="en")
    code = await sign_in.invite("ann", OperatorRole.ADMIN, "test")
    assert (await admin.post(f"link/{code}", {"password": PASSWORD})).status == 303
    yield Home(house, admin, file, scenes)
    await house.close()


async def test_a_look_shows_what_would_change_and_changes_nothing(home: Home) -> None:
    assert "No setting has changed" in (await home.admin.get(ADDRESS)).text
    home.write('[bots.second]\nchannel = "web"\npath = "/second"\n')
    page = (await home.admin.get(ADDRESS)).text
    assert "bots.second.channel" in page
    assert list(home.house.bots) == ["web"]
    assert await home.audit() == []


async def test_a_reload_says_what_changed_and_what_waits_for_a_restart(home: Home) -> None:
    home.write('[log]\nlevel = "debug"\n[words]\nstop = ["halt"]\n')
    page = (await home.admin.post(ADDRESS)).text
    assert "words.stop" in page
    assert "after a restart" in page
    assert "in force: app" in " ".join(page.split())
    assert home.house.settings.words.stop == ("halt",)
    assert await home.audit() == [{"changed": ["words.stop"], "after_restart": ["log.level"]}]
    assert "No setting has changed" not in (await home.admin.get(ADDRESS)).text  # the restart waits


async def test_a_mistake_is_shown_with_its_remedy_and_changes_nothing(home: Home) -> None:
    home.write("nonsense = 1\n")
    for page in (await home.admin.get(ADDRESS), await home.admin.post(ADDRESS)):
        assert page.status == 200
        assert "nonsense" in page.text
    assert "nothing has changed" in page.text
    (line,) = await home.audit()
    assert "nonsense" in str(line["refused"])


async def test_a_broken_scene_is_named_with_its_traceback_and_the_old_one_stays(home: Home) -> None:
    (home.scenes / "app.py").write_text("def cmd_run(:", "utf-8")
    page = (await home.admin.post(ADDRESS)).text
    assert "commands keeps the scenes it had" in page
    assert "The scene app is broken" in page
    assert "SyntaxError" in page
    assert "loading.py" not in page, "a traceback begins in the author's own file"
    assert await home.audit() == [{"scenes_broken": ["app"]}]


async def test_a_file_that_ends_its_worker_is_left_out_by_name_and_seen_everywhere(
    home: Home,
) -> None:
    (home.scenes / "app.py").write_text("import os; os._exit(1)", "utf-8")
    (home.scenes / "new.py").write_text("def cmd_run(): return 'new'", "utf-8")
    page = " ".join((await home.admin.post(ADDRESS)).text.split())
    assert "in force: app · new" in page
    assert "The scene app is broken and stays as it was" in page
    assert home.house.broken_scenes() == ("app",)
    assert "the scene app does not load" in (await home.admin.post("bots/web/test")).text


async def test_nothing_that_files_say_runs_in_the_page(home: Home) -> None:
    evil = "<script>alert(1)</script>"
    (home.scenes / "bad.py").write_text(f"raise ValueError({evil!r})", "utf-8")
    pages = [(await home.admin.post(ADDRESS)).text]
    home.write(f"[words]\nstop = ['{evil}']\n")
    pages += [(await home.admin.get(ADDRESS)).text, (await home.admin.post(ADDRESS)).text]
    home.write(f"'{evil}' = 1\n")
    pages += [(await home.admin.get(ADDRESS)).text, (await home.admin.post(ADDRESS)).text]
    for page in pages:
        assert str(escape(evil)) in page
        assert evil not in page


async def test_no_secret_is_shown_or_written_down(home: Home) -> None:
    secret = "verysecretindeed"
    home.write(
        f'[bots.second]\nchannel = "probe"\nclass = "keyed"\ntoken = "{secret}"\n'
        f'secret = "{secret}"\n'
    )
    looked, renewed = (await home.admin.get(ADDRESS)).text, (await home.admin.post(ADDRESS)).text
    assert "bots.second.token" in looked
    assert "bots.second.token" in renewed
    assert secret not in looked + renewed + json.dumps(await home.audit())
    assert "second" in home.house.bots


async def test_a_house_built_by_hand_says_that_it_cannot(office: Office, admin: Browser) -> None:
    assert "没有可重新读取的配置" in (await admin.get(ADDRESS)).text
    assert (await admin.post(ADDRESS)).status == 409
