"""An address of a database may hold a password, which nobody is shown."""

from pathlib import Path

import pytest

from posthouse.settings.load import load
from posthouse.settings.store_address import is_shared, without_password


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:pass@host:5433/db", "postgresql://me:****@host:5433/db"),
        (
            "postgresql://me:p%40ss@host/db?sslmode=require",
            "postgresql://me:****@host/db?sslmode=require",
        ),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("sqlite:///x.db", "sqlite:///x.db"),
        ("", ""),
    ],
)
def test_the_password_is_starred(address: str, shown: str) -> None:
    assert without_password(address) == shown


@pytest.mark.parametrize(
    ("address", "shared"),
    [("postgres://h/d", "yes"), ("postgresql:///d", "yes"), ("sqlite:///x.db", "no"), ("", "no")],
)
def test_postgresql_is_shared(address: str, shared: str) -> None:
    assert is_shared(address) == (shared == "yes")


def test_settings_show_the_address_without_its_password(tmp_path: Path) -> None:
    loaded = load({"DATABASE_URL": "postgresql://me:pass1234@host/db"}, folder=tmp_path)
    shown = {key: value for key, value, _ in loaded.sources()}
    assert shown["store.url"] == '"postgresql://me:****@host/db"'
    assert "pass1234" in loaded.secrets, "logs are to star it"
    assert "pass1234" not in repr(loaded.settings)
