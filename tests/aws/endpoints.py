"""Endpoints that serve: created from a config, updated in place, deleted."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.aws.cloud import Cloud
from tests.aws.errors import AwsError, invalid
from tests.aws.fleet import Fleet, Unhealthy
from tests.aws.pace import Pace
from tests.aws.registry import Registry
from tests.aws.rollout import RolledBack, Rollout
from tests.aws.shelf import Resource, Shelf, listed, now
from tests.aws.watch import Watch
from tests.aws.wire import Call


@dataclass(eq=False)
class Endpoint(Resource):
    """An endpoint and what serves for it.

    Attributes:
        fleet: What serves; None before it does.
        successor: What is to serve after an update, and gets `share` of the traffic until then.
        deployment: The `DeploymentConfig` of the last update.
    """

    status: str = "Creating"
    config: str = ""
    fleet: Fleet | None = None
    successor: Fleet | None = None
    share: float = 0.0
    failure: str | None = None
    deployment: Mapping[str, Any] | None = None
    closing: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    history: list[str] = field(default_factory=lambda: ["Creating"])

    def become(self, status: str) -> None:
        """Pass to a status."""
        self.modified = now()
        self.history.append(status)
        self.status = status


class Endpoints:
    """The account's endpoints."""

    def __init__(
        self, cloud: Cloud, registry: Registry, watch: Watch, region: str, folder: Path, pace: Pace
    ) -> None:
        self._cloud, self._registry, self._watch = cloud, registry, watch
        self._folder, self._pace = folder, pace
        self.shelf: Shelf[Endpoint] = Shelf(
            region, "endpoint", lambda arn: invalid(f'Could not find endpoint "{arn}".')
        )
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._gone: list[Endpoint] = []

    def operations(self) -> dict[str, Callable[[Call], Mapping[str, Any]]]:
        """What it answers to."""
        return {
            "CreateEndpoint": self._create,
            "DescribeEndpoint": lambda call: _described(
                self.shelf.get(call.params["EndpointName"])
            ),
            "ListEndpoints": lambda call: listed(
                list(self.shelf), call.params, _summary, "Endpoints", descending=True
            ),
            "UpdateEndpoint": self._update,
            "UpdateEndpointWeightsAndCapacities": self._reweigh,
            "DeleteEndpoint": self._delete,
        }

    def lose_machines(self, name: str) -> None:
        """Kill the containers that serve: each request fails until another fleet is there."""
        fleet = self.shelf.get(name).fleet
        for variant in fleet.variants if fleet is not None else []:
            variant.container.kill()

    def close(self) -> None:
        """End everything that serves."""
        for endpoint in [*self.shelf, *self._gone]:
            endpoint.closing.set()
        for thread in self._threads:
            thread.join()
        for endpoint in [*self.shelf, *self._gone]:
            _end(endpoint)

    def _create(self, call: Call) -> dict[str, Any]:
        name, config = call.params["EndpointName"], call.params["EndpointConfigName"]
        with self._lock:
            self._registry.configs.get(config)
            if name in self.shelf:
                raise invalid(f'Cannot create already existing endpoint "{self.shelf.arn(name)}".')
            endpoint = Endpoint(
                name,
                self.shelf.arn(name),
                call.params,
                config=config,
                deployment=call.params.get("DeploymentConfig"),
            )
            self.shelf.add(endpoint)
        self._work(endpoint, lambda: self._first(endpoint, call.failure))
        return {"EndpointArn": endpoint.arn}

    def _first(self, endpoint: Endpoint, ordered: str | None) -> None:
        """Bring a new endpoint into service."""
        endpoint.closing.wait(self._pace.step)
        try:
            if ordered is not None:
                raise Unhealthy(ordered)
            fleet = self._fleet(endpoint, endpoint.config, {})
            endpoint.successor = fleet  # so that it is ended whatever happens
            fleet.start(endpoint.closing)
        except (Unhealthy, AwsError) as error:
            endpoint.failure = error.message if isinstance(error, AwsError) else str(error)
            _drop(endpoint)
            endpoint.become("Failed")
            return
        endpoint.fleet, endpoint.successor = fleet, None
        endpoint.become("InService")

    def _update(self, call: Call) -> dict[str, Any]:
        params = call.params
        with self._lock:
            endpoint = self.shelf.get(params["EndpointName"])
            self._registry.configs.get(params["EndpointConfigName"])
            _settled(endpoint)
            deployment = params.get("DeploymentConfig")
            if params.get("RetainDeploymentConfig"):
                deployment = deployment or endpoint.deployment
            rollback = (deployment or {}).get("AutoRollbackConfiguration", {})
            unknown = self._watch.unknown([a["AlarmName"] for a in rollback.get("Alarms", [])])
            if unknown:
                raise invalid(f"CloudWatch alarms {unknown} do not exist.")
            endpoint.deployment = deployment
            endpoint.failure = None
            endpoint.become("Updating")
        self._work(endpoint, lambda: self._swap(endpoint, params, call.failure))
        return {"EndpointArn": endpoint.arn}

    def _swap(self, endpoint: Endpoint, params: Mapping[str, Any], ordered: str | None) -> None:
        """Move the traffic to a new fleet, or back."""
        config = params["EndpointConfigName"]
        excluded = {
            item["VariantPropertyType"]
            for item in params.get("ExcludeRetainedVariantProperties", [])
        }
        retained = {}
        if params.get("RetainAllVariantProperties") and endpoint.fleet is not None:
            for variant in endpoint.fleet.variants:
                if not excluded & {"DesiredInstanceCount", "DesiredWeight"}:
                    retained[variant.name] = (variant.weight, variant.count)
        endpoint.closing.wait(self._pace.step)
        rollout = Rollout(endpoint.deployment or {}, self._watch, self._pace, endpoint.closing)
        try:
            if ordered is not None:
                raise Unhealthy(ordered)
            fleet = self._fleet(endpoint, config, retained)
            endpoint.successor = fleet
            fleet.start(endpoint.closing)
            rollout.shift(lambda share: setattr(endpoint, "share", share), fleet)
        except (Unhealthy, RolledBack, AwsError) as error:
            endpoint.share = 0.0
            endpoint.failure = error.message if isinstance(error, AwsError) else str(error)
            endpoint.become("RollingBack")
            endpoint.closing.wait(self._pace.step)
            _drop(endpoint)
            endpoint.become("InService" if endpoint.fleet is not None else "Failed")
            return
        with self._lock:
            old, endpoint.fleet, endpoint.successor = endpoint.fleet, fleet, None
            endpoint.share, endpoint.config = 0.0, config
        if old is not None:
            old.close()
        endpoint.become("InService")

    def _reweigh(self, call: Call) -> dict[str, Any]:
        with self._lock:
            endpoint = self.shelf.get(call.params["EndpointName"])
            _settled(endpoint)
            if endpoint.fleet is None:
                raise invalid(f'Endpoint "{endpoint.arn}" does not serve.')
            for wanted in call.params["DesiredWeightsAndCapacities"]:
                variant = endpoint.fleet.named(wanted["VariantName"])
                variant.weight = wanted.get("DesiredWeight", variant.weight)
                variant.count = wanted.get("DesiredInstanceCount", variant.count)
            endpoint.become("Updating")
        self._work(endpoint, lambda: self._settle(endpoint))
        return {"EndpointArn": endpoint.arn}

    def _settle(self, endpoint: Endpoint) -> None:
        endpoint.closing.wait(self._pace.step)
        endpoint.become("InService")

    def _delete(self, call: Call) -> dict[str, Any]:
        with self._lock:
            endpoint = self.shelf.get(call.params["EndpointName"])
            if endpoint.status in ("Creating", "Updating", "RollingBack"):
                raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
            endpoint.become("Deleting")
        self._work(endpoint, lambda: self._forget(endpoint))
        return {}

    def _forget(self, endpoint: Endpoint) -> None:
        endpoint.closing.wait(self._pace.step)
        self._gone.append(endpoint)
        self.shelf.remove(endpoint.name)
        _end(endpoint)

    def _fleet(
        self, endpoint: Endpoint, config: str, retained: Mapping[str, tuple[float, int]]
    ) -> Fleet:
        folder = self._folder / endpoint.name
        return Fleet(
            self._cloud, self._registry, endpoint.name, config, folder, self._pace, retained
        )

    def _work(self, endpoint: Endpoint, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=f"endpoint {endpoint.name}")
        self._threads.append(thread)
        thread.start()


def _settled(endpoint: Endpoint) -> None:
    if endpoint.status not in ("InService", "Failed"):
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')


def _drop(endpoint: Endpoint) -> None:
    """End the successor of a fleet that goes on."""
    successor, endpoint.successor = endpoint.successor, None
    if successor is not None:
        successor.close()


def _end(endpoint: Endpoint) -> None:
    """End everything of an endpoint."""
    _drop(endpoint)
    fleet, endpoint.fleet = endpoint.fleet, None
    if fleet is not None:
        fleet.close()


def _described(endpoint: Endpoint) -> dict[str, Any]:
    production, shadow = (
        [
            _variant(variant)
            for variant in (endpoint.fleet.variants if endpoint.fleet else [])
            if variant.shadow == wanted
        ]
        for wanted in (False, True)
    )
    pending = None
    if endpoint.status == "Updating" and endpoint.successor is not None:
        pending = {
            "EndpointConfigName": endpoint.successor.config,
            "StartTime": endpoint.modified,
            "ProductionVariants": [
                {"VariantName": variant.name, "CurrentWeight": variant.weight}
                for variant in endpoint.successor.variants
                if not variant.shadow
            ],
        }
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config,
        "ProductionVariants": production or None,
        "ShadowProductionVariants": shadow or None,
        "EndpointStatus": endpoint.status,
        "FailureReason": endpoint.failure,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "LastDeploymentConfig": endpoint.deployment,
        "PendingDeploymentSummary": pending,
    }


def _variant(variant: Any) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "CurrentInstanceCount": variant.count,
        "DesiredInstanceCount": variant.count,
    }
    if variant.serverless:
        serverless = variant.params["ServerlessConfig"]
        counts = {"CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless}
    return {
        "VariantName": variant.name,
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        **counts,
    }


def _summary(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "EndpointStatus": endpoint.status,
    }
