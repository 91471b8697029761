"""A steady load on an endpoint: so many requests a second, each timed, none sent twice."""

import http.client
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from urllib.parse import urlsplit

from tests.backends.conftest import body, version_in

HEADERS = {"Content-Type": "application/json"}


def ask(url: str, timeout: float = 10.0) -> str:
    """One plain HTTP request; the version that answered.

    Raises:
        Exception: whatever went wrong.
    """
    address = urlsplit(url)
    connection = http.client.HTTPConnection(
        address.hostname or "", address.port or 0, timeout=timeout
    )
    try:
        connection.request("POST", "/invocations", body(), HEADERS)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"status {answer.status}")
        return version_in(content)
    finally:
        connection.close()


class Load:
    """Sends requests at a steady rate while it is open.

    Attributes:
        versions: Which version answered, in order of the answers.
        failures: What went wrong.
        seconds: How long each answer took.
    """

    def __init__(self, send: Callable[[], str], rate: float = 50.0) -> None:
        self._send = send
        self._rate = rate
        self.versions: list[str] = []
        self.failures: list[str] = []
        self.seconds: list[float] = []
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._tick)
        self._pool = ThreadPoolExecutor(max_workers=32)

    def __enter__(self) -> "Load":
        self._clock.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._clock.join()
        self._pool.shutdown(wait=True)

    def _tick(self) -> None:
        due = time.monotonic()
        while not self._over.is_set():
            self._pool.submit(self._one)
            due += 1 / self._rate
            time.sleep(max(0.0, due - time.monotonic()))

    def _one(self) -> None:
        began = time.monotonic()
        try:
            version = self._send()
        except Exception as error:  # noqa: BLE001 - whatever it is, it counts
            self.failures.append(f"{type(error).__name__}: {error}")
        else:
            self.versions.append(version)
            self.seconds.append(time.monotonic() - began)
