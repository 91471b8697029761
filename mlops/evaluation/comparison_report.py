"""A comparison for people: three pictures for a chat, and a page with everything."""

from collections.abc import Mapping
from html import escape
from typing import Any

from matplotlib.figure import Figure

from mlops.evaluation import page
from mlops.evaluation.comparison import Comparison, RungComparison
from mlops.evaluation.plots import as_png, forest, lines, matrices
from mlops.evaluation.wording import NAMES, capital


def pictures(comparison: Comparison) -> dict[str, bytes]:
    """PNGs of the main rung: `roc`, `reliability` and `confusion`, champion and challenger."""
    drawn = _drawings(comparison, comparison.main, titles=True)
    return {name: as_png(drawn[name]) for name in ("roc", "reliability", "confusion")}


def report_html(comparison: Comparison) -> str:
    """A self-contained page: verdict and criteria, each rung, pictures, behaviour, data."""
    verdict = "passes the gate" if comparison.passed else "does not pass the gate"
    title = f"{comparison.challenger} beside {comparison.champion}"
    main = comparison.main
    body = [
        f"<h1>Challenger {escape(comparison.challenger)} {verdict}</h1>",
        page.paragraph(
            f"Beside the champion {comparison.champion}, on held-out notes. In small: 95 % "
            "bootstrap intervals over clusters of near-duplicates; differences on the same draws. "
            "Where an artifact says that it was trained on a note, its out-of-fold answer counts.",
            quiet=True,
        ),
        page.checks((c.passed, c.name, c.sentence) for c in comparison.checks),
        page.heading("AUC on every rung"),
        page.plot(
            forest(
                [
                    (
                        f"{rung.name} ({rung.records})",
                        {
                            _name("champion", comparison): rung.champion["auc"].to_json(),
                            _name("challenger", comparison): rung.challenger["auc"].to_json(),
                        },
                    )
                    for rung in comparison.rungs
                ],
                x="AUC",
            ),
            "AUC with its interval; in brackets the number of held-out notes.",
            wide=True,
        ),
        page.heading(capital(main.name)),
        _pictures(comparison, main),
        *(_figures(rung) for rung in comparison.rungs),
        page.heading("Behaviour"),
        _conduct(comparison.conduct),
        page.heading("What they were trained on"),
        _about(comparison.about),
    ]
    return page.page(title, "\n".join(body))


def _name(role: str, comparison: Comparison) -> str:
    return f"{role} {getattr(comparison, role)}"


def _drawings(
    comparison: Comparison, rung: RungComparison, *, titles: bool = False
) -> dict[str, Figure]:
    where = f", {rung.records} {rung.name}"
    each = {_name(role, comparison): rung.curves[role] for role in ("champion", "challenger")}
    return {
        "roc": lines(
            {name: c["roc"] for name, c in each.items()},
            x="1 − specificity",
            y="sensitivity",
            title="ROC" + where if titles else "",
            diagonal=True,
        ),
        "reliability": lines(
            {name: c["reliability"] for name, c in each.items()},
            x="predicted probability of Surgery",
            y="observed share",
            title="Reliability" + where if titles else "",
            diagonal=True,
            dots=True,
        ),
        "risk": lines(
            {name: c["risk"] for name, c in each.items()},
            x="share of notes decided",
            y="error among them",
            square=False,
        ),
        "confusion": matrices({name: c["confusion"] for name, c in each.items()}),
    }


def _pictures(comparison: Comparison, rung: RungComparison) -> str:
    drawn = _drawings(comparison, rung)
    captions = {
        "roc": "ROC curve.",
        "reliability": "Reliability: on the line, what is predicted is what happens.",
        "risk": "Error among the surest notes, for every share that is decided.",
    }
    shown = [page.plot(drawn[name], caption) for name, caption in captions.items()]
    rows = []
    for role in ("champion", "challenger"):
        for label, said in rung.curves[role]["confusion"].items():
            rows.append([f"{role}, {escape(label)}", *(str(count) for count in said.values())])
    head = ["labelled", "said Surgery", "said Consultation", "left to people"]
    return page.plots(shown) + page.table(head, rows)


def _figures(rung: RungComparison) -> str:
    rows = [
        [
            escape(NAMES[name]),
            page.figure_cell(figure.to_json()),
            page.figure_cell(rung.challenger[name].to_json()),
            page.figure_cell(rung.difference.to_json(), signed=True) if name == "auc" else "",
        ]
        for name, figure in rung.champion.items()
    ]
    shown = page.table(["", "champion", "challenger", "difference"], rows)
    return page.details(f"All figures on {rung.name}, {rung.records} notes", shown)


def _conduct(conduct: Mapping[str, Any]) -> str:
    rows = []
    for old, new in zip(conduct.get("champion", ()), conduct.get("challenger", ()), strict=True):
        cases = [f"{c['passed']} of {c['cases']}" for c in (old, new)]
        failed = ", ".join(str(number) for number in new["failed"][:12])
        rows.append([escape(new["name"]), *cases, failed + (" …" if new["failed"][12:] else "")])
    return page.table(["kind", "champion", "challenger", "cases the challenger fails"], rows)


def _about(about: Mapping[str, Any]) -> str:
    roles = [role for role in ("champion", "challenger") if role in about]
    sources = sorted({source for role in roles for source in about[role]["records"]})
    rows = [
        [escape(source), *(f"{about[role]['records'].get(source, 0):,}" for role in roles)]
        for source in sources
    ]
    rows.append(["SHA-256 of the records", *(_code(about[r]["data_sha256"][:12]) for r in roles)])
    rows.append(["code version", *(_code(about[r]["code_version"]) for r in roles)])
    rows.append(["artifact", *(f"{about[r]['artifact_bytes'] / 1e6:.2f} MB" for r in roles)])
    return page.table(["records", *roles], rows)


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>" if text else "–"
