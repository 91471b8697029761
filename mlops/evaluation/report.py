"""The evaluation as a page: one file for a reader who has to believe it, under TRIPOD+AI's items.

Everything comes from the evaluation's data (`mlops.evaluation.run`); nothing is computed here.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mlops.evaluation import page
from mlops.evaluation.baselines import LOGISTIC
from mlops.evaluation.describe import MODEL
from mlops.evaluation.plots import forest, lines
from mlops.evaluation.protocol import TABLE, Item, discussion, introduction
from mlops.evaluation.wording import NAMES, capital, percent

MAX_ERRORS = 60
# Curves of more models than this are a tangle.
_MAX_CURVES = 3
_SUBGROUP_COLUMNS = ("auc", "accuracy", "sensitivity", "specificity", "ece", "error_decided")


def report_html(evaluation: Mapping[str, Any]) -> str:
    """The page.

    Args:
        evaluation: What `mlops.evaluation.run` gives, with text beside the errors or without.
    """
    rungs = evaluation["rungs"]
    title = _title(evaluation)
    body = [
        f"<h1>{escape(title)}</h1>",
        page.paragraph(_subtitle(evaluation), quiet=True),
        page.tiles(_tiles(evaluation)),
        page.heading("From the easiest reading of the task to the hardest", "items 2, 23a"),
        _overview(rungs),
        *(_item(item) for item in introduction(evaluation)),
        *(_rung(rung) for rung in rungs),
        _ablation(evaluation.get("ablation", ())),
        _behaviours(evaluation.get("behaviours", ())),
        _workshop(evaluation.get("workshop")),
        *(_item(item) for item in discussion(evaluation)),
    ]
    return page.page(title, "\n".join(part for part in body if part))


def main_rung(rungs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The one nearest to what arrives: referral texts, else the last."""
    return next((rung for rung in rungs if rung["name"] == "referral texts"), rungs[-1])


def _title(evaluation: Mapping[str, Any]) -> str:
    if evaluation["mode"] == TABLE:
        return "Plain XGBoost on a wide table"
    return f"Referral triage, model version {evaluation['model_version']}"


def _subtitle(evaluation: Mapping[str, Any]) -> str:
    return (
        f"Evaluation by {evaluation['mode']}, code version {evaluation['code_version']}. In small: "
        "95 % bootstrap intervals over clusters of near-duplicates."
    )


def _tiles(evaluation: Mapping[str, Any]) -> list[tuple[str, str]]:
    rung = main_rung(evaluation["rungs"])
    ours, where = rung["columns"][MODEL], rung["name"]
    shown = [
        (f"{ours['auc']['value']:.3f}", f"AUC, {where}"),
        (percent(ours["accuracy"]["value"]), "accuracy when it must decide"),
        (f"{ours['brier']['value']:.3f}", "Brier score"),
        (f"{ours['ece']['value']:.3f}", "calibration error"),
    ]
    if "coverage" in ours and ours["error_decided"]["value"] is not None:
        shown.insert(2, (percent(ours["coverage"]["value"]), "decided; the rest goes to people"))
        shown.insert(3, (percent(ours["error_decided"]["value"], 1), "wrong among the decided"))
    return shown


def _overview(rungs: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for rung in rungs:
        chosen = [MODEL, *(n for n in rung["columns"] if n in (LOGISTIC, "length only"))]
        rows.append((rung["name"], {name: rung["columns"][name]["auc"] for name in chosen}))
    caption = "AUC with its interval: our model and two baselines, rung by rung."
    return page.plot(forest(rows, x="AUC"), caption, wide=True)


def _item(item: Item) -> str:
    return page.heading(item.title, item.items) + page.paragraph(item.text)


def _rung(rung: Mapping[str, Any]) -> str:
    share = percent(rung["surgery_share"])
    return "\n".join(
        [
            page.heading(capital(rung["name"]), "items 20, 23"),
            page.paragraph(rung["sentence"]),
            page.paragraph(
                f"{rung['records']:,} records in {rung['clusters']:,} clusters, {share} Surgery.",
                quiet=True,
            ),
            _metrics(rung),
            _plots(rung),
            _confusion(rung["curves"][MODEL]["confusion"]),
            *(_subgroup(kind, groups) for kind, groups in rung["subgroups"].items()),
            _errors(rung["wrong"]),
        ]
    )


def _metrics(rung: Mapping[str, Any]) -> str:
    columns = rung["columns"]
    rows = [
        [escape(title), *(page.figure_cell(figures.get(name)) for figures in columns.values())]
        for name, title in NAMES.items()
        if any(name in figures for figures in columns.values())
    ]
    ahead = rung["auc_ahead_of"]
    if ahead:
        cells = [page.figure_cell(ahead.get(name), signed=True) for name in columns]
        rows.append(["our AUC less theirs", *cells])
    return page.table(["", *(capital(name) for name in columns)], rows, first=True)


def _plots(rung: Mapping[str, Any]) -> str:
    curves = rung["curves"]
    others = [name for name in curves if name not in (MODEL, "headings only", "length only")]
    shown = {name: curves[name] for name in [MODEL, *others][:_MAX_CURVES]}
    benefit = {name: c["net_benefit"]["model"] for name, c in shown.items()}
    everyone = [p for p in curves[MODEL]["net_benefit"]["everyone"] if p[1] > -0.1]
    nobody = [[0.05, 0.0], [0.95, 0.0]]

    def each(kind: str) -> dict[str, Any]:
        return {name: c[kind] for name, c in shown.items()}

    return page.plots(
        [
            page.plot(
                lines(each("roc"), x="1 − specificity", y="sensitivity", diagonal=True),
                "ROC curve.",
            ),
            page.plot(lines(each("pr"), x="recall", y="precision"), "Precision and recall."),
            page.plot(
                lines(
                    each("reliability"),
                    x="predicted probability",
                    y="observed share",
                    diagonal=True,
                    dots=True,
                ),
                "Reliability: on the line, what is predicted is what happens.",
            ),
            page.plot(
                lines(each("risk"), x="share decided", y="error among them", square=False),
                "Coverage against error: how often it is wrong if only its surest share counts.",
            ),
            page.plot(
                lines(
                    {**benefit, "everyone": everyone, "no one": nobody},
                    x="threshold",
                    y="net benefit",
                    square=False,
                ),
                "Net benefit of sending to surgery at each threshold, beside sending everyone.",
            ),
        ]
    )


def _confusion(table: Mapping[str, Mapping[str, int]]) -> str:
    rows = [
        [f"labelled {escape(label)}", *(f"{count:,}" for count in said.values())]
        for label, said in table.items()
    ]
    return page.table(["", "said Surgery", "said Consultation", "left to people"], rows)


def _subgroup(kind: str, groups: Mapping[str, Any]) -> str:
    columns = [c for c in _SUBGROUP_COLUMNS if any(c in figures for figures in groups.values())]
    rows = [
        [
            escape(name),
            f"{figures['records']:,}",
            percent(figures["surgery_share"]),
            *(page.figure_cell(figures.get(column)) for column in columns),
        ]
        for name, figures in groups.items()
    ]
    head = [kind, "records", "Surgery", *(NAMES[column] for column in columns)]
    return page.details(f"By {kind}", page.table(head, rows))


def _errors(wrong: Sequence[Mapping[str, Any]]) -> str:
    if not wrong:
        return page.paragraph("No wrong decision.", quiet=True)
    rows = []
    for error in wrong[:MAX_ERRORS]:
        row = [
            f"<code>{escape(error['id'])}</code>",
            escape(error["label"]),
            f"{error['probability']:.3f}",
        ]
        if "text" in error:
            row.append(f"<pre>{escape(error['text'])}</pre>")
        rows.append(row)
    head = ["id", "labelled", "P(Surgery)", *(["text"] if "text" in wrong[0] else [])]
    more = f" The {MAX_ERRORS} surest are listed." if len(wrong) > MAX_ERRORS else ""
    return page.details(
        f"{len(wrong)} wrong decisions, the surest first.{more}", page.table(head, rows)
    )


def _ablation(ablation: Sequence[Mapping[str, Any]]) -> str:
    if not ablation:
        return ""
    names = list(ablation[0]["rungs"])
    rows = []
    for entry in ablation:
        cells = []
        for name in names:
            figures = entry["rungs"][name]
            cell = page.figure_cell(figures["auc"])
            if figures.get("difference"):
                cell += f"<small>{figures['difference']['value']:+.3f}</small>"
            cells.append(cell)
        rows.append([escape(entry["name"]), *cells])
    text = (
        "The same folds with one kind of feature or of training data left out. AUC with its "
        "interval, and below it what leaving it out changes."
    )
    table = page.table(["left out", *names], rows)
    return page.heading("Ablation", "items 12, 21") + page.paragraph(text) + table


def _behaviours(conduct: Sequence[Mapping[str, Any]]) -> str:
    if not conduct:
        return ""
    rows = [
        [
            escape(c["name"]),
            f"{c['passed']} of {c['cases']}",
            ", ".join(str(number) for number in c["failed"]) or "–",
            page.words(c["sentence"]),
        ]
        for c in conduct
    ]
    table = page.table(["kind", "cases that hold", "failed", "what must hold"], rows)
    return page.heading("Behaviour", "items 12, 23") + table


def _workshop(workshop: Mapping[str, Any] | None) -> str:
    if workshop is None:
        return ""
    auc, repeated = workshop["test"]["auc"], workshop["repeated"]
    return page.heading("The workshop's own model", "items 3, 25") + page.paragraph(
        f"Plain XGBoost on the workshop's table of {workshop['rows']} notes and "
        f"{workshop['columns']} conditions, on its own split of {workshop['test_rows']} test rows: "
        f"AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f}). Over "
        f"{repeated['folds']} folds it is {repeated['mean']:.3f} with a standard deviation of "
        f"{repeated['deviation']:.3f}. The conditions were taken from whole notes, so this is the "
        "task as filed, and nothing easier can be compared with the rungs below it."
    )
