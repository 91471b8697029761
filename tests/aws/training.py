"""Training jobs that train: `CreateTrainingJob` runs the script, `model.tar.gz` is in S3 after."""

import math
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.aws.cloud import Cloud, LogStream, Missing, tar_gz
from tests.aws.errors import in_use, invalid
from tests.aws.instance import Instance, Unready, hosts
from tests.aws.shelf import Resource, Shelf, listed, now
from tests.aws.wire import Call

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
ENDED = ("Completed", "Failed", "Stopped")
_SPOT_PRICE = 0.3
_POLL_SECONDS = 0.02
_SYNC_SECONDS = 0.2
_ECHOED = (
    "AlgorithmSpecification", "CheckpointConfig", "Environment", "HyperParameters",
    "InputDataConfig", "OutputDataConfig", "ResourceConfig", "RetryStrategy", "RoleArn",
    "StoppingCondition", "VpcConfig", "ExperimentConfig",
)  # fmt: skip
_FLAGS = (
    "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "EnableNetworkIsolation",
)  # fmt: skip


@dataclass(frozen=True)
class Pace:
    """How long things take here that take minutes on AWS, in seconds.

    Attributes:
        step: Each status that is passed through.
        grace: From SIGTERM to SIGKILL (120 s on AWS).
        rollout: At most, each wait between two steps of a blue/green update.
        start: How long a container may take to be healthy.
        answer: How long a model may take to answer (60 s on AWS).
    """

    step: float = 0.05
    grace: float = 5.0
    rollout: float = 0.4
    start: float = 30.0
    answer: float = 60.0


class Ended(Exception):
    """The job is at its end, for this reason."""

    def __init__(self, status: str, secondary: str = "", reason: str | None = None) -> None:
        super().__init__(reason)
        self.status, self.secondary, self.reason = status, secondary or status, reason


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
    done: threading.Event = field(default_factory=threading.Event)

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
            "CreateTrainingJob": lambda call: self.create(call.params),
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
            job.ended = now() if job.started else None
            job.failure = ended.reason
            job.enter(ended.secondary, ended.reason or f"Training job {ended.status.lower()}")
            job.leave()
            job.status = ended.status
            job.done.set()


class Run:
    """One job at work."""

    def __init__(
        self, cloud: Cloud, job: TrainingJob, folder: Path, pace: Pace, closing: threading.Event
    ) -> None:
        self._cloud, self._job, self._folder = cloud, job, folder
        self._pace, self._closing = pace, closing
        names = hosts(job.params["ResourceConfig"].get("InstanceCount", 1))
        self._instances = [
            Instance(cloud, folder / name, job.params, names, index, job.arn)
            for index, name in enumerate(names)
        ]
        self._logs: list[LogStream] = []
        self._stopped_as = ""
        self._regexes = {
            definition["Name"]: re.compile(definition["Regex"])
            for definition in job.params["AlgorithmSpecification"].get("MetricDefinitions", [])
        }

    def carry(self) -> None:
        """From the first status to the last.

        Raises:
            Ended: when it is not to be `Completed`.
        """
        job = self._job
        self._pause(self._pace.step)
        if job.ordered_failure:
            raise Ended("Failed", reason=job.ordered_failure)
        while True:
            job.enter("Downloading", "Downloading input data")
            job.started = job.started or now()
            self._prepare()
            self._pause(self._pace.step)
            job.enter("Training", "Training image download completed. Training in progress.")
            try:
                interrupted = self._train()
            finally:
                for instance in self._instances:
                    instance.end()
                    instance.sync_checkpoints()
            if not interrupted:
                break
            job.interrupt.clear()
            job.enter("Interrupted", "Training job interrupted: the Spot capacity was reclaimed")
            self._pause(self._pace.step)
            job.enter("Starting", "Launching requested ML instances")
        failed = [instance for instance in self._instances if instance.code]
        if failed and not self._stopping:
            raise Ended("Failed", reason=failed[0].failure())
        self._upload()
        if self._stopping:
            raise Ended("Stopped", self._stopped_as)

    def clear(self) -> None:
        """Leave nothing behind."""
        for instance in self._instances:
            instance.end()
        for log in self._logs:
            log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prepare(self) -> None:
        try:
            for instance in self._instances:
                instance.prepare()
        except Unready as error:
            raise Ended("Failed", reason=str(error)) from None

    def _train(self) -> bool:
        """Run the scripts to their end; whether they were interrupted."""
        for instance in self._instances:
            stream = f"{self._job.name}/{instance.name.replace('127.0.0.', 'algo-')}"
            log = LogStream(self._cloud, LOG_GROUP, f"{stream}-{int(time.time() * 1000)}")
            self._logs.append(log)
            instance.start(lambda line, log=log: self._heard(line, log))
        limits = self._job.params.get("StoppingCondition", {})
        deadline = time.monotonic() + limits.get("MaxRuntimeInSeconds", 86400)
        patience = (
            self._job.created.timestamp() + limits["MaxWaitTimeInSeconds"]
            if "MaxWaitTimeInSeconds" in limits
            else math.inf
        )
        synced = time.monotonic()
        while any(instance.code is None for instance in self._instances):
            time.sleep(_POLL_SECONDS)
            if time.monotonic() - synced > _SYNC_SECONDS:
                synced = time.monotonic()
                for instance in self._instances:
                    instance.sync_checkpoints()
            if self._closing.is_set():
                raise Ended("Stopped")
            if any(instance.code for instance in self._instances):
                return False
            late = time.monotonic() > deadline
            if late or time.time() > patience:
                self._stopped_as = "MaxRuntimeExceeded" if late else "MaxWaitTimeExceeded"
            if self._stopping or self._job.interrupt.is_set():
                self._end_scripts()
                return not self._stopping
        return False

    @property
    def _stopping(self) -> bool:
        return self._job.stop.is_set() or bool(self._stopped_as)

    def _end_scripts(self) -> None:
        """SIGTERM, and time to write what should be kept."""
        for instance in self._instances:
            instance.terminate()
        deadline = time.monotonic() + self._pace.grace
        while time.monotonic() < deadline and not self._closing.is_set():
            if all(instance.code is not None for instance in self._instances):
                return
            time.sleep(_POLL_SECONDS)

    def _heard(self, line: str, log: LogStream) -> None:
        log.write(line)
        for name, regex in self._regexes.items():
            found = regex.search(line)
            if found:
                self._job.metrics[name] = {
                    "MetricName": name,
                    "Value": float(found[1]),
                    "Timestamp": now(),
                }

    def _upload(self) -> None:
        job = self._job
        if not self._stopping:
            job.enter("Uploading", "Uploading generated training model")
            time.sleep(self._pace.step)
        models = [instance.ml / "model" for instance in self._instances]
        outputs = [instance.ml / "output" / "data" for instance in self._instances]
        if self._stopping and not any(any(model.iterdir()) for model in models):
            return
        target = f"{job.params['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job.name}/output"
        try:
            self._cloud.write(f"{target}/model.tar.gz", tar_gz(models))
            if any(any(output.iterdir()) for output in outputs):
                self._cloud.write(f"{target}/output.tar.gz", tar_gz(outputs))
        except Missing as error:
            raise Ended("Failed", reason=f"ClientError: Artifact upload failed:{error}") from None
        job.artifact = f"{target}/model.tar.gz"

    def _pause(self, seconds: float) -> None:
        """Let time pass, unless the job is to stop before it trains."""
        if self._job.stop.wait(seconds):
            raise Ended("Stopped")


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
    names = [channel["ChannelName"] for channel in params.get("InputDataConfig", [])]
    if len(set(names)) < len(names):
        raise invalid("Channel names must be unique.")
    for definition in algorithm.get("MetricDefinitions", []):
        try:
            if re.compile(definition["Regex"]).groups < 1:
                raise invalid(f"The regex of {definition['Name']} has no capturing group.")
        except re.error:
            raise invalid(f"The regex of {definition['Name']} is not one.") from None
