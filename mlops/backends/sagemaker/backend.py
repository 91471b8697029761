"""The sagemaker backend: jobs, versions and endpoints of one AWS account and region."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from mlops.backends import (
    Approval,
    Endpoint,
    Job,
    ModelVersion,
    ScoredTable,
    TableRequest,
    TrainRequest,
    TuneRequest,
)
from mlops.backends.options import ANY_HOSTING, ANY_ROLLOUT, Hosting, Rollout
from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.endpoints import Endpoints
from mlops.backends.sagemaker.invoke import Invoker
from mlops.backends.sagemaker.jobs import Jobs
from mlops.backends.sagemaker.place import Place
from mlops.backends.sagemaker.recipes import MACHINES
from mlops.backends.sagemaker.registry import Registry
from mlops.backends.sagemaker.storage import Storage
from mlops.settings import Settings


class SageMakerBackend:
    """See `mlops.backends.Backend` for the methods.

    Every method may be given again after it was cut off: it finds what it made and goes on.

    Args:
        settings: Bucket, role, region, network, encryption and tags. Nothing is asked of AWS until
            a method needs it.
    """

    name = "sagemaker"
    poll_seconds = 5.0
    machines: Sequence[str] = MACHINES

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._aws = Aws(settings)
        self._storage = Storage(self._aws, settings)
        self._jobs = Jobs(self._aws, self._storage, settings)
        self._registry = Registry(self._aws, self._storage, self._jobs, settings)
        self._endpoints = Endpoints(self._aws, self._storage, self._registry, settings)

    @cached_property
    def _invoker(self) -> Invoker:
        return Invoker(self._aws)

    def check(self) -> str:
        """The account, region, bucket and role, each of them looked at."""
        account = self._aws.account
        bucket = self._storage.check()
        role = Place.read(self._settings).role.rpartition("/")[2]
        return f"{self.name}, account {account}, {self._aws.region}, bucket {bucket}, role {role}"

    def train(self, request: TrainRequest) -> Job:
        """Start a training job and return at once."""
        return self._jobs.train(request)

    def tune(self, request: TuneRequest) -> Job:
        """Start a tuning job and return at once."""
        return self._jobs.tune(request)

    def job(self, name: str) -> Job:
        """The job as it stands now."""
        return self._jobs.get(name)

    def jobs(self) -> list[Job]:
        """Every job, newest first."""
        return self._jobs.all()

    def job_logs(self, name: str, *, follow: bool = False) -> Iterator[str]:
        """Its log, line by line; with `follow` until the job ends."""
        return self._jobs.logs(name, follow=follow)

    def stop_job(self, name: str) -> Job:
        """Ask it to stop; what it has finished is kept."""
        return self._jobs.stop(name)

    def forget_data(self, job: str) -> None:
        """Remove the copies of its data that a job has; its model, figures and log stay."""
        self._jobs.forget_data(job)

    def register(self, job: str) -> ModelVersion:
        """Make a completed job's artifact a model version. Doing it twice changes nothing."""
        return self._registry.add(job)

    def version(self, name: str) -> ModelVersion:
        """The version of that name, of the first letters of it, or `shipped`."""
        return self._registry.get(name)

    def versions(self) -> list[ModelVersion]:
        """Every version, newest first; the shipped one is always among them."""
        return self._registry.all()

    def judge(self, version: str, approval: Approval, by: str) -> ModelVersion:
        """Approve or reject a version, and note who did; a rejected one can't be deployed."""
        return self._registry.judge(version, approval, by)

    def deploy(self, endpoint: str, version: str, hosting: Hosting = ANY_HOSTING) -> Endpoint:
        """Create an endpoint and wait until it serves."""
        return self._endpoints.deploy(endpoint, version, hosting)

    def update(
        self,
        endpoint: str,
        version: str,
        hosting: Hosting = ANY_HOSTING,
        rollout: Rollout = ANY_ROLLOUT,
    ) -> Endpoint:
        """Change what an endpoint serves without refusing a request, and wait until it does."""
        return self._endpoints.update(endpoint, version, hosting, rollout)

    def rollback(self, endpoint: str) -> Endpoint:
        """Update back to the version that served before."""
        return self._endpoints.rollback(endpoint)

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint as it stands now."""
        return self._endpoints.get(name)

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint, by name."""
        return self._endpoints.all()

    def endpoint_parts(self, name: str) -> list[str]:
        """What `delete_endpoint` would remove, a line for each part."""
        return self._endpoints.parts(name)

    def delete_endpoint(self, name: str) -> None:
        """Remove it with its configs, models, alarms and autoscaling; versions and jobs stay."""
        self._endpoints.delete(name)

    def invoke(
        self,
        endpoint: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 30.0,
    ) -> bytes:
        """Send a request to an endpoint and return its answer."""
        return self._invoker.invoke(
            endpoint, body, content_type=content_type, accept=accept, timeout=timeout
        )

    def score_table(self, request: TableRequest, say: Callable[[str], None]) -> ScoredTable:
        """Score a table in S3 by Batch Transform and wait for it."""
        from mlops.backends.sagemaker.batch import Batch

        batch = Batch(self._aws, self._storage, self._registry, self._settings)
        return batch.score(request, say)

    def fetch_artifact(self, version: str, folder: Path) -> Path:
        """A local copy of a version's `model.tar.gz`, in `folder` unless it is local already."""
        return self._registry.fetch(self._registry.get(version), folder)
