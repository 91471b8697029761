"""Plots: SVG that takes the page's colours, and PNG for places that show pictures only."""

import io
import re
from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlops.evaluation.curves import Curve
from mlops.evaluation.wording import percent

# Legible on white and on near-black (Okabe & Ito's palette, which colour-blind people tell apart).
COLOURS = ("#0f86c7", "#d9730d", "#1a9a72", "#b85fa0", "#8a8f98", "#c9a227")
# Stands for the page's text colour until the SVG is in the page.
_INK = "#010203"
_SIZE = (4.4, 3.7)
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
_SIZE_ATTRIBUTES = re.compile(r'(<svg[^>]*?) width="[^"]*"( height="[^"]*")?')


def as_svg(figure: Figure) -> str:
    """An `<svg>` element that inherits the page's text colour and scales with its column."""
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "triage"}):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = _METADATA.sub("", svg[svg.index("<svg") :]).replace(_INK, "currentColor")
    # The drawing is 1:1 in its viewBox; width and height are the page's affair.
    return _SIZE_ATTRIBUTES.sub(r"\1", svg, count=1)


def as_png(figure: Figure) -> bytes:
    """A picture on white, at twice the usual sharpness."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=180, facecolor="white")
    return buffer.getvalue()


def lines(
    curves: Mapping[str, Curve],
    *,
    x: str,
    y: str,
    title: str = "",
    diagonal: bool = False,
    square: bool = True,
    dots: bool = False,
) -> Figure:
    """One line for each named curve.

    Args:
        curves: Name to points.
        x: What the horizontal axis shows.
        y: What the vertical axis shows.
        title: Above the plot, where no caption goes with it.
        diagonal: Draw the line of chance, or of perfect calibration.
        square: Both axes from 0 to 1.
        dots: Mark the points: they are bins, and nothing is known between them.
    """
    figure, axes = _figure(x, y)
    axes.set_title(title, fontsize=10.5, color=_INK)
    if diagonal:
        axes.plot([0, 1], [0, 1], color="#8a8f98", linewidth=1, linestyle=(0, (2, 3)))
    for (name, points), colour in zip(curves.items(), _cycle(len(curves)), strict=True):
        axes.plot(
            [p[0] for p in points],
            [p[1] for p in points],
            color=colour,
            linewidth=1.8,
            marker="o" if dots else "",
            markersize=4,
            label=name,
        )
    if square:
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
    elif all(p[1] >= 0 for points in curves.values() for p in points):
        axes.set_ylim(bottom=0, top=max(0.1, axes.get_ylim()[1]))
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=_INK)
    return figure


def forest(
    rows: Sequence[tuple[str, Mapping[str, Mapping[str, float | None]]]], *, x: str
) -> Figure:
    """A figure with its interval for each name and row: rows from top to bottom.

    Args:
        rows: Row title and, by name, `value`, `low`, `high`.
        x: What is shown.
    """
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    figure, axes = _figure(x, "", width=5.6, height=1.1 + 0.42 * len(rows))
    for position, (_, row) in enumerate(rows):
        for offset, (name, colour) in enumerate(zip(names, _cycle(len(names)), strict=True)):
            found = row.get(name)
            if found is None or found["value"] is None:
                continue
            level = -position - 0.62 * ((offset + 0.5) / len(names) - 0.5)
            if found["low"] is not None and found["high"] is not None:
                axes.plot([found["low"], found["high"]], [level, level], color=colour, linewidth=2)
            axes.plot([found["value"]], [level], "o", color=colour, markersize=4.5)
    for name, colour in zip(names, _cycle(len(names)), strict=True):
        axes.plot([], [], "o-", color=colour, markersize=4.5, label=name)
    axes.set_yticks([-i for i in range(len(rows))], [title for title, _ in rows])
    axes.set_ylim(-len(rows) + 0.45, 0.55)
    axes.grid(axis="y", visible=False)
    if len(names) > 1:
        figure.legend(
            loc="outside upper left", ncols=2, frameon=False, fontsize=8.5, labelcolor=_INK
        )
    return figure


def matrices(tables: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Figure:
    """A confusion matrix for each name, side by side: rows are labels, columns what was said."""
    figure = Figure(figsize=(4.4 * len(tables), 2.6), layout="constrained")
    for number, (name, table) in enumerate(tables.items(), 1):
        axes = figure.add_subplot(1, len(tables), number)
        labels, columns = list(table), list(next(iter(table.values())))
        shares = [[row[c] / max(1, sum(row.values())) for c in columns] for row in table.values()]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
        for i, label in enumerate(labels):
            for j, column in enumerate(columns):
                axes.text(
                    j,
                    i,
                    f"{table[label][column]}\n{percent(shares[i][j])}",
                    ha="center",
                    va="center",
                    color="white" if shares[i][j] > 0.6 else "#16191d",
                )
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xlabel("said")
        axes.set_title(name, fontsize=10)
        axes.tick_params(length=0)
    return figure


def _figure(
    x: str, y: str, *, width: float = _SIZE[0], height: float = _SIZE[1]
) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color="#8a8f98", alpha=0.25, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#8a8f98")
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(_INK)
    axes.tick_params(colors=_INK, length=0, labelsize=9)
    return figure, axes


def _cycle(size: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(size)]
