"""`kill -9` of bot and worker while a run goes on: it finishes, one result, one message.

RETRAIN_KILLS sets how many runs are shot at, and RETRAIN_SECONDS within how many seconds (the
moments are drawn with a fixed seed); the defaults keep the suite quick.
"""

import contextlib
import os
import random
import signal
import time
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.store import open_store
from bot.store.retrains import Run
from mlops.backends.local import LocalBackend, locks
from mlops.classifier import LocalClassifier
from tests.bot.retrains import CHANNEL, LONG, cards, results, until
from tests.bot.running import bots, running, settings_for
from tests.bot.test_restart import kill, process
from tests.trained import Trained

RUNS = int(os.environ.get("RETRAIN_KILLS", "1"))
# From the first check of the data to the comparison; a busy machine takes longer.
SECONDS = float(os.environ.get("RETRAIN_SECONDS", "9"))
ENDED = ("waiting", "refused")


def shoot(home: Path) -> list[str]:
    """Kill every process of a job or a comparison, with all its children; which ones."""
    hit = []
    for lock in [*home.glob("jobs/*/*.lock"), *home.glob("comparisons/*/lock")]:
        pid = locks.holder(lock)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(os.getpgid(pid), signal.SIGKILL)
                hit.append(lock.parent.parent.name)
    return hit


def run_of(slack: Sandbox, home: Path) -> Run:
    store = open_store(settings_for(slack, home))
    try:
        (run,) = store.retrains.latest(2)
        return run
    finally:
        store.close()


def check(slack: Sandbox, bot: Services, run: Run) -> None:
    """One result, one message, one set of pictures, each step written down once."""
    assert len(cards(slack, CHANNEL)) == 1
    assert len([m for m in slack.messages(CHANNEL) if m.get("files")]) == 1
    assert len(bots(slack, CHANNEL)) == 2
    assert [job.name for job in bot.backend.jobs() if job.name == run.job] == [run.job]
    assert [v.name for v in bot.backend.versions() if v.job == run.job] == [run.version]
    assert [line[1] for line in results(bot)] == ["retrain", "retrain"]
    assert slack.problems == []


@pytest.mark.parametrize("number", range(RUNS))
def test_bot_and_worker_killed_at_any_moment(
    slack: Sandbox, trained: Trained, model: LocalClassifier, number: int
) -> None:
    LocalBackend(trained.home).deploy("referral-triage", trained.version)
    moments = sorted(random.Random(number).uniform(0.0, SECONDS) for _ in range(2))
    with process(slack, trained.home) as victim:
        slack.command("U0LEO", CHANNEL, "/retrain", "now")
        time.sleep(moments[0])
        kill(slack, victim)
        shoot(trained.home)
    # The second bot is shot as well, and this time the worker a little later than the bot.
    with process(slack, trained.home) as victim:
        time.sleep(moments[1] - moments[0])
        kill(slack, victim)
        time.sleep(0.2)
        shoot(trained.home)
    id = run_of(slack, trained.home).id
    with running(slack, trained.home, model) as bot:
        run = until(slack, bot, id, *ENDED, "failed", timeout=LONG)
        assert run.state in ENDED, run.failure
        check(slack, bot, run)


def test_the_worker_alone_killed_in_each_step(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    """The bot lives on and starts again what was shot: training, and the comparison."""
    LocalBackend(trained.home).deploy("referral-triage", trained.version)
    with running(slack, trained.home, model) as bot:
        slack.command("U0LEO", CHANNEL, "/retrain", "now")
        shots = []
        for folder in ("jobs", "comparisons"):
            slack.wait_for(lambda f=folder: at_work(trained.home, f), LONG)
            time.sleep(1.0)
            shots += shoot(trained.home)
        assert {"jobs", "comparisons"} <= set(shots)
        (started,) = bot.store.retrains.latest(2)
        run = until(slack, bot, started.id, *ENDED, "failed", timeout=LONG)
        assert run.state in ENDED, run.failure
        assert run.restarts >= 1
        check(slack, bot, run)


def at_work(home: Path, folder: str) -> bool:
    names = "runner.lock" if folder == "jobs" else "lock"
    return any(locks.is_held(lock) for lock in home.glob(f"{folder}/*/{names}"))
