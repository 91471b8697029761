"""The steps that the command line and the bot share: data, training, tuning, registering, serving.

In order of use: `prepare_data`, then `start_training` or `start_tuning`, `wait_for`, `finish`; then
`mlops.comparing` with the `champion`, and `serve`.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops.backends import Approval, Backend, Endpoint, Job, ModelVersion, TrainRequest, TuneRequest
from mlops.backends.options import ANY_COMPUTE, ANY_SEARCH, Compute, Search
from mlops.errors import BackendError, DataError, NotFoundError

if TYPE_CHECKING:
    from mlops.data import Record
    from mlops.settings import Settings

# Below the state folder: datasets with people's notes, for as long as a run needs them.
PRIVATE = "private"

# What Amazon's workshop on this use case searches; cut to what train.py takes.
_WORKSHOP_RANGES = {
    "num_round": (100.0, 300.0),
    "max_depth": (1.0, 10.0),
    "alpha": (0.0, 5.0),
    "eta": (0.0, 1.0),
}
_POLL_SECONDS = 0.3
_SLOWER = 1.3
_LOOK_SECONDS = 1.0
_CHANGING = ("Creating", "Updating", "RollingBack")
# An update in steps on SageMaker takes up to half an hour.
_SETTLE_SECONDS = 2400.0


def prepare_data(
    home: Path,
    source: Path | str | None = None,
    *,
    extra: "Sequence[Record]" = (),
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """A dataset folder to train on.

    Args:
        home: The state folder; datasets made here are kept below `datasets/`, by their content.
        source: None: the corpus that comes with the package. A folder: a dataset, used as it is.
            A file, here or at `s3://bucket/key`: Kaggle's `mtsamples.csv`, plain or gzipped.
        extra: Records beside them that are not for keeping, such as corrections: the dataset is
            below `private/` then, and `forget_private` removes it.
        seed: Of the split.
        say: Called with one line per step.

    Raises:
        DataError: if it can't be read as any of these.
    """
    if isinstance(source, str) and source.startswith("s3://"):
        from mlops.data.remote import fetch

        say("Fetching the file from S3")
        source = fetch(source, home / "downloads")
    source = None if source is None else Path(source)
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

    folder = home / (PRIVATE if extra else "datasets") / _data_key(source, seed, extra)
    if not (folder / "manifest.json").is_file():
        build_dataset(folder, kaggle=source, extra=extra, seed=seed, say=say)
    return folder


def has_private(home: Path) -> bool:
    """Whether there are datasets that are not for keeping."""
    return (home / PRIVATE).is_dir()


def forget_private(home: Path, backend: Backend, jobs: Sequence[str]) -> None:
    """Remove every dataset that is not for keeping, and what jobs have of it.

    Args:
        home: The state folder.
        backend: Where the jobs ran.
        jobs: Those that were trained on one; one that was never started doesn't matter.

    Raises:
        BackendError: a job's data can't be removed now; the datasets are there still.
    """
    for job in jobs:
        with suppress(NotFoundError):
            backend.forget_data(job)
    shutil.rmtree(home / PRIVATE, ignore_errors=True)


@dataclass(frozen=True)
class DataSummary:
    """What a dataset folder holds, from its manifest.

    Attributes:
        records: Part (`train`, `validation`, `test`) to number of records.
        surgery: Of all of them, the share labelled Surgery; 0 to 1.
        sources: Source (`corpus`, `mtsamples-filed`, …) to number of records.
        dropped: Reason to number of rows that were left out.
    """

    records: Mapping[str, int]
    surgery: float
    sources: Mapping[str, int]
    dropped: Mapping[str, int]


def describe_data(dataset: Path) -> DataSummary:
    """What a dataset folder holds.

    Raises:
        DataError: if it has no manifest that can be read.
    """
    try:
        manifest = json.loads((dataset / "manifest.json").read_bytes())
        counts: dict[str, dict[str, int]] = manifest["counts"]
        dropped = {str(reason): int(n) for reason, n in manifest["dropped"].items() if n}
    except (OSError, ValueError, KeyError, AttributeError):
        raise DataError(
            f"{dataset} has no manifest that can be read. Nothing was changed. "
            "Make the dataset again with: triage dataset build"
        ) from None
    records = {part: sum(by_kind.values()) for part, by_kind in counts.items()}
    sources: dict[str, int] = {}
    surgery = 0
    for by_kind in counts.values():
        for kind, number in by_kind.items():
            source, _, label = kind.rpartition("/")
            sources[source] = sources.get(source, 0) + number
            surgery += number if label == "Surgery" else 0
    return DataSummary(records, surgery / max(1, sum(records.values())), sources, dropped)


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


def check_hyperparameters(hyperparameters: Mapping[str, str]) -> None:
    """Refuse what `train.py` would refuse, before anything is started.

    Raises:
        BackendError: naming the one that is wrong and what it may be.
    """
    from mlops.backends.requests import check_hyperparameters as check

    check(hyperparameters)


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


def judge(backend: Backend, version: str, approval: Approval, by: str) -> None:
    """Have the model registry say what a person decided; the shipped version is in none.

    Args:
        by: Who: a Slack ID, or `name@host` from a terminal.
    """
    found = backend.version(version)
    if not found.shipped:
        backend.judge(found.name, approval, by)


def champion(backend: Backend, endpoint: str) -> ModelVersion:
    """The version that serves: what the endpoint does, or the shipped one where there is none."""
    try:
        return backend.version(backend.endpoint(endpoint).version)
    except NotFoundError:
        return backend.version("shipped")


def serve(backend: Backend, endpoint: str, version: str) -> Endpoint:
    """Have an endpoint serve a version, and wait until it does: the first time, or in place.

    Doing it again changes nothing, so it can be repeated after whoever did it was killed: a change
    that is under way is waited for first.

    Raises:
        BackendError: if it doesn't; what served before serves on.
    """
    found = backend.version(version).name
    try:
        current = _settled(backend, endpoint)
    except NotFoundError:
        return backend.deploy(endpoint, found)
    if current.version == found and current.status == "InService":
        return current
    return backend.update(endpoint, found)


def go_back(backend: Backend, endpoint: str, version: str) -> Endpoint:
    """Have an endpoint serve again what it served before; like `serve`, it can be repeated.

    Where a backend watches an update and calls it off when an alarm rings, this one isn't watched:
    what is ill may be the very reason to go back.

    Raises:
        BackendError: if it doesn't; what serves now serves on.
    """
    found = backend.version(version).name
    with suppress(NotFoundError):
        if (current := _settled(backend, endpoint)).previous == found != current.version:
            return backend.rollback(endpoint)
    return serve(backend, endpoint, found)


def _settled(backend: Backend, endpoint: str) -> Endpoint:
    """The endpoint, once a change that is under way has come to its end.

    Raises:
        NotFoundError: if there is none.
        BackendError: if that takes too long.
    """
    deadline = time.monotonic() + _SETTLE_SECONDS
    while (current := backend.endpoint(endpoint)).status in _CHANGING:
        if time.monotonic() > deadline:
            raise BackendError(
                f"The endpoint {endpoint} has been {current.status} for "
                f"{_SETTLE_SECONDS / 60:.0f} min. Nothing was changed. "
                f"See how it is: triage endpoints show {endpoint}"
            )
        time.sleep(_LOOK_SECONDS)
    return current


def champion_version(backend: Backend, settings: "Settings") -> str:
    """The name of the version that serves at the endpoint that the settings name."""
    from mlops.settings import DEFAULT_ENDPOINT

    return champion(backend, settings.triage_endpoint or DEFAULT_ENDPOINT).name


def _parts(dataset: Path | str) -> tuple[Path | str, Path | str | None]:
    if isinstance(dataset, str):
        folder = dataset.rstrip("/")
        return f"{folder}/train/", f"{folder}/validation/"
    validation = dataset / "validation.jsonl"
    return dataset / "train.jsonl", validation if validation.is_file() else None


def _data_key(source: Path | None, seed: int, extra: "Sequence[Record]") -> str:
    """A name for what `build_dataset` would write, from everything it depends on."""
    import mlops.data

    digest = hashlib.sha256(f"{seed}".encode())
    for record in extra:
        digest.update(json.dumps([record.id, record.text, record.label]).encode())
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
