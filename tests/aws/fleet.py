"""The running side of an endpoint config: one container per variant, and how it is asked."""

import http.client
import shutil
import tarfile
import threading
import time
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.aws.cloud import Cloud, LogStream, Missing, untar
from tests.aws.errors import AwsError
from tests.aws.pace import Pace
from tests.aws.processes import Container
from tests.aws.registry import Registry

_HOST = Path(__file__).with_name("host.py")
_POLL_SECONDS = 0.02
_DRAIN_SECONDS = 10.0


class Unhealthy(Exception):
    """A container does not serve; the reason is SageMaker's."""


@dataclass(frozen=True)
class Reply:
    """What a container answered."""

    status: int
    content_type: str
    body: bytes
    seconds: float


class ModelContainer:
    """A model and its `inference.py` behind HTTP.

    Args:
        described: The container of a `CreateModel`.
        where: Named in the log and in reasons, such as `variant AllTraffic`.
        isolated: It may not reach S3 itself.
    """

    def __init__(
        self,
        cloud: Cloud,
        folder: Path,
        described: Mapping[str, Any],
        pace: Pace,
        log: LogStream,
        *,
        where: str,
        isolated: bool,
    ) -> None:
        self._cloud, self._folder, self._described = cloud, folder, described
        self._pace, self._log, self._where, self._isolated = pace, log, where, isolated
        self._container: Container | None = None
        self._port = 0

    def start(self, closing: threading.Event) -> None:
        """Bring model and code, start the process and wait until it is healthy.

        Raises:
            Unhealthy: if it isn't in time.
        """
        module = self._prepare()
        port_file = self._folder / "port"
        variables = {
            **self._described.get("Environment", {}),
            "PYTHONPATH": str(self._folder / "opt/ml/code"),
            "OMP_NUM_THREADS": "1",
        }
        self._container = Container(
            [str(_HOST), module, str(self._folder / "opt/ml/model"), str(port_file)],
            folder=self._folder,
            variables=variables,
            say=self._log.write,
        )
        deadline = time.monotonic() + self._pace.start
        while not port_file.exists():
            if self._container.code is not None or time.monotonic() > deadline:
                raise Unhealthy(
                    f"The primary container for production {self._where} did not pass the ping "
                    "health check. Please check CloudWatch logs for this endpoint."
                )
            if closing.wait(_POLL_SECONDS):
                raise Unhealthy("The endpoint is being deleted.")
        self._port = int(port_file.read_text())

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Reply:
        """Ask it; an answer that does not come, or not in time, is one of status 0."""
        headers = {"Content-Type": content_type, "Accept": accept}
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, self._pace.answer)
        try:
            connection.request(
                "POST", "/invocations", body, {k: v for k, v in headers.items() if v}
            )
            response = connection.getresponse()
            content = response.read()
            kind = response.headers.get("Content-Type", "application/octet-stream")
            return Reply(response.status, kind, content, time.monotonic() - begun)
        except (OSError, http.client.HTTPException) as error:
            text = f"Your invocation timed out or the container is gone ({type(error).__name__})"
            return Reply(0, "text/plain", text.encode(), time.monotonic() - begun)
        finally:
            connection.close()

    def kill(self) -> None:
        """End the process at once, as when its machine is lost."""
        if self._container is not None:
            self._container.end()

    def close(self) -> None:
        """End the process and remove its files."""
        self.kill()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prepare(self) -> str:
        """Unpack model and code; the name of the module that serves."""
        ml = self._folder / "opt" / "ml"
        environment = self._described.get("Environment", {})
        program = environment.get("SAGEMAKER_PROGRAM", "inference.py")
        source = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "/opt/ml/model/code")
        (ml / "model").mkdir(parents=True)
        try:
            if "ModelDataUrl" in self._described:
                untar(self._cloud.read(self._described["ModelDataUrl"]), ml / "model")
            if source.startswith("s3://"):
                if self._isolated:
                    raise Unhealthy(
                        f"The container for production {self._where} can't reach {source}: "
                        "network isolation is on."
                    )
                untar(self._cloud.read(source), ml / "code")
            elif source.endswith(".tar.gz"):
                untar((ml / Path(source).relative_to("/opt/ml")).read_bytes(), ml / "code")
            else:
                (ml / "code").symlink_to(ml / Path(source).relative_to("/opt/ml"))
        except Missing as error:
            raise Unhealthy(f"Failed to download model data for {self._where}: {error}") from None
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise Unhealthy(
                f"Failed to extract model data archive for {self._where}: {error}. Please "
                "ensure that the object located at the URL is a valid tar.gz archive"
            ) from None
        return program.removesuffix(".py")


@dataclass
class Variant:
    """One variant of an endpoint config, running."""

    name: str
    model: str
    weight: float
    count: int
    params: Mapping[str, Any]
    shadow: bool
    container: ModelContainer

    @property
    def serverless(self) -> bool:
        """Whether it has no instances of its own."""
        return "ServerlessConfig" in self.params


class Fleet:
    """All variants of an endpoint config.

    Args:
        retained: Counts by variant name that replace those of the config.
    """

    def __init__(
        self,
        cloud: Cloud,
        registry: Registry,
        endpoint: str,
        config: str,
        folder: Path,
        pace: Pace,
        retained: Mapping[str, tuple[float, int]],
    ) -> None:
        self.config = config
        self._users, self._closed = 0, False
        self._idle = threading.Condition()
        self.id = uuid.uuid4().hex[:8]
        self.variants: list[Variant] = []
        params = registry.configs.get(config).params
        for shadow, key in ((False, "ProductionVariants"), (True, "ShadowProductionVariants")):
            for variant in params.get(key, []):
                name = variant["VariantName"]
                count = variant.get("InitialInstanceCount", 0)
                weight, count = retained.get(
                    name, (variant.get("InitialVariantWeight", 1.0), count)
                )
                model = variant["ModelName"]
                log = LogStream(
                    cloud, f"/aws/sagemaker/Endpoints/{endpoint}", f"{name}/i-{self.id}"
                )
                container = ModelContainer(
                    cloud,
                    folder / self.id / name,
                    registry.containers(model)[0],
                    pace,
                    log,
                    where=f"variant {name}",
                    isolated=registry.models.get(model).params.get("EnableNetworkIsolation", False),
                )
                self.variants.append(
                    Variant(name, model, weight, count, variant, shadow, container)
                )

    def start(self, closing: threading.Event) -> None:
        """Start every variant.

        Raises:
            Unhealthy: if one doesn't serve.
        """
        for variant in self.variants:
            variant.container.start(closing)

    def borrow(self) -> bool:
        """Whether it may be asked; if so, it does not end before it is given back."""
        with self._idle:
            if not self._closed:
                self._users += 1
            return not self._closed

    def give_back(self) -> None:
        """The opposite of `borrow`."""
        with self._idle:
            self._users -= 1
            self._idle.notify_all()

    def close(self) -> None:
        """Let what has begun come to its end, then end every variant."""
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: self._users == 0, _DRAIN_SECONDS)
        for variant in self.variants:
            variant.container.close()

    def named(self, name: str) -> Variant:
        """The production variant of that name.

        Raises:
            AwsError: if there is none.
        """
        for variant in self.variants:
            if variant.name == name and not variant.shadow:
                return variant
        raise AwsError("ValidationError", f"Variant {name} was not found for this endpoint.")
