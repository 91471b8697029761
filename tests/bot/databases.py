"""SQLite and PostgreSQL for tests: a test that asks for `database` runs on both."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops.database import make_engine
from mlops.settings import Settings


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of the tests' own, or a skip that says what is missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [
        Path(path) for path in [shutil.which("initdb")] if path
    ]
    if not found:
        pytest.skip("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    programs = found[-1].parent
    folder = tmp_path_factory.mktemp("postgres")
    # It refuses to run as root.
    who: dict[str, str] = {}
    if os.getuid() == 0:
        who = {"user": "postgres"}
        for path in (folder, *folder.parents):
            if path.is_relative_to("/tmp") and path != Path("/tmp"):
                path.chmod(0o755)
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "triage", "-A", "trust", "--no-sync"],
        check=True, capture_output=True, cwd=folder, **who,  # type: ignore[call-overload]
    )  # fmt: skip
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-c", "fsync=off"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **who,  # type: ignore[call-overload]
    )  # fmt: skip
    url = f"postgresql+psycopg://triage@127.0.0.1:{port}/postgres"
    ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    try:
        while subprocess.run(ready).returncode != 0:
            assert server.poll() is None, "PostgreSQL did not start"
            time.sleep(0.1)
        yield url
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
