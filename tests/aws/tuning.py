"""Hyperparameter tuning that tunes: trials are training jobs, with values drawn from the ranges.

Values are drawn at random whatever the strategy; a grid is gone through. Early stopping and warm
start are taken in and change nothing but what is told.
"""

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.aws.draws import all_draws, check_ranges
from tests.aws.errors import in_use, invalid, not_found
from tests.aws.shelf import Resource, Shelf, listed, now
from tests.aws.training import ENDED, TrainingJob, TrainingJobs
from tests.aws.wire import Call

_POLL_SECONDS = 0.05
_KEY = "HyperParameterTuningJobName"
# What a trial's definition hands on to its training job as it stands.
_HANDED_ON = (
    "CheckpointConfig", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining",
    "EnableNetworkIsolation", "Environment", "InputDataConfig", "OutputDataConfig",
    "ResourceConfig", "RetryStrategy", "RoleArn", "StoppingCondition", "VpcConfig",
)  # fmt: skip


@dataclass(eq=False)
class TuningJob(Resource):
    """A tuning job and its trials."""

    status: str = "InProgress"
    failure: str | None = None
    ordered_failure: str | None = None
    ended: datetime | None = None
    trials: list[TrainingJob] = field(default_factory=list)
    tuned: dict[str, dict[str, str]] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def config(self) -> Mapping[str, Any]:
        """Its `HyperParameterTuningJobConfig`."""
        config: Mapping[str, Any] = self.params["HyperParameterTuningJobConfig"]
        return config

    def definition(self) -> Mapping[str, Any]:
        """What its training jobs are made from."""
        definitions = self.params.get("TrainingJobDefinitions")
        found: Mapping[str, Any] = (
            definitions[0] if definitions else self.params["TrainingJobDefinition"]
        )
        return found

    def objective(self) -> Mapping[str, str]:
        """Type and metric that it looks at."""
        found: Mapping[str, str] = self.definition().get("TuningObjective") or self.config.get(
            "HyperParameterTuningJobObjective", {}
        )
        return found

    def value(self, trial: TrainingJob) -> float | None:
        """A trial's objective, once it has one."""
        metric = trial.metrics.get(self.objective()["MetricName"])
        return metric["Value"] if metric and trial.status == "Completed" else None

    def best(self) -> TrainingJob | None:
        """The trial that did best so far."""
        sign = 1 if self.objective()["Type"] == "Maximize" else -1
        scored = [(sign * value, trial) for trial in self.trials
                  if (value := self.value(trial)) is not None]  # fmt: skip
        return max(scored, key=lambda item: item[0])[1] if scored else None


class TuningJobs:
    """The account's tuning jobs."""

    def __init__(self, training: TrainingJobs, region: str, closing: threading.Event) -> None:
        self._training, self._closing = training, closing
        self.jobs: Shelf[TuningJob] = Shelf(
            region,
            "hyper-parameter-tuning-job",
            lambda arn: not_found(f"Amazon SageMaker can't find a tuning job with the ARN {arn}."),
        )
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def operations(self) -> dict[str, Callable[[Call], Mapping[str, Any]]]:
        """What it answers to."""
        return {
            "CreateHyperParameterTuningJob": self._create,
            "DescribeHyperParameterTuningJob": lambda call: self.describe(
                self.jobs.get(call.params[_KEY])
            ),
            "ListHyperParameterTuningJobs": lambda call: listed(
                list(self.jobs),
                call.params,
                _summary,
                "HyperParameterTuningJobSummaries",
                descending=False,
            ),
            "ListTrainingJobsForHyperParameterTuningJob": self._list_trials,
            "StopHyperParameterTuningJob": self._stop,
        }

    def close(self) -> None:
        """End every job; `closing` is set."""
        for job in self.jobs:
            job.stop.set()
        for thread in self._threads:
            thread.join()

    def _create(self, call: Call) -> dict[str, Any]:
        name = call.params[_KEY]
        job = TuningJob(name, self.jobs.arn(name), call.params, ordered_failure=call.failure)
        _check(job)
        with self._lock:
            if name in self.jobs:
                raise in_use(
                    f"Hyperparameter tuning job names must be unique within an AWS account and "
                    f"region, and a tuning job with this name already exists ({job.arn})"
                )
            for parent in call.params.get("WarmStartConfig", {}).get(
                "ParentHyperParameterTuningJobs", []
            ):
                if self.jobs.get(parent[_KEY]).status not in ENDED:
                    raise invalid(f"The parent tuning job {parent[_KEY]} has not ended.")
            self.jobs.add(job)
            thread = threading.Thread(target=self._run, args=(job,), name=f"tuning {name}")
            self._threads.append(thread)
        thread.start()
        return {"HyperParameterTuningJobArn": job.arn}

    def _run(self, job: TuningJob) -> None:
        """Keep as many trials running as may, until all are done."""
        limits = job.config["ResourceLimits"]
        draws = all_draws(job.config, _given(job), job.name)
        more = True
        while more or any(trial.status not in ENDED for trial in job.trials):
            running = [trial for trial in job.trials if trial.status not in ENDED]
            if job.stop.is_set():
                more = False
                for trial in running:
                    self._training.stop(trial)
            if more and len(running) < limits["MaxParallelTrainingJobs"]:
                values = next(draws, None)
                if values is None:
                    more = False
                else:
                    self._start_trial(job, values)
                continue
            self._closing.wait(_POLL_SECONDS)
        job.ended = job.modified = now()
        if job.stop.is_set():
            job.status = "Stopped"
        elif job.best() is None:
            job.failure = (
                "All training jobs failed. For more information, view the failure reasons of the "
                "individual training jobs."
            )
            job.status = "Failed"
        else:
            job.status = "Completed"

    def _start_trial(self, job: TuningJob, values: dict[str, str]) -> None:
        definition = job.definition()
        number = len(job.trials) + 1
        name = f"{job.name[:50]}-{number:03d}-{uuid.uuid4().hex[:8]}"
        algorithm = definition["AlgorithmSpecification"]
        request = {key: definition[key] for key in _HANDED_ON if key in definition}
        request |= {
            "TrainingJobName": name,
            "AlgorithmSpecification": algorithm,
            "HyperParameters": {
                **definition.get("StaticHyperParameters", {}),
                **values,
                "_tuning_objective_metric": job.objective()["MetricName"],
            },
        }
        checkpoints = request.get("CheckpointConfig")
        if checkpoints is not None:
            uri = f"{checkpoints['S3Uri'].rstrip('/')}/{name}"
            request["CheckpointConfig"] = {**checkpoints, "S3Uri": uri}
        job.tuned[name] = values
        self._training.create(request, tuning_arn=job.arn, failure=job.ordered_failure)
        job.trials.append(self._training.jobs.get(name))

    def _stop(self, call: Call) -> dict[str, Any]:
        job = self.jobs.get(call.params[_KEY])
        if job.status in ENDED:
            raise invalid(
                f"The request was rejected because the tuning job is in status {job.status}."
            )
        job.status = "Stopping"
        job.stop.set()
        return {}

    def describe(self, job: TuningJob) -> dict[str, Any]:
        """As `DescribeHyperParameterTuningJob` gives it."""
        best = job.best()
        states = [trial.status for trial in job.trials]
        scored = sum(job.value(trial) is not None for trial in job.trials)
        ended = sum(state in ENDED for state in states)
        echoed = ("TrainingJobDefinition", "TrainingJobDefinitions", "WarmStartConfig", "Autotune")
        return {
            _KEY: job.name,
            "HyperParameterTuningJobArn": job.arn,
            "HyperParameterTuningJobConfig": job.config,
            **{name: job.params.get(name) for name in echoed},
            "HyperParameterTuningJobStatus": job.status,
            "CreationTime": job.created,
            "HyperParameterTuningEndTime": job.ended,
            "LastModifiedTime": job.modified,
            "TrainingJobStatusCounters": {
                "Completed": states.count("Completed"),
                "InProgress": states.count("InProgress") + states.count("Stopping"),
                "RetryableError": 0,
                "NonRetryableError": states.count("Failed"),
                "Stopped": states.count("Stopped"),
            },
            "ObjectiveStatusCounters": {
                "Succeeded": scored,
                "Pending": len(states) - ended,
                "Failed": ended - scored,
            },
            "BestTrainingJob": self._trial(job, best) if best else None,
            "FailureReason": job.failure,
        }

    def _list_trials(self, call: Call) -> dict[str, Any]:
        job = self.jobs.get(call.params[_KEY])
        by_value = call.params.get("SortBy") == "FinalObjectiveMetricValue"
        key = "TrainingJobSummaries"
        if not by_value:
            return listed(
                list(job.trials),
                call.params,
                lambda trial: self._trial(job, trial),
                key,
                descending=False,
            )
        values = {trial.name: job.value(trial) for trial in job.trials}
        scored = [trial for trial in job.trials if values[trial.name] is not None]
        scored.sort(
            key=lambda trial: values[trial.name] or 0.0,
            reverse=call.params.get("SortOrder") == "Descending",
        )
        size = call.params.get("MaxResults", 10)
        return {key: [self._trial(job, trial) for trial in scored[:size]]}

    def _trial(self, job: TuningJob, trial: TrainingJob) -> dict[str, Any]:
        value = job.value(trial)
        ended = trial.status in ENDED
        return {
            "TrainingJobDefinitionName": job.definition().get("DefinitionName"),
            "TrainingJobName": trial.name,
            "TrainingJobArn": trial.arn,
            "CreationTime": trial.created,
            "TrainingStartTime": trial.started,
            "TrainingEndTime": trial.ended,
            "TrainingJobStatus": trial.status,
            "TunedHyperParameters": job.tuned[trial.name],
            "FailureReason": trial.failure,
            "FinalHyperParameterTuningJobObjectiveMetric": None
            if value is None
            else {
                "Type": job.objective()["Type"],
                "MetricName": job.objective()["MetricName"],
                "Value": value,
            },
            "ObjectiveStatus": ("Failed" if ended else "Pending") if value is None else "Succeeded",
        }


def _summary(job: TuningJob) -> dict[str, Any]:
    return {
        _KEY: job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.status,
        "Strategy": job.config["Strategy"],
        "CreationTime": job.created,
        "HyperParameterTuningEndTime": job.ended,
        "LastModifiedTime": job.modified,
        "TrainingJobStatusCounters": {},
        "ObjectiveStatusCounters": {},
        "ResourceLimits": job.config["ResourceLimits"],
    }


def _check(job: TuningJob) -> None:
    """What AWS refuses although the model of the service allows it."""
    if ("TrainingJobDefinition" in job.params) == ("TrainingJobDefinitions" in job.params):
        raise invalid("Exactly one of TrainingJobDefinition and TrainingJobDefinitions is needed.")
    objective, definition = job.objective(), job.definition()
    if not objective:
        raise invalid("An objective metric is needed.")
    metrics = [m["Name"] for m in definition["AlgorithmSpecification"].get("MetricDefinitions", [])]
    if objective["MetricName"] not in metrics:
        raise invalid(
            f"The objective metric {objective['MetricName']} is not among the metric definitions."
        )
    check_ranges(job.config, _given(job), definition.get("StaticHyperParameters", {}))


def _given(job: TuningJob) -> Mapping[str, Any]:
    """Its ranges, wherever they are given."""
    found: Mapping[str, Any] = job.definition().get("HyperParameterRanges") or job.config.get(
        "ParameterRanges", {}
    )
    return found
