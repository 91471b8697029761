"""The model card: made from the figures, never typed.

Hugging Face's form: YAML with a `model-index` for programs, then the sections of its template.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from mlops.evaluation.describe import MODEL
from mlops.evaluation.protocol import discussion, introduction
from mlops.evaluation.report import main_rung
from mlops.evaluation.wording import NAMES, capital, percent

_INDEXED = ("auc", "accuracy", "brier", "ece", "error_decided", "coverage")
_SUBGROUP_COLUMNS = ("auc", "accuracy", "sensitivity", "specificity")


def model_card(metrics: Mapping[str, Any]) -> str:
    """The card as Markdown.

    Args:
        metrics: What `mlops.evaluation.ship` writes to `metrics.json`.
    """
    settings = ", ".join(f"`{k}` {v:g}" for k, v in metrics["hyperparameters"].items())
    records = [[name, f"{count:,}"] for name, count in metrics["records"].items()]
    sections = [
        f"# Referral triage, model version {metrics['model_version']}",
        "Made by `python -m mlops.evaluation.ship`; every figure below comes from `metrics.json` "
        "beside it.",
        "## Model details",
        "XGBoost on features of the text of a note: what it says in words and pieces of words, and "
        "its clinical cues with their assertion (negated, past, of the family, hypothetical). "
        "Where medicine fixes the direction of a feature, the trees keep to it. Calibrated on "
        "out-of-fold margins, by a slope that depends on whether a text reads like a note or like "
        "a referral; it abstains where it would err too often. Artifact: "
        f"{metrics['artifact_bytes'] / 1e6:.2f} MB of UBJ, JSON and NumPy arrays, no pickle. "
        f"Hyperparameters: {settings}.",
        "## Uses",
        "Supports the decision whether a referral goes to a surgeon (*Surgery*) or to advice, "
        "work-up or conservative care (*Consultation*), for English text written before that "
        "decision. A clinician decides. It is no medical device, was not tested on patients of any "
        "clinic, and must not decide by itself.",
        "## Training data",
        _table(["source", "records"], records),
        _provenance(metrics),
        "## Evaluation",
        _summary(metrics["rungs"]),
        *(f"### {item.title}\n\n{item.text}" for item in introduction(metrics)[3:]),
        *(_rung(rung) for rung in metrics["rungs"]),
        *_ablation(metrics.get("ablation", ())),
        *_subgroups(main_rung(metrics["rungs"])),
        *_behaviours(metrics.get("behaviours", ())),
        *_workshop(metrics.get("workshop")),
        "## Bias, risks and limitations",
        *(f"**{item.title}.** {item.text}" for item in discussion(metrics)),
    ]
    return _front_matter(metrics) + "\n" + "\n\n".join(sections) + "\n"


def _front_matter(metrics: Mapping[str, Any]) -> str:
    results = [
        {
            "task": {"type": "text-classification", "name": "Surgery or Consultation"},
            "dataset": {"type": rung["name"], "name": capital(rung["name"])},
            "metrics": [
                {"type": name, "name": NAMES[name], "value": figure["value"]}
                for name in _INDEXED
                if (figure := rung["columns"][MODEL].get(name)) and figure["value"] is not None
            ],
        }
        for rung in metrics["rungs"]
    ]
    data = {
        "language": "en",
        "library_name": "xgboost",
        "license": "mit",
        "pipeline_tag": "text-classification",
        "tags": ["clinical-nlp", "referral-triage", "text-classification"],
        "model-index": [
            {"name": f"referral-triage {metrics['model_version']}", "results": results}
        ],
    }
    return f"---\n{yaml.safe_dump(data, sort_keys=False, allow_unicode=True)}---\n"


def _provenance(metrics: Mapping[str, Any]) -> str:
    return (
        "MTSamples (CC0), in two views: as filed, and with only what stood before a decision; the "
        f"file's SHA-256 is `{metrics['kaggle_sha256']}`. The corpus of short referral texts was "
        f"written for this project. SHA-256 of the records: `{metrics['records_sha256']}`. "
        f"Seed {metrics['seed']}."
    )


def _summary(rungs: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for rung in rungs:
        ours = rung["columns"][MODEL]
        rows.append(
            [
                rung["name"],
                f"{rung['records']:,}",
                *(_cell(ours.get(n)) for n in ("auc", "accuracy", "ece")),
                *(_cell(ours.get(n)) for n in ("error_decided", "coverage")),
            ]
        )
    names = ("auc", "accuracy", "ece", "error_decided", "coverage")
    return _table(["rung", "records", *(NAMES[name] for name in names)], rows)


def _rung(rung: Mapping[str, Any]) -> str:
    columns = rung["columns"]
    rows = [
        [title, *(_cell(figures.get(name)) for figures in columns.values())]
        for name, title in NAMES.items()
        if any(name in figures for figures in columns.values())
    ]
    ahead = rung["auc_ahead_of"]
    rows.append(["our AUC less theirs", *(_cell(ahead.get(n), signed=True) for n in columns)])
    return (
        f"### {capital(rung['name'])}\n\n{rung['sentence']}\n\n"
        f"{rung['records']:,} records in {rung['clusters']:,} clusters, "
        f"{percent(rung['surgery_share'])} Surgery.\n\n{_table(['metric', *columns], rows)}"
    )


def _ablation(ablation: Sequence[Mapping[str, Any]]) -> list[str]:
    if not ablation:
        return []
    names = list(ablation[0]["rungs"])
    rows = []
    for entry in ablation:
        cells = []
        for name in names:
            figures = entry["rungs"][name]
            cell = _cell(figures["auc"])
            if "difference" in figures:
                cell += f", {figures['difference']['value']:+z.3f}"
            cells.append(cell)
        rows.append([entry["name"], *cells])
    text = "AUC on the same folds with one kind of feature or of training data left out, and what "
    return ["### Ablation", text + "that changes.", _table(["left out", *names], rows)]


def _subgroups(rung: Mapping[str, Any]) -> list[str]:
    parts = []
    for kind, groups in rung["subgroups"].items():
        rows = [
            [
                name,
                f"{figures['records']:,}",
                *(_cell(figures.get(column)) for column in _SUBGROUP_COLUMNS),
            ]
            for name, figures in groups.items()
        ]
        head = [kind, "records", *(NAMES[column] for column in _SUBGROUP_COLUMNS)]
        parts.append(_table(head, rows))
    return [f"### Subgroups, {rung['name']}", *parts] if parts else []


def _behaviours(conduct: Sequence[Mapping[str, Any]]) -> list[str]:
    if not conduct:
        return []
    rows = [[c["name"], f"{c['passed']} of {c['cases']}", c["sentence"]] for c in conduct]
    return ["### Behaviour", _table(["kind", "cases that hold", "what must hold"], rows)]


def _workshop(workshop: Mapping[str, Any] | None) -> list[str]:
    if workshop is None:
        return []
    auc, repeated = _cell(workshop["test"]["auc"]), workshop["repeated"]
    return [
        "### The workshop's own model",
        f"Plain XGBoost on the workshop's table ({workshop['rows']} notes, {workshop['columns']} "
        f"conditions): AUC {auc} on its own split of {workshop['test_rows']} test rows, "
        f"{repeated['mean']:.3f} ± {repeated['deviation']:.3f} over {repeated['folds']} folds. Its "
        "features come from whole notes, so it is to be compared with *as filed*.",
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _cell(figure: Mapping[str, float | None] | None, *, signed: bool = False) -> str:
    if figure is None:
        return ""
    value, low, high = (figure.get(key) for key in ("value", "low", "high"))
    if value is None:
        return ""
    sign = "+" if signed else ""
    if low is None or high is None:
        return f"{value:{sign}z.3f}"
    return f"{value:{sign}z.3f} ({low:{sign}z.3f} to {high:{sign}z.3f})"
