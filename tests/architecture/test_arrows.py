"""Imports point down. The rules are in .importlinter; here they are held, and shown to bite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, SOURCE, name_of

RULES = ROOT / ".importlinter"

# Every folder of the layout with the modules that rules speak of. The rules are tried on a tree
# that has them all, whatever of it is written yet.
LAYOUT = (
    "__main__",
    "cli.app",
    "simulators.feishu",
    "testing.probe",
    "bootstrap",
    "api.server",
    "console.pages",
    "gateway.dispatcher",
    "handlers.handler",
    "handlers.permissions",
    "handlers.commands.handler",
    "handlers.assistant.handler",
    "channels.channel",
    "channels.catalogue",
    "channels.degrade",
    "channels.feishu.channel",
    "channels.dingtalk.channel",
    "knowledge.search",
    "llm.model",
    "store.journal",
    "store.sqlite",
    "wakeup.wakeup",
    "wakeup.local",
    "settings.read",
    "model.event",
)

ALLOWED = (
    ("__main__", "cli.app"),
    ("cli.app", "bootstrap"),
    ("cli.app", "simulators.feishu"),
    ("cli.app", "testing.probe"),
    ("bootstrap", "store.sqlite"),
    ("bootstrap", "channels.catalogue"),
    ("gateway.dispatcher", "channels.channel"),
    ("gateway.dispatcher", "channels.degrade"),
    ("gateway.dispatcher", "store.journal"),
    ("gateway.dispatcher", "wakeup.wakeup"),
    ("console.pages", "store.journal"),
    ("handlers.assistant.handler", "knowledge.search"),
    ("channels.feishu.channel", "channels.degrade"),
    ("simulators.feishu", "model.event"),
    ("testing.probe", "channels.channel"),
    ("testing.probe", "store.journal"),
    ("testing.probe", "handlers.handler"),
)

FORBIDDEN = (
    ("model.event", "settings.read"),
    ("settings.read", "store.journal"),
    ("store.journal", "gateway.dispatcher"),
    ("store.journal", "wakeup.wakeup"),
    ("api.server", "console.pages"),
    ("channels.channel", "handlers.handler"),
    ("handlers.handler", "channels.channel"),
    ("channels.feishu.channel", "channels.dingtalk.channel"),
    ("channels.feishu.channel", "channels.catalogue"),
    ("handlers.commands.handler", "handlers.assistant.handler"),
    ("gateway.dispatcher", "channels.feishu.channel"),
    ("gateway.dispatcher", "channels.catalogue"),
    ("gateway.dispatcher", "store.sqlite"),
    ("gateway.dispatcher", "wakeup.local"),
    ("console.pages", "store.sqlite"),
    ("handlers.assistant.handler", "store.sqlite"),
    ("simulators.feishu", "channels.feishu.channel"),
    ("simulators.feishu", "settings.read"),
    ("simulators.feishu", "testing.probe"),
    ("testing.probe", "store.sqlite"),
    ("testing.probe", "gateway.dispatcher"),
    ("bootstrap", "simulators.feishu"),
    ("__main__", "testing.probe"),
)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the project's rules over the package `posthouse` below `folder`."""
    return subprocess.run(
        [
            Path(sys.executable).with_name("lint-imports"),
            "--no-cache",
            "--no-logo",
            "--config",
            RULES,
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        check=False,
        capture_output=True,
        text=True,
    )


def draw(folder: Path, *arrows: tuple[str, str], more: tuple[str, ...] = ()) -> None:
    """Write an empty posthouse that has the whole layout, and these imports."""
    modules = (*LAYOUT, *more)
    files = {name: folder / "posthouse" / Path(*name.split(".")) for name in modules}
    for path in files.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").touch()
        for parent in path.relative_to(folder).parents:
            if parent.name:
                (folder / parent / "__init__.py").touch()
    for importer, imported in arrows:
        with files[importer].with_suffix(".py").open("a") as file:
            file.write(f"import posthouse.{imported}\n")


def test_all_imports_point_down() -> None:
    result = lint(SOURCE.parent)
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_the_design_allows_is_allowed(tmp_path: Path) -> None:
    draw(tmp_path, *ALLOWED)
    result = lint(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("importer", "imported"), FORBIDDEN, ids=map("-imports-".join, FORBIDDEN))
def test_what_the_design_forbids_is_refused(tmp_path: Path, importer: str, imported: str) -> None:
    draw(tmp_path, (importer, imported))
    result = lint(tmp_path)
    assert "1 broken" in result.stdout or "2 broken" in result.stdout, result.stdout


@pytest.mark.parametrize("newcomer", ["plugins.loader", "channels.slack.channel", "handlers.quiz"])
def test_a_newcomer_needs_a_place(tmp_path: Path, newcomer: str) -> None:
    draw(tmp_path, more=(newcomer,))
    result = lint(tmp_path)
    assert "not listed as layers" in result.stdout, result.stdout


def test_a_circle_is_refused(tmp_path: Path) -> None:
    more = ("gateway.inbox", "gateway.router")
    circle = (("gateway.inbox", "gateway.router"), ("gateway.router", "gateway.inbox"))
    draw(tmp_path, *circle, more=more)
    result = lint(tmp_path)
    assert "1 broken" in result.stdout, result.stdout


def test_inner_packages_are_empty() -> None:
    inner = [path for path in SOURCE.rglob("__init__.py") if path.parent != SOURCE]
    assert [name_of(path) for path in inner if path.read_text().strip()] == []


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    assert [name_of(path) for path in folders if not (path / "__init__.py").exists()] == []
