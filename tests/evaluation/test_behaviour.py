"""The shipped model behaves, in every case of every kind; and a wrong case would be noticed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.container.model import Model
from mlops.data import load_corpus
from mlops.data.clusters import cluster
from mlops.errors import DataError
from mlops.evaluation.behaviour import (
    FOLDER,
    TOLERANCE,
    Behaviour,
    Conduct,
    load_behaviours,
    run_behaviours,
)
from mlops.evaluation.scoring import load_artifact
from mlops.shipped import ARTIFACT

BEHAVIOURS = load_behaviours()
SURGERY = "66F, strangulated femoral hernia, vomiting, lactate 5, bowel obstructed on CT."
CONSULTATION = "Mild cough for three days. No fever, chest clear. Asks for advice on antibiotics."


@pytest.fixture(scope="module")
def model() -> Model:
    return load_artifact(ARTIFACT)


@pytest.fixture(scope="module")
def conducts(model: Model) -> dict[str, Conduct]:
    return {conduct.name: conduct for conduct in run_behaviours(model, BEHAVIOURS)}


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_the_shipped_model_behaves(behaviour: Behaviour, conducts: dict[str, Conduct]) -> None:
    failed = conducts[behaviour.name].failures
    # Each as: number, P(Surgery) of the note, of the variant, how the note begins.
    assert [
        (f.number, f.before, f.after, behaviour.cases[f.number - 1].note[:50]) for f in failed
    ] == []


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_there_are_thirty_cases_of_each(behaviour: Behaviour) -> None:
    notes = [case.note for case in behaviour.cases]
    assert len(notes) >= 30
    assert len(set(notes)) == len(notes)


def test_what_must_be_steady_is_held_to_the_usual_tolerance() -> None:
    for behaviour in BEHAVIOURS:
        assert behaviour.tolerance == TOLERANCE == 0.05


def test_no_case_is_a_text_that_the_model_learns_from() -> None:
    cases = [case.note for b in BEHAVIOURS for case in b.cases if len(case.note.split()) > 8]
    corpus = load_corpus()
    keys = [f"case {number}" for number in range(len(cases))]
    groups = cluster([*cases, *(c.text for c in corpus)], [*keys, *(c.pair for c in corpus)])
    assert groups[: len(cases)] == keys


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        (tmp_path / "own.yaml").write_text(text)
        return tmp_path

    return to_file


def one(model: Model, folder: Path) -> Conduct:
    (conduct,) = run_behaviours(model, load_behaviours(folder))
    return conduct


@pytest.mark.parametrize(
    ("expect", "holds"),
    [("higher", True), ("not lower", True), ("lower", False), ("steady", False)],
)
def test_each_expectation_can_fail(model: Model, write: Write, expect: str, holds: bool) -> None:
    conduct = one(
        model,
        write(
            f"name: own\nsentence: One.\nexpect: {expect}\ncases:\n"
            f"  - note: {CONSULTATION}\n    replace: {CONSULTATION}\n    by: {SURGERY}\n"
        ),
    )
    assert conduct.rate == (1.0 if holds else 0.0)
    if not holds:
        (failure,) = conduct.failures
        assert failure.number == 1
        assert failure.before is not None
        assert failure.after is not None
        assert failure.before < failure.after


def test_a_decided_note_is_no_empty_history(model: Model, write: Write) -> None:
    cases = f"cases:\n  - note: {SURGERY}\n  - note: '-'\n"
    conduct = one(model, write(f"name: own\nsentence: One.\nexpect: undecided\n{cases}"))
    assert [failure.number for failure in conduct.failures] == [1]
    assert conduct.to_json() == {
        "name": "own",
        "sentence": "One.",
        "cases": 2,
        "passed": 1,
        "failed": [1],
    }


def test_a_note_that_is_not_read_shows_nothing(model: Model, write: Write) -> None:
    head = "name: own\nsentence: One.\nexpect: not lower\ncases:\n"
    recipe = "Whisk two eggs with sugar and fold in the flour gently."
    conduct = one(model, write(f"{head}  - note: {recipe}\n    add: {SURGERY}\n"))
    assert len(conduct.failures) == 1


@pytest.mark.parametrize(
    ("vary", "note", "expected"),
    [
        ("case", "Left Knee", ("left knee", "LEFT KNEE")),
        ("bullets", "- a\n- b", ("• a\n• b", "* a\n* b", "a\nb", "1. a\n2. b")),
        ("headings", "HPI: Pain.\nExam: Soft.", ("Pain.\nSoft.",)),
        (
            "line breaks",
            "One. Two\nthree.",
            ("One. Two three.", "One.\nTwo three.", "One.\n\nTwo three."),
        ),
    ],
)
def test_variations(write: Write, vary: str, note: str, expected: tuple[str, ...]) -> None:
    block = "\n      ".join(note.split("\n"))
    text = (
        f"name: own\nsentence: One.\nexpect: steady\nvary: {vary}\n"
        f"cases:\n  - note: |-\n      {block}\n"
    )
    (behaviour,) = load_behaviours(write(text))
    assert behaviour.cases[0].note == note
    assert set(behaviour.cases[0].variants) == set(expected)


HEAD = "name: own\nsentence: One.\nexpect: lower\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("just a line", "is not a file of behaviour tests"),
        ("name: [unclosed", "is not a file of behaviour tests"),
        ("name: own\nsentence: One.\nexpect: better\ncases: []", "is not a file"),
        (HEAD + "cases: []", "is not a file"),
        (HEAD + "vary: colours\ncases:\n  - note: a", "is not a file"),
        (HEAD + "cases:\n  - note: a\n    add: b\n  - note: a", "Case 2 of own.yaml"),
        (HEAD + "cases:\n  - note: a\n    replace: z\n    by: b", "Case 1 of own.yaml"),
        (HEAD + "cases:\n  - note: a\n    replace: a", "Case 1 of own.yaml"),
        (HEAD + "cases:\n  - just words", "Case 1 of own.yaml"),
        (HEAD + "vary: headings\ncases:\n  - note: no heading here", "Case 1 of own.yaml"),
    ],
)
def test_a_wrong_file_is_named(write: Write, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load_behaviours(write(text))


def test_an_empty_folder_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no behaviour tests"):
        load_behaviours(tmp_path)


def test_every_kind_is_there() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} >= {
        "negated_finding",
        "masked_heading",
        "changed_name",
        "changed_date",
        "letter_case",
        "line_breaks",
        "bullet_style",
        "failed_treatment",
        "empty_history",
    }
