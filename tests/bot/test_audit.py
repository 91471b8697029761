"""The log of operations: a chain of hashes, on SQLite and PostgreSQL, checked and handed out."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, delete, text, update

from bot.store import migrations, open_engine
from bot.store.audit import BEGINNING, Audit, check, seal
from bot.store.tables import audit
from mlops.cli import triage
from mlops.database import make_engine
from mlops.settings import Settings

LINES = 5


@pytest.fixture
def engine(database: Settings) -> Iterator[Engine]:
    engine = open_engine(database)
    yield engine
    engine.dispose()


def fill(engine: Engine) -> Audit:
    log = Audit(engine)
    for number in range(LINES):
        log.add("U0LEO", "retrain", f"retrain-{number}", "G0SURGERY", "started – ünïcode")
    return log


def test_each_line_follows_the_one_before(engine: Engine) -> None:
    entries = fill(engine).entries()
    checked = check(entries)
    assert (checked.entries, checked.broken, checked.head) == (LINES, None, entries[-1].hash)
    assert entries[0].previous == BEGINNING
    assert len({entry.hash for entry in entries}) == LINES


@pytest.mark.parametrize("column", ["at", "user_id", "action", "target", "channel", "result"])
def test_a_changed_field_shows(engine: Engine, column: str) -> None:
    log = fill(engine)
    changed = {column: 1.0 if column == "at" else "other"}
    with engine.begin() as connection:
        connection.execute(update(audit).where(audit.c.target == "retrain-2").values(changed))
    assert check(log.entries()).broken == 3


def test_a_changed_line_with_a_new_hash_shows_in_the_next(engine: Engine) -> None:
    log = fill(engine)
    third = log.entries()[2]
    forged = seal(third.__class__(**{**vars(third), "result": "refused", "hash": ""}))
    with engine.begin() as connection:
        here = audit.c.target == "retrain-2"
        connection.execute(update(audit).where(here).values(result="refused", hash=forged))
    assert check(log.entries()).broken == 4


def test_a_line_taken_out_shows(engine: Engine) -> None:
    log = fill(engine)
    with engine.begin() as connection:
        connection.execute(delete(audit).where(audit.c.target == "retrain-2"))
    assert check(log.entries()).broken == 3


def test_lines_that_changed_places_show(engine: Engine) -> None:
    log = fill(engine)
    with engine.begin() as connection:
        ids = [row.id for row in connection.execute(text("SELECT id FROM audit ORDER BY id"))]
        for old, new in ((ids[1], 1000), (ids[2], ids[1]), (1000, ids[2])):
            connection.execute(update(audit).where(audit.c.id == old).values(id=new))
    assert check(log.entries()).broken == 2


def test_many_at_once_make_one_chain(database: Settings, engine: Engine) -> None:
    """As several bots do: each with connections of its own."""
    others = [open_engine(database) for _ in range(4)]
    logs = [Audit(other) for other in others]
    with ThreadPoolExecutor(16) as people:
        list(
            people.map(lambda n: logs[n % 4].add("U0LEO", "stop", str(n), "C", "asked"), range(80))
        )
    checked = check(logs[0].entries())
    assert (checked.entries, checked.broken) == (80, None)
    for other in others:
        other.dispose()


def test_lines_from_before_the_chain_are_taken_into_it(database: Settings) -> None:
    engine = make_engine(database.database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        migrations.migrate(engine)
    old = (
        "INSERT INTO audit (at, user_id, action, target, channel, result) "
        "VALUES (:at, 'U0LEO', 'retrain', 'job', 'C0', 'started')"
    )
    with engine.begin() as connection:
        for number in range(3):
            connection.execute(text(old), {"at": 1_700_000_000.123 + number / 3})
        connection.execute(
            text(
                "INSERT INTO retrains (id, slot, job, user_id, channel, state, started, owner, "
                "lease_until) VALUES ('r1', 'active', 'job', 'U0LEO', 'C0', 'running', 1, '', 0)"
            )
        )
    assert migrations.migrate(engine) == len(migrations.MIGRATIONS) - 1
    log = Audit(engine)
    log.add("U0LEO", "retrain", "job", "C0", "completed")
    assert (check(log.entries()).entries, check(log.entries()).broken) == (4, None)
    with engine.begin() as connection:
        row = connection.execute(text("SELECT state, options, shown FROM retrains")).one()
    assert tuple(row) == ("preparing", "{}", 0)
    engine.dispose()


def run(home: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(triage, ["audit", *arguments], env={"TRIAGE_HOME": str(home)})
    return result.exit_code, result.output


def test_the_command_checks_and_exports(home: Path, tmp_path: Path) -> None:
    engine = open_engine(Settings(_env_file=None, triage_home=home))
    entries = fill(engine).entries()
    head = entries[-1].hash
    assert run(home, "verify") == (
        0, f"{LINES} lines, each as it was written. Head: {head}\n",
    )  # fmt: skip
    code, output = run(home, "export")
    assert code == 0
    assert [json.loads(line)["hash"] for line in output.splitlines()] == [e.hash for e in entries]
    exported = tmp_path / "audit.jsonl"
    assert run(home, "export", "--output", str(exported))[0] == 0
    assert run(home, "verify", "--file", str(exported))[0] == 0
    # Cut off at the end: each line that is left fits, but the hash noted before is gone.
    with engine.begin() as connection:
        connection.execute(delete(audit).where(audit.c.target == f"retrain-{LINES - 1}"))
    assert run(home, "verify")[0] == 0
    code, output = run(home, "verify", "--head", head)
    assert code == 1
    assert "is not in the log" in output
    with engine.begin() as connection:
        connection.execute(update(audit).values(user_id="U0ANA"))
    code, output = run(home, "verify")
    assert code == 1
    assert "Line 1 of 4 does not fit" in output
    assert json.loads(run(home, "verify", "--json")[1])["intact"] is False
    engine.dispose()


def test_a_file_that_is_no_log_is_said(tmp_path: Path, home: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text("not a log\n")
    result = CliRunner().invoke(
        triage, ["audit", "verify", "--file", str(other)], env={"TRIAGE_HOME": str(home)}
    )
    assert result.exit_code == 1
    assert "Line 1 of" in result.output
