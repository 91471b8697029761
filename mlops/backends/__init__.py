"""Where training, tuning and serving happen, behind one small protocol.

Nothing outside this folder asks which backend it has. The words are SageMaker's, so that what is
learnt on one backend holds on the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from mlops.settings import Settings

JobKind = Literal["training", "tuning"]
JobStatus = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]
EndpointStatus = Literal["Creating", "Updating", "InService", "RollingBack", "Failed", "Deleting"]


@dataclass(frozen=True)
class TrainRequest:
    """One training job.

    Attributes:
        train: Records to fit on, as JSON Lines (`mlops.data` writes them).
        validation: Records to score on; None: `train.py` holds some clusters back.
        hyperparameters: What `train.py` takes, by its own names.
        name: Repeating a request under its name finds the job already there; empty: a new name.
    """

    train: Path
    validation: Path | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True)
class TuneRequest:
    """One hyperparameter tuning job: many training jobs, the best one kept.

    Attributes:
        ranges: Per hyperparameter its lowest and highest value; integers stay integers.
        objective: The metric that is maximised.
    """

    train: Path
    validation: Path | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    objective: str = "validation:auc"
    max_jobs: int = 10
    max_parallel_jobs: int = 2
    seed: int = 0
    name: str = ""


@dataclass(frozen=True)
class Trial:
    """One training job of a tuning job."""

    number: int
    status: JobStatus
    hyperparameters: Mapping[str, str]
    objective: float | None


@dataclass(frozen=True)
class Job:
    """A training or tuning job as it stands now.

    Attributes:
        metrics: The last value of each metric that the job printed, such as `validation:auc`.
        artifact: Its `model.tar.gz` once it is completed (a path or an s3:// address).
        failure: One sentence, when it failed.
        trials: Of a tuning job, in order; `best_trial` is the number of the best one so far.
        interrupted: Whether it failed because its processes were killed: the same request again,
            under its name, starts it again.
    """

    name: str
    kind: JobKind
    status: JobStatus
    created: datetime
    ended: datetime | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    artifact: str | None = None
    failure: str | None = None
    trials: Sequence[Trial] = ()
    best_trial: int | None = None
    interrupted: bool = False

    @property
    def done(self) -> bool:
        """Whether it has come to its end, good or bad."""
        return self.status in ("Completed", "Failed", "Stopped")


@dataclass(frozen=True)
class ModelVersion:
    """One immutable artifact with where it comes from.

    Attributes:
        name: The version that the artifact itself carries and every answer shows: made from its
            content, so the same training gives the same name on every machine.
        artifact: Its `model.tar.gz` (a path or an s3:// address).
        metrics: What was measured when it was trained.
        data_sha256: Hash of the records it was trained on.
        code_version: Version of this package that trained it.
        job: The job it came from; None for the shipped one.
    """

    name: str
    artifact: str
    created: datetime
    metrics: Mapping[str, float] = field(default_factory=dict)
    data_sha256: str = ""
    code_version: str = ""
    job: str | None = None
    shipped: bool = False


@dataclass(frozen=True)
class Endpoint:
    """Something that answers `POST /invocations` with recommendations.

    Attributes:
        version: The model version that serves now.
        previous: The version a rollback would return to.
        url: Where it listens, if it is on this machine; the same for as long as it exists.
        failure: One sentence, when the last operation on it failed.
    """

    name: str
    status: EndpointStatus
    version: str
    previous: str | None
    created: datetime
    updated: datetime
    url: str | None = None
    failure: str | None = None


class Backend(Protocol):
    """Everything that can be done with jobs, model versions and endpoints.

    Every method raises `BackendError` with a sentence when it fails, and `NotFoundError` when the
    name it is given is not there.
    """

    name: str

    def train(self, request: TrainRequest) -> Job:
        """Start a training job and return at once."""

    def tune(self, request: TuneRequest) -> Job:
        """Start a tuning job and return at once."""

    def job(self, name: str) -> Job:
        """The job as it stands now."""

    def jobs(self) -> list[Job]:
        """Every job, newest first."""

    def job_logs(self, name: str, *, follow: bool = False) -> Iterator[str]:
        """Its log, line by line; with `follow` until the job ends."""

    def stop_job(self, name: str) -> Job:
        """Ask it to stop; what it has finished is kept."""

    def forget_data(self, job: str) -> None:
        """Remove the copies of its data that a job has; its model, figures and log stay.

        Raises `BackendError` while the job is under way.
        """

    def register(self, job: str) -> ModelVersion:
        """Make a completed job's artifact a model version. Doing it twice changes nothing."""

    def version(self, name: str) -> ModelVersion:
        """The version of that name, or of the first letters of it."""

    def versions(self) -> list[ModelVersion]:
        """Every version, newest first; the shipped one is always among them."""

    def deploy(self, endpoint: str, version: str) -> Endpoint:
        """Create an endpoint and wait until it serves.

        Raises `BackendError` if it exists already: that is what `update` is for.
        """

    def update(self, endpoint: str, version: str) -> Endpoint:
        """Change what an endpoint serves without refusing a request, and wait until it does.

        If the new version is not healthy the old one goes on serving and `BackendError` says so.
        """

    def rollback(self, endpoint: str) -> Endpoint:
        """Update back to the version that served before."""

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint as it stands now."""

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint, by name."""

    def delete_endpoint(self, name: str) -> None:
        """Stop it and forget it; versions and jobs stay."""

    def invoke(
        self,
        endpoint: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 30.0,
    ) -> bytes:
        """Send a request to an endpoint and return its answer.

        Never puts the body, or any part of the answer, into an error.
        """

    def fetch_artifact(self, version: str, folder: Path) -> Path:
        """A local copy of a version's `model.tar.gz`, in `folder` unless it is local already."""


def get_backend(settings: "Settings") -> Backend:
    """The backend that `TRIAGE_BACKEND` names."""
    if settings.triage_backend == "local":
        from mlops.backends.local import LocalBackend

        return LocalBackend(settings.triage_home)
    from mlops.errors import SettingsError

    raise SettingsError(
        "TRIAGE_BACKEND=sagemaker is not part of this version. Nothing was started. "
        "Set TRIAGE_BACKEND=local or leave it empty."
    )
