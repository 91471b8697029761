"""A job's log from CloudWatch, line by line, with what SageMaker says of its state in between."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from mlops.backends import Job
from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import AwsError
from mlops.backends.sagemaker.reports import closing_line

GROUP = "/aws/sagemaker/TrainingJobs"
_FIRST_PAUSE, _SLOWER = 0.3, 1.3


class Logs:
    """Reads the logs of training jobs, and the trials of tuning jobs as lines."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def read(
        self, aws_name: str, look: Callable[[], Job], *, follow: bool, seconds: float
    ) -> Iterator[str]:
        """The log so far; with `follow` until the job ends.

        Args:
            aws_name: The job in AWS.
            look: Gives the job as it stands.
            follow: Whether to wait for more.
            seconds: Between two looks, at most; they are closer while something happens.
        """
        reader = _Streams(self._aws, aws_name)
        told = _State()
        pause = _FIRST_PAUSE
        while True:
            # Looked at before the log is read: what was written before its end is then read too.
            job = look()
            state = [*told.changes(job)]
            written = reader.more() if job.kind == "training" else []
            lines = [*written, *state] if job.done else [*state, *written]
            yield from lines
            if job.done:
                closing = closing_line(job)
                if closing and follow:
                    yield closing
                return
            if not follow:
                return
            pause = _FIRST_PAUSE if lines else min(seconds, pause * _SLOWER)
            time.sleep(pause)


class _State:
    """What has been said of a job's state."""

    def __init__(self) -> None:
        self._detail = ""
        self._trials: set[int] = set()

    def changes(self, job: Job) -> Iterator[str]:
        """What is new since the last look."""
        if job.kind == "training" and job.detail != self._detail:
            self._detail = job.detail
            yield f"[{job.status}] {job.detail}"
        for trial in job.trials:
            if trial.status in ("Completed", "Failed", "Stopped"):
                if trial.number in self._trials:
                    continue
                self._trials.add(trial.number)
                score = "" if trial.objective is None else f" {trial.objective:.5f}"
                values = " ".join(f"{k}={v}" for k, v in trial.hyperparameters.items())
                yield f"Trial {trial.number}: {trial.status}{score} {values}"


class _Streams:
    """The log streams of a training job, one per machine, read on from where they were left."""

    def __init__(self, aws: Aws, aws_name: str) -> None:
        self._aws = aws
        self._prefix = aws_name + "/"
        self._tokens: dict[str, str] = {}

    def more(self) -> list[str]:
        """The lines that have come since."""
        streams = self._streams()
        lines = []
        for name in streams:
            machine = name.removeprefix(self._prefix).rsplit("-", 1)[0]
            mark = f"{machine}: " if len(streams) > 1 else ""
            lines += [mark + line for line in self._read(name)]
        return lines

    def _streams(self) -> list[str]:
        try:
            answer = self._aws.call(
                "logs",
                "describe_log_streams",
                logGroupName=GROUP,
                logStreamNamePrefix=self._prefix,
            )
        except AwsError as error:
            if error.missing:  # the first job of an account makes the group
                return []
            raise
        return sorted(str(stream["logStreamName"]) for stream in answer["logStreams"])

    def _read(self, stream: str) -> list[str]:
        lines: list[str] = []
        while True:
            answer: dict[str, Any] = self._aws.call(
                "logs",
                "get_log_events",
                logGroupName=GROUP,
                logStreamName=stream,
                startFromHead=True,
                nextToken=self._tokens.get(stream),
            )
            token = str(answer.get("nextForwardToken", ""))
            lines += [str(event["message"]).rstrip("\n") for event in answer["events"]]
            ended = not token or token == self._tokens.get(stream)
            if token:
                self._tokens[stream] = token
            if ended:
                return lines
