"""What is wrong with a request, said before anything is started. The same on every backend."""

import re
from collections.abc import Mapping
from pathlib import Path

from mlops.backends import TuneRequest
from mlops.container.train import HYPERPARAMETERS
from mlops.errors import BackendError, DataError

MAX_TRIALS = 500
MAX_PARALLEL_TRIALS = 16
# SageMaker's own rule for the names of jobs and endpoints.
NAME_PATTERN = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def check_name(name: str, what: str) -> str:
    """`name`, if it can be the name of a job or an endpoint on either backend.

    Raises:
        BackendError: saying what a name may look like.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise BackendError(
            f"{name[:80]!r} can't be the name of {what}. Nothing was changed. "
            "Use up to 63 letters, digits and single hyphens, such as my-model-2."
        )
    return name


def check_hyperparameters(hyperparameters: Mapping[str, str]) -> None:
    """Refuse what `train.py` would refuse, before anything is started.

    Raises:
        BackendError: naming the one that is wrong and what it may be.
    """
    for name, value in hyperparameters.items():
        kind, _, low, high = _known(name)
        try:
            number = kind(value)
            wrong = not low <= number <= high
        except ValueError:
            wrong = True
        if wrong:
            raise BackendError(
                f"The hyperparameter {name} can't be {value[:40]!r}: it must be a "
                f"{'whole ' if kind is int else ''}number from {low:g} to {high:g}. "
                "Nothing was started."
            )


def check_tuning(request: TuneRequest) -> None:
    """Refuse ranges and numbers that no search could work with.

    Raises:
        BackendError: naming what is wrong and what it may be.
    """
    if not request.ranges:
        raise BackendError("There is no range to search. Nothing was started. Name at least one.")
    for name, (lowest, highest) in request.ranges.items():
        kind, _, low, high = _known(name)
        if not low <= lowest < highest <= high or kind(lowest) == kind(highest):
            raise BackendError(
                f"The range of {name} can't be {lowest:g} to {highest:g}: it must lie within "
                f"{low:g} to {high:g} and rise. Nothing was started."
            )
        if name in request.hyperparameters:
            raise BackendError(
                f"The hyperparameter {name} has both a value and a range. Nothing was started. "
                "Leave one of them out."
            )
    for what, number, most in (
        ("number of jobs", request.max_jobs, MAX_TRIALS),
        ("number of parallel jobs", request.max_parallel_jobs, MAX_PARALLEL_TRIALS),
    ):
        if not 1 <= number <= most:
            raise BackendError(f"The {what} must be 1 to {most}. Nothing was started.")


def _known(name: str) -> tuple[type, float, float, float]:
    if name not in HYPERPARAMETERS:
        raise BackendError(
            f"There is no hyperparameter {name[:40]!r}. Nothing was started. "
            f"There are: {', '.join(sorted(HYPERPARAMETERS))}."
        )
    return HYPERPARAMETERS[name]


def record_files(path: Path | str, what: str) -> list[Path]:
    """The JSON Lines files of a channel on this machine.

    Raises:
        DataError: if there are none.
    """
    if isinstance(path, str):
        raise DataError(
            f"The {what} records are in S3 and this backend reads from this machine. Nothing was "
            "started. Copy them here, or set TRIAGE_BACKEND=sagemaker."
        )
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files or not all(file.is_file() and file.stat().st_size for file in files):
        raise DataError(
            f"There are no {what} records in {path}. Nothing was started. "
            "Make a dataset with: triage dataset build"
        )
    return files
