"""What a model must beat to be worth its trouble, fitted on the same folds."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mlops.data.records import Record
from mlops.data.sections import sections
from mlops.evaluation.metrics import Floats

LOGISTIC = "logistic regression"
HEADINGS = "headings only"
LENGTH = "length only"
MIN_RECORDS = 10


def logistic() -> Any:
    """Logistic regression on TF-IDF of word 1-2-grams: what one would try first."""
    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )


def headings_only() -> Any:
    """Logistic regression on which headings a note has, and nothing of what is below them."""
    return make_pipeline(
        CountVectorizer(analyzer=_headings, binary=True), LogisticRegression(max_iter=1000)
    )


def length_only() -> Any:
    """Logistic regression on the logarithm of the number of words."""
    return make_pipeline(FunctionTransformer(_length), StandardScaler(), LogisticRegression())


BASELINES: dict[str, Callable[[], Any]] = {
    LOGISTIC: logistic,
    HEADINGS: headings_only,
    LENGTH: length_only,
}


def predict(make: Callable[[], Any], learn: Sequence[Record], judge: Sequence[Record]) -> Floats:
    """P(Surgery) of a baseline fitted on `learn`, for each record of `judge`.

    With too little to learn from, or nothing that a note could be told by, it says the share of
    Surgery.
    """
    labels = np.array([record.label == "Surgery" for record in learn], dtype=np.int64)
    share = float(labels.mean()) if len(labels) else 0.5
    if len(labels) < MIN_RECORDS or share in (0.0, 1.0) or not judge:
        return np.full(len(judge), share)
    model = make()
    try:
        model.fit([record.text for record in learn], labels)
    except ValueError:  # scikit-learn's word for: no note has a heading
        return np.full(len(judge), share)
    probabilities: Floats = model.predict_proba([record.text for record in judge])[:, 1]
    return probabilities


def _headings(text: str) -> list[str]:
    return [name for name, _ in sections(text) if name]


def _length(texts: Sequence[str]) -> Floats:
    return np.log1p(np.array([[len(text.split())] for text in texts], dtype=np.float64))
