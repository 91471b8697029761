"""Named resources of SageMaker: their ARNs, their tags, and how they are listed."""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from tests.aws.errors import AwsError, invalid
from tests.aws.wire import ACCOUNT


def now() -> datetime:
    """The time as AWS gives it."""
    return datetime.now(UTC)


def arn(region: str, kind: str, name: str) -> str:
    """The ARN of a SageMaker resource."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT}:{kind}/{name}"


@dataclass(eq=False)
class Resource:
    """What every resource has.

    Attributes:
        params: The request that created it.
    """

    name: str
    arn: str
    params: Mapping[str, Any]
    status: str = ""
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tags |= {tag["Key"]: tag["Value"] for tag in self.params.get("Tags", [])}


R = TypeVar("R", bound=Resource)


class Shelf(Generic[R]):
    """The resources of one kind, in the order they were made.

    Args:
        missing: The refusal for a name that is not there, made of its ARN.
        kind: As in ARNs, such as `training-job`.
    """

    def __init__(self, region: str, kind: str, missing: Callable[[str], AwsError]) -> None:
        self._region, self._kind, self._missing = region, kind, missing
        self._items: dict[str, R] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._items.values()))

    def arn(self, name: str) -> str:
        """The ARN that a name has or would have."""
        return arn(self._region, self._kind, name)

    def add(self, item: R) -> R:
        """Keep a new resource."""
        self._items[item.name] = item
        return item

    def get(self, name: str) -> R:
        """The resource of that name or ARN."""
        try:
            return self._items[name.rpartition(f":{self._kind}/")[2]]
        except KeyError:
            raise self._missing(self.arn(name)) from None

    def remove(self, name: str) -> R:
        """Forget the resource of that name."""
        found = self.get(name)
        del self._items[found.name]
        return found


def listed(
    items: Iterator[R] | list[R],
    params: Mapping[str, Any],
    summary: Callable[[R], Mapping[str, Any]],
    key: str,
    *,
    descending: bool,
) -> dict[str, Any]:
    """A page of resources, chosen and sorted as SageMaker's `List…` operations do.

    Args:
        key: The member of the answer that holds them.
        descending: The order when none is asked for.
    """
    found = [item for item in items if _wanted(item, params)]
    by = {"Name": lambda item: item.name, "Status": lambda item: item.status}
    default = {"Ascending": False, "Descending": True}
    found.sort(
        key=by.get(params.get("SortBy", ""), lambda item: item.created),
        reverse=default.get(params.get("SortOrder", ""), descending),
    )
    return page(found, params, summary, key)


def page(
    found: list[Any],
    params: Mapping[str, Any],
    summary: Callable[[Any], Mapping[str, Any]],
    key: str,
) -> dict[str, Any]:
    """As many as were asked for, from the place that the token names."""
    try:
        start = int(base64.b64decode(params.get("NextToken", "")) or 0)
    except ValueError:
        raise invalid("Invalid pagination token") from None
    end = start + params.get("MaxResults", 10)
    token = base64.b64encode(str(end).encode()).decode() if end < len(found) else None
    return {key: [summary(item) for item in found[start:end]], "NextToken": token}


def _wanted(item: Resource, params: Mapping[str, Any]) -> bool:
    far = datetime.max.replace(tzinfo=UTC)
    past = datetime.min.replace(tzinfo=UTC)
    return (
        params.get("NameContains", "").lower() in item.name.lower()
        and params.get("StatusEquals", item.status) == item.status
        and params.get("CreationTimeAfter", past) <= item.created
        and params.get("CreationTimeBefore", far) >= item.created
        and params.get("LastModifiedTimeAfter", past) <= item.modified
        and params.get("LastModifiedTimeBefore", far) >= item.modified
    )
