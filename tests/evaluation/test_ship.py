"""What ship leaves: an artifact that knows what its cross-validation said, and compact metrics."""

from pathlib import Path

import numpy as np
import pytest

from mlops.backends.package import read_metadata
from mlops.data import Record
from mlops.evaluation import ship
from mlops.evaluation.describe import MODEL, Judged
from mlops.evaluation.held_out import digest, read_held_out
from mlops.evaluation.ladder import UNSEEN_SPECIALTY
from mlops.evaluation.scoring import Scores, load_artifact, score


def judged(rung: str, records: list[Record], probability: float) -> Judged:
    count = len(records)
    scores = {MODEL: Scores(np.full(count, probability), np.zeros(count, dtype=bool))}
    return Judged(rung, "A sentence.", tuple(records), scores)


def test_the_artifact_carries_its_out_of_fold_answers(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = tmp_path / "model.tar.gz"
    monkeypatch.setattr(ship, "ARTIFACT", artifact)
    few = records[:60]
    # The last rung shows the same texts to models that knew less: its answers are not the ones.
    answers = [judged("referral texts", few, 0.37), judged(UNSEEN_SPECIALTY, few, 0.5)]
    said = ship._train(few, answers, seed=0)
    assert said["model_version"] == read_metadata(artifact)["model_version"]
    assert said["records_sha256"] == read_metadata(artifact)["data_sha256"]
    assert said["artifact_bytes"] == artifact.stat().st_size
    assert read_held_out(artifact) == {digest(record.text): (0.37, False) for record in few}
    # And it answers as any other.
    found = score(load_artifact(artifact), [few[0].text, few[1].text])
    assert found.probabilities[0] != found.probabilities[1]
