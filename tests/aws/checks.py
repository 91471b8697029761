"""Requests against botocore's service model: what it says, not what moto happens to accept."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import Shape
from botocore.validate import ParamValidator

from tests.aws.errors import invalid

# The models' patterns are Java's: these of its classes are written otherwise in Python.
_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{M}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Zs}": " ",
    r"\p{Z}": r"\s",
    r"\p{S}": r"$+<=>^`|~",
    r"\p{P}": r"!-/:-@\[-`{-~",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"[\p{Print}]": "[ -~]",
    r"\p{Print}": "[ -~]",
    r"\p{ASCII}": r"[\0-\x7f]",
    r"[\w-_]": r"[\w\-]",
    r"\z": r"\Z",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
    r")${": "){",
}


def check_request(params: Mapping[str, Any], shape: Shape | None) -> None:
    """Compare a request with the model of its operation.

    Raises:
        AwsError: `ValidationException`, naming what is missing, unknown, of the wrong type, or
            against an enumeration, a pattern, a length or a range.
    """
    if shape is None:
        return
    report = ParamValidator().validate(params, shape)
    found = [report.generate_report()] if report.has_errors() else [*problems(params, shape)]
    if found:
        plural = "s" if len(found) > 1 else ""
        raise invalid(f"{len(found)} validation error{plural} detected: {'; '.join(found)}")


def problems(value: Any, shape: Shape, at: str = "") -> Iterator[str]:
    """What in a value is against the constraints of its shape, or unknown to it."""
    if shape.type_name == "structure":
        for name, member in value.items():
            if name not in shape.members:
                yield f"Unknown field at '{at}{name}'"
            else:
                yield from problems(member, shape.members[name], f"{at}{name}.")
        return
    at = at.rstrip(".")
    size = None
    if shape.type_name == "list":
        size = len(value)
        for index, member in enumerate(value):
            yield from problems(member, shape.member, f"{at}.{index + 1}.")
    elif shape.type_name == "map":
        size = len(value)
        for key, member in value.items():
            yield from problems(key, shape.key, f"{at}.key.")
            yield from problems(member, shape.value, f"{at}.{key}.")
    elif shape.type_name == "string":
        size = len(value)
        if shape.enum and value not in shape.enum:
            yield _constraint(value, at, f"Member must satisfy enum value set: {shape.enum}")
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield _constraint(
                value, at, f"Member must satisfy regular expression pattern: {pattern}"
            )
    elif shape.type_name in ("integer", "long", "float", "double"):
        size = value
    if size is not None:
        yield from _out_of_range(value, size, shape, at)


def _out_of_range(value: Any, size: float, shape: Shape, at: str) -> Iterator[str]:
    number = shape.type_name in ("integer", "long", "float", "double")
    what = "have value" if number else "have length"
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _constraint(value, at, f"Member must {what} greater than or equal to {low}")
    if high is not None and size > high:
        yield _constraint(value, at, f"Member must {what} less than or equal to {high}")


def _constraint(value: Any, at: str, constraint: str) -> str:
    return f"Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in _CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern, re.DOTALL)
