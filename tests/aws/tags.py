"""Tags of every resource, and `Search` by them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.aws.errors import invalid, not_found
from tests.aws.shelf import Resource, Shelf, page
from tests.aws.wire import Call

Described = Callable[[Any], Mapping[str, Any]]


class Tags:
    """The tags of an account.

    Args:
        shelves: Everything that can be tagged.
        searched: By the `Resource` of a `Search`: where to look, and how one is described.
    """

    def __init__(
        self,
        shelves: Sequence[Shelf[Any]],
        searched: Mapping[str, tuple[Shelf[Any], Described]],
    ) -> None:
        self._shelves, self._searched = shelves, searched

    def operations(self) -> dict[str, Callable[[Call], Mapping[str, Any]]]:
        """What it answers to."""
        return {
            "AddTags": self._add,
            "DeleteTags": self._delete,
            "ListTags": self._list,
            "Search": self._search,
        }

    def _find(self, arn: str) -> Resource:
        for shelf in self._shelves:
            for item in shelf:
                if item.arn == arn:
                    found: Resource = item
                    return found
        raise not_found(f"Resource {arn} does not exist.")

    def _add(self, call: Call) -> dict[str, Any]:
        found = self._find(call.params["ResourceArn"])
        found.tags |= {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}
        return {"Tags": _listed(found.tags)}

    def _delete(self, call: Call) -> dict[str, Any]:
        found = self._find(call.params["ResourceArn"])
        for key in call.params["TagKeys"]:
            found.tags.pop(key, None)
        return {}

    def _list(self, call: Call) -> dict[str, Any]:
        tags = _listed(self._find(call.params["ResourceArn"]).tags)
        return page(tags, call.params, dict, "Tags")

    def _search(self, call: Call) -> dict[str, Any]:
        kind = call.params["Resource"]
        if kind not in self._searched or call.params.get("SearchExpression", {}).keys() - {
            "Filters"
        }:
            raise invalid(f"The test server searches {sorted(self._searched)} by filters only.")
        shelf, described = self._searched[kind]
        filters = call.params.get("SearchExpression", {}).get("Filters", [])
        found = []
        for item in shelf:
            full = {**described(item), "Tags": _listed(item.tags)}
            if all(_matches(full, item, wanted) for wanted in filters):
                found.append({kind: full})
        return page(found, call.params, dict, "Results")


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _matches(full: Mapping[str, Any], item: Resource, wanted: Mapping[str, str]) -> bool:
    name, operator = wanted["Name"], wanted.get("Operator", "Equals")
    value = item.tags.get(name[5:]) if name.startswith("Tags.") else full.get(name)
    if operator == "Exists":
        return value is not None
    if operator == "Contains":
        return value is not None and wanted["Value"] in str(value)
    if operator == "Equals":
        return value is not None and str(value) == wanted["Value"]
    raise invalid(f"The test server has no operator {operator} for Search.")
