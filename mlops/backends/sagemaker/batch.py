"""Tables in S3, scored by Batch Transform: for worklists that outgrow one machine.

1. The table is streamed from S3; its notes go back as JSON Lines, in files that several machines
   can share. (A note may hold line ends, so Batch Transform can't split the CSV itself.)
2. A transform job scores the files.
3. The table is streamed again, its rows get their answers, and it is written to its place.

The files between hold note text: they lie in `TRIAGE_BUCKET`, encrypted with `TRIAGE_KMS_KEY` if it
is set, and are removed at the end. Everything is named after the table's content, the column and
the version, so a run that was cut off is gone on with.
"""

import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mlops.backends import ScoredTable, TableRequest
from mlops.backends.options import refuse
from mlops.backends.sagemaker import hosting as recipes
from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import AwsError
from mlops.backends.sagemaker.images import image_uri
from mlops.backends.sagemaker.names import PREFIX, fingerprint
from mlops.backends.sagemaker.place import Place
from mlops.backends.sagemaker.registry import Registry
from mlops.backends.sagemaker.storage import Address, Storage
from mlops.backends.versions import check_servable
from mlops.documents import check_note
from mlops.errors import BackendError, NoteError
from mlops.result import Recommendation
from mlops.settings import Settings
from mlops.worklist import COLUMNS, cells, open_table

INSTANCE_TYPE = "ml.m5.large"
FILE_BYTES = 16 * 1024 * 1024
MAX_PAYLOAD_MB = 6
_LINES = "application/jsonlines"
_FIRST_PAUSE, _LAST_PAUSE, _SLOWER = 0.2, 15.0, 1.3
Say = Callable[[str], None]


class Batch:
    """Scores tables.

    Args:
        aws: The way to AWS.
        storage: Where the files between go.
        registry: Where versions are looked up.
        settings: Role, network, encryption and tags.
    """

    def __init__(self, aws: Aws, storage: Storage, registry: Registry, settings: Settings) -> None:
        self._aws = aws
        self._storage = storage
        self._registry = registry
        self._settings = settings

    def score(self, request: TableRequest, say: Say) -> ScoredTable:
        """Score a table and wait for it; see `Backend.score_table`."""
        refuse("sagemaker", request.compute, but=("--instance-type", "--instance-count"))
        place = Place.read(self._settings)
        source, output = Address.parse(request.source), Address.parse(request.output)
        if source == output:
            raise BackendError(
                "--output is the table itself. Nothing was scored. Name another address."
            )
        version = check_servable(self._registry.get(request.version))
        etag = str(self._storage.head(source)["ETag"])
        asked = [str(source), etag, request.column, version.name]
        key = fingerprint(asked)[:16]
        folder = self._storage.address("batch", key, "")
        with tempfile.TemporaryDirectory(prefix="triage-table-") as home:
            suffix = ".csv.gz" if source.key.endswith(".gz") else ".csv"
            say(f"Reading {source}")
            table = self._storage.fetch(source, Path(home) / f"table{suffix}")
            name = f"{PREFIX}batch-{key}"
            if self._told(name) is None:
                files = self._send_notes(table, request.column, folder, Path(home), say)
                if not files:
                    return self._write(table, request.column, folder, output, Path(home))
                self._start(name, version.name, request, folder, place)
            say(f"Transform job {name}")
            self._wait(name, say)
            scored = self._write(table, request.column, folder, output, Path(home))
        say("Removing the files between")
        self._storage.remove(folder)
        self._remove_model(name)
        return scored

    def _send_notes(self, table: Path, column: str, folder: Address, home: Path, say: Say) -> int:
        """Bring the notes to S3 as JSON Lines; the number of files."""
        files = 0
        draft = home / "notes.jsonl"
        with open_table(table, column) as rows:
            lines = _notes(rows.texts())
            line = next(lines, None)
            while line is not None:
                with draft.open("wb") as out:
                    while line is not None and out.tell() < FILE_BYTES:
                        out.write(line)
                        line = next(lines, None)
                with draft.open("rb") as body:
                    key = f"{folder.key}notes/{files:05d}.jsonl"
                    self._storage.put(Address(folder.bucket, key), body)
                files += 1
                say(f"Sent {files} files of notes")
        draft.unlink(missing_ok=True)
        return files

    def _start(
        self, name: str, version: str, request: TableRequest, folder: Address, place: Place
    ) -> None:
        found = self._registry.get(version)
        artifact, code = self._registry.sources(found, isolated=place.isolated)
        image = image_uri(self._aws.region)
        encryption = {"KmsKeyId": place.kms_key} if place.kms_key else {}
        volume = {"VolumeKmsKeyId": place.kms_key} if place.kms_key else {}
        for operation, parameters in (
            ("create_model", recipes.model(name, name, image, artifact, code, place)),
            (
                "create_transform_job",
                {
                    "TransformJobName": name,
                    "ModelName": name,
                    "BatchStrategy": "MultiRecord",
                    "MaxPayloadInMB": MAX_PAYLOAD_MB,
                    "TransformInput": {
                        "DataSource": {
                            "S3DataSource": {
                                "S3DataType": "S3Prefix",
                                "S3Uri": f"{folder}notes/",
                            }
                        },
                        "ContentType": _LINES,
                        "SplitType": "Line",
                    },
                    "TransformOutput": {
                        "S3OutputPath": f"{folder}answers/",
                        "Accept": _LINES,
                        "AssembleWith": "Line",
                        **encryption,
                    },
                    "TransformResources": {
                        "InstanceType": request.compute.instance_type or INSTANCE_TYPE,
                        "InstanceCount": request.compute.instance_count or 1,
                        **volume,
                    },
                    "Tags": place.tags(),
                },
            ),
        ):
            try:
                self._aws.call("sagemaker", operation, **parameters)
            except AwsError as error:
                if not error.exists:
                    raise

    def _told(self, name: str) -> dict[str, Any] | None:
        try:
            return self._aws.call("sagemaker", "describe_transform_job", TransformJobName=name)
        except AwsError as error:
            if error.missing or error.code == "ValidationException":
                return None
            raise

    def _wait(self, name: str, say: Say) -> None:
        pause = _FIRST_PAUSE
        status = ""
        while True:
            told = self._told(name) or {"TransformJobStatus": "InProgress"}
            if told["TransformJobStatus"] != status:
                status = str(told["TransformJobStatus"])
                say(f"Transform job {name}: {status}")
            if status == "Completed":
                return
            if status in ("Failed", "Stopped"):
                raise BackendError(
                    f"The transform job {name} is {status}. Nothing was written; the table is as "
                    "it was. Look at its log in /aws/sagemaker/TransformJobs, then score with "
                    "another version or name another table."
                )
            time.sleep(pause)
            pause = min(_LAST_PAUSE, pause * _SLOWER)

    def _write(
        self, table: Path, column: str, folder: Address, output: Address, home: Path
    ) -> ScoredTable:
        """Bring rows and answers together and write the table to its place."""
        scored = home / "scored.csv"
        answers = self._answers(folder)
        count = refused = 0
        with (
            open_table(table, column) as rows,
            scored.open("w", encoding="utf-8", newline="") as out,
        ):
            writer = csv.writer(out, delimiter=rows.delimiter)
            writer.writerow([*rows.kept_header(), *COLUMNS])
            for kept, text in rows.kept():
                refusal = _refusal(text)
                answer = refusal if refusal is not None else next(answers, None)
                if answer is None:
                    raise BackendError(
                        f"The answers in {folder} are fewer than the notes. Nothing was written. "
                        "Remove that folder, then give the same command again."
                    )
                writer.writerow([*kept, *cells(answer)])
                count += 1
                refused += refusal is not None
        with scored.open("rb") as body:
            self._storage.put(output, body)
        return ScoredTable(str(output), count, refused)

    def _answers(self, folder: Address) -> Iterator[Recommendation]:
        """Every answer, in the order of the notes."""
        below = Address(folder.bucket, f"{folder.key}answers/")
        for key in sorted(str(item["Key"]) for item in self._storage.list(below)):
            body = self._storage.open(Address(folder.bucket, key))
            for line in body.iter_lines():
                if line.strip():
                    yield Recommendation.from_json(json.loads(line))

    def _remove_model(self, name: str) -> None:
        try:
            self._aws.call("sagemaker", "delete_model", ModelName=name)
        except AwsError as error:
            if not error.missing:
                raise


def _notes(texts: Iterator[str]) -> Iterator[bytes]:
    """A line for each note that can be classified."""
    for number, text in enumerate(texts):
        if _refusal(text) is None:
            line = {"id": str(number), "text": check_note(text)}
            yield json.dumps(line).encode() + b"\n"


def _refusal(text: str) -> str | None:
    """Why a text is no note; None if it is one."""
    try:
        check_note(text)
    except NoteError as error:
        return str(error)
    return None
