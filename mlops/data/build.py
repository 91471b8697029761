"""A dataset folder: three parts of records and a manifest that says where they come from."""

import hashlib
import json
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mlops import __version__
from mlops.data.clusters import cluster
from mlops.data.kaggle import read_kaggle_notes
from mlops.data.pairs import load_corpus
from mlops.data.records import Record, write_records
from mlops.data.sections import decision_time
from mlops.data.split import split
from mlops.errors import DataError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a dataset holds and where it comes from; no text of any note.

    Attributes:
        kaggle_sha256: Of the Kaggle file as it was; None without one.
        kaggle_rows: Its rows, all specialties.
        dropped: Reason to number of rows that were left out.
        clusters: Number of near-duplicate clusters.
        counts: Part to `source/label` to number of records.
        records_sha256: File name to hash.
    """

    code_version: str
    seed: int
    kaggle_sha256: str | None
    kaggle_rows: int
    dropped: dict[str, int]
    corpus_texts: int
    clusters: int
    counts: dict[str, dict[str, int]]
    records_sha256: dict[str, str]


def build_dataset(
    folder: Path,
    *,
    kaggle: Path | None,
    extra: Sequence[Record] = (),
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Write `train.jsonl`, `validation.jsonl`, `test.jsonl` and `manifest.json`, all or nothing.

    Args:
        folder: Made if missing; a dataset that is there is replaced.
        kaggle: `mtsamples.csv`, plain or gzipped; None: the shipped corpus alone.
        extra: Records beside these, such as corrections.
        seed: Of the split.
        say: Called with one line per step.

    Raises:
        DataError: if the file is not the Kaggle file, or the folder holds something else.
    """
    _check_free(folder)
    records, manifest = gather(kaggle=kaggle, extra=extra, seed=seed, say=say)
    parts = split(records, seed)
    say("Writing")
    draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        draft.mkdir(mode=0o700, parents=True)
        hashes = {}
        for part, members in parts.items():
            path = draft / f"{part}.jsonl"
            write_records(path, members)
            hashes[path.name] = _sha256(path)
        manifest = replace(
            manifest,
            counts={part: _counts(members) for part, members in parts.items()},
            records_sha256=hashes,
        )
        (draft / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n")
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    except OSError as error:
        raise DataError(
            f"{folder} can't be written ({type(error).__name__}). No dataset was built. "
            "Check the disk and your rights, or give another --output."
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def gather(
    *,
    kaggle: Path | None,
    extra: Sequence[Record] = (),
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[list[Record], Manifest]:
    """Every record with its cluster, before any split, and the manifest without counts."""
    records: list[Record] = []
    dropped: dict[str, int] = {}
    sha256, rows = None, 0
    if kaggle is not None:
        say("Reading the Kaggle file")
        notes = read_kaggle_notes(kaggle)
        sha256, rows, dropped = notes.sha256, notes.rows, dict(notes.dropped)
        records += notes.records + notes.planned
        for note in notes.records:
            text = decision_time(note.text, note.label)
            if text:
                records.append(
                    replace(note, id=f"{note.id}-d", text=text, source="mtsamples-decision")
                )
    say("Reading the corpus")
    corpus = load_corpus()
    records += [
        Record(c.id, c.text, c.label, c.pair, "corpus", specialty=c.specialty) for c in corpus
    ]
    records += extra
    say("Clustering near-duplicates")
    groups = cluster([r.text for r in records], [r.group for r in records])
    records = [replace(r, group=group) for r, group in zip(records, groups, strict=True)]
    manifest = Manifest(
        code_version=__version__,
        seed=seed,
        kaggle_sha256=sha256,
        kaggle_rows=rows,
        dropped=dropped,
        corpus_texts=len(corpus),
        clusters=len(set(groups)),
        counts={},
        records_sha256={},
    )
    return records, manifest


def _counts(records: Sequence[Record]) -> dict[str, int]:
    return dict(sorted(Counter(f"{r.source}/{r.label}" for r in records).items()))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check_free(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise DataError(
            f"{folder} holds other files. Nothing was built and nothing was changed. "
            "Give an empty folder or a new name with --output."
        )
    if folder.exists() and not folder.is_dir():
        raise DataError(
            f"{folder} is a file. Nothing was built and nothing was changed. "
            "Give a folder with --output."
        )
