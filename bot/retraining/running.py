"""The steps of a run, each of which finds what an earlier process has done already.

A process that is killed at any moment leaves the row at the step it was in; the next one repeats
that step, and its parts are all found again: the dataset by its content, the job by its name, the
comparison by what it compares, the message by its block, the pictures by their file name.
"""

import logging
import time
import uuid
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bot import ops_messages
from bot.blocks.retrain import FIGURES, PREFIX, outcome_line
from bot.placing import link
from bot.redeploying import running as redeploying
from bot.retraining.data import prepare
from bot.retraining.showing import share, show
from bot.services import Services
from bot.store.redeploys import UNDER_WAY as REDEPLOYING
from bot.store.redeploys import Redeploy
from bot.store.retrains import Line, Run
from bot.working import Kind, work_on
from mlops.backends import Job
from mlops.backends.options import Compute
from mlops.errors import TriageError

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
# A long job is looked at less often: a cloud counts its calls.
LONG_POLL_SECONDS = 5.0
LONG_AFTER_SECONDS = 120.0
# How long a backend that can't be asked is asked again before the run is given up.
OUTAGE_SECONDS = 900.0
# Slack allows about one change of a message per second and channel; people read slower still.
SHOW_SECONDS = 3.0
# The clock on the card goes on also when nothing else changes.
CLOCK_SECONDS = 6.0
MAX_RESTARTS = 5


def go_on(services: Services, run: Run) -> None:
    """Hand a run to the threads for jobs; where they are busy, any process takes it later."""
    if not services.jobs.submit(partial(watch, services, run)):
        services.store.retrains.give_back(run)


def watch(services: Services, run: Run) -> None:
    """Do a run, or go on with it, until it needs a person or has ended."""
    work_on(services, services.store.retrains, run, KIND)


def _failed(services: Services, run: Run, failure: str) -> Run | None:
    if run.state in ("deploying", "rejecting"):
        action = "approve" if run.state == "deploying" else "reject"
        line = Line(run.decided_by or run.user, action, "failed")
        # The offer stands: whatever was in the way may be gone at the next click.
        cleared = {"decided_by": None, "decided": None}
        return services.store.retrains.advance(run, "waiting", line, failure=failure, **cleared)
    line = Line(run.user, "retrain", "failed")
    return services.store.retrains.advance(run, "failed", line, failure=failure)


def _stopped(services: Services, run: Run, version: str | None = None) -> Run | None:
    line = Line(run.stop_by or run.user, "retrain", "stopped")
    return services.store.retrains.advance(run, "stopped", line, version=version)


# --- data -------------------------------------------------------------------------------------


def _prepare(services: Services, run: Run) -> Run | None:
    from mlops import operations

    dataset = prepare(services, run.options, run.started)
    held = services.store.retrains.held(run)
    if held is None or held.stop_by:
        return held and _stopped(services, held)
    job = _start(services, run, dataset)
    data = asdict(operations.describe_data(dataset))
    findings = {**run.findings, "data": data, "dataset": str(dataset), "job_page": job.url}
    return services.store.retrains.advance(run, "training", findings=findings)


def _dataset(services: Services, run: Run) -> Path:
    """The run's dataset: as it was prepared, or prepared again where it isn't on this machine."""
    known = Path(str(run.findings.get("dataset", "")))
    if (known / "train.jsonl").is_file():
        return known
    return prepare(services, run.options, run.started)


def _start(services: Services, run: Run, dataset: Path) -> Job:
    """Start the run's job, or find it: the name is the request's."""
    from mlops import operations

    options = run.options
    # On rented machines nothing runs on, and costs, that this process is no longer there to stop.
    limit = options.minutes * 60 if services.backend.machines else None
    compute = Compute(instance_type=options.machine or None, max_run=limit)
    if options.mode == "train":
        return operations.start_training(
            services.backend,
            dataset,
            hyperparameters=options.hyperparameters,
            name=run.job,
            compute=compute,
        )
    return operations.start_tuning(
        services.backend,
        dataset,
        hyperparameters=options.hyperparameters,
        max_jobs=options.trials,
        max_parallel_jobs=options.parallel,
        name=run.job,
        compute=compute,
    )


# --- training ---------------------------------------------------------------------------------


def _train(services: Services, run: Run) -> Run | None:
    from mlops import operations

    backend = services.backend
    job = _follow(services, run)
    held = services.store.retrains.held(run)
    if job is None or held is None:
        return None
    run = held
    if job.interrupted and not run.stop_by:
        if run.restarts >= MAX_RESTARTS:
            return _failed(services, run, ops_messages.killed_too_often())
        services.store.retrains.note_restart(run)
        _start(services, run, _dataset(services, run))
        return services.store.retrains.held(run)
    if run.stop_by or _is_late(run):
        version = backend.register(run.job).name if job.artifact else None
        if run.stop_by:
            return _stopped(services, run, version)
        return _failed(services, run, ops_messages.over_time(run.options.minutes))
    made = operations.finish(backend, job)
    serving = operations.champion(backend, services.endpoint)
    figures = {name.removeprefix(PREFIX): value for name, value in job.metrics.items()}
    known = {name: value for name, value in figures.items() if name in FIGURES}
    line = outcome_line(run.options, job)
    findings = {**run.findings, "job": line, "figures": known}
    values: dict[str, Any] = {"version": made.name, "champion": serving.name, "findings": findings}
    if made.name == serving.name:
        return services.store.retrains.advance(
            run, "same", Line(run.user, "retrain", "made the champion again"), **values
        )
    return services.store.retrains.advance(run, "comparing", **values)


def _follow(services: Services, run: Run) -> Job | None:
    """Show the job until it has ended; None when this process has to stop, or has lost the run."""
    from mlops.errors import NotFoundError

    begun = shown = time.monotonic()
    asked = 0.0
    job: Job | None
    try:
        job = _ask(services, run)
    except NotFoundError:
        job = _start(services, run, _dataset(services, run))
    seen: Job | None = None
    while job is not None and not job.done:
        if (run.stop_by or _is_late(run)) and job.status != "Stopping":
            job = services.backend.stop_job(run.job)
        since = time.monotonic() - shown
        if (job != seen and since >= SHOW_SECONDS) or since >= CLOCK_SECONDS:
            show(services, run, job=job)
            seen, shown = job, time.monotonic()
        if services.stopping.wait(POLL_SECONDS):
            return None
        held = services.store.retrains.held(run)
        if held is None:
            return None
        run = held
        patient = time.monotonic() - begun > LONG_AFTER_SECONDS and not run.stop_by
        if time.monotonic() - asked >= (LONG_POLL_SECONDS if patient else 0.0):
            asked = time.monotonic()
            job = _ask(services, run)
    return job


def _ask(services: Services, run: Run) -> Job | None:
    """The job as it stands now, once the backend can be asked; None: this process has to stop.

    Raises:
        BackendError: if that lasts for too long, or the job is gone.
    """
    from mlops.errors import BackendError, NotFoundError

    begun = time.monotonic()
    while True:
        try:
            return services.backend.job(run.job)
        except NotFoundError:
            raise
        except BackendError as error:
            logger.warning("The backend can't be asked: %s", type(error).__name__)
            if time.monotonic() - begun > OUTAGE_SECONDS:
                raise
        if services.stopping.wait(LONG_POLL_SECONDS):
            return None


def _is_late(run: Run) -> bool:
    return time.time() - run.started > run.options.minutes * 60


# --- comparing --------------------------------------------------------------------------------


def _compare(services: Services, run: Run) -> Run | None:
    from mlops import comparing

    dataset = _dataset(services, run)
    home = services.settings.triage_home
    shown, seen = time.monotonic(), ""
    while True:
        held = services.store.retrains.held(run)
        if held is None or held.stop_by:
            return held and _stopped(services, held)
        folder = comparing.begin(
            home, services.backend, run.champion or "", run.version or "", dataset
        )
        while (now := comparing.look(folder)).status == "InProgress":
            since = time.monotonic() - shown
            if (now.step != seen and since >= SHOW_SECONDS) or since >= CLOCK_SECONDS:
                show(services, run, step=now.step)
                seen, shown = now.step, time.monotonic()
            if services.stopping.wait(POLL_SECONDS):
                return None
            held = services.store.retrains.held(run)
            if held is None:
                return None
            run = held
            if run.stop_by or _is_late(run):
                comparing.stop(folder)
                if run.stop_by:
                    return _stopped(services, run)
                return _failed(services, run, ops_messages.over_time(run.options.minutes))
        if now.status == "Completed":
            break
        if now.failure is not None:
            return _failed(services, run, now.failure)
    shared = share(services, run, now.pictures, folder)
    findings = {**run.findings, "comparison": _condensed(now.comparison), "pictures": shared}
    return _judge(services, run, now.passed, findings)


def _condensed(comparison: dict[str, Any]) -> dict[str, Any]:
    """What the card shows of a comparison: without the curves, which are in the report."""
    rungs = ("name", "records", "champion", "challenger", "difference")
    return {
        "champion": comparison["champion"],
        "challenger": comparison["challenger"],
        "about": comparison["about"],
        "rungs": [{key: rung[key] for key in rungs} for rung in comparison["rungs"]],
        "checks": [
            {key: check[key] for key in ("name", "passed", "sentence")}
            for check in comparison["checks"]
        ],
    }


def _judge(services: Services, run: Run, passed: bool, findings: dict[str, Any]) -> Run | None:
    retrains = services.store.retrains
    if not passed:
        failed = [c["name"] for c in findings["comparison"]["checks"] if not c["passed"]]
        line = Line(run.user, "retrain", f"refused by the gate: {', '.join(failed)}")
        return retrains.advance(run, "refused", line, findings=findings)
    if run.options.then == "report":
        line = Line(run.user, "retrain", "passed the gate, reported")
        return retrains.advance(run, "reported", line, findings=findings)
    line = Line(run.user, "retrain", "passed the gate, waits for approval")
    expires = time.time() + services.settings.triage_approval_hours * 3600
    return retrains.advance(run, "waiting", line, findings=findings, expires=expires)


# --- after the click --------------------------------------------------------------------------


def new_deployment(run: Run) -> dict[str, Any]:
    """A run's findings with the name of the redeployment that an approval begins."""
    kept = {key: value for key, value in run.findings.items() if key != "card"}
    return {**kept, "deployment": uuid.uuid4().hex}


def _deploy(services: Services, run: Run) -> Run | None:
    """Have the redeployment begin, and wait until the new version serves or can't."""
    from mlops import operations

    redeploys = services.store.redeploys
    id = str(run.findings["deployment"])
    row = redeploys.get(id)
    if row is None:
        decider = run.decided_by or run.user
        operations.judge(services.backend, run.version or "", "Approved", decider)
        row = redeploys.begin(
            run.user,
            run.channel,
            services.endpoint,
            run.version or "",
            run.champion or "",
            "deploy",
            id=id,
            approved_by=decider,
        )
        if row is None:
            raise TriageError(ops_messages.deployment_in_the_way())
        redeploying.go_on(services, row)
    if (left := _once_not(services, run, "measuring", "starting")) is None:
        return None
    run, row = left
    if row.under_way:
        return services.store.retrains.advance(run, "watching", failure=None)
    return _end_of(services, run, row)


def _watch(services: Services, run: Run) -> Run | None:
    """Wait until the redeployment has ended."""
    left = _once_not(services, run, *REDEPLOYING)
    return left and _end_of(services, *left)


def _once_not(services: Services, run: Run, *states: str) -> tuple[Run, Redeploy] | None:
    """The run and its redeployment, once that is in none of the states; its card gets a link.

    None: this process has lost the run, or has to stop.
    """
    retrains = services.store.retrains
    while True:
        row = services.store.redeploys.get(str(run.findings["deployment"]))
        if row is None:
            raise TriageError(ops_messages.unexpected())
        if "card" not in run.findings and (card := link(services, row)) is not None:
            linked = retrains.advance(run, run.state, findings={**run.findings, "card": card})
            if linked is None:
                return None
            run = show(services, linked)
        if row.state not in states:
            return run, row
        if services.stopping.wait(POLL_SECONDS) or retrains.held(run) is None:
            return None


def _end_of(services: Services, run: Run, row: Redeploy) -> Run | None:
    """What the end of the redeployment means for the run."""
    retrains = services.store.retrains
    if row.state == "returned":
        findings = {**run.findings, "why": row.findings.get("why", "")}
        return retrains.advance(run, "returned", stop_by=row.stop_by, findings=findings)
    if row.state == "superseded":
        findings = {**run.findings, "serves": row.findings.get("serves", "")}
        return retrains.advance(run, "superseded", findings=findings)
    if row.state == "failed" and row.findings.get("serves") != row.version:
        return _failed(services, run, row.failure or "")
    return retrains.advance(run, "serving", failure=None)


def _reject(services: Services, run: Run) -> Run | None:
    """Have the registry say so: from then on it can't be deployed."""
    from mlops import operations

    decider = run.decided_by or run.user
    operations.judge(services.backend, run.version or "", "Rejected", decider)
    return services.store.retrains.advance(run, "rejected")


KIND = Kind[Run](
    show,
    {
        "preparing": _prepare,
        "training": _train,
        "comparing": _compare,
        "rejecting": _reject,
        "deploying": _deploy,
        "watching": _watch,
    },
    _failed,
)
