"""Comparing two model versions as a job: begun, looked at, stopped; it outlives who began it.

The gate (`mlops.evaluation.gate`) takes up to a minute. It runs in a process of its own, and leaves
the comparison, its pictures and its report in a folder that is named after everything it depends
on: the same question is answered once, for the command line and the bot alike.

In order of use: `begin`, `look` until it is done, `stop`.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mlops import __version__
from mlops.backends import Backend
from mlops.backends.local import locks
from mlops.backends.local.files import make_folder, read_json, write_json
from mlops.backends.local.processes import start_module
from mlops.container.errors import place_of
from mlops.errors import BackendError, TriageError

MAX_ATTEMPTS = 5
RESULT, FAILURE, STEP, LOCK = "comparison.json", "failure.json", "step.json", "lock"
REPORT = "report.html"
_POLL_SECONDS = 0.2
_STOP_SECONDS = 3.0

Status = Literal["InProgress", "Completed", "Failed"]


@dataclass(frozen=True)
class Comparing:
    """A comparison as it stands now.

    Attributes:
        step: What it does, in a line.
        comparison: `mlops.evaluation.gate.Comparison` as plain data, once it is completed.
        failure: One sentence, when it failed.
        folder: Holds the report (`report.html`) and the pictures (`*.png`), once it is completed.
    """

    status: Status
    folder: Path
    step: str = ""
    comparison: dict[str, Any] = field(default_factory=dict, repr=False)
    failure: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every criterion of the gate is met."""
        return bool(self.comparison.get("passed"))

    @property
    def pictures(self) -> list[Path]:
        """The pictures, by name."""
        return sorted(self.folder.glob("*.png"))


def begin(home: Path, backend: Backend, champion: str, challenger: str, dataset: Path) -> Path:
    """Compare two versions on a dataset's held-out part, in the background.

    Repeating it finds the comparison that is there; one that was killed is started again.

    Returns:
        The folder to give to `look`.

    Raises:
        BackendError: if an artifact can't be had.
    """
    cache = home / "artifacts"
    artifacts = [backend.fetch_artifact(name, cache / name) for name in (champion, challenger)]
    folder = make_folder(home / "comparisons") / _key(artifacts, dataset)
    make_folder(folder)
    if (folder / RESULT).is_file():
        return folder
    lock = locks.acquire(folder / LOCK)
    if lock is None:
        return folder
    try:
        attempts = int((read_json(folder / "attempts.json") or {}).get("count", 0)) + 1
        if attempts > MAX_ATTEMPTS:
            raise BackendError(
                f"The comparison was interrupted {MAX_ATTEMPTS} times and was given up. Both "
                f"versions are kept. Its log is {folder}/log.txt; remove that folder to try again."
            )
        write_json(folder / "attempts.json", {"count": attempts})
        (folder / FAILURE).unlink(missing_ok=True)
        locks.write_pid(lock, 0)
        arguments = [str(folder), *(str(path) for path in artifacts), str(dataset)]
        pid = start_module(
            "mlops.comparing",
            [*arguments, "--lock", str(lock)],
            log=folder / "log.txt",
            folder=folder,
            pass_fds=(lock,),
        )
        locks.write_pid(lock, pid)
    finally:
        locks.release(lock)
    return folder


def look(folder: Path) -> Comparing:
    """The comparison as it stands now; `Failed` without a failure: it was killed."""
    at_work = locks.is_held(folder / LOCK)
    # Read after the lock was looked at: the process writes its last word before it lets go.
    comparison = read_json(folder / RESULT)
    if comparison is not None:
        return Comparing("Completed", folder, comparison=comparison)
    step = str((read_json(folder / STEP) or {}).get("step", ""))
    if at_work:
        return Comparing("InProgress", folder, step)
    failed = read_json(folder / FAILURE)
    failure = None if failed is None else str(failed.get("failure"))
    return Comparing("Failed", folder, step, failure=failure)


def stop(folder: Path) -> None:
    """End it; a later `begin` starts it again."""
    locks.kill_group(folder / LOCK, grace=_STOP_SECONDS)
    (folder / "attempts.json").unlink(missing_ok=True)


def compare(
    home: Path,
    backend: Backend,
    champion: str,
    challenger: str,
    dataset: Path,
    say: Callable[[str], None] = lambda _: None,
) -> Comparing:
    """`begin`, and wait until it is completed.

    Raises:
        BackendError: with its sentence, if it fails.
    """
    while True:
        folder = begin(home, backend, champion, challenger, dataset)
        while (now := look(folder)).status == "InProgress":
            say(now.step)
            time.sleep(_POLL_SECONDS)
        if now.status == "Completed":
            return now
        if now.failure is not None:
            raise BackendError(now.failure)


def _key(artifacts: list[Path], dataset: Path) -> str:
    """A name for the comparison from everything it depends on."""
    digest = hashlib.sha256(__version__.encode())
    for path in (*artifacts, dataset / "test.jsonl"):
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise BackendError(
                f"{path} can't be read: {error.strerror}. Nothing was compared. "
                "Make the dataset again with: triage dataset build"
            ) from None
    return digest.hexdigest()[:16]


def main() -> int:
    """Entry point of the process that `begin` starts; returns the exit code."""
    parser = argparse.ArgumentParser()
    for name in ("folder", "champion", "challenger", "dataset"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--lock", type=int, required=True)
    options = parser.parse_args()
    folder: Path = options.folder
    locks.write_pid(options.lock, os.getpgid(0))

    def say(step: str) -> None:
        write_json(folder / STEP, {"step": step})
        sys.stdout.write(step + "\n")

    try:
        from mlops.evaluation import gate

        comparison = gate.compare(options.champion, options.challenger, options.dataset, say=say)
        say("Drawing")
        for name, image in gate.pictures(comparison).items():
            (folder / f"{name}.png").write_bytes(image)
        (folder / REPORT).write_text(gate.report_html(comparison), encoding="utf-8")
        result = {**comparison.to_json(), "passed": comparison.passed}
        # Last, and at once: it says that everything is there.
        write_json(folder / RESULT, result)
    except Exception as error:  # noqa: BLE001  whoever waits gets a sentence whatever happens
        sentence = str(error) if isinstance(error, TriageError) else _unexpected(error)
        with suppress(TriageError):
            write_json(folder / FAILURE, {"failure": sentence})
        sys.stderr.write(json.dumps({"failed": type(error).__name__}) + "\n")
        return 1
    return 0


def _unexpected(error: Exception) -> str:
    """Without the message, which may hold a note."""
    return (
        f"The comparison failed ({place_of(error)}). Both versions are kept and "
        "nothing was deployed. Please report this line."
    )


if __name__ == "__main__":
    sys.exit(main())
