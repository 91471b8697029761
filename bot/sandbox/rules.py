"""Small rules that Block Kit's limits are written in. Pure.

A rule looks at one value and adds what is wrong with it to a `Check`, in Slack's own words where
those are known. A sentence names fields and numbers, never the content.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that Slack refuses (or, for a warning, regrets), and where."""

    text: str
    pointer: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.text} [json-pointer:{self.pointer}]"


@dataclass
class Check:
    """The findings so far, and the surface that is checked: `message`, `modal` or `home`."""

    surface: str
    findings: list[Finding] = field(default_factory=list)

    def add(self, text: str, pointer: str, warning: bool = False) -> None:
        """Note one more."""
        self.findings.append(Finding(text, pointer, warning))


Rule = Callable[[Check, Any, str], None]


def anything(check: Check, value: Any, pointer: str) -> None:
    """No rule."""


def boolean(check: Check, value: Any, pointer: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        check.add("must be a boolean", pointer)


def string(maximum: int = 0, minimum: int = 1, choices: Collection[str] = ()) -> Rule:
    """A string of `minimum` to `maximum` characters (0: any), or one of `choices`."""

    def rule(check: Check, value: Any, pointer: str) -> None:
        if not isinstance(value, str):
            check.add("must be a string", pointer)
        elif len(value) < minimum:
            check.add(f"must be more than {minimum - 1} characters", pointer)
        elif maximum and len(value) > maximum:
            check.add(f"must be less than {maximum + 1} characters", pointer)
        elif choices and value not in choices:
            check.add(f"must be one of: {', '.join(sorted(choices))}", pointer)

    return rule


def matching(pattern: str, what: str) -> Rule:
    """A string of a given form."""

    def rule(check: Check, value: Any, pointer: str) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            check.add(f"must be {what}", pointer)

    return rule


URL = 3000


def url(check: Check, value: Any, pointer: str) -> None:
    """A web address of at most 3,000 characters."""
    string(URL)(check, value, pointer)
    if isinstance(value, str) and value and not re.match(r"(https?|slack|mailto|tel):", value):
        check.add("must be a valid URL", pointer)


def integer(minimum: int, maximum: int) -> Rule:
    """A whole number within bounds."""

    def rule(check: Check, value: Any, pointer: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            check.add("must be an integer", pointer)
        elif not minimum <= value <= maximum:
            check.add(f"must be between {minimum} and {maximum}", pointer)

    return rule


def number(check: Check, value: Any, pointer: str) -> None:
    """Any finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        check.add("must be a number", pointer)


def items(rule: Rule, maximum: int, minimum: int = 1) -> Rule:
    """A list, each of whose items obeys a rule."""

    def check_items(check: Check, value: Any, pointer: str) -> None:
        if not isinstance(value, list):
            check.add("must be an array", pointer)
            return
        if len(value) < minimum:
            check.add(f"no less than {minimum} items allowed", pointer)
        if len(value) > maximum:
            check.add(f"no more than {maximum} items allowed", pointer)
        # One item past the limit is enough to look at: the rest says the same.
        for index, item in enumerate(value[: maximum + 1]):
            rule(check, item, f"{pointer}/{index}")

    return check_items


def record(
    required: Mapping[str, Rule],
    optional: Mapping[str, Rule] | None = None,
    either: Collection[str] = (),
) -> Rule:
    """An object with these fields and no others; of `either`, at least one."""
    fields = {**required, **(optional or {})}

    def rule(check: Check, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            check.add("must provide an object", pointer)
            return
        for name in required:
            if value.get(name) is None:
                check.add(f"missing required field: {name}", pointer)
        if either and all(value.get(name) is None for name in either):
            names = " or ".join(f"`{name}`" for name in either)
            check.add(f"must define either {names}", pointer)
        for name, item in value.items():
            if name not in fields:
                check.add(f"invalid additional property: {name}", pointer)
            elif item is not None:
                fields[name](check, item, f"{pointer}/{name}")

    return rule


def kind(check: Check, value: Any, pointer: str) -> None:
    """The `type` field itself: `variants` has looked at it already."""


def variants(table: Mapping[str, Rule], allowed: Collection[str] | None = None) -> Rule:
    """An object whose `type` says which rule holds for it."""

    def rule(check: Check, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            check.add("must provide an object", pointer)
            return
        name = value.get("type")
        if name is None:
            check.add("missing required field: type", pointer)
        elif not isinstance(name, str) or name not in table:
            check.add("unsupported type", f"{pointer}/type")
        elif allowed is not None and name not in allowed:
            check.add(f"unsupported type: {name}", f"{pointer}/type")
        else:
            table[name](check, value, pointer)

    return rule


def all_of(*rules: Rule) -> Rule:
    """Several rules for one value."""

    def rule(check: Check, value: Any, pointer: str) -> None:
        for each in rules:
            each(check, value, pointer)

    return rule


def only_in(*surfaces: str) -> Rule:
    """Not everywhere."""

    def rule(check: Check, value: Any, pointer: str) -> None:
        if check.surface not in surfaces:
            check.add(f"unsupported type: {value.get('type')}", f"{pointer}/type")

    return rule


def plain(maximum: int = 3000, minimum: int = 1) -> Rule:
    """A `plain_text` object."""
    fields = {"type": kind, "text": string(maximum, minimum)}
    return variants({"plain_text": record(fields, {"emoji": boolean})})


def text(maximum: int = 3000, minimum: int = 1) -> Rule:
    """A `plain_text` or `mrkdwn` object."""
    fields = {"type": kind, "text": string(maximum, minimum)}
    return variants(
        {
            "plain_text": record(fields, {"emoji": boolean}),
            "mrkdwn": record(fields, {"verbatim": boolean}),
        }
    )
