"""Where training, tuning and serving happen, behind one small protocol.

Nothing outside this folder asks which backend it has. The words are SageMaker's, so that what is
learnt on one backend holds on the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from mlops.backends.options import (
    ANY_COMPUTE,
    ANY_HOSTING,
    ANY_ROLLOUT,
    ANY_SEARCH,
    Compute,
    Hosting,
    Rollout,
    Search,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlops.settings import Settings

JobKind = Literal["training", "tuning"]
JobStatus = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]
EndpointStatus = Literal["Creating", "Updating", "InService", "RollingBack", "Failed", "Deleting"]
Approval = Literal["PendingManualApproval", "Approved", "Rejected"]


@dataclass(frozen=True)
class TrainRequest:
    """One training job.

    Attributes:
        train: Records to fit on, as JSON Lines (`mlops.data` writes them): a file, a folder, or an
            s3:// address of files that stay where they are.
        validation: Records to score on; None: `train.py` holds some clusters back.
        hyperparameters: What `train.py` takes, by its own names.
        name: Repeating a request under its name finds the job already there; empty: the backend
            chooses.
    """

    train: Path | str
    validation: Path | str | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    compute: Compute = ANY_COMPUTE


@dataclass(frozen=True)
class TuneRequest:
    """One hyperparameter tuning job: many training jobs, the best one kept.

    Attributes:
        ranges: Per hyperparameter its lowest and highest value; integers stay integers.
        objective: The metric that is maximised.
    """

    train: Path | str
    validation: Path | str | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    objective: str = "validation:auc"
    max_jobs: int = 10
    max_parallel_jobs: int = 2
    seed: int = 0
    name: str = ""
    compute: Compute = ANY_COMPUTE
    search: Search = ANY_SEARCH


@dataclass(frozen=True)
class TableRequest:
    """A table of notes in S3 that is scored where it lies.

    Attributes:
        source: s3:// address of a CSV file with a header, plain or .gz.
        column: The column that holds the notes.
        output: s3:// address that the scored table is written to.
        version: The model version that scores.
    """

    source: str
    column: str
    output: str
    version: str
    compute: Compute = ANY_COMPUTE


@dataclass(frozen=True)
class ScoredTable:
    """What came of a table: rows in the order of the input, and how many had no note to score."""

    output: str
    rows: int
    refused: int


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
        detail: What it is doing now, in the backend's words, such as `Downloading`.
        training_seconds: Machine time of its work.
        billable_seconds: What of that is paid for: less, on Spot machines.
        interrupted: Whether it failed because its processes were killed: the same request again,
            under its name, starts it again.
        url: A page about it in the browser, if there is one.
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
    detail: str = ""
    training_seconds: int | None = None
    billable_seconds: int | None = None
    interrupted: bool = False
    url: str | None = None

    @property
    def done(self) -> bool:
        """Whether it has come to its end, good or bad."""
        return self.status in ("Completed", "Failed", "Stopped")

    @property
    def saving(self) -> float | None:
        """The share of the machine time that Spot made free, 0 to 1; None if it isn't known."""
        if not self.training_seconds or self.billable_seconds is None:
            return None
        return max(0.0, 1 - self.billable_seconds / self.training_seconds)


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
        approval: Whether a person has judged it; a rejected one is not served.
        judged_by: Who: a Slack ID, or `name@host` from a terminal; empty: nobody, or elsewhere.
    """

    name: str
    artifact: str
    created: datetime
    metrics: Mapping[str, float] = field(default_factory=dict)
    data_sha256: str = ""
    code_version: str = ""
    job: str | None = None
    shipped: bool = False
    approval: Approval = "PendingManualApproval"
    judged_by: str = ""


@dataclass(frozen=True)
class Endpoint:
    """Something that answers `POST /invocations` with recommendations.

    Attributes:
        version: The model version that serves now.
        previous: The version a rollback would return to.
        url: Where it listens, if it is on this machine; the same for as long as it exists.
        failure: One sentence, when the last operation on it failed.
        shadow: A version that is sent a copy of each request, if there is one.
    """

    name: str
    status: EndpointStatus
    version: str
    previous: str | None
    created: datetime
    updated: datetime
    url: str | None = None
    failure: str | None = None
    shadow: str | None = None


class Backend(Protocol):
    """Everything that can be done with jobs, model versions and endpoints.

    Every method raises `BackendError` with a sentence when it fails, and `NotFoundError` when the
    name it is given is not there.
    """

    name: str
    # How many seconds lie between two questions about the same thing, at most.
    poll_seconds: float
    # Machines to choose from for a job, the usual one first; empty: there is nothing to choose.
    machines: Sequence[str]

    def check(self) -> str:
        """Where it works, as a phrase for a person; raises if its settings don't let it work."""

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

    def judge(self, version: str, approval: Approval, by: str) -> ModelVersion:
        """Approve or reject a version, and note who did; a rejected one can't be deployed."""

    def deploy(self, endpoint: str, version: str, hosting: Hosting = ANY_HOSTING) -> Endpoint:
        """Create an endpoint and wait until it serves.

        Raises `BackendError` if it exists already: that is what `update` is for.
        """

    def update(
        self,
        endpoint: str,
        version: str,
        hosting: Hosting = ANY_HOSTING,
        rollout: Rollout = ANY_ROLLOUT,
    ) -> Endpoint:
        """Change what an endpoint serves without refusing a request, and wait until it does.

        If the new version is not healthy the old one goes on serving and `BackendError` says so.
        """

    def rollback(self, endpoint: str) -> Endpoint:
        """Update back to the version that served before."""

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint as it stands now."""

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint, by name."""

    def endpoint_parts(self, name: str) -> list[str]:
        """What `delete_endpoint` would remove, a line for each part; empty if nothing is there."""

    def delete_endpoint(self, name: str) -> None:
        """Remove it with all its parts; versions and jobs stay."""

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

    def score_table(self, request: TableRequest, say: "Callable[[str], None]") -> ScoredTable:
        """Score a table in S3 and wait for it; asking again goes on with what was begun.

        Args:
            request: What to score.
            say: Called with a line per step.
        """

    def fetch_artifact(self, version: str, folder: Path) -> Path:
        """A local copy of a version's `model.tar.gz`, in `folder` unless it is local already."""


def get_backend(settings: "Settings") -> Backend:
    """The backend that `TRIAGE_BACKEND` names."""
    if settings.triage_backend == "local":
        from mlops.backends.local import LocalBackend

        return LocalBackend(settings.triage_home)
    from mlops.backends.sagemaker import SageMakerBackend

    return SageMakerBackend(settings)
