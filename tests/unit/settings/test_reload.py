"""What is different between two readings of the settings, and what counts at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from posthouse.model.secret import RetiredSecret
from posthouse.settings.load import Loaded, load
from posthouse.settings.reload import Change, Effect, changes, taken_over
from posthouse.settings.rotation import OVERLAP_S, RETIRED_MAX, retired
from posthouse.settings.settings import Settings

NOW = 1000.0

BEFORE = """
language = "en"
[bots.ops]
channel = "probe"
secret = "a-very-long-old-secret"
"""
AFTER = """
language = "zh"
[server]
port = 9000
[bots.ops]
channel = "probe"
secret = "a-very-long-new-secret"
[[routes]]
ignore = true
"""


def read(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Loaded:
    (folder / "posthouse.toml").write_text(text, "utf-8")
    return load(environ or {}, folder=folder)


def test_what_is_different_is_named_without_secrets(tmp_path: Path) -> None:
    found = {each.key: each for each in changes(read(tmp_path, BEFORE), read(tmp_path, AFTER))}
    assert set(found) == {"bots.ops.secret", "language", "routes", "server.port"}
    assert found["language"] == Change("language", '"en"', '"zh"', Effect.NOW)
    assert found["server.port"] == Change("server.port", "8350", "9000", Effect.RESTART)
    secret = found["bots.ops.secret"]
    assert (secret.before, secret.after) == ("****cret", "****cret")


def test_short_secrets_that_look_alike_are_still_different(tmp_path: Path) -> None:
    one, other = (
        read(tmp_path, f'[bots.ops]\nchannel = "probe"\nsecret = "{secret}"\n')
        for secret in ("one", "two")
    )
    assert [(each.before, each.after) for each in changes(one, other)] == [("****", "****")]
    assert changes(one, one) == ()


def test_what_needs_a_restart_is_not_taken_over(tmp_path: Path) -> None:
    old, new = read(tmp_path, BEFORE).settings, read(tmp_path, AFTER).settings
    merged = taken_over(old, new)
    assert (merged.server, merged.data) == (old.server, old.data)
    assert (merged.language, merged.bots, merged.routes) == (new.language, new.bots, new.routes)


def test_every_section_counts_at_some_time() -> None:
    fields = set(Settings.model_fields)
    different = Settings(data=Path("elsewhere"), timezone="UTC", language="en")
    merged = taken_over(Settings(), different)
    kept = {name for name in fields if getattr(merged, name) == getattr(Settings(), name)}
    assert {"data", "timezone", "server", "store", "gateway", "log"} <= kept
    assert merged.language == "en"


def test_a_replaced_secret_is_kept_for_an_hour() -> None:
    before = {"secret": "old", "token": "same", "base_url": "http://a", "verify_key": ""}
    after = {"secret": "new", "token": "same", "base_url": "http://b", "verify_key": "first"}
    kept = retired(before, after, (), NOW)
    assert kept == (RetiredSecret("secret", "old", NOW + OVERLAP_S),)
    assert retired(after, after, kept, NOW + OVERLAP_S - 1) == kept
    assert retired(after, after, kept, NOW + OVERLAP_S) == ()


def test_a_secret_that_is_taken_out_counts_for_an_hour_too() -> None:
    assert retired({"secret": "old"}, {}, (), NOW)[0].value == "old"


def test_not_endlessly_many_are_kept() -> None:
    kept: tuple[RetiredSecret, ...] = ()
    for number in range(20):
        kept = retired({"secret": str(number)}, {"secret": str(number + 1)}, kept, NOW)
    assert [each.value for each in kept] == [str(19 - each) for each in range(RETIRED_MAX)]


def test_nobody_reads_a_retired_secret_by_accident() -> None:
    assert "s3cret" not in repr(RetiredSecret("secret", "s3cret", NOW))
