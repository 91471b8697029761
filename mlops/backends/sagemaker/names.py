"""Names in AWS: made from what they stand for, so a request that is repeated finds its own work.

Jobs carry a prefix, by which lists and IAM policies tell ours from others. An endpoint has the name
that it is given; its models and configs are `<endpoint>-<version>-<hash of what they say>`.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from mlops.backends import JobKind
from mlops.backends.requests import check_name
from mlops.errors import BackendError

PREFIX = "triage-"
FOLDER = "referral-triage"
GROUP = "referral-triage"
# SageMaker's limits: 63 characters, and 32 for tuning jobs, which name training jobs after them.
MAX_JOB = {"training": 63 - len(PREFIX), "tuning": 32 - len(PREFIX)}
MAX_ENDPOINT = 40
TAG_REQUEST = "triage:request"
TAG_ENDPOINT = "triage:endpoint"
_HASH_LETTERS = 8
_TRIAL = re.compile(r"-(\d{3})-[0-9a-f]{8}$")


def fingerprint(content: Any) -> str:
    """A hash of JSON data: the same for the same content, wherever it is made."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def job_name(kind: JobKind, name: str, request: str, attempt: int) -> str:
    """What a job is called in AWS.

    Args:
        kind: Of the job.
        name: As the caller calls it; empty: after its request.
        request: Fingerprint of the request.
        attempt: 1 at first; later ones when an earlier one failed.

    Raises:
        BackendError: if AWS does not allow such a name.
    """
    if not name:
        return f"{PREFIX}{kind}-{request[:12]}" + (f"-{attempt}" if attempt > 1 else "")
    check_name(name, "a job")
    bare = name.removeprefix(PREFIX)
    if len(bare) > MAX_JOB[kind]:
        raise BackendError(
            f"{name[:80]!r} is too long for a {kind} job on SageMaker. Nothing was started. "
            f"Use up to {MAX_JOB[kind]} letters, digits and hyphens."
        )
    return PREFIX + bare


def shown_name(aws_name: str) -> str:
    """What a job is called here."""
    return aws_name.removeprefix(PREFIX)


def is_trial_of(training: str, tunings: set[str]) -> bool:
    """Whether a training job was made by one of the tuning jobs."""
    found = _TRIAL.search(training)
    return found is not None and training[: found.start()] in tunings


def trial_number(training: str) -> int:
    """The number of a trial, from 0; SageMaker counts from 1."""
    found = _TRIAL.search(training)
    return int(found[1]) - 1 if found else 0


def check_endpoint(name: str) -> str:
    """`name`, if its models and configs can be named after it.

    Raises:
        BackendError: if it can't.
    """
    check_name(name, "an endpoint")
    if len(name) > MAX_ENDPOINT:
        raise BackendError(
            f"{name[:80]!r} is too long for an endpoint on SageMaker. Nothing was changed. "
            f"Use up to {MAX_ENDPOINT} letters, digits and hyphens."
        )
    return name


@dataclass(frozen=True)
class PartName:
    """The name of a model or a config of an endpoint.

    Attributes:
        digest: Hash of what it says: the same content is found again, another gets a name of its
            own.
    """

    endpoint: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.endpoint}-{self.version}-{self.digest}"

    @classmethod
    def of(cls, endpoint: str, version: str, content: Any) -> "PartName":
        """The name for some content."""
        return cls(endpoint, version, fingerprint(content)[:_HASH_LETTERS])

    @classmethod
    def parse(cls, name: str) -> "PartName | None":
        """The inverse of `str`; None for a name that is not one of ours."""
        found = re.fullmatch(r"(.+)-([0-9a-f]{12})-([0-9a-f]{8})", name)
        return cls(*found.groups()) if found else None
