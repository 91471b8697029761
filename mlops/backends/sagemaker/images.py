"""The image that trains and serves: SageMaker's own XGBoost container.

Its registries are facts of AWS that rarely change, kept here so that no SDK is needed. Where
`sagemaker-core` is installed (`pip install 'referral-triage[sagemaker]'`), which is the part of the
`sagemaker` SDK below its trainers and tuners, its own table (`sagemaker.core.image_uris.retrieve`)
answers for regions that are newer than ours. That one call is all that this package uses: the
SDK's trainer, tuner and endpoint classes send other requests than the ones that this backend makes
and checks. Its telemetry is turned off.
"""

import importlib.util
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops.errors import BackendError

VERSION = "3.2-0"
REPOSITORY = "sagemaker-xgboost"
# Source: image_uri_config/xgboost.json of sagemaker-core 2.27, November 2026.
REGISTRIES = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "341280168497",
    "ca-west-1": "190319476487",
    "cn-north-1": "450853457545",
    "cn-northwest-1": "451049120500",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "414596584902",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}


def image_uri(region: str) -> str:
    """The image in a region.

    Raises:
        BackendError: if the region is unknown here and to the SDK, or the SDK is not installed.
    """
    account = REGISTRIES.get(region)
    if account is None:
        return _ask_sdk(region)
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}/{REPOSITORY}:{VERSION}"


def _ask_sdk(region: str) -> str:
    if importlib.util.find_spec("sagemaker") is None:
        raise BackendError(
            f"It is not known here where the XGBoost image of the region {region!r} is. Nothing "
            "was started. Set AWS_REGION to another one, or install AWS's own table: "
            "pip install 'referral-triage[sagemaker]'"
        )
    with _no_telemetry(region):
        from sagemaker.core import image_uris

        try:
            uri: str = image_uris.retrieve("xgboost", region, version=VERSION)
        except (ValueError, KeyError):
            raise BackendError(
                f"SageMaker has no XGBoost image {VERSION} in the region {region!r}. Nothing was "
                "started. Set AWS_REGION to another one."
            ) from None
        return uri


@contextmanager
def _no_telemetry(region: str) -> Iterator[None]:
    """Within this the SDK reports nothing home; it can't be imported without a region."""
    with tempfile.TemporaryDirectory(prefix="triage-sdk-") as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(
            "SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n"
            "      TelemetryOptOut: true\n",
            encoding="utf-8",
        )
        ours = {
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(config),
            "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", region),
        }
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
