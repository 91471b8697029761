"""The test server itself: one port for all of AWS, with a record, a check and faults on order."""

import contextlib
import io
import logging
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from tests.aws import wire
from tests.aws.checks import check_request, problems
from tests.aws.cloud import Cloud, client
from tests.aws.endpoints import Endpoints
from tests.aws.errors import AwsError
from tests.aws.faults import Fault, Faults
from tests.aws.pace import Pace
from tests.aws.registry import Registry, described_package
from tests.aws.runtime import Runtime
from tests.aws.tags import Tags
from tests.aws.training import TrainingJobs
from tests.aws.transform import TransformJobs
from tests.aws.tuning import TuningJobs
from tests.aws.watch import Watch
from tests.aws.wire import Answer, Call

Start = Callable[..., object]


class AwsServer:
    """AWS on a loopback port; see `tests.aws` for how to use it.

    moto keeps its state in its modules: there is one server at a time in a process.

    Attributes:
        calls: Every request that arrived, in order, those of SageMaker itself left out.
        faults: What is to go wrong.
        jobs: The training jobs; `jobs.interrupt(name)` takes a Spot instance away.
        endpoints: The endpoints.
        folder: Where its instances are.
    """

    def __init__(self, region: str = "us-east-1", pace: Pace | None = None, port: int = 0) -> None:
        self.region = region
        self.calls: list[Call] = []
        self.faults = Faults()
        self._pace = pace or Pace()
        self._port = port
        self._closing = threading.Event()
        self._servers: list[tuple[BaseWSGIServer, threading.Thread]] = []

    @property
    def url(self) -> str:
        """What `AWS_ENDPOINT_URL` is set to."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a client."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        """Begin to answer."""
        # The server's own words; what a request met is in its answer.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        BackendDict.reset()
        self.folder = Path(tempfile.mkdtemp(prefix="aws-"))
        self._moto = DomainDispatcherApplication(create_backend_app)
        inner = self._serve(self._moto, 0)
        self.cloud = Cloud(f"http://127.0.0.1:{inner}", self.region)
        self.registry = Registry(self.cloud, self.region)
        self.jobs = TrainingJobs(
            self.cloud, self.region, self.folder / "training", self._pace, self._closing
        )
        watch = Watch(self.cloud)
        self.endpoints = Endpoints(
            self.cloud, self.registry, watch, self.region, self.folder / "endpoints", self._pace
        )
        self._runtime = Runtime(self.endpoints, watch)
        self._tuning = TuningJobs(self.jobs, self.region, self._closing)
        self._transforms = TransformJobs(
            self.cloud,
            self.registry,
            self.region,
            self.folder / "transform",
            self._pace,
        )
        self._operations = self._all_operations()
        self._port = self._serve(self._answer_request, self._port)

    def _all_operations(self) -> dict[str, Callable[[Call], Mapping[str, Any]]]:
        """What SageMaker answers to here."""
        registry = self.registry
        trained, tuned = self.jobs.jobs, self._tuning.jobs
        tags = Tags(
            [
                *(registry.models, registry.configs, registry.groups, registry.packages),
                *(trained, tuned, self._transforms.jobs, self.endpoints.shelf),
            ],
            {
                "TrainingJob": (trained, self.jobs.describe),
                "HyperParameterTuningJob": (tuned, self._tuning.describe),
                "ModelPackage": (registry.packages, described_package),
            },
        )
        parts = (registry, self.jobs, self._tuning, self.endpoints, self._transforms, tags)
        return {name: method for part in parts for name, method in part.operations().items()}

    def stop(self) -> None:
        """Stop answering, end every process and remove every file."""
        self._closing.set()
        for server, thread in reversed(self._servers[1:]):
            server.shutdown()
            thread.join()
        self._tuning.close()
        self.jobs.close()
        self._transforms.close()
        self.endpoints.close()
        self._runtime.close()
        for server, thread in self._servers[:1]:
            server.shutdown()
            thread.join()
        for server, _ in self._servers:
            server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)
        BackendDict.reset()

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of this server, which does not try twice unless told to."""
        return client(service, self.url, self.region, **config)

    def called(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of every request of an operation, in order."""
        return [call.params for call in self.calls if call.operation == operation]

    def _serve(self, app: Any, port: int) -> int:
        server = make_server(
            "127.0.0.1", port, app, threaded=True, request_handler=MotoRequestHandler
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self._servers.append((server, thread))
        return int(server.server_port)

    def _answer_request(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """The WSGI application."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if environ["PATH_INFO"].startswith("/moto-api"):
            return self._moto(environ, start)
        service = ""
        try:
            call = wire.read_call(environ, body)
            service = call.service
            self.calls.append(call)
            fault = self.faults.take(call.operation) or Fault()
            if (fault.error is None and not fault.reset) or fault.after:
                answer = self._carry_out(call, fault, environ)
            if fault.seconds:
                self._closing.wait(fault.seconds)
            if fault.reset:
                return _cut(environ)
            if fault.error is not None:
                raise fault.error
        except AwsError as error:
            answer = wire.error_answer(error, service, environ)
        headers = answer.headers
        if environ["REQUEST_METHOD"] != "HEAD":
            others = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers = [*others, ("Content-Length", str(len(answer.body)))]
        start(f"{answer.status} {'OK' if answer.status < 400 else 'Refused'}", headers)
        return [answer.body]

    def _carry_out(self, call: Call, fault: Fault, environ: dict[str, Any]) -> Answer:
        """Do what a request asks for."""
        model = get_service_model(call.service).operation_model(call.operation)
        if call.service == "sagemaker-runtime":
            return self._runtime.invoke(call)
        if call.service != "s3":
            check_request(call.params, model.input_shape)
        if call.service != "sagemaker":
            return _collected(self._moto, environ)
        operation = self._operations.get(call.operation)
        if operation is None:
            raise AwsError(
                "UnknownOperationException", f"The test server has no {call.operation}.", 400
            )
        result = wire.without_none(operation(replace(call, failure=fault.failure)))
        if model.output_shape is not None:
            wrong = list(problems(result, model.output_shape))
            if wrong:
                raise AwsError("InternalFailure", f"The test server would say {wrong}", 500)
        return wire.json_answer(result)


def _collected(app: Any, environ: dict[str, Any]) -> Answer:
    """What another WSGI application answers."""
    said: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _info: object = None) -> None:
        said.extend((int(status.split()[0]), headers))

    chunks = app(environ, start)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return Answer(said[0], said[1], body)


def _cut(environ: dict[str, Any]) -> list[bytes]:
    """Reset the connection of a request."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
    return []
