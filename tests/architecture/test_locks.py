"""The lock files pin everything, name no place, and agree with pyproject.toml."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT, name_of, project_files

RUN = ROOT / "requirements.lock"
POSTGRES = ROOT / "requirements-postgres.lock"  # with the driver of a shared database
BUILD = ROOT / "requirements-build.lock"
DEV = ROOT / "requirements-dev.lock"
PEER = ROOT / "benchmarks" / "peers" / "nonebot2" / "requirements.lock"
JUDGES = ROOT / "tests" / "channels" / "onebot_judges" / "requirements.lock"
SDKS = ROOT / "tests" / "channels" / "feishu_judges"

# Put together here, so that this file does not name them either.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
)

each_lock = pytest.mark.parametrize(
    "lock",
    [RUN, POSTGRES, BUILD, DEV, PEER, JUDGES, SDKS / "current.lock", SDKS / "pinned.lock"],
    ids=name_of,
)


@cache
def entries(lock: Path) -> tuple[str, ...]:
    """One string per pinned package, its continuation lines joined."""
    return tuple(filter(None, lock.read_text().replace("\\\n", " ").splitlines()))


def pins(lock: Path) -> dict[str, Requirement]:
    found = [Requirement(entry.split(" --hash", 1)[0].strip()) for entry in entries(lock)]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


@cache
def pyproject() -> dict[str, list[str]]:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = content["dependency-groups"]
    return {
        "run": content["project"]["dependencies"],
        "build": groups["build"],
        "dev": [line for line in groups["dev"] if isinstance(line, str)],
    }


def unmet(wanted: list[str], lock: Path) -> Iterator[str]:
    pinned = pins(lock)
    for requirement in map(Requirement, wanted):
        pin = pinned.get(canonicalize_name(requirement.name))
        if pin is None:
            yield f"{requirement} is not locked"
            continue
        (specifier,) = pin.specifier
        if not requirement.specifier.contains(specifier.version):
            yield f"{requirement} is locked to {specifier.version}"


@each_lock
def test_every_package_has_one_version_and_hashes(lock: Path) -> None:
    shape = re.compile(
        r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==\S+( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*"
    )
    assert [entry for entry in entries(lock) if not shape.fullmatch(entry)] == []


@each_lock
def test_no_lock_names_a_place(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert re.search(r"(^|[\s=@])[./~]", text) is None


def test_locks_meet_what_is_asked_for() -> None:
    wanted = pyproject()
    problems = [
        *unmet(wanted["run"], RUN),
        *unmet(wanted["build"], BUILD),
        *unmet(wanted["run"] + wanted["build"] + wanted["dev"], DEV),
    ]
    assert problems == [], "make lock mends it"


def test_tests_run_with_what_users_run() -> None:
    developed = pins(DEV)
    for lock in (RUN, BUILD):
        for name, pin in pins(lock).items():
            assert developed[name].specifier == pin.specifier


def test_no_file_names_a_registry() -> None:
    assert [name_of(path) for path in project_files() if _names_a_registry(path)] == []


def _names_a_registry(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return any(registry in text for registry in REGISTRIES)
