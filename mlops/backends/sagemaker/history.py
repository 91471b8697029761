"""Which config served before: written on the endpoint as tags, before an update begins.

`from` and `to` are of the last update, `before` is what had served before `from`: if the update is
rolled back, `from` serves again and `before` is the way back. Whoever is killed after the tags are
written has lost nothing, however the update ends.
"""

from collections.abc import Mapping
from typing import Any

from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.names import PartName

_FROM, _TO, _BEFORE = "triage:from", "triage:to", "triage:before"
_NOTHING = "none"


class History:
    """Reads and writes the tags; `told` is a `DescribeEndpoint` answer."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def begin(self, told: Mapping[str, Any], config: str) -> None:
        """Write down what serves, and where the update that begins now goes."""
        tags = {
            _FROM: str(told["EndpointConfigName"]),
            _TO: config,
            _BEFORE: self.previous(told) or _NOTHING,
        }
        self._aws.call(
            "sagemaker",
            "add_tags",
            ResourceArn=told["EndpointArn"],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )

    def target(self, told: Mapping[str, Any]) -> str | None:
        """The config that the last update went to."""
        return self._tags(told).get(_TO)

    def previous(self, told: Mapping[str, Any]) -> str | None:
        """The config that served before the one in force."""
        tags, current = self._tags(told), told.get("EndpointConfigName")
        found = None
        if tags.get(_TO) == current:
            found = tags.get(_FROM)
        elif tags.get(_FROM) == current:  # the update was rolled back, or is under way
            found = tags.get(_BEFORE)
        return None if found == _NOTHING else found

    def _tags(self, told: Mapping[str, Any]) -> dict[str, str]:
        tags = self._aws.pages("sagemaker", "list_tags", "Tags", ResourceArn=told["EndpointArn"])
        return {str(tag["Key"]): str(tag["Value"]) for tag in tags}


def serving_version(name: str) -> str:
    """The version that a config or model of ours serves; of another one, its name."""
    part = PartName.parse(name)
    return part.version if part else name
