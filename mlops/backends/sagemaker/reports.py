"""What SageMaker says of a job, in our words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlops.backends import Job, JobStatus, Trial
from mlops.backends.sagemaker.names import shown_name, trial_number
from mlops.backends.sagemaker.recipes import shown_hyperparameters

_STATUS: Mapping[str, JobStatus] = {
    "InProgress": "InProgress",
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopping": "Stopping",
    "Stopped": "Stopped",
    "Deleting": "Stopping",
    "DeleteFailed": "Failed",
}
_SCRIPT_SAID = re.compile(r'ErrorMessage "(.*?)"(?:\s+Command|\s*$)', re.DOTALL)
_LONGEST = 500
_CONSOLES = {"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn"}
_PAGES = {"training-job": "jobs", "hyper-parameter-tuning-job": "hyper-tuning-jobs"}


def training_report(told: Mapping[str, Any]) -> Job:
    """A `DescribeTrainingJob` answer as a job."""
    name = str(told["TrainingJobName"])
    status = _STATUS.get(str(told["TrainingJobStatus"]), "InProgress")
    metrics = {
        str(item["MetricName"]): float(item["Value"])
        for item in told.get("FinalMetricDataList", ())
    }
    artifact = told.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    return Job(
        name=shown_name(name),
        kind="training",
        status=status,
        created=told["CreationTime"],
        ended=told.get("TrainingEndTime") if status in ("Completed", "Failed", "Stopped") else None,
        hyperparameters=shown_hyperparameters(told.get("HyperParameters", {})),
        metrics=metrics,
        artifact=str(artifact) if artifact and status == "Completed" else None,
        failure=_failure(told, shown_name(name)),
        detail=str(told.get("SecondaryStatus", "")),
        training_seconds=told.get("TrainingTimeInSeconds"),
        billable_seconds=told.get("BillableTimeInSeconds"),
        url=console_page(str(told["TrainingJobArn"])),
    )


def training_summary(told: Mapping[str, Any]) -> Job:
    """An item of `ListTrainingJobs` as a job."""
    return training_report({"TrainingEndTime": told.get("LastModifiedTime"), **told})


def tuning_report(
    told: Mapping[str, Any], summaries: Sequence[Mapping[str, Any]], artifact: str | None
) -> Job:
    """A `DescribeHyperParameterTuningJob` answer as a job.

    Args:
        told: The answer.
        summaries: Of `ListTrainingJobsForHyperParameterTuningJob`.
        artifact: Of the best trial, if there is one.
    """
    name = shown_name(str(told["HyperParameterTuningJobName"]))
    status = _STATUS.get(str(told["HyperParameterTuningJobStatus"]), "InProgress")
    definition = told.get("TrainingJobDefinition", {})
    static = shown_hyperparameters(definition.get("StaticHyperParameters", {}))
    trials = sorted((_trial(item, static) for item in summaries), key=lambda trial: trial.number)
    best = told.get("BestTrainingJob") or {}
    best_number = trial_number(str(best["TrainingJobName"])) if best else None
    objective = best.get("FinalHyperParameterTuningJobObjectiveMetric") or {}
    metrics = {str(objective["MetricName"]): float(objective["Value"])} if objective else {}
    done = status in ("Completed", "Failed", "Stopped")
    counters = told.get("TrainingJobStatusCounters", {})
    failure = told.get("FailureReason")
    if done and not artifact and trials and not failure:
        failure = (
            f"None of its {len(trials)} trials made a model. Nothing was registered. See why: "
            f"triage jobs logs {name}"
        )
    return Job(
        name=name,
        kind="tuning",
        status="Failed" if status == "Completed" and not artifact else status,
        created=told["CreationTime"],
        ended=told.get("HyperParameterTuningEndTime") if done else None,
        hyperparameters=static,
        metrics=metrics,
        artifact=artifact if done else None,
        failure=_cut(failure) if failure and status != "Stopped" else None,
        trials=tuple(trials),
        best_trial=best_number,
        detail="" if done else f"{counters.get('Completed', 0)} trials completed",
        training_seconds=_total(summaries),
        url=console_page(str(told["HyperParameterTuningJobArn"])),
    )


def tuning_summary(told: Mapping[str, Any]) -> Job:
    """An item of `ListHyperParameterTuningJobs` as a job."""
    status = _STATUS.get(str(told["HyperParameterTuningJobStatus"]), "InProgress")
    return Job(
        name=shown_name(str(told["HyperParameterTuningJobName"])),
        kind="tuning",
        status=status,
        created=told["CreationTime"],
        ended=told.get("HyperParameterTuningEndTime"),
        url=console_page(str(told["HyperParameterTuningJobArn"])),
    )


def console_page(arn: str) -> str | None:
    """The page of a job in the AWS console; None for a partition whose console isn't known here.

    >>> console_page("arn:aws:sagemaker:us-east-1:123456789012:training-job/triage-a")
    'https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/triage-a'
    """
    _, partition, _, region, _, resource = arn.split(":", 5)
    kind, _, name = resource.partition("/")
    if partition not in _CONSOLES or kind not in _PAGES:
        return None
    console = f"https://{region}.{_CONSOLES[partition]}/sagemaker/home?region={region}"
    return f"{console}#/{_PAGES[kind]}/{name}"


def closing_line(job: Job) -> str:
    """What a job that has ended has cost in machine time; empty if that isn't known."""
    if not job.training_seconds:
        return ""
    if job.billable_seconds is None:
        return f"Machine time {job.training_seconds} s."
    saved = f"; Spot saved {job.saving:.0%}".replace("%", " %") if job.saving else ""
    return f"Billable {job.billable_seconds} s of {job.training_seconds} s{saved}."


def _trial(item: Mapping[str, Any], static: Mapping[str, str]) -> Trial:
    objective = item.get("FinalHyperParameterTuningJobObjectiveMetric") or {}
    tuned = shown_hyperparameters(item.get("TunedHyperParameters") or {})
    return Trial(
        trial_number(str(item["TrainingJobName"])),
        _STATUS.get(str(item["TrainingJobStatus"]), "InProgress"),
        {**static, **tuned},
        float(objective["Value"]) if "Value" in objective else None,
    )


def _total(summaries: Sequence[Mapping[str, Any]]) -> int | None:
    """Seconds that the trials ran, together."""
    spans = [
        (item["TrainingEndTime"] - item["TrainingStartTime"]).total_seconds()
        for item in summaries
        if item.get("TrainingStartTime") and item.get("TrainingEndTime")
    ]
    return int(sum(spans)) if spans else None


def _failure(told: Mapping[str, Any], name: str) -> str | None:
    """Why a training job did not complete, as a sentence; None if it did, or a person stopped it.

    What the script said is shown only if it is a sentence of `train.py`: a traceback may quote a
    record.
    """
    detail = str(told.get("SecondaryStatus", ""))
    if detail == "MaxRuntimeExceeded":
        return (
            "It was stopped after its --max-run. Nothing was registered. Start it again with more "
            "seconds; it goes on from its last checkpoint."
        )
    if detail == "MaxWaitTimeExceeded":
        return (
            "No Spot machine came free within its --max-wait. Nothing was registered. Start it "
            "again with more seconds, or with --no-spot."
        )
    reason = str(told.get("FailureReason", ""))
    if not reason or told.get("TrainingJobStatus") != "Failed":
        return None
    if "CapacityError" in reason or "InsufficientInstanceCapacity" in reason:
        kind = told.get("ResourceConfig", {}).get("InstanceType", "such machine")
        return (
            f"AWS had no {kind} free. Nothing was registered. Start it again later, or with "
            "another --instance-type."
        )
    if reason.startswith("InternalServerError"):
        return "SageMaker failed by itself. Nothing was registered. Start it again."
    said = _SCRIPT_SAID.search(reason)
    text = _cut(said[1] if said else reason.partition(": ")[2] or reason)
    if not text or "Traceback" in text or (reason.startswith("AlgorithmError") and not said):
        return f"train.py failed. Nothing was registered. See its log: triage jobs logs {name}"
    return text


def _cut(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
