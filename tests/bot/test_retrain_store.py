"""Runs in the database, SQLite and PostgreSQL: one at a time, one winner, taken over when left."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.retraining.options import Options
from bot.store import Store, open_store
from bot.store.retrains import Line, Run
from mlops.settings import Settings

LINE = Line("U0LEO", "approve", "approved")


@pytest.fixture
def stores(database: Settings) -> Iterator[list[Store]]:
    """Two bots on one database."""
    both = [open_store(database, lease_seconds=60.0) for _ in range(2)]
    yield both
    for store in both:
        store.close()


def offered(store: Store) -> Run:
    """A run that waits for a click."""
    run = store.retrains.begin("U0LEO", "C0", Options(mode="tune", trials=3))
    for state in ("training", "comparing", "waiting"):
        assert run is not None
        run = store.retrains.advance(run, state, expires=time.time() + 60)  # type: ignore[arg-type]
    assert run is not None
    return run


def test_of_many_only_one_begins(stores: list[Store]) -> None:
    with ThreadPoolExecutor(8) as people:
        begun = list(people.map(lambda n: stores[n % 2].retrains.begin("U0LEO", "C0"), range(16)))
    (run,) = [run for run in begun if run is not None]
    assert stores[0].retrains.active() == stores[1].retrains.active() == run
    assert [entry.result for entry in stores[0].audit.entries()] == ["started"]


def test_options_and_findings_come_back(stores: list[Store]) -> None:
    run = offered(stores[0])
    assert run.options == Options(mode="tune", trials=3)
    findings = {"figures": {"auc": 0.9}, "data": {"records": {"train": 3}}}
    changed = stores[0].retrains.decide(run, "deploying", LINE, findings=findings)
    assert changed is not None
    assert stores[1].retrains.get(run.id) == changed
    assert changed.findings == findings


def test_of_many_clicks_one_counts(stores: list[Store]) -> None:
    run = offered(stores[0])

    def click(number: int) -> Run | None:
        return stores[number % 2].retrains.decide(
            run, "deploying" if number % 3 else "rejected", LINE, decided_by=f"U{number}"
        )

    with ThreadPoolExecutor(8) as people:
        (winner,) = [won for won in people.map(click, range(16)) if won is not None]
    now = stores[0].retrains.get(run.id)
    assert now is not None
    assert (now.decided_by, now.state) == (winner.decided_by, winner.state)
    assert [entry.action for entry in stores[0].audit.entries()] == ["retrain", "approve"]


def test_only_who_holds_a_run_moves_it(stores: list[Store]) -> None:
    mine, other = stores
    run = mine.retrains.begin("U0LEO", "C0")
    assert run is not None
    assert other.retrains.advance(run, "training") is None
    assert other.retrains.held(run) is None
    assert other.retrains.take_over() == []
    assert mine.retrains.advance(run, "comparing") is not None
    # It has moved on since it was read.
    assert mine.retrains.advance(run, "training") is None


def test_what_a_dead_bot_left_is_taken_over_by_one(stores: list[Store]) -> None:
    run = stores[0].retrains.begin("U0LEO", "C0")
    assert run is not None
    stores[0].close()
    with ThreadPoolExecutor(4) as others:
        taken = list(others.map(lambda _: stores[1].retrains.take_over(), range(4)))
    assert [found.id for runs in taken for found in runs] == [run.id]
    assert stores[1].retrains.held(run) is not None


def test_a_change_that_nobody_showed_is_shown_by_somebody(stores: list[Store]) -> None:
    run = offered(stores[0])
    assert run.shown < run.revision
    assert stores[1].retrains.take_over() == []
    stores[0].close()
    (found,) = stores[1].retrains.take_over()
    assert found.id == run.id
    stores[1].retrains.set_shown(found)
    stores[1].retrains._set(found, lease_until=0.0)
    assert stores[1].retrains.take_over() == []


def test_one_stop_counts(stores: list[Store]) -> None:
    run = stores[0].retrains.begin("U0LEO", "C0")
    assert run is not None
    asked = [store.retrains.request_stop(run, f"U{n}") for n, store in enumerate(stores)]
    assert asked[0] is not None
    assert asked[0].stop_by == "U0"
    assert asked[1] is None
