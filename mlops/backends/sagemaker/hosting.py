"""What a model, an endpoint config and a rollout are, in SageMaker's words: pure functions."""

from collections.abc import Mapping
from typing import Any

from mlops.backends.options import Hosting, Rollout
from mlops.backends.sagemaker.names import TAG_ENDPOINT
from mlops.backends.sagemaker.place import Place
from mlops.backends.sagemaker.registry import container_environment
from mlops.errors import BackendError

INSTANCE_TYPE = "ml.t2.medium"
# Autoscaling does not work on burstable machines.
SCALED_INSTANCE_TYPE = "ml.m5.large"
CHAMPION, CHALLENGER = "champion", "challenger"
MAX_CONCURRENCY = 5
BAKE_SECONDS = 300
# What SageMaker allows a rollout at most, and what starting the new fleet takes of it.
MAX_EXECUTION_SECONDS = 28800
FLEET_SECONDS = 1800
START_SECONDS = 600


def check_hosting(hosting: Hosting, place: Place) -> None:
    """Refuse options that contradict each other, or that the settings don't allow.

    Raises:
        BackendError: naming them.
    """
    machines = hosting.instance_type or hosting.instance_count or hosting.scale_to
    if hosting.serverless and (machines or hosting.shadow or hosting.capture):
        raise _contradiction(
            "A serverless endpoint has no machines, no shadow and no data capture",
            "Leave --serverless out, or the options of the other kind.",
        )
    if hosting.serverless and (hosting.serverless % 1024 or place.vpc or place.isolated):
        raise _contradiction(
            "A serverless endpoint has 1024, 2048, … 6144 MB, and can't be in a VPC or isolated",
            "Correct --serverless, or empty TRIAGE_SUBNETS and TRIAGE_NETWORK_ISOLATION.",
        )
    if hosting.max_concurrency and not hosting.serverless:
        raise _contradiction("--max-concurrency is for serverless endpoints", "Add --serverless.")
    if hosting.scale_to and hosting.scale_to < (hosting.instance_count or 1):
        raise _contradiction(
            "--scale-to can't be less than --instance-count", "Raise it, or lower the count."
        )
    if hosting.scale_to and (hosting.instance_type or "").startswith("ml.t2."):
        raise _contradiction(
            "SageMaker does not scale burstable machines (ml.t2)", "Take ml.m5.large."
        )
    if hosting.capture and not place.kms_key:
        raise _contradiction(
            "Captured requests hold note text and must be encrypted with a key of yours",
            "Set TRIAGE_KMS_KEY, or leave --capture out.",
        )


def model(
    name: str, endpoint: str, image: str, artifact: str, code: str, place: Place
) -> dict[str, Any]:
    """The parameters of `CreateModel`."""
    parameters: dict[str, Any] = {
        "ModelName": name,
        "PrimaryContainer": container(image, artifact, code),
        "ExecutionRoleArn": place.role,
        "EnableNetworkIsolation": place.isolated,
        "Tags": place.tags({TAG_ENDPOINT: endpoint}),
    }
    if place.vpc:
        parameters["VpcConfig"] = place.vpc
    return parameters


def container(image: str, artifact: str, code: str) -> dict[str, Any]:
    """What serves: the image with an artifact, and `inference.py` from a code package."""
    return {
        "Image": image,
        "ModelDataUrl": artifact,
        "Environment": container_environment(code),
    }


def endpoint_config(
    name: str,
    endpoint: str,
    champion: str,
    challenger: str | None,
    hosting: Hosting,
    place: Place,
    capture_to: str,
) -> dict[str, Any]:
    """The parameters of `CreateEndpointConfig`.

    Args:
        name: Of the config.
        endpoint: That it is for.
        champion: Name of the model that answers.
        challenger: Name of the model that is sent copies; None: none is.
        hosting: Machines and more.
        place: Encryption and tags.
        capture_to: s3:// folder for captured requests.
    """
    parameters: dict[str, Any] = {
        "EndpointConfigName": name,
        "ProductionVariants": [_variant(CHAMPION, champion, hosting)],
        "Tags": place.tags({TAG_ENDPOINT: endpoint}),
    }
    if challenger is not None:
        parameters["ShadowProductionVariants"] = [_variant(CHALLENGER, challenger, hosting)]
    if place.kms_key and not hosting.serverless:
        parameters["KmsKeyId"] = place.kms_key
    if hosting.capture:
        parameters["DataCaptureConfig"] = {
            "EnableCapture": True,
            "InitialSamplingPercentage": hosting.capture,
            "DestinationS3Uri": capture_to,
            "KmsKeyId": place.kms_key,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {
                "JsonContentTypes": ["application/json", "application/jsonlines"]
            },
        }
    return parameters


def inherited(hosting: Hosting, told: Mapping[str, Any]) -> Hosting:
    """The hosting of an update: what isn't asked for stays as the config in force has it.

    Args:
        hosting: What is asked for.
        told: A `DescribeEndpointConfig` answer.
    """
    variant = told["ProductionVariants"][0]
    serverless = variant.get("ServerlessConfig")
    capture = told.get("DataCaptureConfig") or {}
    if serverless and not (hosting.instance_type or hosting.instance_count):
        return Hosting(
            serverless=hosting.serverless or serverless["MemorySizeInMB"],
            max_concurrency=hosting.max_concurrency or serverless["MaxConcurrency"],
        )
    if hosting.serverless:
        return hosting
    percent = capture.get("InitialSamplingPercentage") if capture.get("EnableCapture") else None
    return Hosting(
        instance_type=hosting.instance_type or variant.get("InstanceType"),
        instance_count=hosting.instance_count or variant.get("InitialInstanceCount"),
        scale_to=hosting.scale_to,
        shadow=hosting.shadow,
        capture=hosting.capture or percent,
    )


def deployment(
    rollout: Rollout, machines: int, alarms: list[str], *, serverless: bool
) -> dict[str, Any] | None:
    """The `DeploymentConfig` of an update; None where SageMaker has its own way (serverless).

    Without --canary or --linear a fleet of several machines begins with half of itself; a single
    machine can't be divided, so all traffic moves at once and is watched before the old one goes.

    Raises:
        BackendError: if the fleet can't be divided as asked.
    """
    if serverless:
        if rollout.canary or rollout.linear:
            raise _contradiction(
                "A serverless endpoint moves all its traffic at once",
                "Leave --canary and --linear out.",
            )
        return None
    if rollout.canary and rollout.linear:
        raise _contradiction("--canary and --linear are two ways", "Choose one of them.")
    if machines < 2 and (rollout.canary or rollout.linear):
        raise _contradiction(
            "A step is at most half of the machines, and this endpoint has one",
            "Add --instance-count 2, or leave --canary and --linear out.",
        )
    bake = BAKE_SECONDS if rollout.bake is None else rollout.bake
    routing: dict[str, Any] = {"WaitIntervalInSeconds": bake}
    steps = 2
    if rollout.linear:
        routing |= {"Type": "LINEAR", "LinearStepSize": _percent(rollout.linear)}
        steps = -(-100 // rollout.linear)
    elif machines >= 2:
        routing |= {"Type": "CANARY", "CanarySize": _percent(rollout.canary or 50)}
    else:
        routing |= {"Type": "ALL_AT_ONCE"}
    seconds = FLEET_SECONDS + (steps + 1) * bake
    if seconds > MAX_EXECUTION_SECONDS:
        raise _contradiction(
            f"{steps} steps of {bake} s take longer than the 8 hours that a rollout may take",
            "Lower --bake, or raise --linear.",
        )
    config: dict[str, Any] = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": bake,
            "MaximumExecutionTimeoutInSeconds": max(seconds, 3600),
        }
    }
    if alarms:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return config


def _variant(name: str, model_name: str, hosting: Hosting) -> dict[str, Any]:
    variant: dict[str, Any] = {
        "VariantName": name,
        "ModelName": model_name,
        "InitialVariantWeight": 1.0,
    }
    if hosting.serverless:
        return variant | {
            "ServerlessConfig": {
                "MemorySizeInMB": hosting.serverless,
                "MaxConcurrency": hosting.max_concurrency or MAX_CONCURRENCY,
            }
        }
    usual = SCALED_INSTANCE_TYPE if hosting.scale_to else INSTANCE_TYPE
    return variant | {
        "InstanceType": hosting.instance_type or usual,
        "InitialInstanceCount": hosting.instance_count or 1,
        "ContainerStartupHealthCheckTimeoutInSeconds": START_SECONDS,
    }


def _percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def _contradiction(what: str, fix: str) -> BackendError:
    return BackendError(f"{what}. Nothing was changed. {fix}")
