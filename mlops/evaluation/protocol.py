"""What a reader must know to believe a figure, under the items of TRIPOD+AI.

Collins et al., TRIPOD+AI statement, BMJ 2024;385:e078378: 27 items for studies that develop or
evaluate a clinical prediction model. Numbers are filled in from the evaluation, never typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops.evaluation.baselines import LENGTH, LOGISTIC
from mlops.evaluation.describe import MODEL
from mlops.evaluation.ladder import DECISION
from mlops.evaluation.wording import percent

CROSS_VALIDATION, HELD_OUT, TABLE = "cross-validation", "held-out notes", "wide table"


@dataclass(frozen=True)
class Item:
    """One section of the report.

    Attributes:
        items: Which of TRIPOD+AI's it answers.
    """

    title: str
    items: str
    text: str


def introduction(evaluation: Mapping[str, Any]) -> list[Item]:
    """What stands before the figures."""
    if evaluation["mode"] == TABLE:
        return _of_table(evaluation)
    return [
        Item(
            "Purpose and use",
            "items 3, 4, 15, 27",
            "The model reads a referral or clinic note in English and gives the probability that "
            "it carries a surgical indication. It says Surgery, Consultation or, where it can't "
            "tell, Needs review. It supports the person who directs referrals; a clinician "
            "decides. Known inequalities in access to surgery may be in any data of past "
            "decisions: the subgroups below show where the figures differ.",
        ),
        Item("Data and participants", "items 5, 6, 20", _data(evaluation)),
        Item(
            "Outcome",
            "item 8",
            "Notes as filed and decision-time text have the label of their source: operation "
            "reports are Surgery, consultations and histories are Consultation. Referral texts "
            "were labelled by ordinary clinical judgement when they were written; plan-labelled "
            "notes by reading what their own plan decided. Nobody labelled with the model's answer "
            "in view.",
        ),
        Item(
            "Predictors, missing data, preparation",
            "items 7, 9, 11",
            "The only input is the text, read the same way in training and in use. A note with "
            "nothing to go on gets no probability; here it counts as an even chance that was left "
            "to people. Empty notes, texts filed under both labels and repeats were dropped. "
            "Near-duplicates (five-word shingles, Jaccard 0.5 or containment 0.8) form one "
            "cluster.",
        ),
        Item("Analysis", "items 10, 12, 13, 16", _analysis(evaluation)),
    ]


def discussion(evaluation: Mapping[str, Any]) -> list[Item]:
    """What stands after the figures."""
    if evaluation["mode"] == TABLE:
        return [
            Item(
                "Limitations",
                "items 25, 26",
                "The scores are an extractor's confidence that a condition is named, whether it is "
                "affirmed or denied, taken from whole notes: the strongest say that an operation "
                "has already happened. The figures say nothing about notes written before it. A "
                "test part of some forty rows can't tell 0.945 from 0.951.",
            )
        ]
    return [
        Item(
            "Fairness",
            "items 14, 23b",
            "Age, sex and length are read from the text of each note; they are no input of their "
            "own. Groups of fewer than 20 notes are not reported. Ethnicity, language and income "
            "are not in the data, so nothing can be said of them.",
        ),
        Item(
            "Limitations",
            "items 25, 26",
            "Sample transcriptions and texts written for this project are not the letters of a "
            "clinic: published peers report AUC between 0.6 and 0.9 there. Labels of notes as "
            "filed say what a document is, not what a patient needed. No external validation, no "
            "prospective use, English only." + _decision_time(evaluation),
        ),
        Item(
            "Ethics and openness",
            "items 17, 18, 19, 24",
            "MTSamples is de-identified and public (CC0); no person took part. Code, corpus and "
            "this evaluation come with the package; the notes of MTSamples don't. There was no "
            "registered protocol and no involvement of patients. A later version is compared with "
            "this one by the same measures before it may serve.",
        ),
    ]


def _decision_time(evaluation: Mapping[str, Any]) -> str:
    """What the figure of decision-time text is worth; nothing where it is missing."""
    rung = next((r for r in evaluation["rungs"] if r["name"] == DECISION.name), None)
    if rung is None or not {MODEL, LOGISTIC, LENGTH} <= set(rung["columns"]):
        return ""
    ours, plain, length = (
        f"{rung['columns'][name]['auc']['value']:.3f}" for name in (MODEL, LOGISTIC, LENGTH)
    )
    return (
        f" On decision-time text the model has AUC {ours} and logistic regression that learns that "
        f"view alone {plain}. Its label, too, is the kind of document a text was cut from: a joint "
        "that was replaced years ago counts as Consultation, a bare preoperative diagnosis as "
        f"Surgery, and length alone has AUC {length}. Length is no input here, and what tells "
        "these documents apart counts for less than what tells of a need."
    )


def _data(evaluation: Mapping[str, Any]) -> str:
    counts = "; ".join(f"{name} {count:,}" for name, count in evaluation["records"].items())
    text = f"Records by source: {counts}."
    if evaluation.get("dropped"):
        left = "; ".join(f"{why} {count:,}" for why, count in evaluation["dropped"].items())
        text += f" Rows of the source file that were left out: {left}."
    return (
        text + " MTSamples collects sample transcriptions of many clinics in the United States, "
        "without dates; the source gives no age, sex or centre beyond what a note says itself."
    )


def _analysis(evaluation: Mapping[str, Any]) -> str:
    target = percent(evaluation["target_error"])
    shared = (
        " Intervals are 95 % percentile bootstrap intervals over clusters, 1,000 draws; "
        "differences between models use the same draws. The threshold of accuracy, sensitivity "
        f"and specificity is 0.5. The model decides where it expects to be wrong in at most "
        f"{target} of cases; error and coverage of those decisions are reported. Classes were not "
        "rebalanced. Sample size was what there is."
    )
    if evaluation["mode"] == CROSS_VALIDATION:
        return (
            "Five folds, grouped by cluster; a matched pair of referral texts is one cluster. "
            "Vocabulary, scores, trees, calibration and abstention are fitted inside the training "
            "folds, and so are the baselines, each on the very view it is judged on. In "
            "leave-one-specialty-out every specialty of the referral texts is left out once."
            + shared
        )
    seen = evaluation["judged_out_of_fold"]
    if seen is None:
        text = (
            "One trained version, judged on the notes given. Its artifact does not say which notes "
            "it was trained on; figures on those would be too good."
        )
    else:
        text = (
            "One trained version, judged on notes that it was not trained on."
            if not seen
            else f"One trained version. {seen:,} of the texts it was trained on itself: for these "
            "the answer counts that its cross-validation gave without having seen their cluster."
        )
    return text + shared


def _of_table(evaluation: Mapping[str, Any]) -> list[Item]:
    options = ", ".join(f"{name} {value}" for name, value in evaluation["hyperparameters"].items())
    return [
        Item(
            "What this is",
            "items 3, 4, 5",
            f"Plain XGBoost on a table of {evaluation['rows']:,} rows and "
            f"{evaluation['columns']:,} columns of numbers, as Amazon's workshop on this use case "
            "trains it. It is the baseline that a model of the text must be worth more than.",
        ),
        Item(
            "Analysis",
            "items 10, 12, 16",
            "The table is shuffled with pandas' sample(frac=1, random_state=123) and cut into 80, "
            "10 and 10 %; the model is fitted on the first part and judged on the last. Beside it "
            "ten-fold cross-validation on all rows, because one split of few rows says little. "
            f"Hyperparameters: {options}. Intervals are 95 % bootstrap intervals, 1,000 draws.",
        ),
    ]
