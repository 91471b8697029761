"""Batch Transform: objects of S3 through a model and back, as `….out`."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.aws.cloud import Cloud, LogStream, Missing, name_below, split_uri
from tests.aws.errors import AwsError, in_use, invalid, not_found
from tests.aws.fleet import ModelContainer, Unhealthy
from tests.aws.pace import Pace
from tests.aws.registry import Registry
from tests.aws.shelf import Resource, Shelf, listed, now
from tests.aws.training import ENDED
from tests.aws.wire import Call

MEGABYTE = 1024 * 1024
_DEFAULT_PAYLOAD_MB = 6
_ECHOED = (
    "BatchStrategy", "DataProcessing", "Environment", "MaxConcurrentTransforms", "MaxPayloadInMB",
    "ModelClientConfig", "ModelName", "TransformInput", "TransformOutput", "TransformResources",
)  # fmt: skip


class Refused(Exception):
    """The job is to fail, for a reason that a test ordered."""


class Stopped(Exception):
    """The job was told to stop."""


@dataclass(eq=False)
class TransformJob(Resource):
    """A transform job."""

    status: str = "InProgress"
    failure: str | None = None
    ordered_failure: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    stop: threading.Event = field(default_factory=threading.Event)


class TransformJobs:
    """The account's transform jobs."""

    def __init__(
        self,
        cloud: Cloud,
        registry: Registry,
        region: str,
        folder: Path,
        pace: Pace,
    ) -> None:
        self._cloud, self._registry, self._folder, self._pace = cloud, registry, folder, pace
        self.jobs: Shelf[TransformJob] = Shelf(
            region,
            "transform-job",
            lambda arn: not_found(f"Could not find requested job with name: {arn}"),
        )
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def operations(self) -> dict[str, Callable[[Call], Mapping[str, Any]]]:
        """What it answers to."""
        return {
            "CreateTransformJob": self._create,
            "DescribeTransformJob": lambda call: _described(
                self.jobs.get(call.params["TransformJobName"])
            ),
            "ListTransformJobs": lambda call: listed(
                list(self.jobs), call.params, _summary, "TransformJobSummaries", descending=True
            ),
            "StopTransformJob": self._stop,
        }

    def close(self) -> None:
        """End every job."""
        for job in self.jobs:
            job.stop.set()
        for thread in self._threads:
            thread.join()

    def _create(self, call: Call) -> dict[str, Any]:
        name = call.params["TransformJobName"]
        processing = call.params.get("DataProcessing", {})
        if any(processing.get(key, "$") != "$" for key in ("InputFilter", "OutputFilter")):
            raise invalid("The test server has no filters for transform jobs.")
        with self._lock:
            if name in self.jobs:
                raise in_use(f"Job name must be unique: {self.jobs.arn(name)} already exists")
            self._registry.models.get(call.params["ModelName"])
            job = self.jobs.add(
                TransformJob(name, self.jobs.arn(name), call.params, ordered_failure=call.failure)
            )
            thread = threading.Thread(target=self._run, args=(job,), name=f"transform {name}")
            self._threads.append(thread)
        thread.start()
        return {"TransformJobArn": job.arn}

    def _run(self, job: TransformJob) -> None:
        folder = self._folder / job.name
        model = job.params["ModelName"]
        log = LogStream(self._cloud, "/aws/sagemaker/TransformJobs", f"{job.name}/i-0")
        container: ModelContainer | None = None
        status = "Failed"
        try:
            described = self._registry.containers(model)[0]
            environment = described.get("Environment", {}) | job.params.get("Environment", {})
            container = ModelContainer(
                self._cloud,
                folder,
                {**described, "Environment": environment},
                self._pace,
                log,
                where=f"transform job {job.name}",
                isolated=self._registry.models.get(model).params.get(
                    "EnableNetworkIsolation", False
                ),
            )
            job.stop.wait(self._pace.step)
            if job.ordered_failure is not None:
                raise Refused(job.ordered_failure)
            job.started = now()
            container.start(job.stop)
            self._transform(job, container)
            status = "Completed"
        except Stopped:
            status = "Stopped"
        except Refused as error:
            job.failure = str(error)
        except Missing as error:
            job.failure = f"ClientError: {error}"
        except (Unhealthy, AwsError) as error:
            status = "Stopped" if job.stop.is_set() else "Failed"
            job.failure = f"AlgorithmError: {error}"
        finally:
            if container is not None:
                container.close()
            log.close()
            shutil.rmtree(folder, ignore_errors=True)
            job.ended = job.modified = now()
            job.status = status

    def _transform(self, job: TransformJob, container: ModelContainer) -> None:
        """Every object of the input; all answers are in before the first is written."""
        given, wanted = job.params["TransformInput"], job.params["TransformOutput"]
        source = given["DataSource"]["S3DataSource"]["S3Uri"]
        bucket, prefix = split_uri(source)
        results: dict[str, bytes] = {}
        for key in self._cloud.keys(source):
            content = self._cloud.read(f"s3://{bucket}/{key}")
            answers = []
            for batch in _batches(job, content):
                if job.stop.is_set():
                    raise Stopped
                reply = container.invoke(batch, given.get("ContentType"), wanted.get("Accept"))
                if reply.status != 200:
                    raise Unhealthy(
                        f"See job logs for more information. Bad HTTP status received from "
                        f"algorithm: {reply.status}"
                    )
                answers.append(_joined(job, batch, reply.body))
            glue = b"\n" if wanted.get("AssembleWith") == "Line" else b""
            body = glue.join(answer.rstrip(b"\n") if glue else answer for answer in answers)
            results[name_below(prefix, key)] = body + glue
        for name, body in results.items():
            self._cloud.write(f"{wanted['S3OutputPath'].rstrip('/')}/{name}.out", body)

    def _stop(self, call: Call) -> dict[str, Any]:
        job = self.jobs.get(call.params["TransformJobName"])
        if job.status in ENDED:
            raise invalid(f"The job is in status {job.status} and can't be stopped.")
        job.status = "Stopping"
        job.stop.set()
        return {}


def _batches(job: TransformJob, content: bytes) -> Iterator[bytes]:
    """The requests that an object makes."""
    if job.params["TransformInput"].get("SplitType", "None") == "None":
        yield content
        return
    lines = [line for line in content.split(b"\n") if line]
    if job.params.get("BatchStrategy", "MultiRecord") == "SingleRecord":
        yield from lines
        return
    room = job.params.get("MaxPayloadInMB", _DEFAULT_PAYLOAD_MB) * MEGABYTE
    batch: list[bytes] = []
    for line in lines:
        if batch and sum(map(len, batch)) + len(batch) + len(line) > room:
            yield b"\n".join(batch)
            batch = []
        batch.append(line)
    if batch:
        yield b"\n".join(batch)


def _joined(job: TransformJob, batch: bytes, answer: bytes) -> bytes:
    """The answer, or with `JoinSource` each JSON line of the input with its answer in it."""
    if job.params.get("DataProcessing", {}).get("JoinSource", "None") == "None":
        return answer
    pairs = zip(batch.splitlines(), answer.splitlines(), strict=True)
    return b"\n".join(
        json.dumps(json.loads(line) | {"SageMakerOutput": json.loads(said)}).encode()
        for line, said in pairs
    )


def _described(job: TransformJob) -> dict[str, Any]:
    return {
        **_summary(job),
        **{name: job.params.get(name) for name in _ECHOED},
        "TransformStartTime": job.started,
        "LastModifiedTime": None,
    }


def _summary(job: TransformJob) -> dict[str, Any]:
    return {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "CreationTime": job.created,
        "TransformEndTime": job.ended,
        "LastModifiedTime": job.modified,
        "TransformJobStatus": job.status,
        "FailureReason": job.failure,
    }
