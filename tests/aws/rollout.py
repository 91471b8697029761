"""Blue/green deployments: traffic moves in steps while the alarms are watched."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.aws.fleet import Fleet
from tests.aws.pace import Pace
from tests.aws.watch import Watch

_LOOK_SECONDS = 0.02


class RolledBack(Exception):
    """The new fleet is not to serve; the reason is the endpoint's `FailureReason`."""


class Rollout:
    """One `DeploymentConfig` being carried out.

    Args:
        deployment: As in `UpdateEndpoint`; empty: all at once, nothing watched.
        closing: Set when the endpoint goes.
    """

    def __init__(
        self,
        deployment: Mapping[str, Any],
        watch: Watch,
        pace: Pace,
        closing: threading.Event,
    ) -> None:
        policy = deployment.get("BlueGreenUpdatePolicy", {})
        self._routing: Mapping[str, Any] = policy.get("TrafficRoutingConfiguration", {})
        self._bake = policy.get("TerminationWaitInSeconds", 0)
        rollback = deployment.get("AutoRollbackConfiguration", {})
        self._alarms = [alarm["AlarmName"] for alarm in rollback.get("Alarms", [])]
        self._watch, self._pace, self._closing = watch, pace, closing

    def shift(self, give: Callable[[float], None], fleet: Fleet) -> None:
        """Give the new fleet its share of the traffic, step by step.

        Raises:
            RolledBack: if an alarm goes off before the old fleet is gone.
        """
        wait = self._routing.get("WaitIntervalInSeconds", 0)
        for share in self._shares(fleet):
            give(share)
            self._look_out(min(wait if share < 1.0 else self._bake, self._pace.rollout))

    def _shares(self, fleet: Fleet) -> list[float]:
        """The shares of the traffic, one after the other, up to all of it."""
        kind = self._routing.get("Type", "ALL_AT_ONCE")
        count = max(1, sum(variant.count for variant in fleet.variants))
        if kind == "CANARY":
            return [min(1.0, _size(self._routing["CanarySize"], count)), 1.0]
        if kind == "LINEAR":
            step = _size(self._routing["LinearStepSize"], count)
            steps = [step * number for number in range(1, int(1 / step) + 1) if step * number < 1]
            return [*steps, 1.0]
        return [1.0]

    def _look_out(self, seconds: float) -> None:
        """Watch the alarms for some time, once at least."""
        deadline = time.monotonic() + seconds
        while True:
            fired = self._watch.in_alarm(self._alarms)
            if fired:
                raise RolledBack(
                    f"One or more alarms {fired} were in the ALARM state. The endpoint was rolled "
                    "back to the previous endpoint configuration."
                )
            if self._closing.is_set():
                raise RolledBack("The endpoint is being deleted.")
            if time.monotonic() >= deadline:
                return
            time.sleep(_LOOK_SECONDS)


def _size(size: Mapping[str, Any], count: int) -> float:
    """The share that a `CapacitySize` stands for."""
    if size["Type"] == "INSTANCE_COUNT":
        return float(size["Value"]) / count
    return float(size["Value"]) / 100
