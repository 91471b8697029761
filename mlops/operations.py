"""The steps that the command line and the bot share: data, training, tuning, waiting, registering.

In order of use: `prepare_data`, then `start_training` or `start_tuning`, `wait_for`, `finish`.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlops.backends import Backend, Job, ModelVersion, TrainRequest, TuneRequest
from mlops.backends.options import ANY_COMPUTE, ANY_SEARCH, Compute, Search
from mlops.errors import BackendError, DataError, NotFoundError

if TYPE_CHECKING:
    from mlops.settings import Settings

# What Amazon's workshop on this use case searches; cut to what train.py takes.
_WORKSHOP_RANGES = {
    "num_round": (100.0, 300.0),
    "max_depth": (1.0, 10.0),
    "alpha": (0.0, 5.0),
    "eta": (0.0, 1.0),
}
_POLL_SECONDS = 0.3
_SLOWER = 1.3


def prepare_data(
    home: Path,
    source: Path | None = None,
    *,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """A dataset folder to train on.

    Args:
        home: The state folder; datasets made here are kept below `datasets/`, by their content.
        source: None: the corpus that comes with the package. A folder: a dataset, used as it is.
            A file: Kaggle's `mtsamples.csv`, plain or gzipped.
        seed: Of the split.
        say: Called with one line per step.

    Raises:
        DataError: if it can't be read as any of these.
    """
    if source is not None and source.is_dir():
        if not (source / "train.jsonl").is_file():
            raise DataError(
                f"{source} is no dataset: it has no train.jsonl. Nothing was started. "
                "Make one with: triage dataset build"
            )
        return source
    if source is not None and not source.is_file():
        raise DataError(
            f"There is no file or folder {source}. Nothing was started. "
            "Name a dataset folder or the Kaggle file, or leave it out for the shipped corpus."
        )
    from mlops.data import build_dataset

    folder = home / "datasets" / _data_key(source, seed)
    if not (folder / "manifest.json").is_file():
        build_dataset(folder, kaggle=source, seed=seed, say=say)
    return folder


def start_training(
    backend: Backend,
    dataset: Path | str,
    *,
    hyperparameters: Mapping[str, str] | None = None,
    name: str = "",
    compute: Compute = ANY_COMPUTE,
) -> Job:
    """Start a training job on a dataset and return at once.

    Args:
        dataset: A folder that `prepare_data` gave, or an s3:// address of one with `train/` and
            `validation/` below it.

    Raises:
        BackendError: if a hyperparameter is wrong, the name stands for another request, or an
            option can't be honoured.
    """
    train, validation = _parts(dataset)
    return backend.train(
        TrainRequest(train, validation, dict(hyperparameters or {}), name, compute)
    )


def start_tuning(
    backend: Backend,
    dataset: Path | str,
    *,
    hyperparameters: Mapping[str, str] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    max_jobs: int = 10,
    max_parallel_jobs: int = 2,
    seed: int = 0,
    name: str = "",
    compute: Compute = ANY_COMPUTE,
    search: Search = ANY_SEARCH,
) -> Job:
    """Start a tuning job on a dataset and return at once.

    Args:
        dataset: As for `start_training`.
        ranges: What is searched; None: `default_ranges`, without what has a value already.

    Raises:
        BackendError: if a hyperparameter is wrong, or the name stands for another request.
    """
    fixed = dict(hyperparameters or {})
    if ranges is None:
        ranges = {name: ends for name, ends in default_ranges().items() if name not in fixed}
    train, validation = _parts(dataset)
    return backend.tune(
        TuneRequest(
            train,
            validation,
            fixed,
            dict(ranges),
            max_jobs=max_jobs,
            max_parallel_jobs=max_parallel_jobs,
            seed=seed,
            name=name,
            compute=compute,
            search=search,
        )
    )


def default_ranges() -> dict[str, tuple[float, float]]:
    """What tuning searches unless told otherwise: per hyperparameter, lowest and highest value."""
    from mlops.container.train import HYPERPARAMETERS

    ranges = {}
    for name, (lowest, highest) in _WORKSHOP_RANGES.items():
        if name in HYPERPARAMETERS:
            _, _, low, high = HYPERPARAMETERS[name]
            ranges[name] = (max(lowest, float(low)), min(highest, float(high)))
    return ranges


def wait_for(
    backend: Backend,
    job: str,
    on_progress: Callable[[Job], None] = lambda _: None,
    *,
    timeout: float | None = None,
) -> Job:
    """Wait until a job has come to its end, good or bad.

    Args:
        on_progress: Called with the job at first and whenever it stands differently.
        timeout: Seconds; None: as long as it takes.

    Raises:
        BackendError: if the time is up; the job runs on.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    seen: Job | None = None
    pause = _POLL_SECONDS
    while True:
        current = backend.job(job)
        if current != seen:
            on_progress(current)
            seen, pause = current, _POLL_SECONDS
        if current.done:
            return current
        if deadline is not None and time.monotonic() > deadline:
            raise BackendError(
                f"The job {job} has not ended within {timeout:g} s. It runs on. "
                f"Follow it: triage jobs logs {job} --follow"
            )
        time.sleep(pause)
        pause = min(backend.poll_seconds, pause * _SLOWER)


def finish(backend: Backend, job: Job) -> ModelVersion:
    """Register the model of a job that has come to its end.

    Raises:
        BackendError: with the job's own sentence, if it has none.
    """
    if job.artifact is None:
        reason = job.failure or f"It is {job.status}."
        raise BackendError(f"The job {job.name} made no model. {reason}")
    return backend.register(job.name)


def champion_version(backend: Backend, settings: "Settings") -> str:
    """The version that serves: that of the default endpoint, else the shipped one."""
    from mlops.settings import DEFAULT_ENDPOINT

    try:
        return backend.endpoint(settings.triage_endpoint or DEFAULT_ENDPOINT).version
    except NotFoundError:
        return "shipped"


def _parts(dataset: Path | str) -> tuple[Path | str, Path | str | None]:
    if isinstance(dataset, str):
        folder = dataset.rstrip("/")
        return f"{folder}/train/", f"{folder}/validation/"
    validation = dataset / "validation.jsonl"
    return dataset / "train.jsonl", validation if validation.is_file() else None


def _data_key(source: Path | None, seed: int) -> str:
    """A name for what `build_dataset` would write, from everything it depends on."""
    import mlops.data

    digest = hashlib.sha256(f"{seed}".encode())
    package = Path(mlops.data.__file__).parent
    ours = [path for path in package.rglob("*") if path.suffix in (".py", ".jsonl")]
    for path in [*sorted(ours), *([source] if source is not None else [])]:
        try:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise DataError(
                f"{path} can't be read: {error.strerror}. Nothing was started. Check its rights."
            ) from None
    return digest.hexdigest()[:16]
