"""The push API of a real house, tried with whatever its own description allows, and forbids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.acceptance.test_cli import OK, Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

EXAMPLES = 16
HELLO: dict[str, Any] = {"to": 1, "text": "hello"}
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
    unsupported_method,
]
SCOPES = ("--scope", "push", "--scope", "read", "--scope", "ask")
OPERATIONS = ("push", "look", "edit", "recall", "upload", "ask")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a house with one chat, and the header that opens it."""
    folder: Path = tmp_path_factory.mktemp("house")
    shell = Shell(folder)
    running = shell.start()
    assert shell.do("chat", "--say", "hello").code == OK
    made = shell.do("tokens", "add", "everything", *SCOPES)
    yield running.owner.url, {"Authorization": f"Bearer {made.out.strip()}"}
    assert running.process.poll() is None
    code, log = running.end()
    shell.close()
    assert code == OK
    assert "request_failed" not in log
    assert not re.search(r"Traceback|exc_info", log)


@pytest.fixture(scope="module")
def described(house: tuple[str, dict[str, str]]) -> OpenApiSchema:
    url, _ = house
    return schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_breaks_and_nobody_comes_in(
    name: str,
    mode: GenerationMode,
    described: OpenApiSchema,
    house: tuple[str, dict[str, str]],
) -> None:
    operation = described.find_operation_by_id(name)
    key = f"{name}-{mode.value}"
    described.find_operation_by_id("push").Case(
        body=HELLO, headers={"Idempotency-Key": key}, media_type="application/json"
    ).call(headers=house[1])
    is_negative = mode is GenerationMode.NEGATIVE
    checks = [*CHECKS, negative_data_rejection] if is_negative and name == "push" else CHECKS

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_known=booleans())
    def attempt(case: Case[Any], is_known: bool) -> None:  # noqa: FBT001 - hypothesis names it
        if is_known and not is_negative:
            _make_known(case, key)
        case.call_and_validate(headers=house[1], checks=checks)

    attempt()


def _make_known(case: Case[Any], key: str) -> None:
    """Let a request succeed, as few random ones do: otherwise no hole would be seen."""
    if "key" in case.path_parameters:
        case.path_parameters["key"] = key
    if case.operation.path.endswith("/messages"):
        case.headers["Idempotency-Key"] = key
        case.body = HELLO
    elif case.method == "PATCH":
        case.body = {"text": "other words"}
    case.query.pop("token", None)


def test_every_operation_is_tried(described: OpenApiSchema) -> None:
    paths = described.raw_schema["paths"].values()
    found = {operation["operationId"] for methods in paths for operation in methods.values()}
    assert found == set(OPERATIONS)
