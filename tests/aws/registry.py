"""What is only written down: models, endpoint configs, model packages and their groups."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.aws.cloud import Cloud, Missing
from tests.aws.errors import AwsError, invalid
from tests.aws.shelf import Resource, Shelf, listed, now
from tests.aws.wire import Call

Operation = Callable[[Call], Mapping[str, Any]]
_UPDATABLE = (
    "ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "ModelCard",
    "SourceUri",
)  # fmt: skip


class Registry:
    """The account's models, endpoint configs and model packages."""

    def __init__(self, cloud: Cloud, region: str) -> None:
        self._cloud = cloud
        self.models: Shelf[Resource] = Shelf(
            region, "model", lambda arn: invalid(f'Could not find model "{arn}".')
        )
        self.configs: Shelf[Resource] = Shelf(
            region,
            "endpoint-config",
            lambda arn: invalid(f'Could not find endpoint configuration "{arn}".'),
        )
        self.groups: Shelf[Resource] = Shelf(
            region,
            "model-package-group",
            lambda arn: invalid(f"ModelPackageGroup {arn} does not exist."),
        )
        self.packages: Shelf[Resource] = Shelf(
            region, "model-package", lambda arn: invalid(f"ModelPackage {arn} does not exist.")
        )
        self._numbers: dict[str, int] = {}

    def operations(self) -> dict[str, Operation]:
        """What it answers to."""
        return {
            "CreateModel": self._create_model,
            "DescribeModel": lambda call: self._described(self.models, call, "Model"),
            "ListModels": lambda call: self._listed(self.models, call, "Model", "Models"),
            "DeleteModel": lambda call: self._deleted(self.models, call, "ModelName"),
            "CreateEndpointConfig": self._create_config,
            "DescribeEndpointConfig": lambda call: self._described(
                self.configs, call, "EndpointConfig"
            ),
            "ListEndpointConfigs": lambda call: self._listed(
                self.configs, call, "EndpointConfig", "EndpointConfigs"
            ),
            "DeleteEndpointConfig": lambda call: self._deleted(
                self.configs, call, "EndpointConfigName"
            ),
            "CreateModelPackageGroup": self._create_group,
            "DescribeModelPackageGroup": lambda call: (
                _group(self.groups.get(call.params["ModelPackageGroupName"])) | {"CreatedBy": {}}
            ),
            "ListModelPackageGroups": lambda call: listed(
                list(self.groups),
                call.params,
                _group,
                "ModelPackageGroupSummaryList",
                descending=False,
            ),
            "DeleteModelPackageGroup": self._delete_group,
            "CreateModelPackage": self._create_package,
            "DescribeModelPackage": lambda call: described_package(
                self.packages.get(call.params["ModelPackageName"])
            ),
            "ListModelPackages": self._list_packages,
            "UpdateModelPackage": self._update_package,
            "DeleteModelPackage": self._delete_package,
        }

    def containers(self, model: str) -> list[Mapping[str, Any]]:
        """The containers of a model; one that names a package stands for those of the package.

        Raises:
            AwsError: if there is no such model or package.
        """
        params = self.models.get(model).params
        containers = params.get("Containers") or [params["PrimaryContainer"]]
        return [inner for outer in containers for inner in self._unpacked(outer)]

    def _unpacked(self, container: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        if "ModelPackageName" not in container:
            return [container]
        package = self.packages.get(container["ModelPackageName"])
        if package.params.get("ModelApprovalStatus") != "Approved" and _group_of(package):
            raise invalid(f"Model package {package.arn} is not approved.")
        inside = package.params["InferenceSpecification"]["Containers"]
        environment = container.get("Environment", {})
        return [
            item | {"Environment": item.get("Environment", {}) | environment} for item in inside
        ]

    def _create_model(self, call: Call) -> dict[str, Any]:
        params = call.params
        name = params["ModelName"]
        if name in self.models:
            raise invalid(f'Cannot create already existing model "{self.models.arn(name)}".')
        if ("PrimaryContainer" in params) == bool(params.get("Containers")):
            raise invalid("Exactly one of PrimaryContainer and Containers must be given.")
        for outer in params.get("Containers") or [params["PrimaryContainer"]]:
            for container in self._unpacked(outer):
                self._check_data(container)
        model = self.models.add(Resource(name, self.models.arn(name), params))
        return {"ModelArn": model.arn}

    def _check_data(self, container: Mapping[str, Any]) -> None:
        data = container.get("ModelDataUrl")
        if data is None:
            return
        try:
            self._cloud.keys(data)
        except Missing:
            raise invalid(f"Could not find model data at {data}.") from None

    def _create_config(self, call: Call) -> dict[str, Any]:
        name = call.params["EndpointConfigName"]
        if name in self.configs:
            raise invalid(
                f'Cannot create already existing endpoint configuration "{self.configs.arn(name)}".'
            )
        shadows = call.params.get("ShadowProductionVariants", [])
        variants = [*call.params["ProductionVariants"], *shadows]
        if shadows and (len(shadows) > 1 or len(variants) > 2):
            raise invalid("A shadow variant needs exactly one production variant beside it.")
        for variant in variants:
            if "ModelName" in variant:
                self.models.get(variant["ModelName"])
            if ("ServerlessConfig" in variant) == ("InstanceType" in variant):
                raise invalid(
                    f"Variant {variant['VariantName']} needs either an InstanceType or a "
                    "ServerlessConfig."
                )
        config = self.configs.add(Resource(name, self.configs.arn(name), call.params))
        return {"EndpointConfigArn": config.arn}

    def _described(self, shelf: Shelf[Resource], call: Call, kind: str) -> dict[str, Any]:
        found = shelf.get(call.params[f"{kind}Name"])
        echoed = {key: value for key, value in found.params.items() if key != "Tags"}
        return {
            **echoed,
            f"{kind}Arn": found.arn,
            "CreationTime": found.created,
            "EnableNetworkIsolation": found.params.get("EnableNetworkIsolation", False),
        }

    def _listed(self, shelf: Shelf[Resource], call: Call, kind: str, key: str) -> dict[str, Any]:
        def summary(item: Resource) -> dict[str, Any]:
            return {
                f"{kind}Name": item.name,
                f"{kind}Arn": item.arn,
                "CreationTime": item.created,
            }

        return listed(list(shelf), call.params, summary, key, descending=True)

    def _deleted(self, shelf: Shelf[Resource], call: Call, name: str) -> dict[str, Any]:
        shelf.remove(call.params[name])
        return {}

    def _create_group(self, call: Call) -> dict[str, Any]:
        name = call.params["ModelPackageGroupName"]
        if name in self.groups:
            raise invalid(f"Model Package Group already exists: {self.groups.arn(name)}")
        group = Resource(name, self.groups.arn(name), call.params, status="Completed")
        return {"ModelPackageGroupArn": self.groups.add(group).arn}

    def _delete_group(self, call: Call) -> dict[str, Any]:
        group = self.groups.get(call.params["ModelPackageGroupName"])
        if any(_group_of(package) == group.name for package in self.packages):
            raise AwsError(
                "ConflictException",
                f"Model Package Group {group.arn} can't be deleted: it contains model packages.",
            )
        self.groups.remove(group.name)
        return {}

    def _create_package(self, call: Call) -> dict[str, Any]:
        params = dict(call.params)
        if ("ModelPackageName" in params) == ("ModelPackageGroupName" in params):
            raise invalid("Exactly one of ModelPackageName and ModelPackageGroupName is needed.")
        if "ModelPackageGroupName" in params:
            group = self.groups.get(params["ModelPackageGroupName"])
            params["ModelPackageGroupName"] = group.name
            number = self._numbers[group.name] = self._numbers.get(group.name, 0) + 1
            name = f"{group.name}/{number}"
            params.setdefault("ModelApprovalStatus", "PendingManualApproval")
        else:
            name = params["ModelPackageName"]
            if name in self.packages:
                raise invalid(f"Model package {self.packages.arn(name)} already exists.")
        if params.get("Tags") and "ModelPackageGroupName" in params:
            raise invalid("Tags are not allowed on versions of a group; tag the group.")
        for container in params.get("InferenceSpecification", {}).get("Containers", []):
            self._check_data(container)
        package = Resource(name, self.packages.arn(name), params, status="Completed")
        return {"ModelPackageArn": self.packages.add(package).arn}

    def _list_packages(self, call: Call) -> dict[str, Any]:
        params = call.params
        group = params.get("ModelPackageGroupName")
        approval = params.get("ModelApprovalStatus")
        if group is not None:
            group = self.groups.get(group).name
        found = [
            package
            for package in self.packages
            if _group_of(package) == group
            and approval in (None, package.params.get("ModelApprovalStatus"))
        ]
        return listed(found, params, _package_summary, "ModelPackageSummaryList", descending=True)

    def _update_package(self, call: Call) -> dict[str, Any]:
        package = self.packages.get(call.params["ModelPackageArn"])
        changed = {key: call.params[key] for key in _UPDATABLE if key in call.params}
        metadata = dict(package.params.get("CustomerMetadataProperties", {}))
        metadata |= call.params.get("CustomerMetadataProperties", {})
        for key in call.params.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(key, None)
        package.params = {**package.params, **changed, "CustomerMetadataProperties": metadata}
        package.modified = now()
        return {"ModelPackageArn": package.arn}

    def _delete_package(self, call: Call) -> dict[str, Any]:
        self.packages.remove(call.params["ModelPackageName"])
        return {}


def _group(group: Resource) -> dict[str, Any]:
    return {
        "ModelPackageGroupName": group.name,
        "ModelPackageGroupArn": group.arn,
        "ModelPackageGroupDescription": group.params.get("ModelPackageGroupDescription"),
        "CreationTime": group.created,
        "ModelPackageGroupStatus": group.status,
    }


def _group_of(package: Resource) -> str | None:
    return package.params.get("ModelPackageGroupName")


def _package_summary(package: Resource) -> dict[str, Any]:
    number = re.search(r"/(\d+)$", package.name)
    return {
        "ModelPackageName": package.name if number is None else None,
        "ModelPackageGroupName": _group_of(package),
        "ModelPackageVersion": int(number[1]) if number else None,
        "ModelPackageArn": package.arn,
        "ModelPackageDescription": package.params.get("ModelPackageDescription"),
        "CreationTime": package.created,
        "ModelPackageStatus": package.status,
        "ModelApprovalStatus": package.params.get("ModelApprovalStatus"),
    }


def described_package(package: Resource) -> dict[str, Any]:
    """As `DescribeModelPackage` gives it."""
    left_out = ("Tags", "ClientToken", "ValidationSpecification", "ModelPackageName")
    echoed = {key: value for key, value in package.params.items() if key not in left_out}
    return {
        **echoed,
        **_package_summary(package),
        "ModelPackageName": _group_of(package) or package.name,
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": package.params.get("CertifyForMarketplace", False),
        "LastModifiedTime": package.modified,
    }
