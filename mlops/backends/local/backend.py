"""The local backend: SageMaker's jobs, versions and endpoints as processes of this machine."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
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
from mlops.backends.local import invoke as _invoke
from mlops.backends.local.endpoints import Endpoints
from mlops.backends.local.jobs import Jobs
from mlops.backends.local.registry import Registry
from mlops.backends.options import ANY_HOSTING, ANY_ROLLOUT, Hosting, Rollout, refuse
from mlops.backends.versions import check_servable
from mlops.errors import BackendError


class LocalBackend:
    """Everything below one state folder; see `mlops.backends.Backend` for the methods.

    Several processes may use one folder at the same time, and any of them may be killed.

    Args:
        home: The state folder, `TRIAGE_HOME`.
        workers: gunicorn workers of an endpoint created here; with two, one that dies is not
            missed.
        threads: Threads of each worker: slow senders must not hold up the others.
    """

    name = "local"
    poll_seconds = 0.3
    machines: Sequence[str] = ()

    def __init__(self, home: Path, *, workers: int = 2, threads: int = 4) -> None:
        home = home.expanduser().absolute()
        self.home = home
        self._registry = Registry(home)
        self._jobs = Jobs(home)
        self._endpoints = Endpoints(home, self._registry, workers=workers, threads=threads)

    def check(self) -> str:
        """Where it works."""
        return f"{self.name}, below {self.home}"

    def train(self, request: TrainRequest) -> Job:
        """Start a training job and return at once."""
        refuse(self.name, request.compute)
        return self._jobs.train(request)

    def tune(self, request: TuneRequest) -> Job:
        """Start a tuning job and return at once."""
        refuse(self.name, request.compute, request.search)
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
        """Make a job's artifact a model version. Doing it twice changes nothing."""
        found = self._jobs.get(job)
        if found.artifact is None:
            state = found.failure or f"it is {found.status}"
            raise BackendError(
                f"The job {job} has no model to register: {state.rstrip('.')}. Nothing was "
                f"registered. See: triage jobs show {job}"
            )
        return self._registry.add(Path(found.artifact), job)

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
        refuse(self.name, hosting)
        check_servable(self.version(version))
        return self._endpoints.deploy(endpoint, version)

    def update(
        self,
        endpoint: str,
        version: str,
        hosting: Hosting = ANY_HOSTING,
        rollout: Rollout = ANY_ROLLOUT,
    ) -> Endpoint:
        """Change what an endpoint serves without refusing a request, and wait until it does."""
        refuse(self.name, hosting, rollout)
        check_servable(self.version(version))
        return self._endpoints.update(endpoint, version)

    def rollback(self, endpoint: str) -> Endpoint:
        """Update back to the version that served before."""
        return self._endpoints.rollback(endpoint)

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint as it stands now; its processes are started again if they are gone."""
        return self._endpoints.get(name)

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint, by name; looking at them starts none."""
        return self._endpoints.all()

    def endpoint_parts(self, name: str) -> list[str]:
        """What `delete_endpoint` would remove."""
        found = next((item for item in self.endpoints() if item.name == name), None)
        if found is None:
            return []
        return [f"endpoint {name} ({found.status}, serves {found.version}), with its processes"]

    def delete_endpoint(self, name: str) -> None:
        """Stop it and forget it; versions and jobs stay."""
        self._endpoints.delete(name)

    def stop_endpoint(self, name: str) -> None:
        """End its processes and keep everything else; the next request starts it again."""
        self._endpoints.stop(name)

    def hosted(self, endpoint: str, version: str) -> contextlib.AbstractContextManager[Endpoint]:
        """An endpoint for as long as the caller lives, created if need be.

        One that runs already is used as it is, and left running. Otherwise it ends with the caller,
        also if that is killed.
        """
        return self._endpoints.hosted(endpoint, version)

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
        return _invoke.invoke(
            endpoint,
            lambda seconds: self._endpoints.port(endpoint, seconds),
            body,
            content_type=content_type,
            accept=accept,
            timeout=timeout,
        )

    def score_table(self, request: TableRequest, say: Callable[[str], None]) -> ScoredTable:
        """Refused: this backend reads tables from this machine only."""
        raise BackendError(
            f"The {self.name} backend reads tables from this machine, not from S3. Nothing was "
            "scored. Copy the table here and name the copy, or set TRIAGE_BACKEND=sagemaker."
        )

    def fetch_artifact(self, version: str, folder: Path) -> Path:
        """A local copy of a version's `model.tar.gz`: here it is local already."""
        artifact = Path(self._registry.get(version).artifact)
        if not artifact.is_file():
            raise BackendError(
                f"The artifact of {version} is gone from {artifact.parent}. Nothing was changed. "
                "Choose another version: triage models list"
            )
        return artifact
