"""What is sent to AWS, field by field; the server has compared it all with AWS's own model."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlops.backends import TrainRequest, TuneRequest
from mlops.backends.options import Compute, Hosting, Rollout, Search
from mlops.backends.package import code_package
from mlops.backends.sagemaker import SageMakerBackend
from mlops.backends.sagemaker.images import REGISTRIES, image_uri
from mlops.errors import BackendError
from mlops.operations import start_tuning, wait_for
from mlops.settings import get_settings
from tests.aws import faults
from tests.aws.server import AwsServer
from tests.sagemaker.conftest import BUCKET, QUICK, ROLE, Trained, run

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
SHARED = f"s3://{BUCKET}/referral-triage"


def train(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path, name: str, **compute: Any
) -> None:
    """Ask for a job that finds no machine: these tests are about what was asked."""
    cloud.faults.queue("CreateTrainingJob", faults.capacity())
    request = TrainRequest(
        dataset / "train.jsonl",
        dataset / "validation.jsonl",
        QUICK,
        name,
        Compute(**compute),
    )
    backend.train(request)


def sent(cloud: AwsServer, operation: str) -> dict[str, Any]:
    """The last request of an operation."""
    return dict(cloud.called(operation)[-1])


def tags_of(request: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in request["Tags"]}


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> SageMakerBackend:
    """A backend in a VPC, with a key, isolated containers and tags."""
    monkeypatch.setenv("TRIAGE_KMS_KEY", KEY)
    monkeypatch.setenv("TRIAGE_SUBNETS", "subnet-0a1b2c3d,subnet-1a1b2c3d")
    monkeypatch.setenv("TRIAGE_SECURITY_GROUPS", "sg-0a1b2c3d")
    monkeypatch.setenv("TRIAGE_NETWORK_ISOLATION", "1")
    monkeypatch.setenv("TRIAGE_TAGS", "team=triage cost=42")
    get_settings.cache_clear()
    return SageMakerBackend(get_settings())


def test_a_training_job(cloud: AwsServer, backend: SageMakerBackend, dataset: Path) -> None:
    train(cloud, backend, dataset, "plain")
    request = sent(cloud, "CreateTrainingJob")
    code = f"{SHARED}/code/{code_package().sha256[:32]}/sourcedir.tar.gz"
    assert request["TrainingJobName"] == "triage-plain"
    assert request["RoleArn"] == ROLE
    assert request["HyperParameters"] == {
        **QUICK,
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": code,
        "sagemaker_container_log_level": "20",
    }
    algorithm = request["AlgorithmSpecification"]
    assert algorithm["TrainingImage"] == image_uri("us-east-1")
    assert {"Name": "validation:auc", "Regex": "validation-auc:([0-9.]+)"} in algorithm[
        "MetricDefinitions"
    ]
    channels = {channel["ChannelName"]: channel for channel in request["InputDataConfig"]}
    assert set(channels) == {"train", "validation"}
    source = channels["train"]["DataSource"]["S3DataSource"]
    assert source["S3Uri"].startswith(f"{SHARED}/data/")
    assert source["S3DataDistributionType"] == "FullyReplicated"
    assert request["OutputDataConfig"] == {"S3OutputPath": f"{SHARED}/jobs/"}
    assert request["ResourceConfig"] == {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 10,
    }
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    assert request["EnableManagedSpotTraining"] is False
    assert request["EnableNetworkIsolation"] is False
    assert request["CheckpointConfig"]["S3Uri"].startswith(f"{SHARED}/checkpoints/")
    assert request["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"
    assert "VpcConfig" not in request
    tags = tags_of(request)
    assert tags["app"] == "referral-triage"
    assert tags["triage:code"] == code_package().sha256
    assert len(tags["triage:request"]) == 32
    # Data and code are in S3 by their content: a second job sends neither again.
    puts = len(cloud.called("PutObject"))
    train(cloud, backend, dataset, "plain-again")
    assert len(cloud.called("PutObject")) == puts


def test_a_training_job_on_spot_machines(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path
) -> None:
    train(
        cloud,
        backend,
        dataset,
        "spot",
        spot=True,
        max_run=600,
        max_wait=900,
        instance_type="ml.c5.xlarge",
        instance_count=2,
    )
    request = sent(cloud, "CreateTrainingJob")
    assert request["EnableManagedSpotTraining"] is True
    assert request["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 600,
        "MaxWaitTimeInSeconds": 900,
    }
    assert request["ResourceConfig"]["InstanceType"] == "ml.c5.xlarge"
    assert request["ResourceConfig"]["InstanceCount"] == 2
    assert request["EnableInterContainerTrafficEncryption"] is True
    train(cloud, backend, dataset, "spot-by-default-waits", spot=True)
    assert sent(cloud, "CreateTrainingJob")["StoppingCondition"]["MaxWaitTimeInSeconds"] == 7200


def test_a_training_job_behind_walls(
    cloud: AwsServer, guarded: SageMakerBackend, dataset: Path
) -> None:
    train(cloud, guarded, dataset, "walls")
    request = sent(cloud, "CreateTrainingJob")
    assert request["VpcConfig"] == {
        "Subnets": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
        "SecurityGroupIds": ["sg-0a1b2c3d"],
    }
    assert request["EnableNetworkIsolation"] is True
    assert request["OutputDataConfig"]["KmsKeyId"] == KEY
    assert request["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    assert tags_of(request).items() >= {"team": "triage", "cost": "42"}.items()
    # An isolated container can't fetch its code: it comes as a channel.
    channels = {channel["ChannelName"] for channel in request["InputDataConfig"]}
    assert "code" in channels
    assert request["HyperParameters"]["sagemaker_submit_directory"] == (
        "/opt/ml/input/data/code/sourcedir.tar.gz"
    )
    for put in cloud.called("PutObject"):
        if "train.jsonl" in put["Key"] and put.get("SSEKMSKeyId"):
            assert put["ServerSideEncryption"] == "aws:kms"


def test_data_that_stays_in_s3_is_shared_by_key(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path
) -> None:
    s3 = cloud.client("s3")
    lines = (dataset / "train.jsonl").read_bytes().splitlines(keepends=True)
    for number in range(3):
        s3.put_object(
            Bucket=BUCKET, Key=f"big/train/{number}.jsonl", Body=b"".join(lines[number::3])
        )
    cloud.faults.queue("CreateTrainingJob", faults.capacity())
    backend.train(
        TrainRequest(
            f"s3://{BUCKET}/big/train/",
            None,
            QUICK,
            "shared",
            Compute(instance_count=2, shard=True),
        )
    )
    [channel] = sent(cloud, "CreateTrainingJob")["InputDataConfig"]
    source = channel["DataSource"]["S3DataSource"]
    assert source["S3Uri"] == f"s3://{BUCKET}/big/train/"
    assert source["S3DataDistributionType"] == "ShardedByS3Key"


def test_a_tuning_job(cloud: AwsServer, backend: SageMakerBackend, dataset: Path) -> None:
    start_tuning(backend, dataset, name="workshop")
    backend.stop_job("workshop")
    request = sent(cloud, "CreateHyperParameterTuningJob")
    assert request["HyperParameterTuningJobName"] == "triage-workshop"
    config = request["HyperParameterTuningJobConfig"]
    assert config["Strategy"] == "Bayesian"
    assert config["HyperParameterTuningJobObjective"] == {
        "Type": "Maximize",
        "MetricName": "validation:auc",
    }
    assert config["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": 10,
        "MaxParallelTrainingJobs": 2,
    }
    assert config["TrainingJobEarlyStoppingType"] == "Auto"
    assert config["RandomSeed"] == 0
    ranges = config["ParameterRanges"]
    whole = {item["Name"]: item for item in ranges["IntegerParameterRanges"]}
    decimal = {item["Name"]: item for item in ranges["ContinuousParameterRanges"]}
    assert (whole["num_round"]["MinValue"], whole["num_round"]["MaxValue"]) == ("100", "300")
    assert (whole["max_depth"]["MinValue"], whole["max_depth"]["MaxValue"]) == ("1", "10")
    assert (decimal["alpha"]["MinValue"], decimal["alpha"]["MaxValue"]) == ("0", "5")
    assert (decimal["eta"]["MinValue"], decimal["eta"]["MaxValue"]) == ("0.001", "1")
    definition = request["TrainingJobDefinition"]
    assert definition["StaticHyperParameters"]["sagemaker_program"] == "train.py"
    assert definition["AlgorithmSpecification"]["MetricDefinitions"]
    assert "WarmStartConfig" not in request


def test_other_ways_to_search(cloud: AwsServer, backend: SageMakerBackend, dataset: Path) -> None:
    def ask(name: str, search: Search, max_jobs: int = 4) -> dict[str, Any]:
        backend.tune(
            TuneRequest(
                dataset / "train.jsonl",
                dataset / "validation.jsonl",
                ranges={"num_round": (2, 8), "eta": (0.1, 0.5)},
                max_jobs=max_jobs,
                name=name,
                search=search,
            )
        )
        backend.stop_job(name)
        return sent(cloud, "CreateHyperParameterTuningJob")

    config = ask("grid", Search(strategy="Grid"))["HyperParameterTuningJobConfig"]
    assert config["Strategy"] == "Grid"
    assert "MaxNumberOfTrainingJobs" not in config["ResourceLimits"]
    assert config["ParameterRanges"]["CategoricalParameterRanges"] == [
        {"Name": "num_round", "Values": ["2", "8"]},
        {"Name": "eta", "Values": ["0.1", "0.5"]},
    ]
    config = ask("hyperband", Search(strategy="Hyperband"))["HyperParameterTuningJobConfig"]
    assert config["TrainingJobEarlyStoppingType"] == "Off"
    assert config["StrategyConfig"]["HyperbandStrategyConfig"]["MaxResource"] > 0
    wait_for(backend, "grid", timeout=30)
    request = ask("random", Search(strategy="Random", early_stopping=False, warm_start="grid"))
    assert request["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] == "Off"
    assert request["WarmStartConfig"] == {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "triage-grid"}],
        "WarmStartType": "TransferLearning",
    }
    train(cloud, backend, dataset, "no-search")
    with pytest.raises(BackendError, match="only a tuning job can be learnt from"):
        ask("from-training", Search(warm_start="no-search"))


def test_a_version_in_the_registry(cloud: AwsServer, trained: Trained) -> None:
    [request] = [
        call
        for call in cloud.called("CreateModelPackage")
        if call["ModelPackageDescription"].startswith(trained.first)
    ]
    assert request["ModelPackageGroupName"] == "referral-triage"
    assert request["ModelPackageDescription"].split()[0] == trained.first
    assert request["ModelApprovalStatus"] == "PendingManualApproval"
    properties = request["CustomerMetadataProperties"]
    assert properties["model_version"] == trained.first
    assert properties["job"] == "first"
    assert len(properties["data_sha256"]) == 64
    assert properties["code"].endswith("/sourcedir.tar.gz")
    assert len(properties["code_commit"]) == 40
    assert 0 < float(properties["metric:auc"]) <= 1
    [container] = request["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"].endswith("/triage-first/output/model.tar.gz")
    assert container["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"
    card = json.loads(request["ModelCard"]["ModelCardContent"])
    assert set(card["model_overview"]) == {"model_creator", "model_artifact"}
    metrics = card["evaluation_details"][0]["metric_groups"][0]["metric_data"]
    assert "auc" in {item["name"] for item in metrics}
    quality = request["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    key = quality.removeprefix(f"s3://{BUCKET}/")
    told = json.loads(cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert "auc" in told["binary_classification_metrics"]


def test_an_endpoint_and_its_updates(
    cloud: AwsServer, backend: SageMakerBackend, trained: Trained
) -> None:
    backend.deploy(
        "wide", trained.first, Hosting(instance_type="ml.m5.large", instance_count=2, scale_to=4)
    )
    model, config = sent(cloud, "CreateModel"), sent(cloud, "CreateEndpointConfig")
    assert model["ExecutionRoleArn"] == ROLE
    assert model["PrimaryContainer"]["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"
    assert config["ProductionVariants"] == [
        {
            "VariantName": "champion",
            "ModelName": model["ModelName"],
            "InitialVariantWeight": 1.0,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
            "ContainerStartupHealthCheckTimeoutInSeconds": 600,
        }
    ]
    assert "DataCaptureConfig" not in config
    target = sent(cloud, "RegisterScalableTarget")
    assert target["ResourceId"] == "endpoint/wide/variant/champion"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 4)
    policy = sent(cloud, "PutScalingPolicy")["TargetTrackingScalingPolicyConfiguration"]
    assert policy["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    }

    # Two machines: half of them first, watched by alarms, and what was scaled stays.
    updated = backend.update("wide", trained.second, rollout=Rollout(max_latency=750))
    assert (updated.version, updated.previous) == (trained.second, trained.first)
    update = sent(cloud, "UpdateEndpoint")
    assert update["RetainAllVariantProperties"] is True
    routing = update["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing == {
        "Type": "CANARY",
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 300,
    }
    alarms = [
        item["AlarmName"]
        for item in update["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    ]
    assert alarms == ["wide-5xx", "wide-latency-p99"]
    latency = sent(cloud, "PutMetricAlarm")
    assert latency["MetricName"] == "ModelLatency"
    assert latency["ExtendedStatistic"] == "p99"
    assert latency["Threshold"] == 750_000.0
    assert {"Name": "EndpointName", "Value": "wide"} in latency["Dimensions"]

    # Steps, a challenger in the shadow, and a count that is asked for.
    updated = backend.update(
        "wide",
        trained.first,
        Hosting(shadow=trained.second, instance_count=2),
        Rollout(linear=25, bake=1, alarms=False),
    )
    assert updated.shadow == trained.second
    update = sent(cloud, "UpdateEndpoint")
    assert update["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"] == {
        "Type": "LINEAR",
        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        "WaitIntervalInSeconds": 1,
    }
    assert update["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DesiredInstanceCount"}
    ]
    assert "AutoRollbackConfiguration" not in update["DeploymentConfig"]
    config = sent(cloud, "CreateEndpointConfig")
    assert config["ShadowProductionVariants"][0]["VariantName"] == "challenger"

    # An alarm that rings already would roll any update back.
    backend.update("wide", trained.second, rollout=Rollout(bake=0))
    cloud.client("cloudwatch").set_alarm_state(
        AlarmName="wide-5xx", StateValue="ALARM", StateReason="the test"
    )
    with pytest.raises(BackendError, match="rings already"):
        backend.update("wide", trained.first)
    assert backend.endpoint("wide").version == trained.second
    assert backend.rollback("wide").version == trained.first  # whatever the alarm says
    assert "autoscaling between 2 and 4 machines" in backend.endpoint_parts("wide")
    backend.delete_endpoint("wide")
    assert backend.endpoint_parts("wide") == []


def test_an_endpoint_without_machines(
    cloud: AwsServer, backend: SageMakerBackend, trained: Trained
) -> None:
    backend.deploy("light", trained.first, Hosting(serverless=2048))
    config = sent(cloud, "CreateEndpointConfig")
    assert config["ProductionVariants"][0]["ServerlessConfig"] == {
        "MemorySizeInMB": 2048,
        "MaxConcurrency": 5,
    }
    with pytest.raises(BackendError, match="moves all its traffic at once"):
        backend.update("light", trained.second, rollout=Rollout(canary=10))
    assert backend.update("light", trained.second).version == trained.second
    update = sent(cloud, "UpdateEndpoint")
    assert "DeploymentConfig" not in update
    assert "RetainAllVariantProperties" not in update
    config = sent(cloud, "CreateEndpointConfig")
    assert config["ProductionVariants"][0]["ServerlessConfig"]["MemorySizeInMB"] == 2048
    backend.delete_endpoint("light")


def test_an_endpoint_behind_walls(
    cloud: AwsServer, guarded: SageMakerBackend, trained: Trained
) -> None:
    guarded.deploy("walled", trained.first, Hosting(capture=5))
    model, config = sent(cloud, "CreateModel"), sent(cloud, "CreateEndpointConfig")
    assert model["EnableNetworkIsolation"] is True
    assert model["VpcConfig"]["SecurityGroupIds"] == ["sg-0a1b2c3d"]
    # The code comes inside the artifact.
    container = model["PrimaryContainer"]
    assert container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code"
    assert "/with-code-" in container["ModelDataUrl"]
    assert config["KmsKeyId"] == KEY
    capture = config["DataCaptureConfig"]
    assert (capture["InitialSamplingPercentage"], capture["KmsKeyId"]) == (5, KEY)
    assert capture["DestinationS3Uri"] == f"{SHARED}/captured/walled/"
    guarded.delete_endpoint("walled")


def test_one_machine_can_not_be_divided(
    backend: SageMakerBackend, trained: Trained, cloud: AwsServer
) -> None:
    backend.deploy("small", trained.first)
    with pytest.raises(BackendError, match="this endpoint has one"):
        backend.update("small", trained.second, rollout=Rollout(canary=10))
    with pytest.raises(BackendError, match="are two ways"):
        backend.update("small", trained.second, rollout=Rollout(canary=10, linear=10))
    with pytest.raises(BackendError, match="longer than the 8 hours"):
        backend.update(
            "small", trained.second, Hosting(instance_count=2), Rollout(linear=10, bake=3600)
        )
    backend.update("small", trained.second, rollout=Rollout(bake=0))
    routing = sent(cloud, "UpdateEndpoint")["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert routing["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"
    backend.delete_endpoint("small")


def test_the_image_of_each_region() -> None:
    for region, account in REGISTRIES.items():
        assert image_uri(region).startswith(f"{account}.dkr.ecr.{region}.amazonaws.com")
        assert image_uri(region).endswith("/sagemaker-xgboost:3.2-0")
    assert ".amazonaws.com.cn/" in image_uri("cn-north-1")
    with pytest.raises(BackendError, match="AWS_REGION"):
        image_uri("mars-north-1")


def test_every_option_is_offered_by_a_command() -> None:
    for command, kinds in (
        (("train",), (Compute,)),
        (("tune",), (Compute, Search)),
        (("deploy",), (Hosting,)),
        (("endpoints", "update"), (Hosting, Rollout)),
    ):
        text = run(*command, "--help").stdout
        for kind in kinds:
            for name in kind.__dataclass_fields__:
                assert "--" + name.replace("_", "-") in text
