"""Faults on order: a test queues one for an operation, and the next such request meets it."""

import threading
from collections import defaultdict
from dataclasses import dataclass

from tests.aws.errors import AwsError


@dataclass(frozen=True)
class Fault:
    """What happens to a request.

    Attributes:
        error: Answered with this; None: not answered at all.
        seconds: How long the answer takes, for clients that give up earlier.
        reset: The connection is cut instead.
        after: The operation is carried out first, and only its answer is lost.
        failure: The request succeeds, and the job or endpoint that it starts fails for this reason.
    """

    error: AwsError | None = None
    seconds: float = 0.0
    reset: bool = False
    after: bool = False
    failure: str | None = None


def error(code: str, status: int = 400, message: str = "", *, after: bool = False) -> Fault:
    """An answer with any error code."""
    return Fault(AwsError(code, message or f"{code} was ordered by the test.", status), after=after)


def throttled() -> Fault:
    """Too many requests."""
    return error("ThrottlingException", 400, "Rate exceeded")


def internal(*, after: bool = False) -> Fault:
    """HTTP 500; `after`: although it was done."""
    return error("InternalFailure", 500, "We encountered an internal error.", after=after)


def expired() -> Fault:
    """The credentials have run out."""
    return error(
        "ExpiredTokenException", 400, "The security token included in the request is expired"
    )


def denied() -> Fault:
    """The role may not do this."""
    return error("AccessDeniedException", 400, "User is not authorized to perform this action")


def no_bucket() -> Fault:
    """The bucket is gone."""
    return error("NoSuchBucket", 404, "The specified bucket does not exist")


def limit() -> Fault:
    """The account's quota is used up."""
    return error(
        "ResourceLimitExceeded",
        400,
        "The account-level service limit 'ml.m5.xlarge for training job usage' is 0 Instances, "
        "with current utilization of 0 Instances and a request delta of 1 Instances.",
    )


def capacity() -> Fault:
    """The job or the endpoint that is started finds no instance."""
    return Fault(
        failure="CapacityError: Unable to provision requested ML compute capacity due to "
        "InsufficientInstanceCapacity error. Please retry using a different ML instance type."
    )


def reset(*, after: bool = False) -> Fault:
    """The connection is cut; `after`: once the operation was carried out."""
    return Fault(reset=True, after=after)


def hang(seconds: float, *, after: bool = False) -> Fault:
    """No answer for a while, then HTTP 503; `after`: the operation was carried out."""
    answer = AwsError("ServiceUnavailable", "Service is unavailable.", 503)
    return Fault(answer, seconds=seconds, after=after)


class Faults:
    """The faults that are still to come, by operation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, list[Fault | None]] = defaultdict(list)

    def queue(self, operation: str, *faults: Fault | None, times: int = 1) -> None:
        """Order faults for the next requests of an operation; None lets one pass."""
        with self._lock:
            self._queues[operation].extend(list(faults) * times)

    def take(self, operation: str) -> Fault | None:
        """The fault that this request meets."""
        with self._lock:
            queue = self._queues[operation]
            return queue.pop(0) if queue else None

    @property
    def left(self) -> int:
        """How many have not happened yet."""
        with self._lock:
            return sum(len(queue) for queue in self._queues.values())

    def clear(self) -> None:
        """Let everything pass from now on."""
        with self._lock:
            self._queues.clear()
