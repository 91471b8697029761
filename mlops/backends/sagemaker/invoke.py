"""One request to an endpoint: a deadline, retries, and a circuit breaker.

Asking twice changes nothing, so throttling, server errors and lost connections are asked again,
with waits that double and are drawn at random, so that many who wait don't come back together.
After several requests in a row that came to nothing, the endpoint is left alone for a while and
whoever asks is told so at once. No error holds any part of a body or an answer.

Connections are kept and used again: each client has a pool of its own.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from botocore import exceptions as failures

from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import CREDENTIALS, DENIED, THROTTLED, explain
from mlops.errors import BackendError, NotFoundError

MAX_BODY_BYTES = 6 * 1024 * 1024
ATTEMPTS = 6
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 15.0
CONNECTIONS = 32
# A client's timeouts are fixed when it is made, so there is one for each of these; SageMaker gives
# a model 60 s.
_TIMEOUTS = (0.5, 1, 2, 5, 10, 20, 30, 60)
_AGAIN = THROTTLED | {
    "InternalDependencyException",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "ModelNotReadyException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
}
_LOST = (
    failures.ConnectionClosedError,
    failures.ConnectTimeoutError,
    failures.EndpointConnectionError,
    failures.HTTPClientError,
)


class Breaker:
    """Stops asking what does not answer: after several failures in a row, for some seconds.

    Then one request is let through; if it succeeds, all are.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_from = 0.0

    def wait(self) -> float:
        """Seconds for which nobody should ask; 0: ask now."""
        with self._lock:
            if self._failures < FAILURES_TO_OPEN:
                return 0.0
            left = self._closed_from - self._clock()
            if left > 0:
                return left
            # This request is the trial: the others wait for its outcome.
            self._closed_from = self._clock() + OPEN_SECONDS
            return 0.0

    def succeeded(self) -> None:
        """Somebody was answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Somebody was not, in spite of all retries."""
        with self._lock:
            self._failures += 1
            self._closed_from = self._clock() + OPEN_SECONDS


class Invoker:
    """Asks endpoints; one for all threads of a process."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._breakers: dict[str, Breaker] = {}
        self._lock = threading.Lock()
        self._random = random.SystemRandom()

    def invoke(
        self, name: str, body: bytes, *, content_type: str, accept: str, timeout: float
    ) -> bytes:
        """Send a body to an endpoint and return its answer.

        Args:
            name: The endpoint.
            body: At most 6 MB.
            content_type: Of the body.
            accept: What the answer should be.
            timeout: Seconds for everything, waits included.

        Raises:
            BackendError: without any part of the body or the answer.
        """
        if len(body) > MAX_BODY_BYTES:
            raise _too_large(name)
        breaker = self._breaker(name)
        closed = breaker.wait()
        if closed:
            raise BackendError(
                f"The endpoint {name} has failed {FAILURES_TO_OPEN} times in a row and is left "
                f"alone for {closed:.0f} s more. Nothing was classified. See how it is: "
                f"triage endpoints show {name}"
            )
        try:
            answer = self._ask(name, body, content_type, accept, timeout)
        except _Unanswered as error:
            breaker.failed()
            raise BackendError(str(error)) from None
        except BackendError:
            # It answers, be it with a refusal.
            breaker.succeeded()
            raise
        breaker.succeeded()
        return answer

    def _ask(self, name: str, body: bytes, content_type: str, accept: str, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        reason = ""
        for attempt in range(ATTEMPTS):
            left = deadline - time.monotonic()
            if left < _TIMEOUTS[0]:
                break
            try:
                answer = self._client(left).invoke_endpoint(
                    EndpointName=name, Body=body, ContentType=content_type, Accept=accept
                )
                return bytes(answer["Body"].read())
            except failures.ReadTimeoutError:
                reason = "it did not answer in time"
            except failures.ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", ""))
                status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
                if code not in _AGAIN and (status < 500 or code == "ModelError"):
                    raise self._refused(name, error, code, status) from None
                reason = f"AWS answered {code or status}"
            except _LOST as error:
                reason = f"the connection failed ({type(error).__name__})"
            except failures.BotoCoreError as error:
                raise self._explained(error) from None
            except OSError as error:  # urllib3's, while the answer was read
                reason = f"the connection failed ({type(error).__name__})"
            wait = self._random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt))
            time.sleep(max(0.0, min(wait, deadline - time.monotonic())))
        raise _Unanswered(
            f"The endpoint {name} gave no answer within {timeout:g} s: "
            f"{reason or 'there was no time to ask'}. Nothing was classified. "
            f"Try again, or see how it is: triage endpoints show {name}"
        )

    def _refused(self, name: str, error: Any, code: str, status: int) -> BackendError:
        """A refusal that asking again would not change. The answer may hold note text: unread."""
        if code in ("ValidationError", "ValidationException") and "not found" in str(error).lower():
            return NotFoundError(
                f"There is no endpoint {name[:80]!r}. Nothing was classified. "
                "See which there are: triage endpoints list; or create it: triage deploy"
            )
        if status == 413 or "RequestEntityTooLarge" in code:
            return _too_large(name)
        if code == "ModelError":
            original = error.response.get("OriginalStatusCode")
            return BackendError(
                f"The model behind {name} failed on this request (status {original}). Nothing was "
                "classified. Send it again; if it fails again, roll back: "
                f"triage endpoints rollback {name}"
            )
        if code in CREDENTIALS | DENIED:
            return self._explained(error)
        return BackendError(
            f"AWS refused to ask the endpoint {name} ({code or status}). Nothing was classified. "
            f"See how it is: triage endpoints show {name}"
        )

    def _explained(self, error: Exception) -> BackendError:
        return explain(error, "sagemaker", "invoke_endpoint", self._aws.region)

    def _client(self, left: float) -> Any:
        """A client that does not wait longer than is left, as near as there is one."""
        seconds = max(step for step in _TIMEOUTS if step <= left)
        return self._aws.client(
            "sagemaker-runtime",
            f"-{seconds:g}",
            connect_timeout=min(5.0, seconds),
            read_timeout=seconds,
            # Ours: botocore's own would not know the deadline.
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=CONNECTIONS,
            tcp_keepalive=True,
        )

    def _breaker(self, name: str) -> Breaker:
        with self._lock:
            return self._breakers.setdefault(name, Breaker())


class _Unanswered(BackendError):
    """All retries came to nothing."""


def _too_large(name: str) -> BackendError:
    return BackendError(
        f"The request to {name} is larger than 6 MB. Nothing was classified. Send fewer notes at a "
        "time."
    )
