"""How a container answers, under SageMaker's names: `model_fn`, `input_fn`, and so on."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlops.container.answer import answers
from mlops.container.model import Model, load_model

TARGET_VARIABLE = "TRIAGE_ERROR_TARGET"
TEXT, JSON, JSON_LINES = "text/plain", "application/json", "application/jsonlines"


class BadRequest(ValueError):
    """A body that can't be understood. `str(error)` is a sentence that holds none of it."""


def model_fn(model_dir: str) -> Model:
    """Load the artifact that was unpacked into `model_dir`.

    `TRIAGE_ERROR_TARGET` in the environment sets the error rate among the decided that is aimed
    at; without it the model keeps the one it was trained with.
    """
    return load_model(Path(model_dir), _target(os.environ.get(TARGET_VARIABLE, "")))


def input_fn(body: bytes | str, content_type: str = JSON) -> list[dict[str, str]]:
    """Read a request body into notes `{"id", "text"}`.

    Raises:
        BadRequest: if the body is not what its content type says, or the type is not known.
    """
    kind = (content_type or JSON).partition(";")[0].strip().lower()
    if kind not in (TEXT, JSON, JSON_LINES):
        raise BadRequest(
            f"This endpoint reads {TEXT}, {JSON} and {JSON_LINES}. Nothing was classified. "
            "Send one of these content types."
        )
    text = _decode(body)
    if kind == TEXT:
        return [{"id": "0", "text": text}]
    if kind == JSON:
        data = _parse(text)
        instances = data.get("instances") if isinstance(data, dict) else None
        if not isinstance(instances, list):
            raise BadRequest(
                'The JSON has no list "instances". Nothing was classified. '
                'Send {"instances": [{"id": "…", "text": "…"}]}.'
            )
    else:
        instances = [_parse(line) for line in text.split("\n") if line.strip()]
    return [_note(position, instance) for position, instance in enumerate(instances)]


def predict_fn(data: Sequence[dict[str, str]], model: Model) -> list[dict[str, Any]]:
    """One recommendation per note, in their order (fields: `mlops.result.Recommendation`)."""
    return answers([(note["id"], note["text"]) for note in data], model)


def output_fn(prediction: Sequence[dict[str, Any]], accept: str = JSON) -> bytes:
    """Write the recommendations as JSON, or one a line for `application/jsonlines`."""
    kind = (accept or JSON).partition(";")[0].strip().lower()
    if kind == JSON_LINES:
        return "".join(json.dumps(item) + "\n" for item in prediction).encode("ascii")
    return json.dumps({"predictions": list(prediction)}).encode("ascii")


def _target(value: str) -> float | None:
    try:
        target = float(value)
    except ValueError:
        return None
    return target if 0 < target < 1 else None


def _decode(body: bytes | str) -> str:
    if isinstance(body, str):
        return body
    try:
        return bytes(body).decode("utf-8")
    except UnicodeDecodeError:
        # The cause would carry the body.
        raise BadRequest("The body is not UTF-8. Nothing was classified. Send UTF-8.") from None


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest(
            "The body is not valid JSON. Nothing was classified. Send valid JSON."
        ) from None


def _note(position: int, instance: Any) -> dict[str, str]:
    if not isinstance(instance, dict) or not isinstance(instance.get("text"), str):
        raise BadRequest(
            f'Instance {position} has no string "text". Nothing was classified. '
            'Send {"id": "…", "text": "…"} for each note.'
        )
    identity = instance.get("id")
    return {"id": str(position) if identity is None else str(identity), "text": instance["text"]}
