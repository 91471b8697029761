"""A job on disk: what was asked, how it stands, and whether somebody is at work on it.

`job.json` is written once. `state.json` belongs to the runner. `stop.json` says that a person wants
it to end. How a job stands follows from these and from the runner's lock, so a runner that is
killed leaves nothing behind that lies.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlops.backends import Job, JobKind, JobStatus, Trial
from mlops.backends.local import locks
from mlops.backends.local.files import changed, moment, read_json, write_json

FINAL = ("Completed", "Failed", "Stopped")
INTERRUPTED = (
    "The process that ran it was killed, or the machine was restarted. What it had finished is "
    "kept. Start it again under the same name and it carries on."
)

KILLED = "Training was killed by signal"
# The folder of a job that its trainings share while it is under way; see `container/prepared.py`.
PREPARED = "prepared"


@dataclass(frozen=True)
class Plan:
    """What was asked of a job.

    Attributes:
        data: SHA-256 of each channel's records.
    """

    name: str
    kind: JobKind
    created: str
    data: Mapping[str, str]
    hyperparameters: Mapping[str, str]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    objective: str = "validation:auc"
    max_jobs: int = 1
    max_parallel_jobs: int = 1
    seed: int = 0

    @property
    def fingerprint(self) -> str:
        """The same for the same request, whenever and under whatever name it was made."""
        asked = asdict(self)
        del asked["name"], asked["created"]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    @classmethod
    def read(cls, folder: Path) -> "Plan | None":
        """The plan in a job's folder; None if there is none that can be read."""
        data = read_json(folder / "job.json")
        try:
            return None if data is None else cls(**data)
        except TypeError:
            return None


def read_job(folder: Path) -> Job | None:
    """A job as it stands now; None if the folder holds none."""
    plan = Plan.read(folder)
    if plan is None:
        return None
    at_work = locks.is_held(folder / "runner.lock")
    # Read after the lock was looked at: a runner writes its last word before it lets go.
    state = read_json(folder / "state.json") or {}
    stopping = (folder / "stop.json").exists()
    status: JobStatus = state.get("status", "InProgress")
    failure = state.get("failure")
    if status not in FINAL:
        if at_work:
            status = "Stopping" if stopping else "InProgress"
        elif stopping:
            status = "Stopped"
        else:
            status, failure = "Failed", INTERRUPTED
    done = status in FINAL
    ended = state.get("ended")
    artifact = folder / "output" / "model.tar.gz"
    trials = read_trials(folder, at_work=at_work) if plan.kind == "tuning" else []
    best = best_trial(trials)
    return Job(
        name=plan.name,
        kind=plan.kind,
        status=status,
        created=moment(plan.created),
        ended=(moment(ended) if ended else changed(folder / "log.txt")) if done else None,
        hyperparameters=dict(plan.hyperparameters),
        metrics=dict(state.get("metrics") or {}),
        artifact=str(artifact) if done and artifact.is_file() else None,
        failure=failure,
        trials=tuple(trials),
        best_trial=best.number if best is not None else None,
        interrupted=status == "Failed" and str(failure).startswith((INTERRUPTED, KILLED)),
    )


def write_state(folder: Path, **state: object) -> None:
    """Replace the state of a job."""
    write_json(folder / "state.json", state)


def write_trial(folder: Path, trial: Trial, **more: Any) -> None:
    """Keep the record of one trial of a tuning job."""
    write_json(trial_folder(folder, trial.number) / "trial.json", asdict(trial) | more)


def read_trials(folder: Path, *, at_work: bool = False) -> list[Trial]:
    """The trials of a tuning job, in order.

    Args:
        folder: Of the job.
        at_work: Whether its runner lives; else a trial under way has been interrupted.
    """
    trials = []
    for path in (folder / "trials").glob("*/trial.json"):
        data = read_json(path)
        if data is None:
            continue
        status: JobStatus = data["status"]
        if status not in FINAL and not at_work:
            status = "Stopped"
        trials.append(
            Trial(int(data["number"]), status, data["hyperparameters"], data["objective"])
        )
    return sorted(trials, key=lambda trial: trial.number)


def best_trial(trials: list[Trial]) -> Trial | None:
    """The completed trial with the highest objective; the earliest of equals."""
    scored = [t for t in trials if t.status == "Completed" and t.objective is not None]
    return max(scored, key=lambda t: (t.objective or 0.0, -t.number), default=None)


def trial_folder(folder: Path, number: int) -> Path:
    """Where a trial of a tuning job lives."""
    path = folder / "trials" / f"{number:03d}"
    path.mkdir(parents=True, exist_ok=True)
    return path
