"""Endpoints: created, updated in place, rolled back, removed; and what really serves.

The name of a config says which version it serves. Which one served before is written on the
endpoint, as tags, before an update begins: whoever is killed after that has lost nothing.
"""

from collections.abc import Mapping
from typing import Any

from mlops.backends import Endpoint, EndpointStatus
from mlops.backends.options import ANY_HOSTING, Hosting, Rollout
from mlops.backends.sagemaker import hosting as recipes
from mlops.backends.sagemaker.alarms import Alarms
from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import DENIED, AwsError
from mlops.backends.sagemaker.history import History, serving_version
from mlops.backends.sagemaker.looking import Looking, config_of, not_found, reason_of
from mlops.backends.sagemaker.making import Making
from mlops.backends.sagemaker.names import PartName, check_endpoint
from mlops.backends.sagemaker.parts import Parts
from mlops.backends.sagemaker.place import Place
from mlops.backends.sagemaker.registry import Registry
from mlops.backends.sagemaker.scaling import Scaling
from mlops.backends.sagemaker.storage import Storage
from mlops.backends.versions import check_servable
from mlops.errors import BackendError
from mlops.settings import Settings

_STATUS: Mapping[str, EndpointStatus] = {
    "Creating": "Creating",
    "Updating": "Updating",
    "SystemUpdating": "Updating",
    "RollingBack": "RollingBack",
    "InService": "InService",
    "OutOfService": "Failed",
    "Failed": "Failed",
    "UpdateRollbackFailed": "Failed",
    "Deleting": "Deleting",
}


class Endpoints:
    """The endpoints of this package in one account and region.

    Args:
        aws: The way to AWS.
        storage: Where captured requests go.
        registry: Where versions are looked up.
        settings: Role, network, encryption and tags.
    """

    def __init__(self, aws: Aws, storage: Storage, registry: Registry, settings: Settings) -> None:
        self._aws = aws
        self._storage = storage
        self._registry = registry
        self._settings = settings
        self._looking = Looking(aws)
        self._making = Making(aws, storage, registry)
        self._history = History(aws)
        self._alarms = Alarms(aws)
        self._scaling = Scaling(aws)
        self._parts = Parts(aws, self._alarms, self._scaling)

    def deploy(self, name: str, version: str, hosting: Hosting) -> Endpoint:
        """Create an endpoint and wait until it serves; see `Backend.deploy`."""
        check_endpoint(name)
        place = Place.read(self._settings)
        recipes.check_hosting(hosting, place)
        found = check_servable(self._registry.get(version))
        told = self._looking.told(name)
        if told is not None and told["EndpointStatus"] == "Failed":
            # Of a creation that failed: it never served, and AWS keeps its name taken.
            self._parts.remove(name)
            told = None
        if told is not None and told["EndpointStatus"] != "Creating":
            raise _exists(name, found.name)
        config = self._making.config(name, found, hosting, place)
        if told is None:
            try:
                self._aws.call(
                    "sagemaker",
                    "create_endpoint",
                    EndpointName=name,
                    EndpointConfigName=config,
                    Tags=place.tags(),
                )
            except AwsError as error:
                if not error.exists:
                    raise
        # Another command may have been first, with another config.
        told = self._looking.wait(name)
        if config_of(told) != config:
            raise _exists(name, found.name)
        if told["EndpointStatus"] != "InService":
            raise BackendError(
                f"The endpoint {name} was not created: {reason_of(told)}. {self._clear(name)} "
                "Deploy another version: triage models list"
            )
        self._scale(name, told, hosting)
        return self._endpoint(told)

    def update(self, name: str, version: str, hosting: Hosting, rollout: Rollout) -> Endpoint:
        """Change what an endpoint serves and wait until it does; see `Backend.update`."""
        place = Place.read(self._settings)
        told = self._looking.require(name)
        if told["EndpointStatus"] in ("Failed", "OutOfService"):
            raise BackendError(
                f"The endpoint {name} has failed ({reason_of(told)}) and can't be updated. Its "
                f"versions are kept. Delete it and deploy anew: triage endpoints delete {name}"
            )
        found = check_servable(self._registry.get(version))
        current = self._aws.call(
            "sagemaker", "describe_endpoint_config", EndpointConfigName=config_of(told)
        )
        wanted = recipes.inherited(hosting, current)
        recipes.check_hosting(wanted, place)
        serverless = bool(wanted.serverless)
        machines = wanted.instance_count or 1
        if hosting.instance_count is None:  # what runs, which autoscaling may have changed
            machines = int(told["ProductionVariants"][0].get("CurrentInstanceCount") or machines)
        # Said before anything is made: whether the fleet can be divided as asked.
        recipes.deployment(rollout, machines, [], serverless=serverless)
        config = self._making.config(name, found, wanted, place)
        if told["EndpointStatus"] != "InService":
            self._join(name, told, config)
        elif config_of(told) != config:
            names: list[str] = []
            if rollout.alarms is not False:
                self._alarms.check_quiet(name)
                names = self._alarms.ensure(name, place, rollout.max_latency)
            deployment = recipes.deployment(rollout, machines, names, serverless=serverless)
            self._begin(told, config, deployment, hosting, serverless=serverless)
        told = self._finish(name, config, found.name)
        self._scale(name, told, hosting)
        return self._endpoint(told)

    def rollback(self, name: str) -> Endpoint:
        """Go back to the config that served before; see `Backend.rollback`.

        All traffic moves at once and no alarm watches: the endpoint is ill, and the way back must
        not depend on how it feels.
        """
        told = self._looking.require(name)
        before = self._history.previous(told)
        if told["EndpointStatus"] in ("Updating", "RollingBack", "Creating"):
            raise self._busy(name, told)
        if before is None:
            raise BackendError(
                f"The endpoint {name} has served no other version. It serves on as it was. "
                f"To change what it serves: triage endpoints update {name} VERSION"
            )
        version = serving_version(before)
        try:
            config = self._aws.call(
                "sagemaker", "describe_endpoint_config", EndpointConfigName=before
            )
        except AwsError as error:
            if not (error.missing or error.code == "ValidationException"):
                raise
            raise BackendError(
                f"The config of {version} was removed by someone. {name} serves on as it was. "
                f"Make it anew: triage endpoints update {name} {version}"
            ) from None
        serverless = "ServerlessConfig" in config["ProductionVariants"][0]
        at_once = recipes.deployment(Rollout(bake=0), 1, [], serverless=serverless)
        self._begin(told, before, at_once, ANY_HOSTING, serverless=serverless)
        return self._endpoint(self._finish(name, before, version))

    def get(self, name: str) -> Endpoint:
        """The endpoint as it stands now."""
        return self._endpoint(self._looking.require(name))

    def all(self) -> list[Endpoint]:
        """Every endpoint that this package has made, by name."""
        found = []
        for item in self._aws.pages(
            "sagemaker", "list_endpoints", "Endpoints", SortBy="Name", SortOrder="Ascending"
        ):
            try:
                told = self._looking.told(str(item["EndpointName"]))
            except AwsError as error:
                if error.code in DENIED:  # somebody else's
                    continue
                raise
            if told is not None and PartName.parse(config_of(told)) is not None:
                found.append(self._endpoint(told))
        return sorted(found, key=lambda endpoint: endpoint.name)

    def parts(self, name: str) -> list[str]:
        """What `delete` would remove, a line for each part."""
        told = self._looking.told(name)
        lines = []
        if told is not None:
            serves = serving_version(config_of(told))
            lines.append(f"endpoint {name} ({told['EndpointStatus']}, serves {serves})")
        return [*lines, *self._parts.lines(name)]

    def delete(self, name: str) -> None:
        """Remove it with its configs, models, alarms and autoscaling."""
        if not self.parts(name):
            raise not_found(name)
        self._parts.remove(name)

    def _clear(self, name: str) -> str:
        """Remove what a failed creation has left; what came of that, as a sentence."""
        try:
            self._parts.remove(name)
        except BackendError:
            return f"Its parts are left: triage endpoints delete {name}."
        return "Nothing of it was kept."

    def _begin(
        self,
        told: Mapping[str, Any],
        config: str,
        deployment: dict[str, Any] | None,
        hosting: Hosting,
        *,
        serverless: bool,
    ) -> None:
        """Write down what served, then start the move to another config."""
        self._history.begin(told, config)
        anew = [
            {"VariantPropertyType": kind}
            for kind, asked in (
                ("DesiredInstanceCount", hosting.instance_count),
                ("DataCaptureConfig", hosting.capture),
            )
            if asked
        ]
        self._aws.call(
            "sagemaker",
            "update_endpoint",
            EndpointName=told["EndpointName"],
            EndpointConfigName=config,
            # Else a fleet that autoscaling has grown would shrink in the middle of the day.
            RetainAllVariantProperties=None if serverless else True,
            ExcludeRetainedVariantProperties=(anew or None) if not serverless else None,
            DeploymentConfig=deployment,
        )

    def _join(self, name: str, told: Mapping[str, Any], config: str) -> None:
        """Go on with an update that is under way, if it is the same one.

        Raises:
            BackendError: if it is another one.
        """
        under_way = told["EndpointStatus"] in ("Updating", "SystemUpdating")
        if under_way and self._history.target(told) == config:
            return
        raise self._busy(name, told)

    def _finish(self, name: str, config: str, version: str) -> dict[str, Any]:
        """Wait for the end of an update, and look at what serves then.

        Raises:
            BackendError: if it isn't the config that was asked for: SageMaker has rolled back.
        """
        told = self._looking.wait(name)
        if told["EndpointStatus"] == "InService" and config_of(told) == config:
            return told
        if told["EndpointStatus"] == "InService":
            raise BackendError(
                f"The update of {name} to {version} was rolled back: {reason_of(told)}. "
                f"{serving_version(config_of(told))} serves on as before. Look at the alarms and "
                f"the log /aws/sagemaker/Endpoints/{name}, then try another version."
            )
        raise BackendError(
            f"The update of {name} to {version} failed and it is {told['EndpointStatus']}: "
            f"{reason_of(told)}. Its versions are kept. Deploy it anew: triage endpoints delete "
            f"{name}, then triage deploy"
        )

    def _scale(self, name: str, told: Mapping[str, Any], hosting: Hosting) -> None:
        if hosting.scale_to:
            least = int(told["ProductionVariants"][0].get("DesiredInstanceCount") or 1)
            self._scaling.turn_on(name, min(least, hosting.scale_to), hosting.scale_to)

    def _busy(self, name: str, told: Mapping[str, Any]) -> BackendError:
        wanted = self._history.target(told)
        to = f" to {serving_version(wanted)}" if wanted else ""
        return BackendError(
            f"The endpoint {name} is {told['EndpointStatus']}{to} already. Yours changed nothing. "
            f"See how it is: triage endpoints show {name}; then try again."
        )

    def _endpoint(self, told: Mapping[str, Any]) -> Endpoint:
        previous = self._history.previous(told)
        shadow = None
        if told.get("ShadowProductionVariants"):
            config = self._aws.call(
                "sagemaker", "describe_endpoint_config", EndpointConfigName=config_of(told)
            )
            shadow = serving_version(str(config["ShadowProductionVariants"][0]["ModelName"]))
        return Endpoint(
            name=str(told["EndpointName"]),
            status=_STATUS.get(str(told["EndpointStatus"]), "Failed"),
            version=serving_version(config_of(told)),
            previous=serving_version(previous) if previous else None,
            created=told["CreationTime"],
            updated=told["LastModifiedTime"],
            failure=reason_of(told) if told.get("FailureReason") else None,
            shadow=shadow,
        )


def _exists(name: str, version: str) -> BackendError:
    return BackendError(
        f"The endpoint {name} exists already and was left as it is. To change what it serves: "
        f"triage endpoints update {name} {version}"
    )
