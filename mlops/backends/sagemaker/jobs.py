"""Training and tuning jobs: started once per request, looked at, stopped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from mlops.backends import Job, JobKind, TrainRequest, TuneRequest
from mlops.backends.package import code_commit, code_package
from mlops.backends.requests import (
    check_hyperparameters,
    check_name,
    check_tuning,
    record_files,
)
from mlops.backends.sagemaker import names
from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import AwsError
from mlops.backends.sagemaker.images import VERSION, image_uri
from mlops.backends.sagemaker.logs import Logs
from mlops.backends.sagemaker.place import Place
from mlops.backends.sagemaker.recipes import Inputs, training_job, tuning_job
from mlops.backends.sagemaker.reports import (
    training_report,
    training_summary,
    tuning_report,
    tuning_summary,
)
from mlops.backends.sagemaker.storage import Address, Channel, Storage
from mlops.errors import BackendError, DataError, NotFoundError
from mlops.settings import Settings

TAG_CODE, TAG_COMMIT = "triage:code", "triage:commit"
# So many jobs are listed with their metrics; older ones with what a list tells.
_DETAILED = 20
_CREATE = {
    "training": "create_training_job",
    "tuning": "create_hyper_parameter_tuning_job",
}


@dataclass(frozen=True)
class Origin:
    """Where an artifact comes from.

    Attributes:
        training_job: The job that wrote it: of a tuning job, its best trial.
        code: The s3:// address of the code package.
        commit: The git commit of the code; `unknown` if an installed package started the job.
    """

    training_job: str
    code: str
    commit: str


class Jobs:
    """The jobs of this package in one account and region.

    Args:
        aws: The way to AWS.
        storage: Where data and code go.
        settings: Role, network, encryption and tags.
    """

    def __init__(self, aws: Aws, storage: Storage, settings: Settings) -> None:
        self._aws = aws
        self._storage = storage
        self._settings = settings
        self._logs = Logs(aws)

    def train(self, request: TrainRequest) -> Job:
        """Start a training job, or find the one that this request started before."""
        return self._submit("training", request, training_job)

    def tune(self, request: TuneRequest) -> Job:
        """Start a tuning job, or find the one that this request started before."""
        check_tuning(request)
        parent = request.search.warm_start
        if parent:
            found = self.get(parent)
            if found.kind != "tuning":
                raise BackendError(
                    f"{parent} is a {found.kind} job, and only a tuning job can be learnt from. "
                    "Nothing was started. See which there are: triage jobs list"
                )
        return self._submit("tuning", request, tuning_job)

    def get(self, name: str) -> Job:
        """The job as it stands now.

        Raises:
            NotFoundError: if there is none of that name.
        """
        found = self._look(name)
        if found is None:
            raise NotFoundError(
                f"There is no job {name[:80]!r}. Nothing was changed. "
                "See which there are: triage jobs list"
            )
        return found

    def all(self) -> list[Job]:
        """Every job, newest first."""
        query = {"NameContains": names.PREFIX, "SortBy": "CreationTime", "MaxResults": 100}
        tunings = [
            item
            for item in self._aws.pages(
                "sagemaker",
                "list_hyper_parameter_tuning_jobs",
                "HyperParameterTuningJobSummaries",
                **query,
            )
            if item["HyperParameterTuningJobName"].startswith(names.PREFIX)
        ]
        tuning_names = {str(item["HyperParameterTuningJobName"]) for item in tunings}
        jobs = [tuning_summary(item) for item in tunings]
        for item in self._aws.pages(
            "sagemaker", "list_training_jobs", "TrainingJobSummaries", **query
        ):
            name = str(item["TrainingJobName"])
            if name.startswith(names.PREFIX) and not names.is_trial_of(name, tuning_names):
                jobs.append(training_summary(item))
        jobs.sort(key=lambda job: job.created, reverse=True)
        with ThreadPoolExecutor(max_workers=4) as pool:
            detailed = pool.map(lambda job: self._look(job.name) or job, jobs[:_DETAILED])
            return [*detailed, *jobs[_DETAILED:]]

    def logs(self, name: str, *, follow: bool) -> Iterator[str]:
        """The job's log, line by line; with `follow` until it ends."""
        job = self.get(name)
        return self._logs.read(
            names.PREFIX + job.name, lambda: self.get(name), follow=follow, seconds=5.0
        )

    def stop(self, name: str) -> Job:
        """Ask a job to end."""
        job = self.get(name)
        if job.done:
            return job
        aws_name = names.PREFIX + job.name
        try:
            if job.kind == "training":
                self._aws.call("sagemaker", "stop_training_job", TrainingJobName=aws_name)
            else:
                self._aws.call(
                    "sagemaker",
                    "stop_hyper_parameter_tuning_job",
                    HyperParameterTuningJobName=aws_name,
                )
        except AwsError:
            # It may have ended meanwhile.
            job = self.get(name)
            if job.done:
                return job
            raise
        return self.get(name)

    def forget_data(self, name: str) -> None:
        """Remove what a job has read from our own folder; see `Backend.forget_data`."""
        job = self.get(name)
        if not job.done:
            raise BackendError(
                f"The job {name} is under way. Its data was left as it is. Stop the job first: "
                f"triage jobs stop {name}"
            )
        aws_name = names.PREFIX + job.name
        if job.kind == "tuning":
            told = self._describe_tuning(aws_name)["TrainingJobDefinition"]
        else:
            told = self._describe_training(aws_name)
        ours = self._storage.address("data", "")
        for channel in told.get("InputDataConfig", ()):
            address = Address.parse(channel["DataSource"]["S3DataSource"]["S3Uri"])
            # What a person keeps elsewhere is not ours to remove.
            if str(address).startswith(str(ours)):
                self._storage.remove(address)

    def origin(self, name: str) -> Origin:
        """From what a completed job's artifact was made."""
        job = self.get(name)
        aws_name = names.PREFIX + job.name
        if job.kind == "tuning":
            told = self._describe_tuning(aws_name)
            arn = told["HyperParameterTuningJobArn"]
            aws_name = str(told["BestTrainingJob"]["TrainingJobName"])
        else:
            arn = self._describe_training(aws_name)["TrainingJobArn"]
        tags = self._tags(arn)
        code = self._storage.address("code", tags[TAG_CODE][:32], "sourcedir.tar.gz")
        return Origin(names.shown_name(aws_name), str(code), tags[TAG_COMMIT])

    def _submit(
        self,
        kind: JobKind,
        request: Any,
        recipe: Callable[[str, Any, Inputs, Place, Mapping[str, str]], dict[str, Any]],
    ) -> Job:
        """Start a job unless this very request has started it already.

        A request without a name is named after what it asks for, so asking again finds the same
        job. If that one failed or was stopped, the next attempt gets a number.
        """
        check_hyperparameters(request.hyperparameters)
        if request.name:
            check_name(request.name, "a job")
        place = Place.read(self._settings)
        code = code_package()
        channels = self._channels(request)
        asked = names.fingerprint(_essence(kind, request, code.sha256, channels))
        inputs = Inputs(
            channels={channel.name: str(channel.address) for channel in channels},
            code=str(self._storage.code_address(code)),
            image=image_uri(self._aws.region),
            output=str(self._storage.address("jobs", "")),
            checkpoints=str(self._storage.address("checkpoints", asked, "")),
        )
        tags = {
            names.TAG_REQUEST: asked,
            TAG_CODE: code.sha256,
            TAG_COMMIT: code_commit() or "unknown",
        }
        for attempt in count(1):
            name = names.job_name(kind, request.name, asked, attempt)
            job = self._earlier(name, request, asked)
            if job is None:
                # Made before anything is sent, so that what is wrong with it costs nothing.
                parameters = recipe(name, request, inputs, place, tags)
                self._storage.put_code(code)
                for channel in channels:
                    self._storage.put_records(channel)
                return self._create(kind, name, parameters)
            if request.name or job.status not in ("Failed", "Stopped"):
                return job
        raise AssertionError("count() has no end")

    def _create(self, kind: JobKind, name: str, parameters: dict[str, Any]) -> Job:
        """Start a job; if another process was first, or this was a retry, find it."""
        try:
            self._aws.call("sagemaker", _CREATE[kind], **parameters)
        except AwsError as error:
            if not error.exists:
                raise
        return self.get(name)

    def _earlier(self, name: str, request: Any, asked: str) -> Job | None:
        """The job of that name, if there is one and it stands for the same request."""
        job = self._look(names.shown_name(name))
        if job is None or not request.name:
            return job
        tags = self._tags(self._arn(job))
        if tags.get(names.TAG_REQUEST) != asked:
            raise BackendError(
                f"There is a job {job.name} already, with other data, code or hyperparameters. It "
                "was left as it is, and nothing was started. Choose another name."
            )
        return job

    def _look(self, name: str) -> Job | None:
        aws_name = names.PREFIX + name.removeprefix(names.PREFIX)
        kinds = [self._training, self._tuning]
        if "tuning" in name:  # the likelier one first
            kinds.reverse()
        for look in kinds:
            try:
                return look(aws_name)
            except AwsError as error:
                if not error.missing and error.code != "ValidationException":
                    raise
        return None

    def _training(self, aws_name: str) -> Job:
        return training_report(self._describe_training(aws_name))

    def _tuning(self, aws_name: str) -> Job:
        told = self._describe_tuning(aws_name)
        summaries = list(
            self._aws.pages(
                "sagemaker",
                "list_training_jobs_for_hyper_parameter_tuning_job",
                "TrainingJobSummaries",
                HyperParameterTuningJobName=aws_name,
                MaxResults=100,
            )
        )
        artifact = None
        best = told.get("BestTrainingJob")
        if best and told["HyperParameterTuningJobStatus"] in ("Completed", "Stopped", "Failed"):
            job = self._training(str(best["TrainingJobName"]))
            artifact = job.artifact
        return tuning_report(told, summaries, artifact)

    def _describe_training(self, aws_name: str) -> dict[str, Any]:
        return self._aws.call("sagemaker", "describe_training_job", TrainingJobName=aws_name)

    def _describe_tuning(self, aws_name: str) -> dict[str, Any]:
        return self._aws.call(
            "sagemaker",
            "describe_hyper_parameter_tuning_job",
            HyperParameterTuningJobName=aws_name,
        )

    def _arn(self, job: Job) -> str:
        aws_name = names.PREFIX + job.name
        if job.kind == "training":
            return str(self._describe_training(aws_name)["TrainingJobArn"])
        return str(self._describe_tuning(aws_name)["HyperParameterTuningJobArn"])

    def _tags(self, arn: str) -> dict[str, str]:
        tags = self._aws.pages("sagemaker", "list_tags", "Tags", ResourceArn=arn)
        return {str(tag["Key"]): str(tag["Value"]) for tag in tags}

    def _channels(self, request: Any) -> list[Channel]:
        """What each channel is made of; nothing is sent yet."""
        channels = [self._channel("train", request.train, "training")]
        if request.validation is not None:
            channels.append(self._channel("validation", request.validation, "validation"))
        if request.compute.shard:
            _check_shards(channels[0].count, request.compute.instance_count or 1)
        return channels

    def _channel(self, name: str, records: Path | str, what: str) -> Channel:
        """Files of this machine, or a folder of S3 with something in it."""
        if not isinstance(records, str):
            return self._storage.plan_records(name, record_files(records, what))
        address = Address.parse(records if records.endswith("/") else records + "/")
        listed = [
            (item["Key"], item["ETag"])
            for item in self._storage.list(address)
            if item["Key"].endswith(".jsonl")
        ]
        if not listed:
            raise DataError(
                f"There are no {what} records (*.jsonl) in {address}. Nothing was started. "
                "Name a folder of S3 that holds some."
            )
        return Channel(name, address, names.fingerprint(listed), len(listed))


def _check_shards(files: int, machines: int) -> None:
    if files < machines:
        raise BackendError(
            f"{files} training file(s) can't be shared among {machines} machines. Nothing was "
            "started. Split the data into more files, or leave --shard out."
        )


def _essence(kind: JobKind, request: Any, code: str, channels: Sequence[Channel]) -> dict[str, Any]:
    """What decides a job's outcome; which machine does it, and when, doesn't."""
    asked: dict[str, Any] = {
        "kind": kind,
        "code": code,
        "image": VERSION,
        "data": {channel.name: channel.digest for channel in channels},
        "hyperparameters": {key: str(value) for key, value in request.hyperparameters.items()},
        "machines": request.compute.instance_count or 1,
        "shard": bool(request.compute.shard),
    }
    if isinstance(request, TuneRequest):
        asked |= {
            "ranges": {key: list(ends) for key, ends in request.ranges.items()},
            "objective": request.objective,
            "max_jobs": request.max_jobs,
            "seed": request.seed,
            "strategy": request.search.strategy or "Bayesian",
            "warm_start": request.search.warm_start or "",
        }
    return asked
