"""Model versions in SageMaker's model registry: a model package each, in one group.

A version is named by its content, a model package by a number: the description of a package begins
with the version's name, so a list is enough to find it.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops.backends import Approval, ModelVersion
from mlops.backends.package import (
    VERSION_PATTERN,
    code_package,
    pack_artifact,
    read_metadata,
    unpack_artifact,
)
from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.card import card_content, quality_content
from mlops.backends.sagemaker.errors import AwsError
from mlops.backends.sagemaker.images import image_uri
from mlops.backends.sagemaker.jobs import Jobs
from mlops.backends.sagemaker.names import GROUP
from mlops.backends.sagemaker.place import Place
from mlops.backends.sagemaker.storage import Address, Storage
from mlops.backends.versions import (
    describe_metadata,
    find_version,
    refuse_to_judge_shipped,
    shipped_version,
)
from mlops.errors import BackendError
from mlops.settings import Settings

_CONTENT_TYPES = ["application/json", "application/jsonlines", "text/plain"]
_ANSWER_TYPES = ["application/json", "application/jsonlines"]
_MACHINES = ["ml.t2.medium", "ml.m5.large", "ml.m5.xlarge", "ml.c5.xlarge"]
# A property's value may have so many characters.
_LONGEST_VALUE = 256
# Where a container finds code that came inside its artifact.
INSIDE = "/opt/ml/model/code"


class Registry:
    """The model versions of one account and region.

    Args:
        aws: The way to AWS.
        storage: Where artifacts are.
        jobs: Where versions come from.
        settings: Role and tags.
    """

    def __init__(self, aws: Aws, storage: Storage, jobs: Jobs, settings: Settings) -> None:
        self._aws = aws
        self._storage = storage
        self._jobs = jobs
        self._settings = settings
        # All but the approval of a package never changes; that is read anew from each list.
        self._known: dict[str, ModelVersion] = {}

    def add(self, job: str) -> ModelVersion:
        """Make a completed job's artifact a version. Doing it twice changes nothing.

        Raises:
            BackendError: if it has no model, or a damaged one.
        """
        found = self._jobs.get(job)
        if found.artifact is None:
            state = found.failure or f"it is {found.status}"
            raise BackendError(
                f"The job {job} has no model to register: {state.rstrip('.')}. Nothing was "
                f"registered. See: triage jobs show {found.name}"
            )
        metadata = self._metadata(Address.parse(found.artifact))
        name = str(metadata["model_version"])
        kept = self._packages().get(name)
        if kept is not None:
            return self._describe(kept)
        origin = self._jobs.origin(found.name)
        properties = {
            "model_version": name,
            "job": found.name,
            "training_job": origin.training_job,
            "code": origin.code,
            "code_commit": origin.commit,
            "code_version": str(metadata.get("code_version", "")),
            "data_sha256": str(metadata.get("data_sha256", "")),
            **{f"metric:{key}": str(value) for key, value in metadata.get("metrics", {}).items()},
        }
        self._create(name, found.artifact, metadata, properties)
        return self.get(name)

    def get(self, name: str) -> ModelVersion:
        """The version of that name, of the first letters of it, or `shipped`."""
        return find_version(self.all(), name)

    def all(self) -> list[ModelVersion]:
        """Every version, newest first, with the shipped one among them."""
        versions = {}
        shipped = shipped_version()
        if shipped is not None:
            versions[shipped.name] = shipped
        for package in self._packages().values():
            version = self._describe(package)
            versions.setdefault(version.name, version)
        return sorted(versions.values(), key=lambda version: version.created, reverse=True)

    def judge(self, name: str, approval: Approval, by: str) -> ModelVersion:
        """Approve or reject a version, and note who did."""
        found = self.get(name)
        refuse_to_judge_shipped(found)
        package = self._packages()[found.name]
        self._aws.call(
            "sagemaker",
            "update_model_package",
            ModelPackageArn=package["ModelPackageArn"],
            ModelApprovalStatus=approval,
            ApprovalDescription=by,
        )
        # The same word of somebody else is news as well.
        self._known.pop(str(package["ModelPackageArn"]), None)
        return self.get(found.name)

    def sources(self, version: ModelVersion, *, isolated: bool) -> tuple[str, str]:
        """Where a container finds a version's artifact and the code that serves it.

        A version is served by the code that trained it; the shipped one by this installation's. A
        container that is cut off from the network can't fetch its code: then it comes inside a
        copy of the artifact.
        """
        if version.shipped:
            artifact = self._storage.put_artifact(Path(version.artifact), version.name)
            code = self._storage.put_code(code_package())
        else:
            told = self._told(self._packages()[version.name])
            artifact = Address.parse(version.artifact)
            code = Address.parse(str(told["CustomerMetadataProperties"]["code"]))
        if not isolated:
            return str(artifact), str(code)
        return str(self._with_code(artifact, code, version.name)), INSIDE

    def _with_code(self, artifact: Address, code: Address, version: str) -> Address:
        """A copy of an artifact with its code inside, made unless it is there."""
        digest = code.key.split("/")[-2][:16]
        address = self._storage.address("models", version, f"with-code-{digest}", "model.tar.gz")
        if self._storage.exists(address):
            return address
        with tempfile.TemporaryDirectory(prefix="triage-artifact-") as folder:
            home = Path(folder)
            for source, name in ((artifact, "model"), (code, "model/code")):
                packed = self._storage.fetch(source, home / f"{name.replace('/', '-')}.tar.gz")
                unpack_artifact(packed, home / name)
            pack_artifact(home / "model", home / "both.tar.gz")
            self._storage.put(address, (home / "both.tar.gz").read_bytes())
        return address

    def fetch(self, version: ModelVersion, folder: Path) -> Path:
        """A local copy of a version's artifact; one that was fetched before is used again."""
        if version.shipped:
            return Path(version.artifact)
        path = folder / version.name / "model.tar.gz"
        if not path.is_file():
            self._storage.fetch(Address.parse(version.artifact), path)
        return path

    def _create(
        self, name: str, artifact: str, metadata: Mapping[str, Any], properties: Mapping[str, str]
    ) -> None:
        place = Place.read(self._settings)
        self._ensure_group(place)
        metrics = self._storage.address("models", name, "metrics.json")
        self._storage.put(metrics, quality_content(metadata).encode())
        self._aws.call(
            "sagemaker",
            "create_model_package",
            ModelPackageGroupName=GROUP,
            ModelPackageDescription=f"{name} {_headline(metadata)}".strip(),
            InferenceSpecification={
                "Containers": [
                    {
                        "Image": image_uri(self._aws.region),
                        "ModelDataUrl": artifact,
                        "Environment": container_environment(properties["code"]),
                    }
                ],
                "SupportedContentTypes": _CONTENT_TYPES,
                "SupportedResponseMIMETypes": _ANSWER_TYPES,
                "SupportedRealtimeInferenceInstanceTypes": _MACHINES,
                "SupportedTransformInstanceTypes": _MACHINES[1:],
            },
            ModelApprovalStatus="PendingManualApproval",
            ModelMetrics={
                "ModelQuality": {
                    "Statistics": {"ContentType": "application/json", "S3Uri": str(metrics)}
                }
            },
            ModelCard={
                "ModelCardContent": card_content(metadata, properties, artifact),
                "ModelCardStatus": "PendingReview",
            },
            CustomerMetadataProperties={
                key: value[:_LONGEST_VALUE] for key, value in properties.items() if value
            },
            Domain="MACHINE_LEARNING",
            Task="CLASSIFICATION",
            # A request that is sent again makes no second package.
            ClientToken=f"register-{name}",
        )

    def _ensure_group(self, place: Place) -> None:
        try:
            self._aws.call(
                "sagemaker",
                "create_model_package_group",
                ModelPackageGroupName=GROUP,
                ModelPackageGroupDescription="Versions of the referral triage model",
                Tags=place.tags(),
            )
        except AwsError as error:
            if not error.exists:
                raise

    def _packages(self) -> dict[str, dict[str, Any]]:
        """The summary of each of our packages, by version; the first of equals."""
        found: dict[str, dict[str, Any]] = {}
        try:
            for item in self._aws.pages(
                "sagemaker",
                "list_model_packages",
                "ModelPackageSummaryList",
                ModelPackageGroupName=GROUP,
                SortBy="CreationTime",
                SortOrder="Ascending",
                MaxResults=100,
            ):
                name = str(item.get("ModelPackageDescription", "")).partition(" ")[0]
                if VERSION_PATTERN.fullmatch(name):
                    found.setdefault(name, item)
        except AwsError as error:
            if not error.missing:  # no group yet: no versions
                raise
        return found

    def _describe(self, package: Mapping[str, Any]) -> ModelVersion:
        arn = str(package["ModelPackageArn"])
        approval: Approval = package.get("ModelApprovalStatus", "PendingManualApproval")
        known = self._known.get(arn)
        if known is None or known.approval != approval:
            known = _version(self._told(package), approval)
            self._known[arn] = known
        return known

    def _told(self, package: Mapping[str, Any]) -> dict[str, Any]:
        return self._aws.call(
            "sagemaker", "describe_model_package", ModelPackageName=package["ModelPackageArn"]
        )

    def _metadata(self, artifact: Address) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="triage-artifact-") as folder:
            return read_metadata(self._storage.fetch(artifact, Path(folder) / "model.tar.gz"))


def container_environment(code: str) -> dict[str, str]:
    """The variables by which the container finds `inference.py`, and the error rate aimed at."""
    target = os.environ.get("TRIAGE_ERROR_TARGET")
    return {
        **({"TRIAGE_ERROR_TARGET": target} if target else {}),
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": code,
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
    }


def _headline(metadata: Mapping[str, Any]) -> str:
    auc = metadata.get("metrics", {}).get("auc")
    return f"auc {auc:.4f}" if isinstance(auc, float) else ""


def _version(told: Mapping[str, Any], approval: Approval) -> ModelVersion:
    properties = dict(told["CustomerMetadataProperties"])
    metrics = {
        key.removeprefix("metric:"): float(value)
        for key, value in properties.items()
        if key.startswith("metric:")
    }
    described = describe_metadata({**properties, "metrics": metrics})
    container = told["InferenceSpecification"]["Containers"][0]
    return ModelVersion(
        name=str(properties["model_version"]),
        artifact=str(container["ModelDataUrl"]),
        created=told["CreationTime"],
        job=properties.get("job"),
        approval=approval,
        judged_by=str(told.get("ApprovalDescription", "")),
        **described,
    )
