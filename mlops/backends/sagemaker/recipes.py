"""What a training or tuning job is, in SageMaker's words: pure functions of a request.

Script mode: the XGBoost image runs our `train.py` from a code package in S3, with the
hyperparameters as arguments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops.backends import TrainRequest, TuneRequest
from mlops.backends.metrics import metric_definition
from mlops.backends.options import Compute
from mlops.backends.sagemaker.names import PREFIX
from mlops.backends.sagemaker.place import Place
from mlops.backends.sagemaker.spaces import parameter_ranges
from mlops.errors import BackendError

INSTANCE_TYPE = "ml.m5.large"
# What a form offers; the command line takes any that SageMaker has.
MACHINES = (INSTANCE_TYPE, "ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.xlarge", "ml.c5.2xlarge")
MAX_RUN_SECONDS = 3600
VOLUME_GB = 10
CHECKPOINTS = "/opt/ml/checkpoints"
PROGRAM = "train.py"
METRICS = ("auc", "pr-auc", "accuracy", "brier", "coverage")
RECORDS_TYPE = "application/jsonlines"
_OWN = "sagemaker_"
_CODE_CHANNEL = "code"


@dataclass(frozen=True)
class Inputs:
    """What a job reads, all of it in S3.

    Attributes:
        channels: The folder of each channel.
        code: The code package.
        image: Of the container.
        output: Folder for artifacts.
        checkpoints: Folder for checkpoints.
    """

    channels: Mapping[str, str]
    code: str
    image: str
    output: str
    checkpoints: str


def training_job(
    name: str, request: TrainRequest, inputs: Inputs, place: Place, tags: Mapping[str, str]
) -> dict[str, Any]:
    """The parameters of `CreateTrainingJob`.

    Raises:
        BackendError: if what is asked of the machines contradicts itself.
    """
    return {
        "TrainingJobName": name,
        "HyperParameters": _hyperparameters(request.hyperparameters, inputs, place),
        **_definition(request.compute, inputs, place),
        "Tags": place.tags(tags),
    }


def tuning_job(
    name: str, request: TuneRequest, inputs: Inputs, place: Place, tags: Mapping[str, str]
) -> dict[str, Any]:
    """The parameters of `CreateHyperParameterTuningJob`.

    Raises:
        BackendError: if what is asked contradicts itself.
    """
    search = request.search
    strategy = search.strategy or "Bayesian"
    ranges = parameter_ranges(strategy, request.ranges, request.max_jobs)
    limits: dict[str, int] = {"MaxParallelTrainingJobs": request.max_parallel_jobs}
    if strategy != "Grid":  # a grid has as many trials as it has points
        limits["MaxNumberOfTrainingJobs"] = request.max_jobs
    config: dict[str, Any] = {
        "Strategy": strategy,
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": request.objective},
        "ResourceLimits": limits,
        "ParameterRanges": ranges,
        "TrainingJobEarlyStoppingType": _early_stopping(strategy, search.early_stopping),
        "RandomSeed": request.seed,
    }
    if strategy == "Hyperband":
        # It rations how often a trial reports its metric. train.py reports once, at its end: here
        # Hyperband saves nothing over a random search.
        config["StrategyConfig"] = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": {
            "StaticHyperParameters": _hyperparameters(request.hyperparameters, inputs, place),
            **_definition(request.compute, inputs, place),
        },
        "WarmStartConfig": _warm_start(search.warm_start),
        "Tags": place.tags(tags),
    }


def shown_hyperparameters(values: Mapping[str, str]) -> dict[str, str]:
    """Those of `train.py`, without the container's own and their JSON quotes."""
    return {
        name: str(value).strip('"')
        for name, value in values.items()
        if not name.startswith(_OWN) and not name.startswith("_")
    }


def _definition(compute: Compute, inputs: Inputs, place: Place) -> dict[str, Any]:
    """What a training job and the trials of a tuning job have in common."""
    count = compute.instance_count or 1
    spot = bool(compute.spot)
    channels = [
        _channel(name, address, sharded=bool(compute.shard) and name == "train")
        for name, address in inputs.channels.items()
    ]
    if place.isolated:
        # An isolated container can't fetch its code: it is brought like data.
        channels.append(_channel(_CODE_CHANNEL, inputs.code.rpartition("/")[0] + "/"))
    encryption = {"KmsKeyId": place.kms_key} if place.kms_key else {}
    volume = {"VolumeKmsKeyId": place.kms_key} if place.kms_key else {}
    definition: dict[str, Any] = {
        "AlgorithmSpecification": {
            "TrainingImage": inputs.image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [metric_definition(f"validation:{name}") for name in METRICS],
        },
        "RoleArn": place.role,
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": inputs.output, **encryption},
        "ResourceConfig": {
            "InstanceType": compute.instance_type or INSTANCE_TYPE,
            "InstanceCount": count,
            "VolumeSizeInGB": VOLUME_GB,
            **volume,
        },
        "StoppingCondition": _stopping(compute),
        "CheckpointConfig": {"S3Uri": inputs.checkpoints, "LocalPath": CHECKPOINTS},
        "EnableManagedSpotTraining": spot,
        "EnableNetworkIsolation": place.isolated,
        # Several machines exchange sums of labels and weights.
        "EnableInterContainerTrafficEncryption": count > 1,
    }
    if place.vpc:
        definition["VpcConfig"] = place.vpc
    return definition


def _stopping(compute: Compute) -> dict[str, int]:
    run = compute.max_run or MAX_RUN_SECONDS
    if not compute.spot:
        if compute.max_wait is not None:
            raise BackendError(
                "--max-wait is for waiting for Spot machines. Nothing was started. "
                "Add --spot, or leave it out."
            )
        return {"MaxRuntimeInSeconds": run}
    wait = compute.max_wait or 2 * run
    if wait < run:
        raise BackendError(
            f"--max-wait ({wait} s) can't be less than --max-run ({run} s): it holds the work as "
            "well as the waiting. Nothing was started. Raise it, or lower --max-run."
        )
    return {"MaxRuntimeInSeconds": run, "MaxWaitTimeInSeconds": wait}


def _channel(name: str, address: str, *, sharded: bool = False) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": address,
                "S3DataDistributionType": "ShardedByS3Key" if sharded else "FullyReplicated",
            }
        },
        "ContentType": "application/x-tar" if name == _CODE_CHANNEL else RECORDS_TYPE,
        "InputMode": "File",
    }


def _hyperparameters(values: Mapping[str, str], inputs: Inputs, place: Place) -> dict[str, str]:
    """Ours, and the two by which the container finds its script."""
    code = inputs.code
    if place.isolated:
        code = f"/opt/ml/input/data/{_CODE_CHANNEL}/{code.rpartition('/')[2]}"
    return {
        **{name: str(value) for name, value in values.items()},
        "sagemaker_program": PROGRAM,
        "sagemaker_submit_directory": code,
        "sagemaker_container_log_level": "20",
    }


def _early_stopping(strategy: str, asked: bool | None) -> str:
    if strategy == "Hyperband":
        if asked:
            raise BackendError(
                "Hyperband gives up trials by itself. Nothing was started. "
                "Leave --early-stopping out."
            )
        return "Off"
    return "Off" if asked is False else "Auto"


def _warm_start(parent: str | None) -> dict[str, Any] | None:
    if parent is None:
        return None
    return {
        "ParentHyperParameterTuningJobs": [
            {"HyperParameterTuningJobName": PREFIX + parent.removeprefix(PREFIX)}
        ],
        # Data or ranges may have changed since.
        "WarmStartType": "TransferLearning",
    }
