"""Behaviour tests: what a change of a note must do to its probability, or must not.

The cases are YAML files in `behaviours/`, one kind a file; a reader adds one without code:

    name: negated finding
    sentence: Denying a finding that speaks for an operation lowers the probability.
    expect: lower
    cases:
      - note: Groin lump that is tender. It is irreducible.
        replace: It is irreducible
        by: It is not irreducible

`expect` is `lower`, `higher`, `not lower`, `steady` (moves by at most `tolerance`), `same side` (of
one half) or `undecided` (the note itself is left to people). The other text of a case comes from
`replace` and `by`, from `add` (sentences put at the end) or from `vary` of the file (`case`,
`line breaks`, `bullets`, `headings`).

The idea is that of CheckList (Ribeiro et al., ACL 2020) and of MedCAT's regression tests.
"""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from mlops.container.model import Model
from mlops.errors import DataError
from mlops.evaluation.scoring import answers

FOLDER = Path(__file__).parent / "behaviours"
EXPECTATIONS = ("lower", "higher", "not lower", "steady", "same side", "undecided")
TOLERANCE = 0.05
# Answers are rounded to four decimals: less than that is no movement.
_ROUNDING = 1e-4
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_HEADING = re.compile(r"^[A-Z][A-Za-z /&]{1,40}:[ \t]*", re.MULTILINE)
_BULLET = re.compile(r"^- ", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """A note and what is made of it.

    Attributes:
        number: Its place in the file, from 1.
        variants: Each is compared with the note; none for `undecided`.
    """

    number: int
    note: str = field(repr=False)
    variants: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Behaviour:
    """One kind of behaviour with its cases."""

    name: str
    sentence: str
    expect: str
    tolerance: float
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Failure:
    """A case that did not behave: P(Surgery) of the note and of the variant that went wrong.

    None where the model had nothing to go on.
    """

    number: int
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Conduct:
    """How a model did in one kind of behaviour."""

    name: str
    sentence: str
    cases: int
    failures: tuple[Failure, ...]

    @property
    def rate(self) -> float:
        """Share of cases that behaved."""
        return 1.0 - len(self.failures) / self.cases

    def to_json(self) -> dict[str, Any]:
        """As plain data; cases by number, never by text."""
        return {
            "name": self.name,
            "sentence": self.sentence,
            "cases": self.cases,
            "passed": self.cases - len(self.failures),
            "failed": [failure.number for failure in self.failures],
        }


def load_behaviours(folder: Path = FOLDER) -> tuple[Behaviour, ...]:
    """Every behaviour of a folder, by file name.

    Raises:
        DataError: naming the file, and the case if it is one, that can't be used.
    """
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise DataError(
            f"{folder} holds no behaviour tests (*.yaml). Nothing was run. "
            "Install the package again, or name another folder."
        )
    return tuple(_behaviour(path) for path in paths)


def run_behaviours(model: Model, behaviours: Sequence[Behaviour]) -> tuple[Conduct, ...]:
    """Put every case to a model."""
    texts = [t for b in behaviours for c in b.cases for t in (c.note, *c.variants)]
    given = iter(answers(model, texts))
    conducts = []
    for behaviour in behaviours:
        failures = []
        for case in behaviour.cases:
            first = next(given)
            others = [next(given)["probability"] for _ in case.variants]
            failure = _judge(behaviour, case, first, others)
            if failure is not None:
                failures.append(failure)
        conducts.append(
            Conduct(behaviour.name, behaviour.sentence, len(behaviour.cases), tuple(failures))
        )
    return tuple(conducts)


def _judge(
    behaviour: Behaviour, case: Case, answer: Mapping[str, Any], others: Sequence[float | None]
) -> Failure | None:
    before: float | None = answer["probability"]
    if behaviour.expect == "undecided":
        decided = answer["recommendation"] != "Needs review"
        return Failure(case.number, before, None) if decided else None
    for after in others:
        if not _holds(behaviour, before, after):
            return Failure(case.number, before, after)
    return None


def _holds(behaviour: Behaviour, before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        # Both unread is steady; anything else shows nothing of what was asked.
        return behaviour.expect in ("steady", "same side") and before is after
    moved = after - before
    return {
        "lower": moved < -_ROUNDING / 2,
        "higher": moved > _ROUNDING / 2,
        "not lower": moved > -_ROUNDING / 2,
        "same side": (before >= 0.5) == (after >= 0.5),
        "steady": abs(moved) <= behaviour.tolerance + _ROUNDING / 2,
    }[behaviour.expect]


def _behaviour(path: Path) -> Behaviour:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        expect, vary = data["expect"], data.get("vary")
        if expect not in EXPECTATIONS or (vary is not None and vary not in _VARIATIONS):
            raise ValueError
        name, sentence = str(data["name"]), str(data["sentence"])
        tolerance, cases = float(data.get("tolerance", TOLERANCE)), list(data["cases"])
        if not cases:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        raise DataError(
            f"{path.name} is not a file of behaviour tests. Nothing was run. It needs name, "
            f"sentence, expect ({', '.join(EXPECTATIONS)}) and cases."
        ) from None
    made = []
    for number, case in enumerate(cases, 1):
        try:
            note = str(case["note"])
            variants = () if expect == "undecided" else _variants(note, case, vary)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DataError(
                f"Case {number} of {path.name} can't be used. Nothing was run. It needs a note "
                "and one of replace (words of the note) with by, add, or a vary of the file that "
                "changes it."
            ) from None
        made.append(Case(number, note, variants))
    return Behaviour(name, sentence, expect, tolerance, tuple(made))


def _variants(note: str, case: Mapping[str, Any], vary: str | None) -> tuple[str, ...]:
    if "replace" in case:
        if str(case["replace"]) not in note:
            raise ValueError
        return (note.replace(str(case["replace"]), str(case["by"])),)
    if "add" in case:
        return (f"{note.rstrip()} {case['add']}",)
    # A variant that is the note itself would always hold: none left is an error.
    made = tuple(v for v in _VARIATIONS[str(vary)](note) if v != note)
    if not made:
        raise ValueError
    return made


def _by_sentence(note: str) -> list[str]:
    return _SENTENCE.split(" ".join(note.split()))


def _numbered(note: str) -> str:
    numbers = count(1)
    return _BULLET.sub(lambda _: f"{next(numbers)}. ", note)


_VARIATIONS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "case": lambda note: (note.lower(), note.upper()),
    "line breaks": lambda note: (
        " ".join(note.split()),
        "\n".join(_by_sentence(note)),
        "\n\n".join(_by_sentence(note)),
        textwrap.fill(note, 44),
    ),
    "bullets": lambda note: (
        _BULLET.sub("• ", note),
        _BULLET.sub("* ", note),
        _BULLET.sub("", note),
        _numbered(note),
    ),
    "headings": lambda note: (_HEADING.sub("", note),),
}
