"""What SageMaker itself does in the account: read and write S3, write logs, look at alarms.

These requests go to moto past the record and the faults of the test server.
"""

import contextlib
import io
import tarfile
import threading
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

_FLUSH_SECONDS = 0.1


def client(service: str, url: str, region: str, **config: Any) -> Any:
    """A boto3 client for a server on this machine, which tries once unless told otherwise."""
    return _session().client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="AKIATESTTESTTESTTEST",
        aws_secret_access_key="not-a-secret",
        config=Config(**{"retries": {"total_max_attempts": 1}, "proxies": {}} | config),
    )


@cache
def _session() -> boto3.Session:
    """One session, which reads each service's model once."""
    return boto3.Session()


class Missing(Exception):
    """S3 has no such object or bucket."""


class Cloud:
    """The account's S3, CloudWatch and CloudWatch Logs.

    Args:
        url: Where moto answers.
    """

    def __init__(self, url: str, region: str) -> None:
        self.s3, self.logs, self.cloudwatch = (
            client(name, url, region) for name in ("s3", "logs", "cloudwatch")
        )

    def keys(self, uri: str) -> list[str]:
        """Every key that begins with the key of an S3 URI.

        Raises:
            Missing: if there is none, or no such bucket.
        """
        bucket, prefix = split_uri(uri)
        try:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            found = [item["Key"] for page in pages for item in page.get("Contents", [])]
        except ClientError as error:
            raise Missing(f"{error.response['Error']['Code']}: {uri}") from None
        if not found:
            raise Missing(f"No S3 objects found under S3 URL {uri!r}")
        return [key for key in found if not key.endswith("/")]

    def read(self, uri: str) -> bytes:
        """The object at an S3 URI.

        Raises:
            Missing: if there is none.
        """
        bucket, key = split_uri(uri)
        try:
            content: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise Missing(f"{error.response['Error']['Code']}: {uri}") from None
        return content

    def write(self, uri: str, content: bytes) -> None:
        """Put an object at an S3 URI.

        Raises:
            Missing: if there is no such bucket.
        """
        bucket, key = split_uri(uri)
        try:
            self.s3.put_object(Bucket=bucket, Key=key, Body=content)
        except ClientError as error:
            raise Missing(f"{error.response['Error']['Code']}: {uri}") from None

    def download(self, uri: str, folder: Path, keys: Iterable[str] | None = None) -> None:
        """Copy the objects under a prefix, or some of them, into a folder."""
        bucket, prefix = split_uri(uri)
        folder.mkdir(parents=True, exist_ok=True)
        for key in self.keys(uri) if keys is None else keys:
            path = folder / name_below(prefix, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read(f"s3://{bucket}/{key}"))

    def alarms(self, names: Iterable[str] | None = None) -> list[Mapping[str, Any]]:
        """The metric alarms of these names, or all."""
        chosen = {} if names is None else {"AlarmNames": list(names)}
        pages = self.cloudwatch.get_paginator("describe_alarms").paginate(**chosen)
        return [alarm for page in pages for alarm in page["MetricAlarms"]]


class LogStream:
    """One stream of a log group: lines are sent in the background, and all of them at the end."""

    def __init__(self, cloud: Cloud, group: str, stream: str) -> None:
        self._cloud, self._group, self._stream = cloud, group, stream
        with contextlib.suppress(cloud.logs.exceptions.ResourceAlreadyExistsException):
            cloud.logs.create_log_group(logGroupName=group)
        with contextlib.suppress(cloud.logs.exceptions.ResourceAlreadyExistsException):
            cloud.logs.create_log_stream(logGroupName=group, logStreamName=stream)
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"log {stream}", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Add a line."""
        with self._lock:
            self._lines.append({"timestamp": int(time.time() * 1000), "message": line or " "})

    def close(self) -> None:
        """Send what is left."""
        self._closed.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closed.wait(_FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        if lines:
            self._cloud.logs.put_log_events(
                logGroupName=self._group, logStreamName=self._stream, logEvents=lines
            )


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI."""
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


def name_below(prefix: str, key: str) -> str:
    """The name that an object has below a prefix, which is a folder with or without its slash."""
    if key.startswith(prefix.rstrip("/") + "/"):
        return key[len(prefix.rstrip("/")) + 1 :]
    return key[prefix.rfind("/") + 1 :]


def untar(content: bytes, folder: Path) -> None:
    """Unpack a `tar.gz` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        tar.extractall(folder, filter="data")


def tar_gz(folders: Iterable[Path]) -> bytes:
    """The contents of folders as one `tar.gz`; of two files of one name the first counts."""
    files: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                files.setdefault(path.relative_to(folder).as_posix(), path)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, path in files.items():
            tar.add(path, name)
    return buffer.getvalue()
