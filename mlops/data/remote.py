"""A data file on S3, brought here: `s3://bucket/key` to a path."""

import re
import uuid
from pathlib import Path

from mlops.errors import DataError

ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>[^\s]{1,1024})")
MAX_BYTES = 500_000_000


def fetch(address: str, folder: Path) -> Path:
    """Download a file and return where it is; a copy of the same content is used as it is.

    Args:
        address: `s3://bucket/key`. boto3's own settings say who asks and where S3 is.
        folder: Where it is kept, under the object's ETag.

    Raises:
        DataError: it is no such address, the object can't be had, or it is too large.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise DataError(
            f"{address[:100]!r} is no address on S3. Nothing was started. "
            "Give it as s3://bucket/folder/mtsamples.csv."
        )
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("s3")
        head = client.head_object(Bucket=match["bucket"], Key=match["key"])
        if head["ContentLength"] > MAX_BYTES:
            raise DataError(
                f"The file on S3 is {head['ContentLength'] / 1e6:.0f} MB; at most "
                f"{MAX_BYTES / 1e6:.0f} MB are read. Nothing was started. Give mtsamples.csv alone."
            )
        tag = re.sub(r"\W", "", str(head["ETag"]))
        path = folder / f"{tag}{''.join(Path(match['key']).suffixes[-2:])}"
        if path.is_file():
            return path
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{uuid.uuid4().hex}"
        try:
            client.download_file(match["bucket"], match["key"], str(draft))
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown error"))
        raise DataError(
            f"S3 doesn't give the file at {address} ({code}). Nothing was started. Check the "
            "address, and that this account may read it (s3:GetObject)."
        ) from None
    except BotoCoreError as error:
        raise DataError(
            f"S3 can't be asked ({type(error).__name__}). Nothing was started. Check the network, "
            "AWS_REGION and the credentials."
        ) from None
    except OSError as error:
        raise DataError(
            f"The file at {address} can't be kept in {folder}: {error.strerror}. Nothing was "
            "started. Make room there."
        ) from None
    return path
