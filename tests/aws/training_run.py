"""One training job at work: its instances from the first status to the last."""

import math
import re
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.aws.cloud import Cloud, LogStream, Missing, tar_gz
from tests.aws.instance import Instance, Unready, hosts
from tests.aws.pace import Pace
from tests.aws.shelf import now

if TYPE_CHECKING:
    from tests.aws.training import TrainingJob

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_POLL_SECONDS = 0.02
_SYNC_SECONDS = 0.2


class Ended(Exception):
    """The job is at its end, for this reason."""

    def __init__(self, status: str, secondary: str = "", reason: str | None = None) -> None:
        super().__init__(reason)
        self.status, self.secondary, self.reason = status, secondary or status, reason


class Run:
    """One job at work."""

    def __init__(
        self, cloud: Cloud, job: "TrainingJob", folder: Path, pace: Pace, closing: threading.Event
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
                # Before the others are ended: what they end with is no failure of theirs.
                failed = [instance for instance in self._instances if instance.code]
                for instance in self._instances:
                    instance.end()
                    instance.sync_checkpoints()
            if not interrupted:
                break
            job.interrupt.clear()
            job.enter("Interrupted", "Training job interrupted: the Spot capacity was reclaimed")
            self._pause(self._pace.step)
            job.enter("Starting", "Launching requested ML instances")
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
