"""Requests as they arrive and answers as they leave, in the protocol of each AWS service."""

import io
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

from tests.aws.errors import AwsError

ACCOUNT = "123456789012"
_MODEL_OF_SIGNER = {"monitoring": "cloudwatch"}
# What the older services call the errors that the newer ones call `…Exception`.
_S3_NAMES = {
    "AccessDeniedException": ("AccessDenied", 403),
    "ExpiredTokenException": ("ExpiredToken", 400),
    "InternalFailure": ("InternalError", 500),
    "ThrottlingException": ("SlowDown", 503),
}
_QUERY_NAMES = {
    "AccessDeniedException": ("AccessDenied", 403),
    "ExpiredTokenException": ("ExpiredToken", 403),
    "ThrottlingException": ("Throttling", 400),
}
_RUNTIME_PATHS = ("/invocations", "/async-invocations", "/invocations-response-stream")


@dataclass(frozen=True)
class Call:
    """One request that arrived.

    Attributes:
        operation: Such as `CreateTrainingJob`.
        params: As the client gave them, read with botocore's model. The bytes of an S3 object are
            left out.
        failure: What it starts is to fail with this reason; a test ordered it.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    region: str
    at: datetime
    body: bytes = field(repr=False)
    failure: str | None = None


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def read_call(environ: dict[str, Any], body: bytes) -> Call:
    """Read a request; `environ` can be read again afterwards.

    Raises:
        AwsError: if it is not signed, or names no operation.
    """
    service, region = _signed_for(environ)
    if service == "sagemaker" and environ["PATH_INFO"].endswith(_RUNTIME_PATHS):
        service = "sagemaker-runtime"
    request = Request({**environ, "wsgi.input": io.BytesIO(body)})
    try:
        model = get_service_model(service)
        operation, labels = get_service_router(service).match(request)
        protocol = determine_request_protocol(model, request.content_type)
        params = PROTOCOL_PARSERS[protocol](operation).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": labels,
            }
        )
    except Exception as error:  # noqa: BLE001 - whatever moto makes of what it can't read
        raise AwsError("UnknownOperationException", f"This can't be read: {error!r}", 400) from None
    if service == "s3":
        params.pop("Body", None)
    if service == "sagemaker":
        # Not as the parser gives it: it passes over names that the model does not have.
        params = json.loads(body or b"{}")
        _read_times(params, operation.input_shape)
    return Call(service, operation.name, params, region, datetime.now(UTC), body)


def _signed_for(environ: Mapping[str, Any]) -> tuple[str, str]:
    """The service and the region of the signature."""
    try:
        scope = environ["HTTP_AUTHORIZATION"].split("Credential=")[1].split(",")[0].split("/")
        return _MODEL_OF_SIGNER.get(scope[3], scope[3]), scope[2]
    except LookupError:
        raise AwsError(
            "MissingAuthenticationTokenException", "Missing Authentication Token", 403
        ) from None


def _read_times(value: Any, shape: Any) -> None:
    """Make datetimes of the numbers that stand for them, in place."""
    if shape is None or not isinstance(value, dict):
        return
    for name, member in shape.members.items():
        given = value.get(name)
        if member.type_name == "timestamp" and isinstance(given, int | float):
            value[name] = datetime.fromtimestamp(given, UTC)
        elif member.type_name == "structure":
            _read_times(given, member)


def json_answer(result: Mapping[str, Any]) -> Answer:
    """A result in AWS's JSON: times are numbers, and what is None is left out."""
    return Answer(200, _headers("application/x-amz-json-1.1"), _json(without_none(result)))


def without_none(value: Any) -> Any:
    """A value without the members of its mappings that are None, all the way down."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_none(item) for item in value]
    return value


def error_answer(error: AwsError, service: str, environ: Mapping[str, Any]) -> Answer:
    """A refusal, as clients of that service read it."""
    kind = str(environ.get("CONTENT_TYPE") or "")
    message = escape(error.message)
    if service == "s3":
        code, status = _S3_NAMES.get(error.code, (error.code, error.status))
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else text.encode()
        return Answer(status, _headers("application/xml"), body)
    if kind.startswith("application/x-www-form-urlencoded"):
        code, status = _QUERY_NAMES.get(error.code, (error.code, error.status))
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error></ErrorResponse>"
        )
        return Answer(status, _headers("text/xml"), text.encode())
    content = {"__type": error.code, "message": error.message, "Message": error.message}
    headers = [*_headers("application/x-amz-json-1.1"), ("x-amzn-errortype", error.code)]
    return Answer(error.status, headers, _json({**content, **error.extra}))


def _headers(content_type: str) -> list[tuple[str, str]]:
    return [("Content-Type", content_type), ("x-amzn-RequestId", str(uuid.uuid4()))]


def _json(value: object) -> bytes:
    return json.dumps(value, default=_plain).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} is not JSON")
