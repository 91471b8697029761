"""One request to an endpoint on this machine: a deadline, and a sentence for whatever goes wrong.

Asking twice changes nothing, so a request whose connection was refused or cut is sent again. Each
one takes a connection of its own: on loopback that costs a tenth of a millisecond, and it can't be
cut by a server that retires.
"""

import http.client
import json
import time
from collections.abc import Callable

from mlops.backends.local.serving import MAX_BODY_BYTES
from mlops.errors import BackendError

_ATTEMPTS = 6
_LOST = (ConnectionError, http.client.RemoteDisconnected, http.client.IncompleteRead)


def invoke(
    name: str,
    locate: Callable[[float], int],
    body: bytes,
    *,
    content_type: str,
    accept: str,
    timeout: float,
) -> bytes:
    """Post a body to `/invocations` and return the answer.

    Args:
        name: The endpoint, for the sentences.
        locate: Gives its port within the seconds it is passed, and starts it if it is down.
        body: At most 6 MB.
        timeout: Seconds for everything.

    Raises:
        BackendError: without any part of the body.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BackendError(
            f"The request to {name} is larger than 6 MB. Nothing was sent. Send fewer notes at a "
            "time."
        )
    deadline = time.monotonic() + timeout
    headers = {"Content-Type": content_type, "Accept": accept, "Connection": "close"}
    for attempt in range(_ATTEMPTS):
        left = deadline - time.monotonic()
        if left <= 0:
            raise _late(name, timeout)
        port = locate(left)
        left = max(deadline - time.monotonic(), 0.05)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=left)
        try:
            connection.request("POST", "/invocations", body, headers)
            response = connection.getresponse()
            answer = response.read()
        except TimeoutError:
            raise _late(name, timeout) from None
        except _LOST:
            time.sleep(min(0.05 * 2**attempt, max(deadline - time.monotonic(), 0.0)))
            continue
        except (OSError, http.client.HTTPException) as error:
            raise BackendError(
                f"The endpoint {name} can't be asked ({type(error).__name__}). Nothing was "
                f"classified. See how it is: triage endpoints show {name}"
            ) from None
        finally:
            connection.close()
        if response.status == 200:
            return answer
        raise _refused(name, response.status, answer)
    raise BackendError(
        f"The endpoint {name} cut the connection {_ATTEMPTS} times. Nothing was classified. "
        f"Try again; if it stays so, roll back: triage endpoints rollback {name}"
    )


def _late(name: str, timeout: float) -> BackendError:
    return BackendError(
        f"The endpoint {name} did not answer within {timeout:g} s. Nothing was classified. "
        f"Try again, or see how it is: triage endpoints show {name}"
    )


def _refused(name: str, status: int, answer: bytes) -> BackendError:
    """The server's own sentence: it is made without note text (see `serving.py`)."""
    try:
        sentence = str(json.loads(answer)["error"])[:400]
    except (ValueError, LookupError, TypeError):
        sentence = "It gave no reason."
    return BackendError(f"The endpoint {name} refused the request ({status}): {sentence}")
