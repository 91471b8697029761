"""`/retrain`: a real training run on the shipped corpus, for leads, one at a time, one message."""

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import messages
from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops.backends import Job, ModelVersion, TrainRequest
from mlops.backends.local import LocalBackend
from mlops.classifier import LocalClassifier
from mlops.errors import BackendError, NotFoundError
from tests.bot.running import Json, answer, bots, running, words
from tests.bot.test_restart import kill, process

DONE = 60


def finished(slack: Sandbox, channel: str, timeout: float = DONE) -> Json:
    """The run's message once it says how it ended."""

    def found() -> list[Json]:
        return [m for m in bots(slack, channel) if "Retraining is done" in words(m)]

    done: Json = slack.wait_for(found, timeout)[0]
    return done


def test_a_lead_retrains_and_reads_the_report_through_a_kill_9(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    with process(slack, home) as victim:
        slack.command("U0LEO", "G0SURGERY", "/retrain")
        slack.wait_for(lambda: "Training" in words(bots(slack, "G0SURGERY")), DONE)
        kill(slack, victim)
    backend = LocalBackend(home)
    with running(slack, home, model, backend=backend) as bot:
        report = words(finished(slack, "G0SURGERY"))
        slack.wait_for(lambda: bot.store.retrains.active() is None)
        trained = next(version for version in backend.versions() if not version.shipped)
        assert f"Version `{trained.name}`" in report
        assert f"AUC {trained.metrics['auc']:.3f}" in report
        assert f"triage deploy {trained.name}" in report
        assert "not deployed" in report
        results = [(e.user, e.action, e.result) for e in bot.store.audit.entries()]
    assert results == [("U0LEO", "retrain", "started"), ("U0LEO", "retrain", "completed")]
    assert len(bots(slack, "G0SURGERY")) == 1
    assert len(backend.jobs()) == 1
    assert slack.problems == []


def test_others_are_told_whom_to_ask(slack: Sandbox, bot: Services) -> None:
    slack.command("U0ANA", "C0GENERAL", "/retrain")
    told = answer(slack, "C0GENERAL", "U0ANA")
    assert words(told) == messages.ask_leads(("U0LEO",))
    assert "<@U0LEO>" in words(told)
    assert told["is_ephemeral"]
    entries = [(e.user, e.channel, e.result) for e in bot.store.audit.entries()]
    assert entries == [("U0ANA", "C0GENERAL", "refused: not a lead")]
    assert bot.store.retrains.active() is None


def test_with_no_leads_nobody_may(slack: Sandbox, home: Path, model: LocalClassifier) -> None:
    with running(slack, home, model, triage_leads=()):
        slack.command("U0LEO", "C0GENERAL", "/retrain")
        assert "TRIAGE_LEADS" in words(answer(slack, "C0GENERAL", "U0LEO"))


def test_help(slack: Sandbox, bot: Services) -> None:
    slack.command("U0ANA", "C0GENERAL", "/retrain", "help")
    assert words(answer(slack, "C0GENERAL", "U0ANA")) == messages.retrain_help()


class Scripted:
    """A backend whose one job stands as a test wants it; the rest of the run is real."""

    name = "scripted"

    def __init__(self) -> None:
        self.status = "InProgress"
        self.requests: list[str] = []
        self.refusal = ""

    def train(self, request: TrainRequest) -> Job:
        if self.refusal:
            raise BackendError(self.refusal)
        self.requests.append(request.name)
        return self.job(request.name)

    def job(self, name: str) -> Job:
        if name not in self.requests:
            raise NotFoundError(f"There is no job {name}.")
        failure = "It ran out of memory." if self.status == "Failed" else None
        artifact = "model.tar.gz" if self.status == "Completed" else None
        metrics = {"validation:auc": 0.9}
        created = datetime.now(UTC)
        return Job(
            name,
            "training",
            self.status,  # type: ignore[arg-type]
            created,
            metrics=metrics,
            artifact=artifact,
            failure=failure,
        )

    def register(self, job: str) -> ModelVersion:
        return ModelVersion(
            "ba5eba11ba5e", "model.tar.gz", datetime.now(UTC), {"auc": 0.9}, job=job
        )

    def endpoint(self, name: str) -> object:
        return object()


@contextlib.contextmanager
def scripted(
    slack: Sandbox, home: Path, model: LocalClassifier, backend: Scripted
) -> Iterator[Services]:
    with running(slack, home, model, backend=backend) as bot:  # type: ignore[arg-type]
        yield bot


def test_one_at_a_time(slack: Sandbox, home: Path, model: LocalClassifier) -> None:
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        slack.command("U0LEO", "G0SURGERY", "/retrain")
        slack.wait_for(lambda: "Training" in words(bots(slack, "G0SURGERY")), DONE)
        slack.command("U0LEO", "D0LEO", "/retrain")
        told = words(answer(slack, "D0LEO", "U0LEO"))
        assert "already running: <@U0LEO> started it" in told
        assert "|Watch it here.>" in told
        assert [e.result for e in bot.store.audit.entries()] == ["started", "refused: one runs"]
    assert len(backend.requests) == 1


def test_a_job_that_fails_says_why(slack: Sandbox, home: Path, model: LocalClassifier) -> None:
    backend = Scripted()
    backend.status = "Failed"
    with scripted(slack, home, model, backend) as bot:
        slack.command("U0LEO", "D0LEO", "/retrain")
        slack.wait_for(
            lambda: any("Retraining failed" in words(m) for m in bots(slack, "D0LEO")), DONE
        )
        assert "out of memory" in words(bots(slack, "D0LEO"))
        slack.wait_for(lambda: bot.store.retrains.active() is None)


def test_a_job_that_can_not_start_says_why(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    backend.refusal = "The disk is full. Nothing was started. Make room."
    with scripted(slack, home, model, backend):
        slack.command("U0LEO", "D0LEO", "/retrain")
        slack.wait_for(lambda: "The disk is full" in words(bots(slack, "D0LEO")), DONE)


def test_an_endpoint_that_is_there_is_updated(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    backend.status = "Completed"
    with scripted(slack, home, model, backend):
        slack.command("U0LEO", "D0LEO", "/retrain")
        report = words(finished(slack, "D0LEO"))
    assert "triage endpoints update referral-triage ba5eba11ba5e" in report


@pytest.mark.parametrize("lost", [False, True])
def test_a_run_goes_on_in_the_same_message_after_a_restart(
    slack: Sandbox, home: Path, model: LocalClassifier, lost: bool
) -> None:
    """Also when the process died before it could note where the message is."""
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        slack.command("U0LEO", "D0LEO", "/retrain")
        slack.wait_for(lambda: "Training" in words(bots(slack, "D0LEO")), DONE)
        run = bot.store.retrains.active()
        assert run is not None
        if lost:
            bot.store.retrains._change(run, message_ts=None)
    backend.status = "Completed"
    with scripted(slack, home, model, backend):
        finished(slack, "D0LEO")
    assert backend.requests == [run.job]
    assert len(bots(slack, "D0LEO")) == 1


def test_where_the_bot_can_not_post_it_reports_directly(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    slack._hub.workspace.conversations["G0SURGERY"].members.discard("U0BOT")
    backend = Scripted()
    backend.status = "Completed"
    with scripted(slack, home, model, backend):
        began = time.monotonic()
        assert slack.command("U0LEO", "G0SURGERY", "/retrain").ok
        assert time.monotonic() - began < 1.0
        finished(slack, "D0LEO")
