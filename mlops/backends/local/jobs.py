"""Training and tuning jobs: checked, laid out on disk, and handed to a runner of their own."""

import hashlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from mlops.backends import Job, JobKind, TrainRequest, TuneRequest
from mlops.backends.local import locks
from mlops.backends.local.container import STOP_SECONDS, lay_out
from mlops.backends.local.files import make_folder, now, read_json, write_json
from mlops.backends.local.processes import start_module
from mlops.backends.local.records import FINAL, PREPARED, Plan, read_job
from mlops.backends.package import code_package
from mlops.backends.requests import (
    NAME_PATTERN,
    check_hyperparameters,
    check_name,
    check_tuning,
    record_files,
)
from mlops.errors import BackendError, NotFoundError

_FOLLOW_SECONDS = 0.2


class Jobs:
    """The jobs of one state folder.

    Args:
        home: The state folder.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "jobs"

    def train(self, request: TrainRequest) -> Job:
        """Start a training job, or find the one that this request started before."""
        _needs("sklearn", "Training")
        return self._submit("training", request)

    def tune(self, request: TuneRequest) -> Job:
        """Start a tuning job, or find the one that this request started before."""
        _needs("sklearn", "Tuning")
        _needs("optuna", "Tuning")
        check_tuning(request)
        return self._submit("tuning", request)

    def get(self, name: str) -> Job:
        """The job as it stands now.

        Raises:
            NotFoundError: if there is none of that name.
        """
        job = read_job(self._folder / name) if NAME_PATTERN.fullmatch(name) else None
        if job is None:
            raise NotFoundError(
                f"There is no job {name[:80]!r}. Nothing was changed. "
                "See which there are: triage jobs list"
            )
        return job

    def all(self) -> list[Job]:
        """Every job, newest first."""
        folders = self._folder.iterdir() if self._folder.is_dir() else ()
        found = [read_job(folder) for folder in folders if NAME_PATTERN.fullmatch(folder.name)]
        jobs = [job for job in found if job is not None]
        return sorted(jobs, key=lambda job: job.created, reverse=True)

    def logs(self, name: str, *, follow: bool) -> Iterator[str]:
        """The job's log, line by line; with `follow` until it ends."""
        self.get(name)
        return self._read_log(name, follow=follow)

    def stop(self, name: str) -> Job:
        """Ask a job to end: `Stopping` at once, `Stopped` when its processes are gone."""
        job = self.get(name)
        if job.done:
            return job
        folder = self._folder / name
        asked = read_json(folder / "stop.json")
        if asked is None:
            write_json(folder / "stop.json", {"asked": now(), "clock": time.time()})
        elif time.time() - float(asked.get("clock", 0)) > STOP_SECONDS + 5:
            # It was asked before and did not end.
            locks.kill_group(folder / "group.lock", grace=0)
        runner = locks.holder(folder / "runner.lock")
        if runner is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(runner, signal.SIGTERM)
        return self.get(name)

    def forget_data(self, name: str) -> None:
        """Remove the records of a job and what it has read in them; see `Backend.forget_data`."""
        if not self.get(name).done:
            raise BackendError(
                f"The job {name} is under way. Its data was left as it is. Stop the job first: "
                f"triage jobs stop {name}"
            )
        folder = self._folder / name
        locks.kill_group(folder / "group.lock", grace=0)  # what a killed runner left
        for part in (folder / "opt" / "ml" / "input" / "data", folder / PREPARED):
            shutil.rmtree(part, ignore_errors=True)

    def _submit(self, kind: JobKind, request: TrainRequest | TuneRequest) -> Job:
        check_hyperparameters(request.hyperparameters)
        name = check_name(request.name, "a job") if request.name else _new_name(kind)
        channels = {"train": record_files(request.train, "training")}
        if request.validation is not None:
            channels["validation"] = record_files(request.validation, "validation")
        plan = _plan(name, kind, request, channels)
        make_folder(self._folder)
        with suppress(FileNotFoundError):
            return self._again(plan)
        draft = self._folder / f".{uuid.uuid4().hex}"
        try:
            self._lay_out(draft, plan, channels)
            # Renaming onto a folder with something in it fails: the other request was first.
            draft.rename(self._folder / name)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            if (self._folder / name / "job.json").exists():
                return self._again(plan)
            raise BackendError(
                f"The job {name} could not be set up: {error.strerror}. Nothing was started. "
                "Free some space in TRIAGE_HOME and try again."
            ) from None
        self._start(name)
        return self.get(name)

    def _again(self, plan: Plan) -> Job:
        """The job of that name, if it is the same request; started again if it was killed.

        Raises:
            FileNotFoundError: if there is none of that name.
        """
        folder = self._folder / plan.name
        earlier = Plan.read(folder)
        job = read_job(folder)
        if earlier is None or job is None:
            shutil.rmtree(folder)
            raise FileNotFoundError
        if earlier.fingerprint != plan.fingerprint:
            raise BackendError(
                f"There is a job {plan.name} already, with other data or hyperparameters. It was "
                "left as it is, and nothing was started. Choose another name."
            )
        if job.interrupted:
            # What a runner wrote of a script that was killed under it is no last word.
            (folder / "state.json").unlink(missing_ok=True)
            self._start(plan.name)
            return self.get(plan.name)
        return job

    def _lay_out(self, draft: Path, plan: Plan, channels: Mapping[str, list[Path]]) -> None:
        """Make the folder of a job."""
        draft.mkdir(mode=0o700)
        lay_out(
            draft,
            code=code_package().write(make_folder(self._home / "code")),
            data=channels,
            hyperparameters=plan.hyperparameters,
        )
        (draft / "log.txt").touch()
        write_json(draft / "job.json", vars(plan))

    def _start(self, name: str) -> None:
        """Start the runner of a job whose folder is ready, unless one is at work."""
        folder = self._folder / name
        lock = locks.acquire(folder / "runner.lock", wait=0.2)
        if lock is None:
            return
        try:
            state = read_json(folder / "state.json") or {}
            if state.get("status") in FINAL:
                return
            locks.write_pid(lock, 0)
            locks.kill_group(folder / "group.lock", grace=2.0)  # what a killed runner left
            (folder / "stop.json").unlink(missing_ok=True)
            pid = start_module(
                "mlops.backends.local.runner",
                [str(folder), "--lock", str(lock)],
                log=folder / "log.txt",
                folder=folder,
                pass_fds=(lock,),
            )
            locks.write_pid(lock, pid)
        finally:
            locks.release(lock)

    def _read_log(self, name: str, *, follow: bool) -> Iterator[str]:
        path = self._folder / name / "log.txt"
        with path.open(encoding="utf-8", errors="replace") as log:
            line = ""
            while True:
                done = not follow or self.get(name).done
                for part in log:
                    line += part
                    if line.endswith("\n"):
                        yield line.rstrip("\n")
                        line = ""
                if done:
                    break
                time.sleep(_FOLLOW_SECONDS)
            if line:
                yield line


def _needs(module: str, what: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise BackendError(
            f"{what} needs {module}, which the base install leaves out. Nothing was started. "
            "Install it with: pip install 'referral-triage[train]'"
        )


def _plan(
    name: str,
    kind: JobKind,
    request: TrainRequest | TuneRequest,
    channels: Mapping[str, list[Path]],
) -> Plan:
    data = {}
    for channel, files in channels.items():
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.read_bytes())
        data[channel] = digest.hexdigest()
    hyperparameters = {key: str(value) for key, value in request.hyperparameters.items()}
    if isinstance(request, TrainRequest):
        return Plan(name, kind, now(), data, hyperparameters)
    ranges = {key: (float(low), float(high)) for key, (low, high) in request.ranges.items()}
    return Plan(
        name,
        kind,
        now(),
        data,
        hyperparameters,
        json.loads(json.dumps(ranges)),
        request.objective,
        request.max_jobs,
        request.max_parallel_jobs,
        request.seed,
    )


def _new_name(kind: JobKind) -> str:
    """A name that says when; two in one second differ."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return f"{kind}-{stamp}-{secrets.token_hex(2)}"
