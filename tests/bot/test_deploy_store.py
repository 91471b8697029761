"""Redeployments, the lock, kept notes and differences in the database: SQLite and PostgreSQL."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import text

from bot.store import Store, migrations, open_store
from bot.store.decisions import Asked
from mlops.database import make_engine
from mlops.deploy_lock import check_unlocked
from mlops.errors import LockedError
from mlops.result import Recommendation
from mlops.settings import Settings

ANSWER = Recommendation("n", "Surgery", 0.9, 0.9, "referral", (), "0123456789ab")
TEXT = "Irreducible hernia, vomiting since last night."


@pytest.fixture
def settings(database: Settings) -> Settings:
    key = Fernet.generate_key().decode()
    return database.model_copy(
        update={"triage_keep_notes": True, "triage_notes_key": SecretStr(key)}
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = open_store(settings)
    yield opened
    opened.close()


def test_of_many_at_once_one_redeployment_begins(store: Store) -> None:
    def begin(number: int) -> bool:
        row = store.redeploys.begin(f"U{number}", "C1", "e", "new", "old", "deploy")
        return row is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(8))) == 1
    assert [entry.result for entry in store.audit.entries()] == ["started"]


def test_of_many_at_once_one_locks_and_one_releases(store: Store, settings: Settings) -> None:
    check_unlocked(settings)
    with ThreadPoolExecutor(8) as pool:
        assert (
            sum(
                lock is not None
                for lock in pool.map(lambda n: store.lock.set(f"U{n}", "why", "C1"), range(8))
            )
            == 1
        )
    with pytest.raises(LockedError, match="why"):
        check_unlocked(settings)
    with ThreadPoolExecutor(8) as pool:
        assert (
            sum(
                lock is not None
                for lock in pool.map(lambda n: store.lock.release(f"U{n}", "C1"), range(8))
            )
            == 1
        )
    check_unlocked(settings)
    assert [entry.action for entry in store.audit.entries()] == ["lock", "unlock"]


def test_a_row_is_taken_over_reopened_and_shown(store: Store, settings: Settings) -> None:
    row = store.redeploys.begin("U1", "C1", "e", "new", "old", "deploy")
    assert row is not None
    store.close()
    other = open_store(settings)
    try:
        (taken,) = other.redeploys.take_over()
        assert (taken.id, taken.state) == (row.id, "measuring")
        for state in ("starting", "watching"):
            moved = other.redeploys.advance(taken, state, watch_until=1.0)
            assert moved is not None
            taken = moved
        assert other.redeploys.request_return(taken, "U2") is not None
        assert other.redeploys.request_return(taken, "U3") is None
        ended = other.redeploys.advance(taken, "serving", findings={"why": "x"})
        assert ended is not None
        assert ended.findings == {"why": "x"}
        assert other.redeploys.active() is None
        assert other.redeploys.last_of("new") == ended
        # Another one is under way: this one can't be reopened.
        second = other.redeploys.begin("U1", "C1", "e", "third", "new", "deploy")
        assert second is not None
        assert other.redeploys.reopen(ended, "U2") is None
        assert other.redeploys.advance(second, "failed") is not None
        reopened = other.redeploys.reopen(ended, "U2")
        assert reopened is not None
        assert (reopened.state, reopened.stop_by, reopened.ended) == ("returning", "U2", None)
    finally:
        other.close()


def test_what_waited_in_an_older_database_has_a_day_and_who_approved_is_known(
    database: Settings,
) -> None:
    engine = make_engine(database.database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:5])
        migrations.migrate(engine)
    old = (
        "INSERT INTO redeploys (id, action, endpoint, version, previous, user_id, channel, state, "
        "started, owner, lease_until, findings, revision, shown) VALUES (:id, 'deploy', 'e', "
        "'new', 'old', 'U1', 'C1', :state, 1, '', 0, :findings, 1, 1)"
    )
    with engine.begin() as connection:
        for id, state, findings in (
            ("one", "waiting", "{}"),
            ("two", "serving", '{"decided_by": "U2"}'),
        ):
            connection.execute(text(old), {"id": id, "state": state, "findings": findings})
    engine.dispose()
    store = open_store(database)
    (waits,) = store.redeploys.waiting()
    assert store.redeploys.expired() == []
    assert abs((waits.expires or 0.0) - time.time() - 86_400) < 60
    done = store.redeploys.get("two")
    assert done is not None
    assert (done.decider, waits.decider) == ("U2", "U1")
    store.close()


def judged(store: Store, id: str, user: str, answer: str, text: str = TEXT) -> None:
    store.decisions.record(id, text, ANSWER, Asked("message", user, "C1"), 100)
    store.decisions.judge(id, "agreed", answer, None, user)
    store.labels.keep(id, user, user, answer, text)


def test_notes_are_kept_disputed_settled_and_deleted(store: Store) -> None:
    judged(store, "one", "U1", "Surgery")
    assert not store.labels.keep("one", "U1", "U1", "Surgery", TEXT)
    assert [record.text for record in store.labels.records()] == [TEXT]
    judged(store, "two", "U2", "Consultation")
    judged(store, "three", "U2", "Surgery", "Another note.")
    assert [record.text for record in store.labels.records()] == ["Another note."]
    (item,) = store.disagreements.open()
    assert [(o.user, o.answer) for o in item.opinions] == [
        ("U1", "Surgery"),
        ("U2", "Consultation"),
    ]
    assert store.disagreements.settle(item.decision, "Consultation", "ULEAD", "C1")
    assert not store.disagreements.settle(item.decision, "Surgery", "ULEAD", "C1")
    assert not store.disagreements.settle("nonsense", "Surgery", "ULEAD", "C1")
    # The same text twice is learnt from once.
    assert {(r.text, r.label) for r in store.labels.records()} == {
        (TEXT, "Consultation"),
        ("Another note.", "Surgery"),
    }
    assert store.labels.delete_note("one", "U1", "C1") == 2
    assert store.labels.delete_person("U2", "U1", "C1") == 1
    assert store.labels.all() == []


def test_traffic_is_counted(store: Store) -> None:
    judged(store, "one", "U1", "Surgery")
    store.traffic.failed("BackendError")
    sample = store.traffic.sample("0123456789ab", 0.0, 9e9)
    assert (sample.failed, sample.asked, list(sample.probabilities)) == (1, 2, [0.9])
    (event,) = store.traffic.events(0.0)
    assert (event.agreed, event.characters) == (True, len(TEXT))
    assert store.traffic.outages(0.0) == 1
    store.traffic.prune(9e9)
    assert store.traffic.outages(0.0) == 0
