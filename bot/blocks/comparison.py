"""Champion beside challenger: figures with intervals, the criteria of the gate, the data."""

from collections.abc import Mapping
from typing import Any

from bot.blocks.parts import Block, context, escape, section

# What the product does is read short referral texts: that rung's other figures are shown as well.
MAIN_RUNG = "referral texts"
DETAILS = {
    "ece": "Calibration error",
    "error_decided": "Error among decided",
    "coverage": "Share decided",
}
# An en dash between word joiners: no line may break there.
RANGE = "\u2060–\u2060"
IN_PERCENT = ("error_decided", "coverage")
Figures = Mapping[str, Mapping[str, float | None]]


def comparison_table(comparison: Mapping[str, Any]) -> Block:
    """A table block: the AUC on each rung, then calibration and errors on the main one.

    Args:
        comparison: `mlops.evaluation.gate.Comparison` as plain data.
    """
    rows = [["Figure (95 % interval)", "Champion", "Challenger", "Difference"]]
    rungs = comparison["rungs"]
    for rung in rungs:
        rows.append(
            [
                f"AUC, {rung['name']} ({rung['records']:,})",
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
    r"""A figure with its interval, which is rounded more: it is less certain still.

    >>> interval({"value": 0.951, "low": 0.92, "high": 0.98})
    '0.951 (0.92\u2060–\u20600.98)'
    >>> interval({"value": 0.09, "low": 0.027, "high": 0.154}, percent=True)
    '9.0 % (3\u2060–\u206015)'
    >>> interval({"value": -0.02, "low": -0.05, "high": 0.01}, sign=True)
    '−0.020 (−0.05 to +0.01)'
    """
    if figure is None or figure.get("value") is None:
        return "not measured"
    value, low, high = (figure.get(name) for name in ("value", "low", "high"))
    shown = _number(value or 0.0, percent, sign)
    if low is None or high is None:
        return shown
    if percent:
        ends = [f"{end * 100:.0f}" for end in (low, high)]
    else:
        ends = [_signed(end, f"{abs(end):.2f}", sign) for end in (low, high)]
    return f"{shown} ({(' to ' if sign else RANGE).join(ends)})"


def _number(value: float, percent: bool, sign: bool = False) -> str:
    text = f"{abs(value):.1%}".replace("%", " %") if percent else f"{abs(value):.3f}"
    return _signed(value, text, sign)


def _signed(value: float, text: str, sign: bool) -> str:
    nothing = not text.strip("0. %")
    return f"{'−' if value < 0 else '+'}{text}" if sign and not nothing else text


def checks_blocks(comparison: Mapping[str, Any]) -> list[Block]:
    """The criteria: those that are not met in full size, the others in small print."""
    lines: dict[bool, list[str]] = {True: [], False: []}
    for check in comparison["checks"]:
        lines[bool(check["passed"])].append(escape(check["sentence"]))
    blocks: list[Block] = []
    if lines[False]:
        blocks.append(section("\n".join(f":x: {line}" for line in lines[False])))
    if lines[True]:
        blocks.append(context("\n".join(f":white_check_mark: {line}" for line in lines[True])))
    return blocks


def versions_and_data(comparison: Mapping[str, Any]) -> Block:
    """Which versions were compared, and what changed in the data that they were trained on."""
    old, new = (comparison["about"].get(name) or {} for name in ("champion", "challenger"))
    return context(
        f"Champion: {escape(comparison['champion'])}",
        f"Challenger: {escape(comparison['challenger'])}",
        _data_change(old, new),
    )


def _data_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    before, after = old.get("records") or {}, new.get("records") or {}
    trained = ", ".join(f"{number:,} {escape(name)}" for name, number in sorted(after.items()))
    if old.get("data_sha256") and old.get("data_sha256") == new.get("data_sha256"):
        return f"Training data: {trained}, the very data of the champion"
    changes = [
        f"{after.get(name, 0) - before.get(name, 0):+,} {escape(name)}".replace("-", "−", 1)
        for name in sorted({*after, *before})
        if after.get(name, 0) != before.get(name, 0)
    ]
    moved = ", ".join(changes) or "as many notes of each source, but others"
    return f"Training data: {trained}; since the champion: {moved}"
