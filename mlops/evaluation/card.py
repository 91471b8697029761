"""The model card: made from the figures, never typed."""

from collections.abc import Mapping
from typing import Any

NAMES = {
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity (Surgery)",
    "specificity": "specificity",
    "brier": "Brier score",
    "ece": "ECE",
}


def model_card(metrics: Mapping[str, Any]) -> str:
    """The card as Markdown, in the sections that Hugging Face's model cards have.

    Args:
        metrics: What `mlops.evaluation.ship` writes to `metrics.json`.
    """
    records = "\n".join(f"| {name} | {count:,} |" for name, count in metrics["records"].items())
    views = "\n".join(_view(name, view) for name, view in metrics["cross_validation"].items())
    settings = ", ".join(f"`{k}` {v:g}" for k, v in metrics["hyperparameters"].items())
    return f"""\
---
library_name: xgboost
license: mit
tags: [clinical-nlp, referral-triage, text-classification]
---

# Referral triage, model version {metrics["model_version"]}

Made by `python -m mlops.evaluation.ship`; every figure below comes from `metrics.json` beside it.

## Model details

XGBoost over linear scores of a note's words and word pieces, fitted out of fold, and the balance of
clinical cues with their assertion (negated, past, of the family, hypothetical). Sense fixes the
direction of each feature. Calibrated on out-of-fold margins. Artifact:
{metrics["artifact_bytes"] / 1e6:.2f} MB of UBJ, JSON and NumPy arrays, no pickle.
Hyperparameters: {settings}.

## Intended use

Supports the decision whether a referral goes to a surgeon (*Surgery*) or to advice, work-up or
conservative care (*Consultation*), for English text written before that decision. A clinician
decides. It is no medical device, was not tested on patients of any clinic, and must not decide by
itself.

## Training data

| source | records |
|---|---|
{records}

MTSamples (CC0), in two views: as filed, and with only what stood before a decision; the file's
SHA-256 is `{metrics["kaggle_sha256"]}`. The corpus of short referral texts was written for this
project. SHA-256 of the records: `{metrics["records_sha256"]}`. Seed {metrics["seed"]}.

## Evaluation

Five folds, grouped by cluster of near-duplicates (a matched pair of the corpus is one cluster).
Vocabulary, scores, trees and calibration are fitted inside the training folds. In brackets: 95 %
bootstrap interval over clusters. The threshold is 0.5; nobody abstains here.

{views}
## Limitations

- The filed task is nearly trivial: a note written after an operation gives itself away. *As filed*
  is shown because its source sets the task so; *referral texts* is what the product does.
- The referral texts were all written by one group of authors. On letters of a real clinic expect
  less: published peers report AUC 0.6 to 0.9.
- English only. No images. Ages, sexes and specialties were not examined one by one in this version.
"""


def _view(name: str, view: Mapping[str, Any]) -> str:
    columns = [key for key, value in view.items() if isinstance(value, Mapping)]
    lines = [
        f"### {name[0].upper()}{name[1:]}",
        "",
        f"{view['records']:,} records in {view['clusters']:,} clusters, "
        f"{view['surgery_share']:.0%} Surgery.".replace("%", " %"),
        "",
        "| metric | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for key, title in NAMES.items():
        cells = [_cell(view[column].get(key)) for column in columns]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return ""
    if "low" not in figure:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
