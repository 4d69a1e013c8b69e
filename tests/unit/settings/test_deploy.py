"""The files under deploy/ fit together and are settings that this version reads."""

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from posthouse.settings.load import load

DEPLOY = Path(__file__).parents[3] / "deploy"
URL = "postgresql://posthouse:secret@postgres/posthouse"


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())[
        "services"
    ]
    return found


def gateways() -> dict[str, dict[str, Any]]:
    return {name: each for name, each in services().items() if name.startswith("gateway")}


def test_every_gateway_reads_its_settings() -> None:
    for name, gateway in gateways().items():
        environ = {key: str(value) for key, value in gateway["environment"].items()}
        environ |= {"DATABASE_URL": URL, "FEISHU_APP_ID": "", "FEISHU_APP_SECRET": ""}
        environ.pop("POSTHOUSE_CONFIG")
        loaded = load(environ, config=DEPLOY / "posthouse.toml")
        assert loaded.settings.gateway.name == name
        assert loaded.settings.store.url == URL
        assert loaded.settings.server.host == "0.0.0.0"  # noqa: S104 - inside its container


def test_the_entrance_knows_every_gateway() -> None:
    entrance = (DEPLOY / "Caddyfile").read_text()
    assert len(gateways()) == 3
    assert all(f"{name}:8350" in entrance for name in gateways())


def test_nothing_is_named_that_is_not_there() -> None:
    """What ``docker compose config`` would refuse, and needs an engine's plug-in to say."""
    text = (DEPLOY / "compose.yaml").read_text()
    composed = yaml.safe_load(text)
    given = {line.partition("=")[0] for line in (DEPLOY / ".env.example").read_text().splitlines()}
    assert set(re.findall(r"\$\{(\w+)", text)) <= given
    for service in services().values():
        assert {*service.get("depends_on", ())} <= services().keys()
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            is_there = (
                (DEPLOY / source).is_file() if "/" in source else source in composed["volumes"]
            )
            assert is_there, volume


def test_only_the_entrance_is_reached_from_outside_and_only_from_this_machine() -> None:
    published = {name: each["ports"] for name, each in services().items() if "ports" in each}
    assert published == {"entrance": ["127.0.0.1:8350:8350"]}


def test_no_gateway_starts_before_the_database_answers() -> None:
    assert "pg_isready" in services()["postgres"]["healthcheck"]["test"][1]
    for gateway in gateways().values():
        assert gateway["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_a_gateway_has_time_to_stop() -> None:
    settings = load({"DATABASE_URL": URL}, config=DEPLOY / "posthouse.toml").settings
    stop_within_s = settings.gateway.stop_within_s
    for gateway in gateways().values():
        assert float(gateway["stop_grace_period"].removesuffix("s")) > stop_within_s


def test_every_gateway_sees_the_files_that_people_send() -> None:
    assert all("media:/data/media" in gateway["volumes"] for gateway in gateways().values())


def test_the_image_is_built_from_what_lies_here() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    for lock in ("requirements-build.lock", "requirements-postgres.lock"):
        assert lock in dockerfile
        assert (DEPLOY.parent / lock).is_file()
