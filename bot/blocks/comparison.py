"""Champion beside challenger: a table of figures with intervals, and the criteria of the gate."""

from collections.abc import Mapping
from typing import Any

from bot.blocks.parts import Block, escape, section

# What the product does is read short referral texts: that rung's other figures are shown as well.
MAIN_RUNG = "referral texts"
DETAILS = {
    "ece": "Calibration error",
    "error_decided": "Error among decided",
    "coverage": "Share decided",
}
IN_PERCENT = ("error_decided", "coverage")
Figures = Mapping[str, Mapping[str, float | None]]


def comparison_table(comparison: Mapping[str, Any]) -> Block:
    """A table block: the AUC on each rung, then calibration and errors on the main one.

    Args:
        comparison: `mlops.evaluation.gate.Comparison` as plain data.
    """
    rows = [
        [
            "Figure (95 % interval)",
            f"Champion {comparison['champion']}",
            f"Challenger {comparison['challenger']}",
            "Difference",
        ]
    ]
    rungs = comparison["rungs"]
    for rung in rungs:
        rows.append(
            [
                f"AUC, {rung['name']} ({rung['records']:,} notes)",
                interval(rung["champion"].get("auc")),
                interval(rung["challenger"].get("auc")),
                interval(rung["difference"], sign=True),
            ]
        )
    main = next((rung for rung in rungs if rung["name"] == MAIN_RUNG), rungs[-1] if rungs else None)
    if main is not None:
        rows += _details(main["champion"], main["challenger"])
    settings = [{"is_wrapped": True}, *({"align": "right"} for _ in range(3))]
    return {
        "type": "table",
        "column_settings": settings,
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
    }


def _details(champion: Figures, challenger: Figures) -> list[list[str]]:
    rows = []
    for name, label in DETAILS.items():
        if name in champion and name in challenger:
            percent = name in IN_PERCENT
            one, other = champion[name], challenger[name]
            first, second = one["value"], other["value"]
            change = "–"
            if first is not None and second is not None:
                change = _number(second - first, percent, sign=True)
            rows.append([label, interval(one, percent), interval(other, percent), change])
    return rows


def interval(
    figure: Mapping[str, float | None] | None, percent: bool = False, sign: bool = False
) -> str:
    """A figure with its interval.

    >>> interval({"value": 0.951, "low": 0.92, "high": 0.98})
    '0.951 (0.920 to 0.980)'
    >>> interval({"value": -0.02, "low": -0.05, "high": 0.01}, sign=True)
    '−0.020 (−0.050 to +0.010)'
    """
    if figure is None or figure.get("value") is None:
        return "not measured"
    value, low, high = (figure.get(name) for name in ("value", "low", "high"))
    shown = _number(value or 0.0, percent, sign)
    if low is None or high is None:
        return shown
    return f"{shown} ({_number(low, percent, sign)} to {_number(high, percent, sign)})"


def _number(value: float, percent: bool, sign: bool = False) -> str:
    text = f"{abs(value):.1%}".replace("%", " %") if percent else f"{abs(value):.3f}"
    return f"{'−' if value < 0 else '+'}{text}" if sign else text


def checks_block(comparison: Mapping[str, Any]) -> Block:
    """Each criterion, the failed ones first."""
    checks = sorted(comparison["checks"], key=lambda check: bool(check["passed"]))
    lines = [
        f"{':white_check_mark:' if check['passed'] else ':x:'} {escape(check['sentence'])}"
        for check in checks
    ]
    return section("\n".join(lines) or "There is no criterion.")


def data_change(data: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> str:
    """What changed in the data between the champion's training and this one (mrkdwn)."""
    if data is None:
        return "What the data holds is not known."
    sources = dict(data["sources"])
    now = ", ".join(f"{number:,} {escape(name)}" for name, number in sorted(sources.items()))
    dropped = sum(data["dropped"].values())
    left_out = f"; {dropped:,} rows left out" if dropped else ""
    if before is None:
        return f"Data: {now}{left_out}. The champion was trained on data that I have no record of."
    if dict(before) == dict(data):
        return f"Data: {now}{left_out}, the same as the champion’s."
    changes = [
        f"{sources.get(name, 0) - before['sources'].get(name, 0):+,} {escape(name)}"
        for name in sorted({*sources, *before["sources"]})
        if sources.get(name, 0) != before["sources"].get(name, 0)
    ]
    moved = ", ".join(changes) or "the same number of notes, split or filed differently"
    return f"Data: {now}{left_out}. Since the champion: {moved}."
