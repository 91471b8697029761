"""Who may do what in AWS: the least policies, as JSON in `policies/`, filled in for an account.

- `bot`: asks the endpoint, trains, tunes, registers, deploys and updates; removes nothing.
- `engineer`: all that the command line does.
- `execution`: the role that jobs and endpoints run as; `trust` lets SageMaker take it.

They cover jobs, which this package names `triage-…`, the endpoint that `TRIAGE_ENDPOINT` names and
those whose names begin with it, and `TRIAGE_BUCKET`. Data in other buckets needs more.
"""

import json
from importlib.resources import files
from string import Template
from typing import Any, Literal, get_args

from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.images import REGISTRIES
from mlops.errors import SettingsError
from mlops.settings import DEFAULT_ENDPOINT, Settings

Who = Literal["bot", "engineer", "execution", "trust"]
WHO: tuple[Who, ...] = get_args(Who)
EXECUTION_ROLE = "referral-triage-execution"


def policy(who: Who, settings: Settings) -> dict[str, Any]:
    """A policy for the account, region, bucket and endpoint of the settings.

    Raises:
        SettingsError: if no bucket is set.
        BackendError: if the account is not known: no role is set, and AWS can't be asked.
    """
    if not settings.triage_bucket:
        raise SettingsError(
            "No S3 bucket is set, and a policy must name it. Nothing was changed. "
            "Set TRIAGE_BUCKET."
        )
    aws = Aws(settings)
    role = settings.sagemaker_role_arn
    account = role.split(":")[4] if role else aws.account
    partition = _partition(aws.region)
    values = {
        "Partition": partition,
        "Region": aws.region,
        "Account": account,
        "Bucket": settings.triage_bucket,
        "Endpoint": settings.triage_endpoint or DEFAULT_ENDPOINT,
        "Role": role or f"arn:{partition}:iam::{account}:role/{EXECUTION_ROLE}",
        "ImageAccount": REGISTRIES.get(aws.region, "*"),
        "Key": settings.triage_kms_key or "",
    }
    document: dict[str, Any] = _read(who, values)
    if who != "trust" and settings.triage_kms_key:
        document["Statement"] += _read("kms", values)
    if who == "execution" and settings.triage_subnets:
        document["Statement"] += _read("vpc", values)
    return document


def _read(name: str, values: dict[str, str]) -> Any:
    text = files(__package__).joinpath("policies", f"{name}.json").read_text(encoding="utf-8")
    return json.loads(Template(text).substitute(values))


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
