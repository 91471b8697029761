"""A data file on S3: brought here once, and what S3 refuses said in a sentence."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from mlops.data import remote
from mlops.data.remote import fetch
from mlops.errors import DataError
from mlops.operations import prepare_data

CSV = b"medical_specialty,transcription\n"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket with a file, in moto's S3."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
    ):
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3 = boto3.client("s3")
        where = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket="clinic", CreateBucketConfiguration=where)
        s3.put_object(Bucket="clinic", Key="2026/mtsamples.csv.gz", Body=CSV)
        yield "clinic"


def test_it_is_downloaded_once(bucket: str, tmp_path: Path) -> None:
    address = f"s3://{bucket}/2026/mtsamples.csv.gz"
    path = fetch(address, tmp_path / "downloads")
    assert path.read_bytes() == CSV
    assert path.name.endswith(".csv.gz")
    path.write_bytes(b"as it was")
    assert fetch(address, tmp_path / "downloads") == path
    assert path.read_bytes() == b"as it was"
    # Another content at the same address is another file.
    boto3.client("s3").put_object(Bucket=bucket, Key="2026/mtsamples.csv.gz", Body=CSV * 2)
    newer = fetch(address, tmp_path / "downloads")
    assert newer != path
    assert newer.read_bytes() == CSV * 2
    assert sorted((tmp_path / "downloads").iterdir()) == sorted([path, newer])


@pytest.mark.parametrize(
    "address",
    ["https://clinic/key", "s3://clinic", "s3://clinic/", "s3://Clinic/key", "s3://c/a b", ""],
)
def test_what_is_no_address_is_said(address: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no address on S3"):
        fetch(address, tmp_path)


@pytest.mark.parametrize(
    ("address", "code"), [("s3://clinic/none.csv", "404"), ("s3://nobody/none.csv", "NoSuchBucket")]
)
def test_what_is_not_there_is_said(bucket: str, address: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"doesn't give the file at {address} \({code}\)"):
        fetch(address, tmp_path)


def test_what_is_too_large_is_not_fetched(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MAX_BYTES", len(CSV) - 1)
    with pytest.raises(DataError, match="at most"):
        fetch(f"s3://{bucket}/2026/mtsamples.csv.gz", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_credentials_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DataError, match="S3 can't be asked"):
        fetch("s3://clinic/key.csv", tmp_path)


def test_training_data_may_be_an_address(bucket: str, home: Path) -> None:
    """The file is looked at as a local one is: this one has no rows."""
    with pytest.raises(DataError, match="no usable note"):
        prepare_data(home, f"s3://{bucket}/2026/mtsamples.csv.gz")
