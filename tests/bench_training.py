"""Training: its time and memory, a search, and both again with 10 and 100 times the rows.

Minutes, not seconds, so `make bench` does it only when asked: `make bench BENCH="--slow"`.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlops.data import Record, write_records
from mlops.data.split import split
from tests.bench import PEAK, Rows, seconds, table, textbook

GROWTH = (1, 10, 100)
FIRST_ROWS = 440
TRIALS = 20
WORD = re.compile(r"\S+")

# One training in a process of its own: its seconds, and its peak memory as the system counts it.
TRAIN = """
import json, resource, sys, time
from pathlib import Path
from mlops.container.job import run_job
from mlops.container.train import parse_arguments
folder = Path(sys.argv[1])
start = time.perf_counter()
run_job(train=folder / "train", validation=None, model_dir=folder / "model",
        hyperparameters=parse_arguments([]), say=lambda _: None)
took = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([took, used.ru_utime + used.ru_stime, peak()]))
"""


def train(records: Sequence[Record], folder: Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak megabytes of one training with calibration."""
    (folder / "train").mkdir(parents=True)
    write_records(folder / "train" / "records.jsonl", records)
    done = subprocess.run(
        [sys.executable, "-c", PEAK + TRAIN, str(folder)], capture_output=True, check=True
    )
    took, processor, peak = json.loads(done.stdout)
    return took, processor, peak


def grown(records: Sequence[Record], count: int) -> list[Record]:
    """As many records, each copy in words of its own: a tenth of them is left out."""
    chance = random.Random(0)
    made = []
    for number in range(count):
        record = records[number % len(records)]
        if number >= len(records):
            kept = [word for word in WORD.findall(record.text) if chance.random() > 0.1]
            copy = number // len(records)
            record = replace(record, text=" ".join(kept), group=f"{record.group} {copy}")
        made.append(record)
    return made


def bench_training(records: Sequence[Record]) -> None:
    """One training and a search on the dev notes."""
    texts = [record.text for record in records]
    labels = [int(record.label == "Surgery") for record in records]
    theirs = seconds(lambda: textbook(texts, labels))
    with tempfile.TemporaryDirectory() as folder:
        took, processor, peak = train(records, Path(folder) / "once")
        environment = {**os.environ, "TRIAGE_HOME": str(Path(folder) / "home")}
        dataset = Path(folder) / "dataset"
        dataset.mkdir()
        for part, members in split(list(records), 0).items():
            write_records(dataset / f"{part}.jsonl", members)
        command = [str(Path(sys.executable).with_name("triage")), "tune", "--data", str(dataset)]
        start = time.perf_counter()
        subprocess.run(
            [*command, "--max-jobs", str(TRIALS), "--max-parallel-jobs", "2"],
            check=True,
            env=environment,
            capture_output=True,
        )
        search = time.perf_counter() - start
    table(
        f"Training on {len(records):,} records ({processor:.0f} s of processor time, "
        f"{peak:.0f} MB)",
        [
            ("with calibration, against TF-IDF + XGBoost", f"{took:.1f} s", f"{theirs:.1f} s",
             f"{took / theirs:.1f}×"),
            (f"{TRIALS} trials, two at a time, against one training", f"{search:.0f} s",
             f"{took:.1f} s", f"{search / took:.1f}×"),
        ],
    )  # fmt: skip


def bench_growth(records: Sequence[Record], plot: Path | None) -> None:
    """Ten and a hundred times the rows: no worse than linear."""
    shuffled = list(records)
    random.Random(0).shuffle(shuffled)
    counts = [FIRST_ROWS * factor for factor in GROWTH]
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            rows = grown(shuffled, count)
            measured.append(train(rows, Path(folder) / str(count)))
    first = measured[0]
    lines: Rows = []
    for factor, count, (took, processor, peak) in zip(GROWTH, counts, measured, strict=True):
        ours = f"{took:.1f} s, {processor:.1f} s of processor, {peak:.0f} MB"
        grew = f"time {took / first[0]:.1f}×, memory {peak / first[2]:.1f}×"
        lines.append((f"{count:,} rows", ours, f"rows {factor}×", grew))
    table("Training as the rows grow, against linear", lines)
    if plot is not None:
        draw(plot, counts, measured)


def draw(path: Path, counts: Sequence[int], measured: Sequence[tuple[float, float, float]]) -> None:
    """Time and memory over rows, both axes logarithmic, with a linear line beside them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    names = ("processor time (s)", "peak memory (MB)")
    for axes, name, which in zip(figure.subplots(1, 2), names, (1, 2), strict=True):
        values = [one[which] for one in measured]
        axes.loglog(counts, values, "o-", label="training")
        linear = [values[0] * count / counts[0] for count in counts]
        axes.loglog(counts, linear, "--", color="grey", label="linear")
        axes.set(xlabel="rows", ylabel=name)
        axes.legend()
    figure.savefig(path, dpi=120)
