"""SQLite and PostgreSQL for tests: a test that asks for `database` runs on both."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops.database import make_engine
from mlops.settings import Settings


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of the tests' own, or a skip that says what is missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [
        Path(path) for path in [shutil.which("initdb")] if path
    ]
    if not found:
        pytest.skip("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    # It refuses to run as root, and pytest's own folders are for their owner only.
    who: dict[str, Any] = {"user": "postgres"} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="triage-postgres-") as folder:
        if who:
            shutil.chown(folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        yield from _serve(found[-1].parent, folder, port, who)


def _serve(programs: Path, folder: str, port: int, who: dict[str, Any]) -> Iterator[str]:
    """Make a cluster, start it, and end it."""
    data = f"{folder}/data"
    make = ["-D", data, "-U", "triage", "-A", "trust", "--no-sync"]
    subprocess.run([programs / "initdb", *make], check=True, capture_output=True, cwd=folder, **who)
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-c", "fsync=off"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **who,
    )
    ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    try:
        while subprocess.run(ready).returncode != 0:
            assert server.poll() is None, "PostgreSQL did not start"
            time.sleep(0.1)
        yield f"postgresql+psycopg://triage@127.0.0.1:{port}/postgres"
    finally:
        # “Fast”: without waiting for whoever is still connected.
        server.send_signal(signal.SIGINT)
        server.wait(20)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, home: Path) -> Iterator[Settings]:
    """Settings with an empty database."""
    if request.param == "sqlite":
        yield Settings(_env_file=None, triage_home=home)
        return
    url = request.getfixturevalue("postgres")
    with contextlib.closing(make_engine(url).raw_connection()) as connection:
        connection.cursor().execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")  # type: ignore[no-untyped-call]
        connection.commit()
    yield Settings(_env_file=None, triage_home=home, database_url=url)
