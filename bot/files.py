"""Files from Slack: fetched with the bot's token from Slack alone, with a cap on their size."""

import http.client
import logging
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from bot import messages
from bot.slack import TIMEOUT_SECONDS, Slack, error_code, opener
from mlops.documents import MAX_FILE_BYTES, Document, read_document
from mlops.errors import NoteError

logger = logging.getLogger(__name__)

# Workspaces, files and sign-in live on hosts below these.
SLACK_DOMAINS = ("slack.com", "slack-gov.com")
MAX_REDIRECTS = 3
CHUNK = 1 << 16
REDIRECTS = (301, 302, 303, 307, 308)


def fetch_document(slack: Slack, file: Mapping[str, Any]) -> Document:
    """The text of a file that somebody sent.

    Args:
        slack: Where it is, and with which token.
        file: Slack's whole file object; see `complete`.

    Raises:
        NoteError: with the sentence for the person who sent it.
    """
    data, kind = fetch(slack, file, MAX_FILE_BYTES)
    if kind == "text/html" and "html" not in str(file.get("mimetype") or ""):
        raise NoteError(messages.file_sign_in_page())
    return read_document(str(file.get("name") or ""), data)


def fetch(slack: Slack, file: Mapping[str, Any], limit: int) -> tuple[bytes, str]:
    """A file's bytes and media type.

    Args:
        slack: Where it is, and with which token.
        file: Slack's whole file object; see `complete`.
        limit: At most so many bytes.

    Raises:
        NoteError: with the sentence for the person who sent it.
    """
    if file.get("mode") in ("tombstone", "hidden_by_limit") or file.get("file_access") in (
        "file_not_found",
        "access_denied",
    ):
        raise NoteError(messages.file_gone())
    if file.get("is_external"):
        raise NoteError(messages.file_elsewhere())
    size = int(file.get("size") or 0)
    if size > limit:
        raise NoteError(messages.file_too_large(size, limit))
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    if not url:
        raise NoteError(messages.file_gone())
    return _download(slack, url, limit)


def may_have_token(url: str, api_url: str) -> bool:
    """Whether the bot's token may be sent to a URL: to the Slack it belongs to and nowhere else.

    >>> may_have_token("https://files.slack.com/files-pri/T1-F1/a.pdf", "https://slack.com/api/")
    True
    >>> may_have_token("https://slack.com.example.org/a.pdf", "https://slack.com/api/")
    False
    >>> may_have_token("http://127.0.0.1:4001/a.pdf", "http://127.0.0.1:4000/api/")
    False
    """
    try:
        target, home = urlsplit(url), urlsplit(api_url)
        if _origin(target) == _origin(home):
            return True
    except ValueError:
        return False
    host, base = target.hostname or "", home.hostname or ""
    return target.scheme == "https" and any(
        (base == domain or base.endswith(f".{domain}"))
        and (host == domain or host.endswith(f".{domain}"))
        for domain in SLACK_DOMAINS
    )


def _origin(url: SplitResult) -> tuple[str, str, int | None]:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.hostname or "", port


def complete(slack: Slack, file: Mapping[str, Any]) -> Mapping[str, Any]:
    """The whole file object, where an event held a part of it only."""
    if file.get("url_private") or file.get("mode") in ("tombstone", "hidden_by_limit"):
        return file
    answer = slack.call("files.info", file=str(file.get("id") or ""))
    found = (answer or {}).get("file")
    return found if isinstance(found, Mapping) else file


def _download(slack: Slack, url: str, limit: int) -> tuple[bytes, str]:
    """The bytes and their media type."""
    token = slack.client.token or ""
    for _ in range(MAX_REDIRECTS + 1):
        if not may_have_token(url, slack.settings.slack_api_url):
            raise NoteError(messages.file_elsewhere())
        request = urllib.request.Request(  # noqa: S310 - the address is Slack's, as checked
            url, headers={"Authorization": f"Bearer {token}"}
        )
        try:
            with opener(url).open(request, timeout=TIMEOUT_SECONDS) as answer:
                return _read(answer, limit), str(answer.headers.get_content_type())
        except urllib.error.HTTPError as error:
            target = error.headers.get("Location")
            if error.code not in REDIRECTS or not target:
                raise NoteError(_refusal(error.code)) from None
            url = urljoin(url, target)
        except (OSError, http.client.HTTPException, ValueError) as error:
            logger.warning("file download: %s", error_code(error))
            raise NoteError(messages.file_not_downloaded("no answer")) from None
    raise NoteError(messages.file_not_downloaded("too many redirects"))


def _read(answer: Any, limit: int) -> bytes:
    """All of it, unless it is more than may be: what `size` says is only a promise."""
    data = bytearray()
    while chunk := answer.read(CHUNK):
        data += chunk
        if len(data) > limit:
            raise NoteError(messages.file_too_large(len(data), limit))
    return bytes(data)


def _refusal(status: int) -> str:
    logger.warning("file download: http_%d", status)
    if status in (404, 410):
        return messages.file_gone()
    if status in (401, 403):
        return messages.file_sign_in_page()
    return messages.file_not_downloaded(f"HTTP {status}")
