"""Join links and cookies: what we signed, until it expires, and nothing else."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.channels.web.crypto import Identity, Invitation, Signer, read_key
from posthouse.model.errors import OperatorMistake

SIGNER = Signer(b"k" * 32)
INVITATION = Invitation("web", 2000.0, "r1")
LINK = SIGNER.invite(INVITATION)


def test_a_link_is_good_until_it_expires() -> None:
    assert SIGNER.invited(LINK, 1999.9) == INVITATION
    assert SIGNER.invited(LINK, 2000.0) is None


def test_every_changed_character_is_seen() -> None:
    for at, character in enumerate(LINK):
        other = "A" if character != "A" else "B"
        assert SIGNER.invited(LINK[:at] + other + LINK[at + 1 :], 1000) is None, at


@pytest.mark.parametrize(
    "token", ["", ".", "..", LINK[:-1], LINK + "A", LINK + "=", LINK.split(".")[0], "é." + LINK]
)
def test_what_is_no_link(token: str) -> None:
    assert SIGNER.invited(token, 1000) is None


@given(st.text(max_size=100))
def test_no_text_is_a_link(token: str) -> None:
    assert SIGNER.invited(token, 1000) is None
    assert SIGNER.identified(token) is None


def test_a_link_is_no_cookie_and_a_cookie_no_link() -> None:
    cookie = SIGNER.identify(Identity("web", "p1"))
    assert SIGNER.identified(cookie) == Identity("web", "p1")
    assert SIGNER.invited(cookie, 1000) is None
    assert SIGNER.identified(LINK) is None


def test_another_key_signs_otherwise() -> None:
    other = Signer(b"x" * 32)
    assert other.invited(LINK, 1000) is None
    assert other.installation != SIGNER.installation


def test_the_key_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "web.key"
    key = read_key(path)
    assert len(key) == 32
    assert read_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["web.key"]


def test_a_broken_key_is_the_operators_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "web.key"
    path.write_bytes(b"short")
    with pytest.raises(OperatorMistake, match="delete it"):
        read_key(path)


def test_a_start_that_was_cut_leaves_no_broken_key(tmp_path: Path) -> None:
    (tmp_path / "web.new").write_bytes(b"half")
    assert len(read_key(tmp_path / "web.key")) == 32
