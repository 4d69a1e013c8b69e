"""A private PostgreSQL, from the binaries that this machine has, gone when the tests end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from posthouse.store.postgres.schema import bring_up_to_date

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")
SUPERUSER = "posthouse"
EMPTY = "book_template"  # a database with the schema and nothing in it
FRESH = ("--auth=trust", "--no-sync", "--no-instructions", "--locale=C", "--encoding=UTF8")
NOBODIES = ("postgres", "nobody")  # PostgreSQL refuses to be run by root

# Everything a test wrote, removed in a tenth of the time that a new database takes.
WIPE = """
DO $$
DECLARE name text;
BEGIN
  SET LOCAL session_replication_role = replica;  -- also what may not be changed otherwise
  FOR name IN SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
      AND relname NOT IN ('schema_versions', 'house')
  LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL
  LOOP PERFORM setval(name::regclass, 1, false); END LOOP;
  UPDATE house SET is_held = FALSE, snapshot_at = NULL, taken_at = NULL;
END $$
"""

# Suites bring their own time, and leases follow it; a test of leases makes a database of its own.
OWN_TIME = """
CREATE OR REPLACE FUNCTION lease_clock(callers FLOAT8) RETURNS FLOAT8 LANGUAGE sql STABLE
AS 'SELECT callers'
"""

QUICK = {  # for tests: what is lost in a power cut is lost
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "listen_addresses": "",
}
SOCKET = ".s.PGSQL.5432"  # in the cluster's folder


class Missing(Exception):
    """Why there can be no cluster here."""


def binaries() -> Path:
    """Return the folder with ``initdb``, of the newest version there is."""
    found = sorted(
        (folder for place in PLACES for folder in Path("/").glob(place[1:])),
        key=lambda folder: [int(part) for part in folder.parts if part.isdigit()],
    )
    if found:
        return found[-1]
    on_path = shutil.which("initdb")
    if on_path is None:
        raise Missing("no PostgreSQL on this machine (initdb was not found)")
    return Path(on_path).resolve().parent


class Cluster:
    """A server in a folder of its own, which is also where its socket lies."""

    def __init__(
        self, folder: Path, tools: Path, user: str | None, settings: dict[str, str]
    ) -> None:
        self.folder = folder
        self._tools = tools
        self._user = user
        self._settings = settings
        self._numbers = count(1)
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            Missing: it does not.
        """
        chosen = [
            word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")
        ]
        with (self.folder / "log").open("a") as log:
            self._server = subprocess.Popen(
                [self._tools / "postgres", "-D", self.folder / "data", "-k", self.folder, *chosen],
                cwd=self.folder,
                user=self._user,
                stdout=log,
                stderr=log,
            )
        for _ in range(100):
            asked: list[str | Path] = [
                self._tools / "pg_isready",
                "-q",
                "-t",
                "1",
                "-h",
                self.folder,
            ]
            if subprocess.run(asked, check=False).returncode == 0:
                return
            if self._server.poll() is not None:
                raise Missing(
                    f"PostgreSQL does not start: {(self.folder / 'log').read_text()[-300:]}"
                )
        raise Missing("PostgreSQL does not answer")

    def stop(self) -> None:
        """Stop the server; whoever is connected is cut off."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(30)
            self._server = None

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Execute a statement outside every database of the tests."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def wiped(self) -> str:
        """Return the address of a database that is as good as new; one test at a time."""
        url = self.url(EMPTY)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(WIPE)
        return url

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database that is gone afterwards; returns its address."""
        name = f"book_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running(settings: dict[str, str] = QUICK) -> Iterator[Cluster]:
    """Make a cluster and run it.

    Raises:
        Missing: this machine cannot.
    """
    tools, user = binaries(), _user()
    folder = Path(tempfile.mkdtemp(prefix="posthouse-pg-"))  # short: sockets have short names
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    try:
        _initdb(tools, folder, user)
        cluster = Cluster(folder, tools, user, settings)
        try:
            cluster.start()
            _make_template(cluster)
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_template(cluster: Cluster) -> None:
    cluster.run(f"CREATE DATABASE {EMPTY}")
    bring_up_to_date(cluster.url(EMPTY))
    with psycopg.connect(cluster.url(EMPTY), autocommit=True) as connection:
        connection.execute(OWN_TIME)


def _user() -> str | None:
    """Return who runs the server; None for ourselves."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in NOBODIES if name in known), None)
    if user is None:
        raise Missing("PostgreSQL does not run as root, and there is nobody else")
    return user


def _initdb(tools: Path, folder: Path, user: str | None) -> None:
    made = subprocess.run(
        [str(tools / "initdb"), "-D", str(folder / "data"), "-U", SUPERUSER, *FRESH],
        cwd=folder,
        user=user,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise Missing(f"initdb failed: {made.stderr.strip().splitlines()[-1:]}")
