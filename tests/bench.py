"""`make bench`: speed and memory as ratios against named baselines, measured in the same run.

Machines differ and are noisy, so a figure alone says little: each row stands beside a baseline that
is measured a moment before or after on the same notes. The notes are the corpus that comes with
the package, and MTSamples where a copy is at hand.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from mlops.classifier import EndpointClassifier, LocalClassifier, Note
from mlops.data import load_corpus
from mlops.shipped import ARTIFACT

WORD = re.compile(r"\w\w+")
NOTES = 400
COMMAND_RUNS = 15

console = Console(highlight=False)


def seconds(function: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def per_note(answer: Callable[[str], object], texts: Sequence[str]) -> list[float]:
    """Seconds for each text, one at a time, after a warm-up."""
    for text in texts[:20]:
        answer(text)
    return [seconds(lambda text=text: answer(text)) for text in texts]  # type: ignore[misc]


def floor(text: str) -> object:
    """The least that reading a note can cost: finding its words."""
    return WORD.findall(text.lower())


def textbook(texts: Sequence[str], labels: Sequence[int]) -> Callable[[Sequence[str]], object]:
    """What one would write with scikit-learn: TF-IDF of word 1-2-grams, then XGBoost."""
    import xgboost
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), max_features=50_000)
    table = vectorizer.fit_transform(texts)
    options = {"max_depth": 5, "eta": 0.5, "objective": "binary:logistic", "nthread": 2}
    booster = xgboost.train(options, xgboost.DMatrix(table, labels), num_boost_round=150)
    return lambda batch: booster.predict(xgboost.DMatrix(vectorizer.transform(batch)))


def run(arguments: Sequence[str]) -> float:
    """The median wall time of a command, in seconds."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return median(
        seconds(lambda: subprocess.run(arguments, check=True, **quiet)) for _ in range(COMMAND_RUNS)
    )


def peak_megabytes(code: str) -> float:
    """Peak resident memory of a fresh interpreter that runs `code`."""
    script = f"{code}\nimport resource as r; print(r.getrusage(r.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    # Linux counts in kilobytes, macOS in bytes.
    return int(done.stdout) / (1e6 if sys.platform == "darwin" else 1e3)


def table(title: str, rows: Iterable[tuple[str, str, str, str]]) -> None:
    """One block of results."""
    grid = Table(title=title, title_justify="left", title_style="bold")
    for name in ("what", "ours", "baseline", "ratio"):
        grid.add_column(name, justify="left" if name == "what" else "right")
    for row in rows:
        grid.add_row(*row)
    console.print(grid, "")


def milliseconds(value: float) -> str:
    """Seconds, for reading."""
    return f"{value * 1e3:.2f} ms"


def bench_commands() -> None:
    """How long the command and the imports take, against a bare interpreter."""
    triage = str(Path(sys.executable).with_name("triage"))
    nothing = run([sys.executable, "-c", "pass"])
    rows = []
    for what, arguments in {
        "triage --help": [triage, "--help"],
        "triage classify, one note": [triage, "classify", __file__],
        "import bot.app": [sys.executable, "-c", "import bot.app"],
    }.items():
        took = run(arguments)
        rows.append((what, milliseconds(took), milliseconds(nothing), f"{took / nothing:.1f}×"))
    table("Whole commands, against: python -c pass", rows)


def bench_notes(texts: Sequence[str], labels: Sequence[int], name: str) -> None:
    """One note and many, against the floor and against scikit-learn's way."""
    ours = LocalClassifier(ARTIFACT)
    baseline = textbook(texts, labels)
    one = median(per_note(lambda text: ours.classify([Note("0", text)]), texts))
    theirs = median(per_note(lambda text: baseline([text]), texts))
    least = median(per_note(floor, texts))
    batch = [Note(str(i), text) for i, text in enumerate(texts)]
    ours_batch = min(seconds(lambda: ours.classify(batch)) for _ in range(3))
    theirs_batch = min(seconds(lambda: baseline(texts)) for _ in range(3))
    table(
        f"{len(texts)} notes of {name} (median {int(median(map(len, texts)))} characters), "
        "evidence included",
        [
            ("one note, against TF-IDF + XGBoost", milliseconds(one), milliseconds(theirs),
             f"{one / theirs:.2f}×"),
            ("one note, against finding its words", milliseconds(one), milliseconds(least),
             f"{one / least:.1f}×"),
            ("notes/s in a batch, against TF-IDF + XGBoost", f"{len(texts) / ours_batch:,.0f}",
             f"{len(texts) / theirs_batch:,.0f}", f"{theirs_batch / ours_batch:.2f}×"),
        ],
    )  # fmt: skip


def bench_endpoint(texts: Sequence[str]) -> None:
    """What HTTP adds to a note, against the same model in this process."""
    from mlops.backends.local import LocalBackend

    here = LocalClassifier(ARTIFACT)
    inside = per_note(lambda text: here.classify([Note("0", text)]), texts)
    with tempfile.TemporaryDirectory() as home:
        backend = LocalBackend(Path(home))
        start = seconds(lambda: backend.deploy("bench", "shipped"))
        try:
            there = EndpointClassifier(backend, "bench")
            outside = per_note(lambda text: there.classify([Note("0", text)]), texts)
        finally:
            backend.delete_endpoint("bench")
    rows = []
    for what, pick in {
        "p50": median,
        "p99": lambda values: quantiles(values, n=100)[98],
    }.items():
        ours, baseline = pick(outside), pick(inside)  # type: ignore[operator]
        row = (f"one note, {what}", milliseconds(ours), milliseconds(baseline))
        rows.append((*row, f"{ours / baseline:.1f}×"))
    table(f"Endpoint over HTTP (up in {start:.1f} s), against: in this process", rows)


def bench_memory() -> None:
    """Peak memory, against a bare interpreter."""
    nothing = peak_megabytes("pass")
    classify = (
        "from mlops.classifier import LocalClassifier, Note\n"
        "from mlops.shipped import ARTIFACT\n"
        "c = LocalClassifier(ARTIFACT)\n"
        "text = 'Irreducible hernia, vomiting since last night. ' * 20\n"
        "for _ in range({rounds}): c.classify([Note('0', text)] * 100)"
    )
    few, many = (peak_megabytes(classify.format(rounds=rounds)) for rounds in (1, 100))
    table(
        "Peak memory",
        [
            ("100 notes, against python -c pass", f"{few:.0f} MB", f"{nothing:.0f} MB",
             f"{few / nothing:.1f}×"),
            ("10,000 notes, against 100", f"{many:.0f} MB", f"{few:.0f} MB",
             f"{many / few:.2f}×"),
        ],
    )  # fmt: skip


def mtsamples() -> tuple[list[str], list[int]] | None:
    """MTSamples notes of the two classes, where a copy of the file is at hand."""
    default = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("TRIAGE_TEST_DATA", default)) / "mtsamples_dev.csv.gz"
    if not path.is_file():
        return None
    from mlops.data import read_kaggle

    records = [record for record in read_kaggle(path) if record.label][:NOTES]
    return [r.text for r in records], [int(r.label == "Surgery") for r in records]


def main() -> None:
    """Run every benchmark and print its table."""
    corpus = load_corpus()[:NOTES]
    texts = [record.text for record in corpus]
    steps: list[Callable[[], None]] = [
        bench_commands,
        lambda: bench_notes(texts, [int(r.label == "Surgery") for r in corpus], "the corpus"),
        lambda: bench_endpoint(texts),
        bench_memory,
    ]
    if notes := mtsamples():
        steps.insert(2, lambda: bench_notes(*notes, "MTSamples"))
    for step in track(steps, "Measuring", console=console, transient=True):
        step()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    console.print(f"{os.cpu_count()} processors, {used:.0f} s of processor time.")


if __name__ == "__main__":
    main()
