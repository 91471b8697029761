"""Tuning jobs on the test server: real trials, the best of them, stopping."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import Account, training_request, until

# Its objective is its eta.
ETA = """
import os, sys
from pathlib import Path
eta = sys.argv[sys.argv.index("--eta") + 1]
assert "--num_round" in sys.argv and "--_tuning_objective_metric" not in sys.argv
print(f"validation-auc:{eta}")
Path(os.environ["SM_MODEL_DIR"], "eta").write_text(eta)
"""


def request(account: Account, script: str = ETA, **config: Any) -> dict[str, Any]:
    """A tuning job of four trials, two at a time."""
    single = training_request("unused", account.code(script))
    static = {k: v for k, v in single["HyperParameters"].items() if k != "eta"}
    del single["TrainingJobName"], single["HyperParameters"]
    return {
        "HyperParameterTuningJobName": "tune",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {
                "Type": "Maximize",
                "MetricName": "validation:auc",
            },
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "TrainingJobEarlyStoppingType": "Auto",
            "ParameterRanges": {
                "IntegerParameterRanges": [
                    {"Name": "num_round", "MinValue": "10", "MaxValue": "12"}
                ],
                "ContinuousParameterRanges": [
                    {
                        "Name": "eta",
                        "MinValue": "0.001",
                        "MaxValue": "0.9",
                        "ScalingType": "Logarithmic",
                    }
                ],
            },
        }
        | config,
        "TrainingJobDefinition": {**single, "StaticHyperParameters": static},
    }


def ended(account: Account, name: str = "tune") -> dict[str, Any]:
    """A tuning job, once it has ended."""

    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = account.sagemaker.describe_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name
        )
        status = job["HyperParameterTuningJobStatus"]
        return job if status in ("Completed", "Failed", "Stopped") else None

    result: dict[str, Any] = until(found)
    return result


def trials(account: Account, **more: Any) -> list[dict[str, Any]]:
    """Its trials."""
    found = account.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tune", **more
    )
    return list(found["TrainingJobSummaries"])


def test_trials_are_training_jobs_and_the_best_is_found(account: Account) -> None:
    account.sagemaker.create_hyper_parameter_tuning_job(**request(account))
    job = ended(account)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    found = trials(account, SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    values = [trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for trial in found]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4
    best = job["BestTrainingJob"]
    assert best["TrainingJobName"] == found[0]["TrainingJobName"]
    for trial in found:
        tuned = trial["TunedHyperParameters"]
        assert 10 <= int(tuned["num_round"]) <= 12
        assert 0.001 <= float(tuned["eta"]) <= 0.9
    single = account.sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert single["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert account.get(single["ModelArtifacts"]["S3ModelArtifacts"])
    named = account.sagemaker.list_training_jobs(NameContains="tune-001")["TrainingJobSummaries"]
    assert len(named) == 1


def test_the_next_job_starts_warm_from_one_that_has_ended(account: Account) -> None:
    first = request(account, ResourceLimits={"MaxNumberOfTrainingJobs": 1,
                                             "MaxParallelTrainingJobs": 1})  # fmt: skip
    warm = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "tune"}],
        "WarmStartType": "TransferLearning",
    }
    second = first | {"HyperParameterTuningJobName": "again", "WarmStartConfig": warm}
    with pytest.raises(ClientError, match="ResourceNotFound"):
        account.sagemaker.create_hyper_parameter_tuning_job(**second)
    account.sagemaker.create_hyper_parameter_tuning_job(**first)
    with pytest.raises(ClientError, match="has not ended"):
        account.sagemaker.create_hyper_parameter_tuning_job(**second)
    ended(account)
    account.sagemaker.create_hyper_parameter_tuning_job(**second)
    assert ended(account, "again")["WarmStartConfig"] == warm


def test_stop_ends_the_trials_that_run(account: Account) -> None:
    script = "print('validation-auc:0.5', flush=True)\nimport time\ntime.sleep(60)\n"
    account.sagemaker.create_hyper_parameter_tuning_job(**request(account, script))
    until(lambda: len(trials(account)) == 2)
    account.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune")
    job = ended(account)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert [trial["TrainingJobStatus"] for trial in trials(account)] == ["Stopped", "Stopped"]


def test_a_job_whose_trials_all_fail_has_failed(account: Account) -> None:
    account.sagemaker.create_hyper_parameter_tuning_job(**request(account, "raise SystemExit(3)"))
    job = ended(account)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert "BestTrainingJob" not in job
    assert {trial["ObjectiveStatus"] for trial in trials(account)} == {"Failed"}


def test_a_grid_is_gone_through(account: Account) -> None:
    asked = request(
        account,
        Strategy="Grid",
        ResourceLimits={"MaxParallelTrainingJobs": 2},
        ParameterRanges={
            "CategoricalParameterRanges": [
                {"Name": "eta", "Values": ["0.1", "0.2"]},
                {"Name": "num_round", "Values": ["1"]},
            ]
        },
    )
    account.sagemaker.create_hyper_parameter_tuning_job(**asked)
    assert ended(account)["HyperParameterTuningJobStatus"] == "Completed"
    assert [t["TunedHyperParameters"]["eta"] for t in trials(account)] == ["0.1", "0.2"]


def test_what_aws_would_refuse_is_refused(account: Account) -> None:
    asked = request(account)
    ranges = asked["HyperParameterTuningJobConfig"]["ParameterRanges"]
    logarithm = [ranges["ContinuousParameterRanges"][0] | {"MinValue": "0"}]
    no_metric = asked["TrainingJobDefinition"] | {
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"}
    }
    for wrong in (
        request(account, ParameterRanges={"ContinuousParameterRanges": logarithm}),
        request(
            account,
            ResourceLimits={"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 2},
        ),
        asked | {"TrainingJobDefinition": no_metric},
        asked | {"HyperParameterTuningJobName": "x" * 33},
    ):
        with pytest.raises(ClientError, match="ValidationException"):
            account.sagemaker.create_hyper_parameter_tuning_job(**wrong)
