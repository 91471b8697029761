"""`/ping` and `/invocations` around `inference.py`: a WSGI application, as in AWS's own container.

What goes wrong is answered as `{"error": sentence}`, without note text and without a traceback.

`server.py` loads this file by its path, in a process whose `mlops` is the code package that was
deployed: it imports only the standard library, and `inference` when it is called.
"""

import importlib
import json
import logging
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

MAX_BODY_BYTES = 6 * 1024 * 1024
# How much of a body that is too large is read away, so that its sender gets to see the answer.
_MAX_DISCARD_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1 << 16
TEXT, JSON, JSON_LINES = "text/plain", "application/json", "application/jsonlines"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    500: "Internal Server Error",
}
SELF_TEST_NOTE = (
    "Thank you for seeing this 54-year-old man with a painful reducible inguinal hernia for six "
    "months. He lifts at work and wears a truss. On examination the hernia is easily reducible. "
    "Please advise on repair."
)

log = logging.getLogger("gunicorn.error")
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class RequestError(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class App:
    """The WSGI application around one loaded model.

    Args:
        inference: The module with `model_fn`, `input_fn`, `predict_fn` and `output_fn`.
        model_dir: The unpacked artifact.
    """

    def __init__(self, inference: ModuleType, model_dir: str) -> None:
        self._inference = inference
        self._model = inference.model_fn(model_dir)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            status, body, content_type = self._route(environ)
        except RequestError as error:
            status, content_type = error.status, JSON
            body = json.dumps({"error": str(error)}).encode()
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        if status == 405:
            headers.append(("Allow", "GET" if environ["PATH_INFO"] == "/ping" else "POST"))
        start_response(f"{status} {_REASONS[status]}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _route(self, environ: dict[str, Any]) -> tuple[int, bytes, str]:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path == "/ping":
            if method not in ("GET", "HEAD"):
                raise RequestError(405, "Ask /ping with GET.")
            return 200, b'{"status": "healthy"}', "application/json"
        if path != "/invocations":
            raise RequestError(404, "There is only /ping and /invocations here.")
        if method != "POST":
            raise RequestError(405, "Send notes to /invocations with POST.")
        body = _read_body(environ)
        content_type = environ.get("CONTENT_TYPE") or JSON
        if _kind(content_type) not in (TEXT, JSON, JSON_LINES):
            raise RequestError(
                415,
                f"This endpoint reads {TEXT}, {JSON} and {JSON_LINES}. Nothing was classified. "
                "Send one of these content types.",
            )
        return self._invoke(body, content_type, _answer_kind(environ.get("HTTP_ACCEPT", "")))

    def _invoke(self, body: bytes, content_type: str, accept: str) -> tuple[int, bytes, str]:
        """Pass a body through the four functions of the container's contract."""
        inference = self._inference
        try:
            data = inference.input_fn(body, content_type)
            answer = inference.output_fn(inference.predict_fn(data, self._model), accept)
        except inference.BadRequest as error:
            raise RequestError(400, str(error)) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender gets a sentence
            log.error("A request failed: %s", where(error))
            raise RequestError(
                500,
                f"The model failed on this request ({type(error).__name__}). Nothing was kept. "
                "Send it again; if it fails again, roll the endpoint back.",
            ) from None
        return 200, answer.encode() if isinstance(answer, str) else bytes(answer), accept


def create_app(model_dir: str) -> App:
    """Load the model and try it on a made-up note, so that what can't answer never listens.

    Raises:
        Exception: what `model_fn` raised, or RuntimeError if the try failed.
    """
    app = App(importlib.import_module("inference"), model_dir)
    body = json.dumps({"instances": [{"id": "self-test", "text": SELF_TEST_NOTE}]}).encode()
    try:
        _, answer, _ = app._invoke(body, "application/json", "application/json")
        prediction = json.loads(answer)["predictions"][0]
    except (RequestError, ValueError, LookupError, TypeError) as error:
        raise RuntimeError(f"the model does not answer: {error}") from None
    probability = prediction.get("probability")
    if probability is not None and not 0 <= probability <= 1:
        raise RuntimeError("the model answers with a probability that is not one")
    return app


def where(error: BaseException) -> str:
    """The type of an error and where it happened, without its message, which may hold note text."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return f"{type(error).__name__} in {' < '.join(reversed(frames[-4:])) or 'native code'}"


def _kind(content_type: str) -> str:
    """A content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _answer_kind(accept: str) -> str:
    """The content type to answer in: JSON, unless JSON Lines is what is asked for."""
    kinds = {_kind(part) for part in accept.split(",")} - {""}
    if not kinds or kinds & {JSON, "application/*", "*/*"}:
        return JSON
    if JSON_LINES in kinds:
        return JSON_LINES
    raise RequestError(
        406, f"This endpoint answers in {JSON} or {JSON_LINES}. Ask for one of these."
    )


def _read_body(environ: dict[str, Any]) -> bytes:
    """The body, if it is not larger than an endpoint takes."""
    stream = environ["wsgi.input"]
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise RequestError(400, "The Content-Length is not a number.") from None
    if length > MAX_BODY_BYTES:
        _discard(stream, _MAX_DISCARD_BYTES)
        raise _too_large()
    body: bytes = stream.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        _discard(stream, _MAX_DISCARD_BYTES)
        raise _too_large()
    if len(body) < length:
        raise RequestError(400, "The request ended before its body was complete. Send it again.")
    return body


def _discard(stream: Any, limit: int) -> None:
    while limit > 0:
        chunk = stream.read(min(_CHUNK_BYTES, limit))
        if not chunk:
            return
        limit -= len(chunk)


def _too_large() -> RequestError:
    return RequestError(
        413, "The request is larger than 6 MB. Nothing was classified. Send fewer notes at a time."
    )
