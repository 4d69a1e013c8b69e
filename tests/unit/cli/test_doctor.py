"""What the doctor finds in surroundings that a test arranges."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from posthouse.cli.doctor import (
    RELEASED_AT,
    Finding,
    Mark,
    clock_finding,
    directory_findings,
    exposure_findings,
    limit_findings,
    settings_findings,
)
from posthouse.settings.load import load
from posthouse.settings.settings import ServerSettings, Settings

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


def test_more_connections_than_the_system_allows_are_seen() -> None:
    server = ServerSettings(connections_max=10**9)
    assert only(limit_findings(Settings(server=server))).mark is Mark.WARN


def test_variables_without_meaning_are_listed(tmp_path: Path) -> None:
    loaded = load({"TELEGRAM_BOT_TOKEN": "1:x"}, None, None, tmp_path)
    first, second = settings_findings(loaded)
    assert first.mark is Mark.OK
    assert second.mark is Mark.WARN
    assert "TELEGRAM_BOT_TOKEN" in second.said.zh
