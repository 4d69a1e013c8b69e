"""A name in the config becomes a channel class, or a sentence about why it cannot."""

import subprocess
import sys
from pathlib import Path

import pytest

from posthouse.channels.catalogue import CHANNELS, load
from posthouse.model.errors import OperatorMistake
from posthouse.testing.null_channel import NullChannel
from posthouse.testing.probe.channel import ProbeChannel


@pytest.mark.parametrize("name", CHANNELS)
def test_every_name_leads_to_a_channel(name: str) -> None:
    assert callable(load(name).build)


def test_ours_by_name_and_foreign_ones_by_path() -> None:
    assert load("probe") is ProbeChannel
    assert load("posthouse.testing.null_channel:NullChannel") is NullChannel


@pytest.mark.parametrize(
    ("name", "en", "zh"),
    [
        ("wbe", 'did you mean "web"?', "是不是想写 web"),
        ("irc", 'name your own as "package.module:Class"', "可用的有"),
        ("", "there is no such channel", "没有这个平台"),
        (":Class", "there is no such channel", "没有这个平台"),
        ("no_such_package.channel:Mine", "no_such_package is not installed", "没有安装模块"),
        ("posthouse.testing.null_channel:Nul", "has no Nul", "没有 Nul"),
        ("posthouse.testing.null_channel:Words", "no build()", "没有 build()"),
    ],
)
def test_a_wrong_name_is_answered_with_the_remedy(name: str, en: str, zh: str) -> None:
    with pytest.raises(OperatorMistake) as caught:
        load(name)
    assert f'channel = "{name}"' in caught.value.sentence("en")
    assert en in caught.value.sentence("en")
    assert zh in caught.value.sentence("zh")


def test_a_broken_foreign_channel_shows_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_channel.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError):
        load("broken_channel:Mine")


def test_a_package_that_a_channel_needs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needy_channel.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OperatorMistake, match="a_package_that_is_not_there is not installed"):
        load("needy_channel:Mine")


def test_no_channel_is_imported_before_a_bot_asks() -> None:
    program = (
        "import sys, posthouse.channels.catalogue;"
        "print([n for n in sys.modules if n.startswith(('posthouse.testing', 'aiohttp'))])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout.strip() == b"[]"
