"""The HTML that both reports are built of: one file, no scripts, nothing loaded from elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from matplotlib.figure import Figure

from mlops.evaluation.plots import as_svg

STYLE = """
:root { color-scheme: light dark; --ink: #16191d; --quiet: #5b6470; --line: #d9dde3;
  --page: #fff; --panel: #f5f7f9; --good: #12734f; --bad: #b3261e; --accent: #0b6fa8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaee; --quiet: #9aa4b1; --line: #333a44;
  --page: #14171b; --panel: #1c2127; --good: #4fc79a; --bad: #ff8a80; --accent: #5cb8ec; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.1rem 4rem; color: var(--ink);
  background: var(--page); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .5rem; padding-top: .8rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .3rem; }
p { max-width: 46rem; margin: .5rem 0; }
.quiet, .item { color: var(--quiet); } .item { font-size: .78rem; font-weight: 400; }
.scroll { overflow-x: auto; margin: .7rem 0; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums;
  width: 100%; }
th, td { padding: .34rem .6rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td small { display: block; color: var(--quiet); font-size: .74rem; }
.words { display: inline-block; white-space: normal; text-align: left; min-width: 14rem; }
th { font-weight: 600; color: var(--quiet); }
td.first { background: var(--panel); font-weight: 600; } td.first small { font-weight: 400; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr));
  gap: 1.2rem; margin: 1rem 0; }
figure { margin: 0; } figcaption { font-size: .82rem; color: var(--quiet); }
svg { display: block; width: 100%; height: auto; max-width: 34rem; }
.wide svg { max-width: 48rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem;
  margin: 1.2rem 0; padding: 0; }
.tile { background: var(--panel); border-radius: .5rem; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.tile span { color: var(--quiet); font-size: .8rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
details { margin: .8rem 0; } summary { cursor: pointer; color: var(--accent); }
summary::marker { color: var(--quiet); }
ul.checks { list-style: none; padding: 0; } ul.checks li { padding: .35rem 0 .35rem 1.7rem;
  position: relative; max-width: 50rem; }
ul.checks li::before { position: absolute; left: 0; font-weight: 700; }
li.good::before { content: "✓"; color: var(--good); } li.bad::before { content: "✕"; }
ul.checks li { color: var(--ink); } li.bad::before { color: var(--bad); }
pre { white-space: pre-wrap; background: var(--panel); padding: .8rem; border-radius: .5rem;
  font: inherit; font-size: .88rem; margin: 0; min-width: 18rem; text-align: left; }
code { font-size: .9em; overflow-wrap: anywhere; }
@media print { details { display: block; } }
"""


def page(title: str, body: str) -> str:
    """A whole document."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n"
        "</body>\n</html>\n"
    )


def heading(text: str, item: str = "") -> str:
    """A section's heading; `item` names what of TRIPOD+AI it answers."""
    note = f' <span class="item">{escape(item)}</span>' if item else ""
    return f"<h2>{escape(text)}{note}</h2>"


def paragraph(text: str, *, quiet: bool = False) -> str:
    """A paragraph of plain text."""
    kind = ' class="quiet"' if quiet else ""
    return f"<p{kind}>{escape(text)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, first: bool = False) -> str:
    """A table that scrolls by itself on a narrow screen.

    Args:
        head: Column titles.
        rows: Cells as HTML (`figure_cell`, `escape`), the row's name first.
        first: Stress the first column of figures, which is ours.
    """
    lines = []
    for row in rows:
        cells = [
            f"<td{' class=' + chr(34) + 'first' + chr(34) if first and i == 1 else ''}>{cell}</td>"
            for i, cell in enumerate(row)
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    return (
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def figure_cell(figure: Mapping[str, float | None] | None, *, signed: bool = False) -> str:
    """A figure over its interval; a dash where there is none."""
    if figure is None:
        return "–"
    sign = "+" if signed else ""
    value, low, high = (figure.get(key) for key in ("value", "low", "high"))
    if value is None:
        return "–"
    # `z` spells a rounded minus zero as zero.
    text = f"{value:{sign}z.3f}"
    if low is None or high is None:
        return text
    return f"{text}<small>{low:{sign}z.3f} to {high:{sign}z.3f}</small>"


def words(text: str) -> str:
    """A cell of words among cells of figures: it may break into lines."""
    return f'<span class="words">{escape(text)}</span>'


def plot(figure: Figure, caption: str, *, wide: bool = False) -> str:
    """A plot with its caption, which says in words what it shows."""
    kind = ' class="wide"' if wide else ""
    svg = as_svg(figure).replace("<svg", f'<svg role="img" aria-label="{escape(caption)}"', 1)
    return f"<figure{kind}>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def plots(items: Iterable[str]) -> str:
    """Plots side by side where there is room."""
    return f'<div class="plots">{"".join(items)}</div>'


def tiles(items: Iterable[tuple[str, str]]) -> str:
    """The few figures to see first: value and what it is."""
    made = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for value, name in items
    )
    return f'<div class="tiles">{made}</div>'


def details(summary: str, body: str) -> str:
    """Something that opens on a click."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def checks(items: Iterable[tuple[bool, str, str]]) -> str:
    """Criteria with a tick or a cross: passed, name, sentence."""
    lines = "".join(
        f'<li class="{"good" if passed else "bad"}"><b>{escape(name)}.</b> {escape(sentence)}</li>'
        for passed, name, sentence in items
    )
    return f'<ul class="checks">{lines}</ul>'
