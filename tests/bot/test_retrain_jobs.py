"""A run whose job stands as a test wants it: failures, outages, restarts, one message."""

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from bot import ops_messages
from bot.retraining.options import Options
from bot.sandbox import seed
from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.store import open_store, tables
from mlops.backends import Job, ModelVersion, TrainRequest
from mlops.classifier import LocalClassifier
from mlops.errors import BackendError, NotFoundError
from tests.bot.retrains import CHANNEL, LONG, active, cards, results, title, until
from tests.bot.running import answer, bots, buttons, running, settings_for, words
from tests.trained import Trained


class Scripted:
    """A backend whose one job stands as a test wants it; the rest of the run is real.

    What the job makes is the version that serves.
    """

    name = "scripted"
    machines: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.status = "InProgress"
        self.interrupted = False
        self.requests: list[str] = []
        self.stops = 0
        self.outages = 0
        self.machine: str | None = None
        self.refusal = ""
        self.told: dict[str, Any] = {}

    def train(self, request: TrainRequest) -> Job:
        if self.refusal:
            raise BackendError(self.refusal)
        self.requests.append(request.name)
        self.machine = request.compute.instance_type
        return self.job(request.name)

    def job(self, name: str) -> Job:
        if name not in self.requests:
            raise NotFoundError(f"There is no job {name}.")
        if self.outages:
            self.outages -= 1
            raise BackendError("The network is down. Nothing was changed. Try again.")
        return Job(
            name,
            "training",
            self.status,  # type: ignore[arg-type]
            datetime.now(UTC),
            metrics={"validation:auc": 0.9},
            artifact="model.tar.gz" if self.status == "Completed" else None,
            failure="It ran out of memory." if self.status == "Failed" else None,
            interrupted=self.interrupted,
            **self.told,
        )

    def stop_job(self, name: str) -> Job:
        self.stops += 1
        self.status = "Stopped"
        return self.job(name)

    def register(self, job: str) -> ModelVersion:
        return self.version("ba5eba11ba5e")

    def version(self, name: str) -> ModelVersion:
        return ModelVersion("ba5eba11ba5e", "model.tar.gz", datetime.now(UTC), {"auc": 0.9})

    def endpoint(self, name: str) -> object:
        raise NotFoundError(f"There is no endpoint {name}.")


@contextlib.contextmanager
def scripted(
    slack: Sandbox, home: Path, model: LocalClassifier, backend: Scripted, **more: float
) -> Iterator[Services]:
    with running(slack, home, model, backend=backend, **more) as bot:  # type: ignore[arg-type]
        yield bot


def start(slack: Sandbox, bot: Services, channel: str = CHANNEL) -> str:
    """A run whose card says that it trains."""
    slack.command("U0LEO", channel, "/retrain", "now")
    id = active(slack, bot)
    slack.wait_for(lambda: "*Training*" in words(cards(slack, channel)), LONG)
    return id


def test_one_at_a_time(slack: Sandbox, home: Path, model: LocalClassifier) -> None:
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        start(slack, bot)
        slack.command("U0LEO", "D0LEO", "/retrain", "now")
        told = words(answer(slack, "D0LEO", "U0LEO"))
        assert "already running: <@U0LEO> started it" in told
        assert "|Watch it here.>" in told
        assert [result for _, _, result in results(bot)] == ["started", "refused: one runs"]
        slack.command("U0LEO", "C0GENERAL", "/retrain", "status")
        assert "|Retraining>: asked by <@U0LEO>" in words(answer(slack, "C0GENERAL", "U0LEO"))
    assert len(backend.requests) == 1


def test_training_that_gives_the_champion_again_is_not_compared(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    backend.status = "Completed"
    with scripted(slack, home, model, backend) as bot:
        slack.command("U0LEO", CHANNEL, "/retrain", "now")
        slack.wait_for(lambda: "the very version that serves" in words(cards(slack, CHANNEL)))
        assert title(cards(slack, CHANNEL)[0]) == "Nothing new came of it"
        assert results(bot)[-1] == ("U0LEO", "retrain", "made the champion again")


def test_a_job_on_a_machine_of_a_cloud(slack: Sandbox, home: Path, model: LocalClassifier) -> None:
    """What the machine does meanwhile, where to look, and what is paid for."""
    backend = Scripted()
    backend.told = {"detail": "Starting", "url": "https://console.invalid/jobs/1"}
    with scripted(slack, home, model, backend) as bot:
        start(slack, bot)
        for detail, shown in (
            ("Starting", "*Training*: a machine is being started"),
            ("Training", "*Training*: AUC 0.900"),
        ):
            backend.told["detail"] = detail
            slack.wait_for(lambda s=shown: s in words(cards(slack, CHANNEL)), LONG)
        assert f"Job: <https://console.invalid/jobs/1|{backend.requests[0]}>" in words(
            cards(slack, CHANNEL)
        )
        backend.told |= {"training_seconds": 90, "billable_seconds": 65}
        backend.status = "Completed"
        slack.wait_for(lambda: "1 min 5 s billable" in words(cards(slack, CHANNEL)), LONG)


def test_a_job_that_fails_says_why(slack: Sandbox, home: Path, model: LocalClassifier) -> None:
    backend = Scripted()
    backend.status = "Failed"
    with scripted(slack, home, model, backend) as bot:
        slack.command("U0LEO", "D0LEO", "/retrain", "now")
        slack.wait_for(lambda: "Retraining failed" in words(cards(slack, "D0LEO")), LONG)
        assert "It made no model. It ran out of memory." in words(cards(slack, "D0LEO")).replace(
            f"The job {backend.requests[0]} made", "It made"
        )
        assert bot.store.retrains.active() is None
    assert len(backend.requests) == 1


def test_a_job_that_is_killed_again_and_again_is_given_up(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    backend.status, backend.interrupted = "Failed", True
    with scripted(slack, home, model, backend):
        slack.command("U0LEO", "D0LEO", "/retrain", "now")
        slack.wait_for(lambda: "killed again and again" in words(cards(slack, "D0LEO")), LONG)
    assert len(backend.requests) == 6
    assert len(set(backend.requests)) == 1


def test_a_job_that_can_not_start_says_why(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    backend.refusal = "The disk is full. Nothing was started. Make room."
    with scripted(slack, home, model, backend):
        slack.command("U0LEO", "D0LEO", "/retrain", "now")
        slack.wait_for(lambda: "The disk is full" in words(cards(slack, "D0LEO")), LONG)


def test_a_run_that_takes_too_long_is_stopped(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        start(slack, bot)
        with bot.store._engine.begin() as connection:
            connection.execute(update(tables.retrains).values(started=time.time() - 3 * 3600))
        slack.wait_for(lambda: "not done within 120 min" in words(cards(slack, CHANNEL)))
    assert backend.stops == 1


@pytest.mark.parametrize("lost", [False, True])
def test_a_run_goes_on_in_the_same_message_after_a_restart(
    slack: Sandbox, home: Path, model: LocalClassifier, lost: bool
) -> None:
    """Also when the process died before it could note where the message is."""
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        id = start(slack, bot, "D0LEO")
        run = bot.store.retrains.get(id)
        assert run is not None
    if lost:
        store = open_store(settings_for(slack, home))
        store.retrains._set(run, message_ts=None)
        store.close()
    backend.status = "Completed"
    with scripted(slack, home, model, backend) as bot:
        until(slack, bot, id, "same")
    assert set(backend.requests) == {run.job}
    assert len(bots(slack, "D0LEO")) == 1


def test_a_bot_that_was_paused_does_not_touch_what_another_took_over(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        id = start(slack, bot)
        run = bot.store.retrains.get(id)
        assert run is not None
        # As if its lease had run out and another bot had come by.
        bot.store.retrains._set(run, owner="another", lease_until=time.time() + 60)
        backend.status = "Completed"
        time.sleep(2.5)
        assert bot.store.retrains.get(id).state == "training"  # type: ignore[union-attr]
        assert "*Training*" in words(cards(slack, CHANNEL))


def test_where_the_bot_can_not_post_it_reports_directly(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    slack._hub.workspace.conversations[CHANNEL].members.discard("U0BOT")
    backend = Scripted()
    backend.status = "Completed"
    with scripted(slack, home, model, backend):
        began = time.monotonic()
        assert slack.command("U0LEO", CHANNEL, "/retrain", "now").ok
        assert time.monotonic() - began < 1.0
        slack.wait_for(lambda: "Nothing new came of it" in words(cards(slack, "D0LEO")))
    assert len(cards(slack, "D0LEO")) == 1


def test_a_message_that_slack_will_not_change_now_is_changed_later(
    slack: Sandbox, home: Path, model: LocalClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.work.UNREACHABLE_SECONDS", 0.5)
    backend = Scripted()
    with scripted(slack, home, model, backend, lease_seconds=2.0) as bot:
        id = start(slack, bot)
        for _ in range(8):
            slack.fail_next("chat.update", error="internal_error")
        backend.status = "Completed"
        until(slack, bot, id, "same", timeout=30)
    assert len(bots(slack, CHANNEL)) == 1


def test_a_message_that_is_gone_is_posted_again(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        id = start(slack, bot)
        post = slack._hub.workspace.find(CHANNEL, cards(slack, CHANNEL)[0]["ts"])
        assert post is not None
        slack._serving.call(slack._hub.workspace.remove, CHANNEL, post)
        backend.status = "Completed"
        until(slack, bot, id, "same")
        assert title(cards(slack, CHANNEL)[0]) == "Nothing new came of it"


def test_a_backend_that_can_not_be_asked_for_a_while_ends_nothing(
    slack: Sandbox, home: Path, model: LocalClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.retraining.running.LONG_POLL_SECONDS", 0.1)
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        id = start(slack, bot)
        backend.outages = 5
        slack.wait_for(lambda: backend.outages == 0)
        backend.status = "Completed"
        until(slack, bot, id, "same")


def test_a_database_that_is_gone_for_a_while_ends_nothing(
    slack: Sandbox, home: Path, model: LocalClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.working.DATABASE_SECONDS", 0.2)
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        id = start(slack, bot)
        with bot.store._engine.begin() as connection:
            connection.execute(text("ALTER TABLE retrains RENAME TO aside"))
        time.sleep(2.0)
        backend.status = "Completed"
        with bot.store._engine.begin() as connection:
            connection.execute(text("ALTER TABLE aside RENAME TO retrains"))
        until(slack, bot, id, "same")
    assert len(set(backend.requests)) == 1
    assert len(bots(slack, CHANNEL)) == 1


def test_a_run_goes_on_with_its_comparison_and_only_reports(
    trained: Trained, model: LocalClassifier
) -> None:
    """Another bot left it after training; and the app was installed before it needed files:write.

    A version beside itself is as good as the champion.
    """
    with (
        Sandbox(scopes=seed.SCOPES - {"files:write"}) as slack,
        running(slack, trained.home, model) as bot,
    ):
        run = bot.store.retrains.begin("U0LEO", CHANNEL, Options(then="report"))
        assert run is not None
        moved = bot.store.retrains.advance(run, "training")
        assert moved is not None
        versions = {"version": trained.version, "champion": trained.version}
        assert bot.store.retrains.advance(moved, "comparing", **versions) is not None
        bot.store.retrains.give_back(run)
        bot.look_for_left_work()
        done = until(slack, bot, run.id, "reported", "waiting", "refused", "failed")
        (card,) = cards(slack, CHANNEL)
        assert done.state == "reported", words(card)
        assert title(card) == "The new version would be offered"
        assert f"`triage promote {trained.version}`" in words(card)
        assert "the very data of the champion" in words(card)
        assert ops_messages.pictures_missing() in words(card)
        assert buttons(card) == []
        assert results(bot)[-1] == ("U0LEO", "retrain", "passed the gate, reported")
