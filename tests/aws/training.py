"""Training jobs that train: `CreateTrainingJob` runs the script, `model.tar.gz` is in S3 after."""

import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.aws.cloud import Cloud
from tests.aws.errors import in_use, invalid
from tests.aws.pace import Pace
from tests.aws.shelf import Resource, Shelf, listed, now
from tests.aws.training_run import Ended, Run
from tests.aws.wire import Call

ENDED = ("Completed", "Failed", "Stopped")
_SPOT_PRICE = 0.3
_ECHOED = (
    "AlgorithmSpecification", "CheckpointConfig", "Environment", "HyperParameters",
    "InputDataConfig", "OutputDataConfig", "ResourceConfig", "RetryStrategy", "RoleArn",
    "StoppingCondition", "VpcConfig", "ExperimentConfig",
)  # fmt: skip
_FLAGS = (
    "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "EnableNetworkIsolation",
)  # fmt: skip


@dataclass(eq=False)
class TrainingJob(Resource):
    """A training job and what is known of it."""

    status: str = "InProgress"
    tuning_arn: str | None = None
    failure: str | None = None
    transitions: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    artifact: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    ordered_failure: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    interrupt: threading.Event = field(default_factory=threading.Event)

    def enter(self, status: str, message: str) -> None:
        """Pass to a secondary status."""
        self.leave()
        self.modified = now()
        self.transitions.append(
            {"Status": status, "StartTime": self.modified, "StatusMessage": message}
        )

    def leave(self) -> None:
        """Note the end of the last secondary status."""
        if self.transitions:
            self.transitions[-1].setdefault("EndTime", now())

    @property
    def seconds(self) -> int | None:
        """How long it trained."""
        if self.started is None or self.ended is None:
            return None
        return max(1, math.ceil((self.ended - self.started).total_seconds()))


class TrainingJobs:
    """The account's training jobs.

    Args:
        folder: Where instances are made.
        closing: Set when the server stops.
    """

    def __init__(
        self, cloud: Cloud, region: str, folder: Path, pace: Pace, closing: threading.Event
    ) -> None:
        self._cloud, self._folder, self._pace, self._closing = cloud, folder, pace, closing
        self.jobs: Shelf[TrainingJob] = Shelf(
            region, "training-job", lambda _: invalid("Requested resource not found.")
        )
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def operations(self) -> dict[str, Callable[[Call], Mapping[str, Any]]]:
        """What it answers to."""
        return {
            "CreateTrainingJob": lambda call: self.create(call.params, failure=call.failure),
            "DescribeTrainingJob": lambda call: self.describe(
                self.jobs.get(call.params["TrainingJobName"])
            ),
            "ListTrainingJobs": lambda call: listed(
                list(self.jobs), call.params, summary, "TrainingJobSummaries", descending=False
            ),
            "StopTrainingJob": self._stop,
        }

    def create(
        self,
        params: Mapping[str, Any],
        *,
        tuning_arn: str | None = None,
        failure: str | None = None,
    ) -> dict[str, Any]:
        """Start a job.

        Args:
            failure: It is to fail with this reason, without having run.

        Raises:
            AwsError: if there is one of that name, or AWS would not take it.
        """
        name = params["TrainingJobName"]
        _check(params)
        with self._lock:
            if name in self.jobs:
                raise in_use(
                    f"Training job names must be unique within an AWS account and region, "
                    f"and a training job with this name already exists "
                    f"({self.jobs.arn(name)})"
                )
            job = self.jobs.add(
                TrainingJob(
                    name,
                    self.jobs.arn(name),
                    params,
                    tuning_arn=tuning_arn,
                    ordered_failure=failure,
                )
            )
            job.enter("Starting", "Launching requested ML instances")
            thread = threading.Thread(target=self._run, args=(job,), name=f"training {name}")
            self._threads.append(thread)
        thread.start()
        return {"TrainingJobArn": job.arn}

    def interrupt(self, name: str) -> None:
        """Take the Spot instance away: the job starts again, from its last checkpoint."""
        self.jobs.get(name).interrupt.set()

    def close(self) -> None:
        """End every job; `closing` is set."""
        for job in self.jobs:
            job.stop.set()
        for thread in self._threads:
            thread.join()

    def describe(self, job: TrainingJob) -> dict[str, Any]:
        """As `DescribeTrainingJob` gives it."""
        with self._lock:
            return self._described(job)

    def _described(self, job: TrainingJob) -> dict[str, Any]:
        spot = job.params.get("EnableManagedSpotTraining", False)
        seconds = job.seconds
        billable = math.ceil(seconds * (_SPOT_PRICE if spot else 1)) if seconds else None
        last = job.transitions[-1]
        return {
            "TrainingJobName": job.name,
            "TrainingJobArn": job.arn,
            "TuningJobArn": job.tuning_arn,
            "ModelArtifacts": {"S3ModelArtifacts": job.artifact} if job.artifact else None,
            "TrainingJobStatus": job.status,
            "SecondaryStatus": last["Status"],
            "FailureReason": job.failure,
            **{name: job.params.get(name) for name in _ECHOED},
            **{name: job.params.get(name, False) for name in _FLAGS},
            "CreationTime": job.created,
            "TrainingStartTime": job.started,
            "TrainingEndTime": job.ended,
            "LastModifiedTime": job.modified,
            "SecondaryStatusTransitions": list(job.transitions),
            "FinalMetricDataList": list(job.metrics.values()) or None,
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": billable,
        }

    def stop(self, job: TrainingJob) -> None:
        """Ask a job to stop."""
        with self._lock:
            if job.status == "InProgress":
                job.status = "Stopping"
                job.enter("Stopping", "Stopping the training job")
                job.stop.set()

    def _stop(self, call: Call) -> dict[str, Any]:
        job = self.jobs.get(call.params["TrainingJobName"])
        if job.status in ENDED:
            raise invalid(
                f"The request was rejected because the training job is in status {job.status}."
            )
        self.stop(job)
        return {}

    def _run(self, job: TrainingJob) -> None:
        """The life of a job, in a thread of its own."""
        run = Run(self._cloud, job, self._folder / job.name, self._pace, self._closing)
        try:
            run.carry()
            ended = Ended("Completed")
        except Ended as reason:
            ended = reason
        except Exception as error:
            ended = Ended("Failed", reason=f"InternalServerError: {error!r}")
            if not self._closing.is_set():
                raise
        finally:
            run.clear()
            with self._lock:
                job.ended = now() if job.started else None
                job.failure = ended.reason
                job.enter(ended.secondary, ended.reason or f"Training job {ended.status.lower()}")
                job.leave()
                job.status = ended.status


def summary(job: TrainingJob) -> dict[str, Any]:
    """As `ListTrainingJobs` gives it."""
    return {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created,
        "TrainingEndTime": job.ended,
        "LastModifiedTime": job.modified,
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.transitions[-1]["Status"],
    }


def _check(params: Mapping[str, Any]) -> None:
    """What AWS refuses although the model of the service allows it."""
    if "ResourceConfig" not in params or "StoppingCondition" not in params:
        raise invalid("ResourceConfig and StoppingCondition are required.")
    algorithm = params.get("AlgorithmSpecification", {})
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        raise invalid("Exactly one of TrainingImage and AlgorithmName must be given.")
    limits, spot = params["StoppingCondition"], params.get("EnableManagedSpotTraining", False)
    wait = limits.get("MaxWaitTimeInSeconds")
    if spot and wait is None:
        raise invalid("MaxWaitTimeInSeconds must be given when EnableManagedSpotTraining is true.")
    if wait is not None and not spot:
        raise invalid("MaxWaitTimeInSeconds can't be given without EnableManagedSpotTraining.")
    if wait is not None and wait < limits.get("MaxRuntimeInSeconds", 86400):
        raise invalid("MaxWaitTimeInSeconds must be greater than or equal to MaxRuntimeInSeconds.")
    channels = params.get("InputDataConfig", [])
    sources = [channel["DataSource"].get("S3DataSource", {}) for channel in channels]
    modes = {algorithm.get("TrainingInputMode"), *(c.get("InputMode") for c in channels)}
    if "Pipe" in modes or any(source.get("S3DataType") != "S3Prefix" for source in sources):
        raise invalid("The test server reads whole files below S3 prefixes only.")
    names = [channel["ChannelName"] for channel in channels]
    if len(set(names)) < len(names):
        raise invalid("Channel names must be unique.")
    for definition in algorithm.get("MetricDefinitions", []):
        try:
            if re.compile(definition["Regex"]).groups < 1:
                raise invalid(f"The regex of {definition['Name']} has no capturing group.")
        except re.error:
            raise invalid(f"The regex of {definition['Name']} is not one.") from None
