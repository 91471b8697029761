"""The S3 bucket: data, code and artifacts by their content, so that nothing is sent twice."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from mlops.backends.package import CodePackage
from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import AwsError, no_bucket
from mlops.backends.sagemaker.names import FOLDER
from mlops.errors import BackendError, SettingsError
from mlops.settings import Settings


@dataclass(frozen=True)
class Address:
    """A place in S3.

    Attributes:
        key: Without a leading slash; of a folder it ends with one.
    """

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `s3://bucket/key`.

        Raises:
            BackendError: if it is not such an address.
        """
        bucket, _, key = text.removeprefix("s3://").partition("/")
        if not text.startswith("s3://") or not bucket:
            raise BackendError(
                f"{text[:200]!r} is not an S3 address. Nothing was started. "
                "Spell it s3://BUCKET/KEY."
            )
        return cls(bucket, key)


@dataclass(frozen=True)
class Channel:
    """What a job reads under one name.

    Attributes:
        digest: Hash of what is in it.
        count: How many files there are.
        files: Those of this machine that have to be brought to `address`; none if they are there.
    """

    name: str
    address: Address
    digest: str
    count: int
    files: tuple[Path, ...] = ()


class Storage:
    """What this backend keeps in S3, all below one folder of one bucket.

    Args:
        aws: The way to AWS.
        settings: `TRIAGE_BUCKET` and `TRIAGE_KMS_KEY`.
    """

    def __init__(self, aws: Aws, settings: Settings) -> None:
        self._aws = aws
        self._bucket = settings.triage_bucket
        self._key_id = settings.triage_kms_key

    def address(self, *parts: str) -> Address:
        """A place below our folder of the bucket.

        Raises:
            SettingsError: if no bucket is set.
        """
        if not self._bucket:
            raise SettingsError(
                "No S3 bucket is set. Nothing was started. Make one with aws s3 mb s3://NAME and "
                "set TRIAGE_BUCKET=NAME."
            )
        return Address(self._bucket, "/".join((FOLDER, *parts)))

    def check(self) -> str:
        """The name of the bucket, if it is there.

        Raises:
            SettingsError: if none is set.
            AwsError: if it is not there, or not ours.
        """
        bucket = self.address().bucket
        self._check_bucket(bucket)
        return bucket

    def plan_records(self, channel: str, files: Sequence[Path]) -> Channel:
        """Where a channel's files belong, by what is in them; nothing is sent yet."""
        whole = hashlib.sha256("".join(_sha256(file) for file in files).encode()).hexdigest()
        address = self.address("data", whole[:32], channel, "")
        return Channel(channel, address, whole, len(files), tuple(files))

    def put_records(self, channel: Channel) -> None:
        """Bring a channel's files to S3, those that are not there."""
        folder = channel.address
        for number, file in enumerate(channel.files):
            with file.open("rb") as body:
                key = f"{folder.key}{number:04d}-{file.name}"
                self._put_once(Address(folder.bucket, key), body)

    def put_code(self, code: CodePackage) -> Address:
        """Bring a code package to S3 unless it is there."""
        address = self.code_address(code)
        if not self.exists(address):
            self.put(address, code.tar_gz())
        return address

    def code_address(self, code: CodePackage) -> Address:
        """Where a code package is, or will be."""
        return self.address("code", code.sha256[:32], "sourcedir.tar.gz")

    def put_artifact(self, artifact: Path, version: str) -> Address:
        """Bring an artifact to S3 unless it is there."""
        address = self.address("models", version, "model.tar.gz")
        with artifact.open("rb") as body:
            self._put_once(address, body)
        return address

    def put(self, address: Address, body: bytes | BinaryIO) -> None:
        """Write one object."""
        self._aws.call(
            "s3", "put_object", Bucket=address.bucket, Key=address.key, Body=body, **self._kms()
        )

    def exists(self, address: Address) -> bool:
        """Whether there is such an object."""
        try:
            self.head(address)
        except AwsError as error:
            # S3 says 403 for an object that isn't there to who may not list; and HEAD has no words.
            if error.missing:
                self._check_bucket(address.bucket)
                return False
            raise
        return True

    def head(self, address: Address) -> dict[str, Any]:
        """Size and ETag of an object."""
        return self._aws.call("s3", "head_object", Bucket=address.bucket, Key=address.key)

    def list(self, folder: Address) -> Iterator[dict[str, Any]]:
        """Every object below a folder: `Key`, `Size`, `ETag`."""
        token: str | None = None
        while True:
            answer = self._aws.call(
                "s3",
                "list_objects_v2",
                Bucket=folder.bucket,
                Prefix=folder.key,
                ContinuationToken=token,
            )
            yield from answer.get("Contents", ())
            token = answer.get("NextContinuationToken")
            if not token:
                return

    def open(self, address: Address) -> Any:
        """The body of an object, as a stream."""
        answer = self._aws.call("s3", "get_object", Bucket=address.bucket, Key=address.key)
        return answer["Body"]

    def fetch(self, address: Address, path: Path) -> Path:
        """A local copy of an object, whole or not at all.

        Raises:
            BackendError: if it is gone, or was cut off.
        """
        draft = path.with_name(f".{path.name}.part")
        try:
            body = self.open(address)
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                for chunk in body.iter_chunks(1 << 20):
                    file.write(chunk)
            draft.replace(path)
        except (BotoCoreError, HTTPError, OSError) as error:
            draft.unlink(missing_ok=True)
            raise BackendError(
                f"{address} could not be copied to {path.parent} ({type(error).__name__}). "
                "What was there is kept. Give the same command again."
            ) from None
        return path

    def remove(self, folder: Address) -> None:
        """Remove every object below a folder."""
        for item in list(self.list(folder)):
            self._aws.call("s3", "delete_object", Bucket=folder.bucket, Key=item["Key"])

    def _put_once(self, address: Address, body: BinaryIO) -> None:
        """Write an object whose name stands for its content, unless it is there."""
        if not self.exists(address):
            self.put(address, body)

    def _check_bucket(self, bucket: str) -> None:
        """Tell a missing object from a missing bucket, which HEAD spells the same."""
        try:
            self._aws.call("s3", "head_bucket", Bucket=bucket)
        except AwsError as error:
            if error.missing:
                raise AwsError(no_bucket(bucket, self._aws.region), "NoSuchBucket") from None
            raise

    def _kms(self) -> dict[str, str]:
        if not self._key_id:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._key_id}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
