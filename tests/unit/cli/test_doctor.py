"""What the doctor finds in surroundings that a test arranges."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from posthouse.channels.finding import Finding, Mark
from posthouse.cli.doctor import (
    COUNTED,
    RELEASED_AT,
    _bot,
    _house,
    as_it_runs,
    clock_finding,
    counted,
    directory_findings,
    exposure_findings,
    limit_findings,
    settings_findings,
)
from posthouse.settings.data_directory import Owner
from posthouse.settings.load import load
from posthouse.settings.settings import ServerSettings, Settings
from posthouse.store.sqlite.store import open_memory_store

NOW = RELEASED_AT + 86400.0


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_a_clock_that_can_be_right_is_fine(tmp_path: Path) -> None:
    assert clock_finding(NOW, tmp_path, Settings()).mark is Mark.OK


def test_a_clock_before_this_version_is_wrong(tmp_path: Path) -> None:
    assert clock_finding(0.0, tmp_path, Settings()).mark is Mark.FAIL


def test_a_clock_that_went_back_behind_the_data_is_wrong(tmp_path: Path) -> None:
    database = tmp_path / "posthouse.db"
    database.touch()
    os.utime(database, (NOW + 3600, NOW + 3600))
    finding = clock_finding(NOW, tmp_path, Settings())
    assert finding.mark is Mark.FAIL
    assert "NTP" in finding.remedy.en


def test_a_data_directory_that_can_be_written(tmp_path: Path) -> None:
    assert only(directory_findings(tmp_path / "not" / "yet")).mark in {Mark.OK, Mark.WARN}


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    finding = only(directory_findings(tmp_path / "data"))
    assert finding.mark is Mark.FAIL
    assert "--data" in finding.remedy.en


@pytest.mark.parametrize(
    ("server", "mark"),
    [
        (ServerSettings(), Mark.OK),
        (ServerSettings(host="::1"), Mark.OK),
        (ServerSettings(host="0.0.0.0"), Mark.WARN),  # noqa: S104 - that is the point
        (ServerSettings(host="192.0.2.1", public_url="http://h"), Mark.WARN),
        (ServerSettings(host="192.0.2.1", public_url="https://h"), Mark.OK),
    ],
)
def test_who_can_reach_the_house(server: ServerSettings, mark: Mark) -> None:
    assert only(exposure_findings(Settings(server=server))).mark is mark


def test_the_running_house_says_where_it_listens() -> None:
    settings = Settings(server=ServerSettings(port=8350))
    owner = Owner(pid=1, url="http://127.0.0.1:8461", host="0.0.0.0")  # noqa: S104 - the point
    finding = only(exposure_findings(as_it_runs(settings, owner)))
    assert finding.mark is Mark.WARN
    assert "0.0.0.0:8461" in finding.said.en


def test_a_house_that_stands_or_is_starting_is_judged_by_its_settings() -> None:
    for owner in (None, Owner(pid=1)):
        assert as_it_runs(Settings(), owner) == Settings()


def test_the_numbers_of_the_book_have_words() -> None:
    said = counted({"turns_waiting": 3, "turns_running": 0, "deliveries_doubtful": 1})
    assert said.zh == "册子：等待处理 3 条，不知是否送达，需要处理 1 条"
    assert said.en == ("in the book: 3 wait for an answer, 1 nobody can tell whether it arrived")
    assert counted({}).en == "in the book: nothing waits"


async def test_every_number_of_the_book_has_words() -> None:
    store = open_memory_store()
    try:
        assert set(await store.upkeep.counts()) <= set(COUNTED)
    finally:
        await store.close()


def test_a_bot_has_words_for_its_state() -> None:
    finding = _bot("web", "web", {"state": "connected", "detail": ""})
    assert finding.said.zh == "机器人 web · web · 已连接"
    assert finding.mark is Mark.OK


def test_more_connections_than_the_system_allows_are_seen() -> None:
    server = ServerSettings(connections_max=10**9)
    assert only(limit_findings(Settings(server=server))).mark is Mark.WARN


def test_variables_without_meaning_are_listed(tmp_path: Path) -> None:
    loaded = load({"TELEGRAM_BOT_TOKEN": "1:x"}, None, None, tmp_path)
    first, second = settings_findings(loaded)
    assert first.mark is Mark.OK
    assert second.mark is Mark.WARN
    assert "TELEGRAM_BOT_TOKEN" in second.said.zh


@pytest.mark.parametrize("is_there", ["there", "away"])
async def test_a_shared_database_is_named_without_its_password(
    is_there: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = "postgresql://me:pass1234@127.0.0.1:1/nothing"
    if is_there == "there":
        url = request.getfixturevalue("cluster").wiped()
    config = tmp_path / "posthouse.toml"
    config.write_text(f'data = "{tmp_path}/data"\n[store]\nurl = "{url}"\n[server]\nport = 0\n')
    found = await _house(load({}, config=config).settings)
    assert "as gateway-1" in " ".join(each.said.en for each in found)
    assert "pass1234" not in str(found)
    assert (Mark.FAIL in {each.mark for each in found}) is (is_there == "away")
