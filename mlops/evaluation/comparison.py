"""Champion beside challenger, as data: what the gate decides on and what people are shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlops.evaluation.metrics import Interval, to_json


@dataclass(frozen=True)
class Check:
    """One criterion of the gate, with its sentence for a person."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class RungComparison:
    """Both models on one rung of the ladder.

    Attributes:
        records: How many held-out records the rung has.
        champion: Metrics by name (`mlops.evaluation.metrics`), `coverage` and `error_decided` too.
        challenger: The same of the challenger.
        difference: AUC of the challenger less that of the champion, on the same draws.
        curves: `champion` and `challenger` to what `mlops.evaluation.curves` makes.
    """

    name: str
    records: int
    champion: dict[str, Interval]
    challenger: dict[str, Interval]
    difference: Interval
    curves: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Comparison:
    """Everything the gate found.

    Attributes:
        champion: Version that serves.
        challenger: Version that wants to.
        about: Per version `data_sha256`, `records` by source, `code_version`, `artifact_bytes`.
        conduct: `champion` and `challenger` to their behaviour tests
            (`mlops.evaluation.behaviour.Conduct.to_json`).
    """

    champion: str
    challenger: str
    rungs: tuple[RungComparison, ...]
    checks: tuple[Check, ...]
    about: Mapping[str, Any] = field(default_factory=dict)
    conduct: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the challenger may serve: every check holds, and there is one."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def main(self) -> RungComparison:
        """The rung nearest to what arrives: referral texts, else the last one."""
        return next((rung for rung in self.rungs if rung.name == "referral texts"), self.rungs[-1])

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "champion": self.champion,
            "challenger": self.challenger,
            "passed": self.passed,
            "checks": [
                {"name": c.name, "passed": c.passed, "sentence": c.sentence} for c in self.checks
            ],
            "rungs": [
                {
                    "name": rung.name,
                    "records": rung.records,
                    "champion": to_json(rung.champion),
                    "challenger": to_json(rung.challenger),
                    "difference": rung.difference.to_json(),
                    "curves": dict(rung.curves),
                }
                for rung in self.rungs
            ],
            "about": dict(self.about),
            "conduct": dict(self.conduct),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Comparison":
        """The inverse of `to_json`.

        Raises:
            KeyError: if a field is missing.
        """
        return cls(
            champion=data["champion"],
            challenger=data["challenger"],
            rungs=tuple(
                RungComparison(
                    name=rung["name"],
                    records=rung["records"],
                    champion=_figures(rung["champion"]),
                    challenger=_figures(rung["challenger"]),
                    difference=Interval.from_json(rung["difference"]),
                    curves=rung["curves"],
                )
                for rung in data["rungs"]
            ),
            checks=tuple(Check(c["name"], c["passed"], c["sentence"]) for c in data["checks"]),
            about=data["about"],
            conduct=data["conduct"],
        )


def _figures(data: Mapping[str, Mapping[str, float | None]]) -> dict[str, Interval]:
    return {name: Interval.from_json(figure) for name, figure in data.items()}
