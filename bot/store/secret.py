"""The key of the HMAC that stands for a note: without it nobody can test a guess against one."""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress

from mlops.settings import Settings

FILE = "note-key"


def note_key(settings: Settings) -> bytes:
    """`TRIAGE_SECRET`, or else a key made once and kept below TRIAGE_HOME for its owner only."""
    if settings.triage_secret is not None:
        return settings.triage_secret.get_secret_value().encode()
    path = settings.triage_home / FILE
    with suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails if another process was first: then its key is the one.
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
    return path.read_bytes()


def fingerprint(key: bytes, text: str) -> str:
    """HMAC-SHA256 of a note: the same note gives the same one, and it gives nothing away."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
