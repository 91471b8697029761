"""The gate lets nobody through who does not deserve it, and says why."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from mlops.backends.local.registry import Registry
from mlops.backends.package import pack_artifact, unpack_artifact
from mlops.cli import triage
from mlops.data import read_records
from mlops.errors import BackendError, DataError
from mlops.evaluation.behaviour import Conduct, Failure
from mlops.evaluation.checks import (
    NOTE_RUN,
    Speed,
    beats_baseline,
    behaves,
    keeps_its_promise,
    keeps_notes_private,
    not_worse,
    quick_enough,
)
from mlops.evaluation.gate import (
    Check,
    Comparison,
    Interval,
    RungComparison,
    compare,
    pictures,
    report_html,
)
from mlops.evaluation.held_out import FILE, digest, read_held_out, write_held_out
from mlops.evaluation.scoring import Scores

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="session")
def refused(good: Path, shuffled: Path, dataset: Path) -> Comparison:
    return compare(good, shuffled, dataset)


def check_of(comparison: Comparison, name: str) -> Check:
    return next(check for check in comparison.checks if check.name == name)


def test_a_challenger_with_wrong_labels_is_refused_with_the_reason(refused: Comparison) -> None:
    assert not refused.passed
    check = check_of(refused, "as good as the champion")
    assert not check.passed
    assert "worse than the champion on referral texts: AUC 0." in check.sentence
    assert refused.rungs[0].difference.high < 0
    assert not check_of(refused, "better than the baseline").passed


def test_a_model_beside_itself_differs_in_nothing(good: Path, dataset: Path) -> None:
    steps: list[str] = []
    start = time.monotonic()
    found = compare(good, good, dataset, say=steps.append)
    assert time.monotonic() - start < 60
    assert steps[0] == f"comparing on referral texts ({found.rungs[0].records} notes)"
    assert found.champion == found.challenger
    assert found.rungs[0].difference == Interval(0, 0, 0)
    for name in ("as good as the champion", "behaviour", "privacy", "latency"):
        assert check_of(found, name).passed, check_of(found, name).sentence


def test_nobody_passes_without_a_check() -> None:
    assert not Comparison("a", "b", (), ()).passed
    assert Comparison("a", "b", (), (Check("x", True, "x"),)).passed
    assert not Comparison("a", "b", (), (Check("x", True, "x"), Check("y", False, "y"))).passed


def test_a_comparison_survives_json(refused: Comparison) -> None:
    plain = json.loads(json.dumps(refused.to_json()))
    again = Comparison.from_json(plain)
    assert again.to_json() == plain
    assert again.passed is False
    assert again.main.name == "referral texts"
    # What a bot shows after it was restarted.
    assert set(pictures(again)) == {"roc", "reliability", "confusion"}


def test_pictures_are_pictures(refused: Comparison) -> None:
    for picture in pictures(refused).values():
        assert picture.startswith(PNG)
        assert 5_000 < len(picture) < 300_000


class Page(HTMLParser):
    """Collects tags and what they load; knows whether they close."""

    VOID = ("meta", "link", "img", "br", "path", "use")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [
            value or ""
            for name, value in attrs
            if name in ("src", "href", "xlink:href") and not (value or "").startswith("#")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(refused: Comparison, dataset: Path) -> None:
    html = report_html(refused)
    page = Page(html)
    assert page.open == []
    assert page.loads == []
    assert "svg" in page.tags
    assert "script" not in page.tags
    assert "does not pass the gate" in html
    assert check_of(refused, "as good as the champion").sentence.split(":")[0] in html
    for record in read_records(dataset / "test.jsonl"):
        assert record.text[:60] not in html


def test_too_little_to_compare_on(good: Path, dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "few"
    shutil.copytree(dataset, folder)
    lines = (dataset / "test.jsonl").read_text().splitlines(keepends=True)
    (folder / "test.jsonl").write_text("".join(lines[:6]))
    with pytest.raises(DataError, match="too few held-out notes"):
        compare(good, good, folder)
    with pytest.raises(BackendError, match="is gone"):
        compare(tmp_path / "none.tar.gz", good, dataset)


# What an artifact says of the notes it was trained on


def with_file(artifact: Path, folder: Path, write: Callable[[Path], None]) -> Path:
    """A copy of an artifact with one more file in it."""
    unpack_artifact(artifact, folder / "model")
    write(folder / "model")
    pack_artifact(folder / "model", folder / "model.tar.gz")
    return folder / "model.tar.gz"


def test_notes_a_champion_was_trained_on_count_as_if_unseen(
    good: Path, dataset: Path, tmp_path: Path
) -> None:
    test = read_records(dataset / "test.jsonl")
    texts = [record.text for record in test]
    labels = np.array([record.label == "Surgery" for record in test])
    # Its cross-validation got everything wrong.
    wrong = Scores(np.where(labels, 0.1, 0.9), np.ones(len(test), dtype=bool))
    champion = with_file(good, tmp_path, lambda f: write_held_out(f, [(texts, wrong)]))
    found = compare(champion, good, dataset)
    assert found.rungs[0].champion["auc"].value == 0
    assert found.rungs[0].champion["error_decided"].value == 1
    assert found.rungs[0].challenger["auc"].value > 0.5
    # The version is the same: what is beside the model does not make another one.
    assert found.champion == found.challenger


def test_out_of_fold_answers_hold_no_text(good: Path, tmp_path: Path) -> None:
    scores = Scores(np.array([0.25]), np.array([False]))
    artifact = with_file(good, tmp_path, lambda f: write_held_out(f, [(["Zebulon"], scores)]))
    assert read_held_out(artifact) == {digest("Zebulon"): (0.25, False)}
    assert "Zebulon" not in (tmp_path / "model" / FILE).read_text()
    assert read_held_out(good) == {}


# Criteria one by one


def interval(value: float, width: float = 0.02) -> Interval:
    return Interval(value, value - width, value + width)


def rung(difference: Interval, **challenger: Interval) -> RungComparison:
    figures = {"auc": interval(0.9), "coverage": interval(0.8), "error_decided": interval(0.05)}
    return RungComparison("referral texts", 90, figures, figures | challenger, difference)


@pytest.mark.parametrize(
    ("difference", "passed"),
    [
        (Interval(-0.03, -0.06, 0.001), True),
        (Interval(-0.03, -0.06, -0.001), False),
        (Interval(0.2, 0.1, 0.3), True),
    ],
)
def test_worse_beyond_the_interval(difference: Interval, passed: bool) -> None:
    check = not_worse([rung(interval(0)), rung(difference)])
    assert check.passed is passed
    assert "referral texts" in check.sentence


def test_a_promise_is_kept_as_far_as_the_interval_can_tell() -> None:
    for error, passed in ((Interval(0.12, 0.08, 0.2), True), (Interval(0.2, 0.11, 0.3), False)):
        check = keeps_its_promise(rung(interval(0), error_decided=error))
        assert check.passed is passed
    assert "wrong in 20.0 % (11.0 to 30.0 %)" in check.sentence
    nothing = Interval(np.nan, np.nan, np.nan)
    silent = rung(interval(0), coverage=Interval(0, 0, 0), error_decided=nothing)
    assert not keeps_its_promise(silent).passed
    assert "decides nothing" in keeps_its_promise(silent).sentence


def test_a_tie_with_the_baseline_does_not_beat_it() -> None:
    assert beats_baseline("referral texts", 0.9, 0.85, interval(0.05)).passed
    assert not beats_baseline("referral texts", 0.9, 0.9, interval(0)).passed


def conduct(failed: int, cases: int = 40) -> Conduct:
    failures = tuple(Failure(number, 0.5, 0.7) for number in range(1, failed + 1))
    return Conduct("changed name", "A sentence.", cases, failures)


@pytest.mark.parametrize(
    ("challenger", "champion", "passed"),
    [(0, 0, True), (2, 0, True), (3, 0, False), (10, 10, True), (11, 10, False), (3, 10, True)],
)
def test_behaviour_is_measured_against_the_champions(
    challenger: int, champion: int, passed: bool
) -> None:
    check = behaves([conduct(challenger)], [conduct(champion)])
    assert check.passed is passed
    assert ("changed name" in check.sentence) is not passed


def test_latency() -> None:
    assert quick_enough(Speed(5, 9), Speed(4, 9)).passed
    assert not quick_enough(Speed(25, 40), Speed(4, 9)).passed
    assert quick_enough(Speed(25, 40), Speed(20, 30)).passed


SECRET = "this quiet sentence was written by a doctor about one person only last week"


def plant_text(folder: Path) -> None:
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["example"] = {"deep": ["in", SECRET]}
    (folder / "metadata.json").write_text(json.dumps(metadata))


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (plant_text, f"metadata.json holds {NOTE_RUN} or more words"),
        (lambda f: (f / "notes.dat").write_bytes(b"\0\1" + SECRET.encode()), "notes.dat holds"),
        (lambda f: (f / "model.pkl").write_bytes(b"x"), "pickle (model.pkl)"),
        (lambda f: (f / "weights").write_bytes(b"\x80\x04\x95\0"), "pickle (weights)"),
        (
            lambda f: np.savez(f / "more.npz", a=np.array([{"a": 1}], dtype=object)),
            "pickle (more.npz)",
        ),
        (lambda f: np.savez(f / "more.npz", a=np.array([SECRET])), "pickle (more.npz)"),
        (
            lambda f: (f / "big").write_bytes(np.random.default_rng(0).bytes(9_000_000)),
            "more than 8 MB",
        ),
    ],
    ids=["json", "binary", "pickle", "unnamed pickle", "objects", "strings", "size"],
)
def test_what_an_artifact_must_not_hold(
    good: Path, dataset: Path, tmp_path: Path, plant: Callable[[Path], None], words: str
) -> None:
    note = replace(read_records(dataset / "train.jsonl")[0], text=f"Seen today. {SECRET}.")
    assert keeps_notes_private(good, [note]).passed
    check = keeps_notes_private(with_file(good, tmp_path, plant), [note])
    assert not check.passed
    assert words in check.sentence
    assert "quiet sentence" not in check.sentence


# On the command line


def run(*arguments: str) -> Result:
    return CliRunner().invoke(triage, ["models", "compare", *arguments], catch_exceptions=False)


def test_exit_code_and_files(
    home: Path, good: Path, shuffled: Path, dataset: Path, tmp_path: Path
) -> None:
    registry = Registry(home)
    champion = registry.add(good, job=None).name
    challenger = registry.add(shuffled, job=None).name
    report, folder = tmp_path / "out" / "r.html", tmp_path / "pictures"
    arguments = [challenger, "--champion", champion, "--data", str(dataset)]
    result = run(*arguments, "--report", str(report), "--pictures", str(folder))
    assert result.exit_code == 1, result.output
    assert f"{challenger} does not pass beside {champion}" in result.stdout
    assert report.read_text().startswith("<!doctype html>")
    assert {path.name for path in folder.iterdir()} == {
        "roc.png",
        "reliability.png",
        "confusion.png",
    }
    result = run(*arguments, "--json")
    assert result.exit_code == 1
    found = Comparison.from_json(json.loads(result.stdout))
    assert (found.champion, found.challenger, found.passed) == (champion, challenger, False)


def test_the_champion_is_what_serves_else_the_shipped(home: Path, dataset: Path) -> None:
    result = run("shipped", "--data", str(dataset), "--json")
    found = Comparison.from_json(json.loads(result.stdout))
    assert found.champion == found.challenger


def test_an_unknown_version_has_its_sentence(home: Path, dataset: Path) -> None:
    result = CliRunner().invoke(triage, ["models", "compare", "nope", "--data", str(dataset)])
    assert result.exit_code == 1
    assert "There is no model version" in result.stderr
