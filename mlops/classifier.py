"""Who answers for a note: an endpoint, or a model in this process. Callers need not know which."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlops.documents import check_note
from mlops.errors import BackendError, NotFoundError
from mlops.result import Recommendation
from mlops.settings import DEFAULT_ENDPOINT, Settings

if TYPE_CHECKING:
    from mlops.backends import Backend

# SageMaker takes 6 MB a request; JSON may spell one character in six bytes.
MAX_REQUEST_CHARACTERS = 800_000
MAX_REQUEST_NOTES = 200


@dataclass(frozen=True)
class Note:
    """One transcription and the caller's name for it. The text stays out of `repr` and logs."""

    id: str
    text: str = field(repr=False)


class Classifier(Protocol):
    """Something that recommends."""

    @property
    def model_version(self) -> str:
        """The version that answers now."""

    def classify(self, notes: Sequence[Note]) -> list[Recommendation]:
        """One recommendation per note, in their order.

        Raises:
            NoteError: a note is empty or too long.
            BackendError: the model can't be asked.
        """


class EndpointClassifier:
    """Asks an endpoint of the backend, in requests that fit its limits."""

    def __init__(self, backend: "Backend", endpoint: str) -> None:
        self._backend = backend
        self.endpoint = endpoint

    @property
    def model_version(self) -> str:
        """The version that the endpoint serves now."""
        return self._backend.endpoint(self.endpoint).version

    def classify(self, notes: Sequence[Note]) -> list[Recommendation]:
        """See `Classifier.classify`."""
        answers: list[Recommendation] = []
        for batch in _batches([Note(note.id, check_note(note.text)) for note in notes]):
            instances = [{"id": note.id, "text": note.text} for note in batch]
            body = json.dumps({"instances": instances}).encode()
            reply = self._backend.invoke(self.endpoint, body)
            answers += _parse(reply, len(batch), self.endpoint)
        return answers


class LocalClassifier:
    """Runs an artifact in this process, through the same functions as an endpoint's container.

    Args:
        artifact: The `model.tar.gz`.
        evidence: Whether to say which words led to a recommendation.
    """

    def __init__(self, artifact: Path, *, evidence: bool = True) -> None:
        self.artifact = artifact
        self._evidence = evidence

    @cached_property
    def _model(self) -> Any:
        from mlops.backends.package import unpack_artifact
        from mlops.container.inference import model_fn

        with tempfile.TemporaryDirectory(prefix="triage-model-") as folder:
            unpack_artifact(self.artifact, Path(folder))
            return model_fn(folder)

    def without_evidence(self) -> "LocalClassifier":
        """The same model for what has no room for evidence."""
        other = LocalClassifier(self.artifact, evidence=False)
        other._model = self._model
        return other

    @property
    def model_version(self) -> str:
        """The version of the artifact."""
        return str(self._model.version)

    def classify(self, notes: Sequence[Note]) -> list[Recommendation]:
        """See `Classifier.classify`."""
        from mlops.container.answer import answers

        checked = [(note.id, check_note(note.text)) for note in notes]
        return [
            Recommendation.from_json(given)
            for given in answers(checked, self._model, evidence=self._evidence)
        ]


def get_classifier(
    settings: Settings, endpoint: str | None = None, *, backend: "Backend | None" = None
) -> Classifier:
    """The classifier in force.

    Args:
        settings: Names the backend and the default endpoint.
        backend: The caller's own, with its connections; None: a new one.
        endpoint: An endpoint's name. None: `TRIAGE_ENDPOINT`; else the default endpoint, if it has
            been deployed; else the shipped model in this process.

    Raises:
        NotFoundError: an endpoint was named and is not there.
    """
    from mlops.backends import get_backend

    backend = backend or get_backend(settings)
    name = endpoint or settings.triage_endpoint
    if name:
        backend.endpoint(name)
        return EndpointClassifier(backend, name)
    try:
        backend.endpoint(DEFAULT_ENDPOINT)
    except NotFoundError:
        from mlops.shipped import ARTIFACT

        return LocalClassifier(ARTIFACT)
    return EndpointClassifier(backend, DEFAULT_ENDPOINT)


def get_local_classifier(settings: Settings) -> Classifier:
    """The champion in this process: what the default endpoint serves, else the shipped model."""
    from mlops.backends import get_backend
    from mlops.shipped import ARTIFACT

    backend = get_backend(settings)
    try:
        version = backend.endpoint(settings.triage_endpoint or DEFAULT_ENDPOINT).version
    except NotFoundError:
        return LocalClassifier(ARTIFACT)
    folder = settings.triage_home / "cache"
    return LocalClassifier(backend.fetch_artifact(version, folder))


def _batches(notes: Sequence[Note]) -> list[list[Note]]:
    """Split so that no request is larger than an endpoint takes."""
    batches: list[list[Note]] = []
    room = 0
    for note in notes:
        if not batches or room < len(note.text) or len(batches[-1]) >= MAX_REQUEST_NOTES:
            batches.append([])
            room = MAX_REQUEST_CHARACTERS
        batches[-1].append(note)
        room -= len(note.text)
    return batches


def _parse(reply: bytes, expected: int, endpoint: str) -> list[Recommendation]:
    try:
        answers = [Recommendation.from_json(item) for item in json.loads(reply)["predictions"]]
    except (ValueError, KeyError, TypeError):
        # The cause may hold note text: it must not travel with the error raised below.
        answers = []
    if len(answers) != expected:
        raise BackendError(
            f"The endpoint {endpoint} gave an answer that can't be read. The note was not "
            "classified. Check that it serves a referral-triage model: triage endpoints show "
            f"{endpoint}"
        )
    return answers
