"""`make bench`: speed and memory as ratios against named baselines, measured in the same run.

Machines differ and are noisy, so a figure alone says little: each row stands beside a baseline that
is measured a moment before or after on the same notes. The notes are the corpus that comes with
the package, and MTSamples where a copy is at hand. `--slow` adds training (`bench_training.py`).
"""

import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from mlops.classifier import EndpointClassifier, LocalClassifier, Note
from mlops.container import compiled
from mlops.data import load_corpus, read_kaggle
from mlops.shipped import ARTIFACT
from mlops.workers import classify_all, processors
from mlops.worklist import BATCH_ROWS, score_csv

WORD = re.compile(r"\w\w+")
NOTES = 400
COMMAND_RUNS = 9
# A long table: what counts is the pace, not how soon the processes are up. The baseline has neither
# processes to start nor anything to wait for: its pace is the same on a tenth.
TABLE_NOTES, BASELINE_NOTES = 80_000, 8_000
RATE, RATE_SECONDS = 100, 10
MANY = 100_000
Rows = list[tuple[str, str, str, str]]

console = Console(highlight=False)


def seconds(function: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def per_note(answer: Callable[[str], object], texts: Sequence[str], rounds: int = 1) -> list[float]:
    """Seconds for each text, one at a time, after a warm-up; the best of some rounds."""
    for text in texts[:20]:
        answer(text)
    took = [
        [seconds(lambda text=text: answer(text)) for text in texts]  # type: ignore[misc]
        for _ in range(rounds)
    ]
    return [min(one) for one in zip(*took, strict=True)]


def floor(text: str) -> object:
    """The least that reading a note can cost: finding its words."""
    return WORD.findall(text.lower())


def textbook(texts: Sequence[str], labels: Sequence[int]) -> Callable[..., object]:
    """What one would write with scikit-learn: TF-IDF of word 1-2-grams, then XGBoost.

    Returns:
        Takes texts, and how many threads XGBoost may use.
    """
    import xgboost
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), max_features=50_000)
    table = vectorizer.fit_transform(texts)
    options = {"max_depth": 5, "eta": 0.5, "objective": "binary:logistic", "nthread": 2}
    booster = xgboost.train(options, xgboost.DMatrix(table, labels), num_boost_round=150)

    def predict(batch: Sequence[str], threads: int = 1) -> object:
        booster.set_param({"nthread": threads})
        return booster.predict(xgboost.DMatrix(vectorizer.transform(batch), nthread=threads))

    return predict


def run(arguments: Sequence[str]) -> float:
    """The median wall time of a command, in seconds."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return median(
        seconds(lambda: subprocess.run(arguments, check=True, **quiet)) for _ in range(COMMAND_RUNS)
    )


# Printed by a process at its end. On Linux a process's own mark: what `getrusage` says of a child
# includes the memory of the one that started it.
PEAK = """
def peak():
    import resource, sys
    from pathlib import Path
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
"""


def peak_megabytes(code: str) -> float:
    """Peak resident memory of a fresh interpreter that runs `code`."""
    script = f"{PEAK}\n{code}\nprint(peak())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return float(done.stdout)


def table(title: str, rows: Rows) -> None:
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
    rows: Rows = []
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
    # The best of three, for all alike: what else the machine does is no part of it.
    one = median(per_note(lambda text: ours.classify([Note("0", text)]), texts, 3))
    slow = by_arrays()
    without = median(per_note(lambda text: slow.classify([Note("0", text)]), texts, 3))
    theirs = median(per_note(lambda text: baseline([text]), texts, 3))
    least = median(per_note(floor, texts, 3))
    table(
        f"{len(texts)} notes of {name} (median {int(median(map(len, texts)))} characters), "
        "evidence included",
        [
            ("one note, against TF-IDF + XGBoost", milliseconds(one), milliseconds(theirs),
             f"{one / theirs:.2f}×"),
            ("one note, against finding its words", milliseconds(one), milliseconds(least),
             f"{one / least:.1f}×"),
            ("without the compiled kernel, against with it", milliseconds(without),
             milliseconds(one), f"{without / one:.1f}×"),
        ],
    )  # fmt: skip
    bench_batch(texts, baseline, name)


def by_arrays() -> LocalClassifier:
    """The shipped model where nothing was compiled, as in SageMaker's image."""
    here, compiled.IS_COMPILED = compiled.IS_COMPILED, False
    try:
        classifier = LocalClassifier(ARTIFACT)
        _ = classifier.model_version
    finally:
        compiled.IS_COMPILED = here
    return classifier


def bench_batch(texts: Sequence[str], baseline: Callable[..., object], name: str) -> None:
    """Many notes, against one call of scikit-learn's way.

    As a batch in memory, which is what the baseline gets, and as a table from file to file, as
    `triage classify --csv` scores it.
    """
    many = [texts[number % len(texts)] for number in range(TABLE_NOTES)]
    model = LocalClassifier(ARTIFACT)
    batches = [many[at : at + BATCH_ROWS] for at in range(0, TABLE_NOTES, BATCH_ROWS)]
    inside = seconds(lambda: deque(classify_all(batches, model, processors()), 0))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "notes.csv"
        with source.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["transcription"], *([text] for text in many)])
        table_took = seconds(
            lambda: score_csv(
                source, "transcription", Path(folder) / "scored.csv", model, lambda *_: None
            )
        )
    theirs = seconds(lambda: baseline(many[:BASELINE_NOTES], processors()))
    theirs *= TABLE_NOTES / BASELINE_NOTES
    rows = [
        (
            what,
            f"{TABLE_NOTES / ours:,.0f}",
            f"{TABLE_NOTES / theirs:,.0f}",
            f"{theirs / ours:.2f}×",
        )
        for what, ours in (("in memory", inside), ("from file to file", table_took))
    ]
    table(
        f"{TABLE_NOTES:,} notes of {name}, in notes/s on {processors()} processors, against "
        "TF-IDF + XGBoost in memory",
        rows,
    )


def bench_endpoint(texts: Sequence[str]) -> None:
    """What HTTP adds to a note, one at a time and at a steady rate, against: in this process."""
    from mlops.backends.local import LocalBackend

    here = LocalClassifier(ARTIFACT)
    inside = per_note(lambda text: here.classify([Note("0", text)]), texts)
    with tempfile.TemporaryDirectory() as home:
        backend = LocalBackend(Path(home))
        start = seconds(lambda: backend.deploy("bench", "shipped"))
        try:
            there = EndpointClassifier(backend, "bench")
            outside = per_note(lambda text: there.classify([Note("0", text)]), texts)
            steady = at_rate(lambda text: there.classify([Note("0", text)]), texts)
        finally:
            backend.delete_endpoint("bench")
    rows: Rows = []
    for what, pick in {"p50": median, "p99": lambda values: quantiles(values, n=100)[98]}.items():
        baseline = pick(inside)  # type: ignore[operator]
        for how, values in (("one at a time", outside), (f"{RATE} requests/s", steady)):
            ours = pick(values)  # type: ignore[operator]
            row = (f"{how}, {what}", milliseconds(ours), milliseconds(baseline))
            rows.append((*row, f"{ours / baseline:.1f}×"))
    table(f"Endpoint over HTTP (up in {start:.1f} s), against: in this process", rows)


def at_rate(ask: Callable[[str], object], texts: Sequence[str]) -> list[float]:
    """Seconds from when each request was due to its answer, so that a queue is not forgiven."""
    count = RATE * RATE_SECONDS
    took = [0.0] * count

    def one(number: int, due: float) -> None:
        ask(texts[number % len(texts)])
        took[number] = time.perf_counter() - due

    with ThreadPoolExecutor(16) as pool:
        start = time.perf_counter() + 0.1
        waiting = []
        for number in range(count):
            due = start + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            waiting.append(pool.submit(one, number, due))
        for future in waiting:
            future.result()
    return took


# Short notes with words that nobody has used before: what is remembered of them must have an end.
REMEMBERING = """
from mlops.classifier import LocalClassifier, Note
from mlops.shipped import ARTIFACT
classifier = LocalClassifier(ARTIFACT)
for number in range(0, {count}, 100):
    classifier.classify([
        Note("0", f"Irreducible hernia q{{number:x}}z w{{n:x}}q, vomiting. Seen by Dr Abc{{n}}.")
        for n in range(number, number + 100)
    ])
"""


def bench_memory() -> None:
    """Peak memory, against a bare interpreter, and against fewer notes."""
    nothing = peak_megabytes("pass")
    some, tenth, many = (
        peak_megabytes(REMEMBERING.format(count=count)) for count in (100, MANY // 10, MANY)
    )
    table(
        "Peak memory",
        [
            ("100 notes, against python -c pass", f"{some:.0f} MB", f"{nothing:.0f} MB",
             f"{some / nothing:.1f}×"),
            (f"{MANY // 10:,} notes, against 100", f"{tenth:.0f} MB", f"{some:.0f} MB",
             f"{tenth / some:.2f}×"),
            (f"{MANY:,} notes, against {MANY // 10:,}", f"{many:.0f} MB", f"{tenth:.0f} MB",
             f"{many / tenth:.2f}×"),
        ],
    )  # fmt: skip


def bench_loading() -> None:
    """Loading a model, against its trees alone."""
    import xgboost

    from mlops.backends.package import unpack_artifact
    from mlops.container.model import BOOSTER, load_model

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        unpack_artifact(ARTIFACT, folder)
        before = time.process_time()
        ours = median(seconds(lambda: load_model(folder)) for _ in range(9))
        processor = (time.process_time() - before) / 9
        raw = (folder / BOOSTER).read_bytes()
        trees = median(
            seconds(lambda: xgboost.Booster().load_model(bytearray(raw))) for _ in range(9)
        )
    row = ("a model, against XGBoost's trees alone", milliseconds(ours), milliseconds(trees))
    table(
        f"Loading ({ARTIFACT.stat().st_size / 1e6:.1f} MB packed, {processor * 1e3:.0f} ms of "
        "processor time)",
        [(*row, f"{ours / trees:.1f}×")],
    )


def kaggle_file() -> Path | None:
    """The file of MTSamples notes, where a copy is at hand."""
    default = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("TRIAGE_TEST_DATA", default)) / "mtsamples_dev.csv.gz"
    return path if path.is_file() else None


def mtsamples() -> tuple[list[str], list[int]] | None:
    """MTSamples notes of the two classes."""
    path = kaggle_file()
    if path is None:
        return None
    records = [record for record in read_kaggle(path) if record.label][:NOTES]
    return [r.text for r in records], [int(r.label == "Surgery") for r in records]


def main() -> None:
    """Run every benchmark and print its table."""
    parser = argparse.ArgumentParser(description="Speed and memory against named baselines.")
    parser.add_argument("--slow", action="store_true", help="also training, a search, growth")
    parser.add_argument("--plot", type=Path, help="with --slow: where the plot of growth goes")
    options = parser.parse_args()
    corpus = load_corpus()[:NOTES]
    texts = [record.text for record in corpus]
    steps: list[Callable[[], None]] = [
        bench_commands,
        lambda: bench_notes(texts, [int(r.label == "Surgery") for r in corpus], "the corpus"),
        lambda: bench_endpoint(texts),
        bench_loading,
        bench_memory,
    ]
    if notes := mtsamples():
        steps.insert(2, lambda: bench_notes(*notes, "MTSamples"))
    if options.slow:
        from mlops.data.build import gather
        from tests import bench_training

        records, _ = gather(kaggle=kaggle_file())
        steps.append(lambda: bench_training.bench_training(records))
        steps.append(lambda: bench_training.bench_growth(records, options.plot))
    load = f"{os.getloadavg()[0]:.1f}"
    for step in track(steps, "Measuring", console=console, transient=True):
        step()
    kernel = "with" if compiled.IS_COMPILED else "without"
    console.print(
        f"{processors()} processors; {kernel} the compiled kernel; load {load} before, "
        f"{os.getloadavg()[0]:.1f} after."
    )


if __name__ == "__main__":
    main()
