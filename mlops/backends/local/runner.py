"""The process that carries one job: `python -m mlops.backends.local.runner JOBDIR --lock FD`.

It holds the job's lock for its life, so that everybody can see whether it is at work, and writes
the job's state. It is on its own: the command or bot that started it may end.
"""

import argparse
import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from mlops.backends.local import locks
from mlops.backends.local.container import Outcome, run_training
from mlops.backends.local.files import now
from mlops.backends.local.records import KILLED, PREPARED, Plan, write_state
from mlops.backends.local.registry import Registry
from mlops.errors import BackendError

_STATE_SECONDS = 0.5


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def run_job(folder: Path, plan: Plan, group: int, stop: threading.Event) -> Outcome:
    """Carry out a training job, noting its metrics as they come."""
    written = 0.0

    def on_metrics(metrics: Mapping[str, float]) -> None:
        nonlocal written
        if time.monotonic() - written > _STATE_SECONDS:
            written = time.monotonic()
            write_state(folder, status="InProgress", metrics=dict(metrics))

    return run_training(
        folder,
        name=plan.name,
        hyperparameters=plan.hyperparameters,
        processors=processors(),
        group=group,
        log=folder / "log.txt",
        prepared=folder / PREPARED,
        stop=stop,
        on_metrics=on_metrics,
    )


def _register(folder: Path) -> None:
    """Make the job's model a version, so that it is one also when nobody waits for the job."""
    artifact = folder / "output" / "model.tar.gz"
    if not artifact.is_file():
        return
    try:
        line = f"Registered as {Registry(folder.parents[1]).add(artifact, folder.name).name}"
    except BackendError as error:
        line = f"Not registered: {error}"
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        log.write(line + "\n")


def main() -> None:
    """Carry the job whose lock is handed over, held, and write how it ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lock", type=int, required=True)
    options = parser.parse_args()
    folder: Path = options.folder
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    locks.write_pid(options.lock, os.getpid())
    if (folder / "stop.json").exists():
        stop.set()
    group = locks.acquire(folder / "group.lock", wait=5.0)
    plan = Plan.read(folder)
    if group is None or plan is None:
        raise SystemExit("The job's folder is in use or damaged.")
    locks.write_pid(group, os.getpgid(0))
    write_state(folder, status="InProgress")
    outcome = Outcome(
        "Failed", failure="The job ended for a reason of ours; its log has the place."
    )
    try:
        if plan.kind == "tuning":
            from mlops.backends.local.tuner import run_tuning

            outcome = run_tuning(folder, plan, group, stop)
        else:
            outcome = run_job(folder, plan, group, stop)
        _register(folder)
    finally:
        # Only what was killed is started again. A runner that is killed itself doesn't come here.
        if not str(outcome.failure).startswith(KILLED):
            shutil.rmtree(folder / PREPARED, ignore_errors=True)
        write_state(
            folder,
            status=outcome.status,
            metrics=outcome.metrics,
            failure=outcome.failure,
            ended=now(),
        )


if __name__ == "__main__":
    main()
