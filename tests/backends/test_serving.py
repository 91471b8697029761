"""What an endpoint's server answers, and that it keeps and prints nothing of what it is sent."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mlops.backends.local import LocalBackend
from mlops.backends.local.registry import Registry
from mlops.errors import BackendError
from tests.backends.conftest import CANARY, Trained, body

NAME = "desk"


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, trained: tuple[Trained, Trained]
) -> Iterator[tuple[LocalBackend, str]]:
    """One endpoint for all tests of this file, with its address."""
    backend = LocalBackend(tmp_path_factory.mktemp("served"))
    Registry(backend.home).add(trained[0].artifact, None)
    endpoint = backend.deploy(NAME, trained[0].version)
    yield backend, endpoint.url or ""
    backend.delete_endpoint(NAME)


def send(
    url: str, method: str, path: str, content: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, content, named)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def raw(url: str, data: bytes) -> bytes:
    """Send bytes as they are and read until the server closes."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_ping(served: tuple[LocalBackend, str]) -> None:
    assert send(served[1], "GET", "/ping")[0] == 200


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (body(), "application/json"),
        (body(), "application/json; charset=utf-8"),
        (json.dumps({"id": "a", "text": CANARY}).encode(), "application/jsonlines"),
        (CANARY.encode(), "text/plain"),
    ],
)
def test_what_it_reads(
    served: tuple[LocalBackend, str],
    trained: tuple[Trained, Trained],
    content: bytes,
    content_type: str,
) -> None:
    status, headers, answer = send(
        served[1], "POST", "/invocations", content, Content_Type=content_type
    )
    assert (status, headers["Content-Type"]) == (200, "application/json")
    predictions = json.loads(answer)["predictions"]
    assert [p["model_version"] for p in predictions] == [trained[0].version]


def test_what_it_answers_in(served: tuple[LocalBackend, str]) -> None:
    def ask(accept: str) -> tuple[int, dict[str, str], bytes]:
        return send(served[1], "POST", "/invocations", body(), Accept=accept)

    status, headers, answer = ask("application/jsonlines")
    assert (status, headers["Content-Type"]) == (200, "application/jsonlines")
    assert json.loads(answer)["id"] == "n1"
    for accept in ("*/*", "application/json", "text/html, */*;q=0.8", ""):
        assert ask(accept)[1]["Content-Type"] == "application/json"
    assert ask("text/csv")[0] == 406


@pytest.mark.parametrize(
    ("method", "path", "content", "content_type", "status"),
    [
        ("POST", "/invocations", f"{{{CANARY}".encode(), "application/json", 400),
        ("POST", "/invocations", f'["{CANARY}"]'.encode(), "application/json", 400),
        ("POST", "/invocations", f'{{"text": "{CANARY}"'.encode(), "application/jsonlines", 400),
        ("POST", "/invocations", CANARY.encode() + b"\xff\xfe", "text/plain", 400),
        ("POST", "/invocations", b"[" * 100_000, "application/json", 400),
        ("POST", "/invocations", CANARY.encode(), "text/csv", 415),
        ("POST", "/invocations", CANARY.encode(), CANARY, 415),
        ("GET", "/invocations", None, "", 405),
        ("POST", "/ping", CANARY.encode(), "text/plain", 405),
        ("POST", "/elsewhere", CANARY.encode(), "text/plain", 404),
    ],
)
def test_a_request_it_refuses_gets_a_sentence(
    served: tuple[LocalBackend, str],
    method: str,
    path: str,
    content: bytes | None,
    content_type: str,
    status: int,
) -> None:
    got, headers, answer = send(served[1], method, path, content, Content_Type=content_type)
    assert got == status
    assert headers["Content-Type"] == "application/json"
    sentence = json.loads(answer)["error"]
    assert sentence.endswith(".")
    assert "Traceback" not in sentence
    assert "Zebrafish" not in sentence


def test_a_body_of_more_than_6_mb(served: tuple[LocalBackend, str]) -> None:
    large = b"x" * (6 * 1024 * 1024 + 1)
    status, _, answer = send(served[1], "POST", "/invocations", large, Content_Type="text/plain")
    assert status == 413
    assert "larger than 6 MB" in json.loads(answer)["error"]
    chunked = b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    chunked += b"Content-Type: text/plain\r\n\r\n"
    chunked += b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)
    assert raw(served[1], chunked).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "data",
    [
        f"{CANARY}\r\n\r\n".encode(),
        f"POST /invocations HTTP/1.1\r\n{CANARY}\r\n\r\n".encode(),
        f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: {CANARY}\r\n\r\n".encode(),
        f"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        f"Content-Type: text/plain\r\n\r\n{CANARY}\r\n".encode(),
        f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
        f"Content-Type: text/plain\r\n\r\n{CANARY}".encode(),
    ],
)
def test_what_is_not_http_is_not_quoted(served: tuple[LocalBackend, str], data: bytes) -> None:
    answer = raw(served[1], data)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"Zebrafish" not in answer
    assert b'{"error": "' in answer


def test_nothing_of_a_note_is_kept_or_printed(
    served: tuple[LocalBackend, str], capfd: pytest.CaptureFixture[str]
) -> None:
    backend, url = served
    backend.invoke(NAME, body())
    for content, content_type in (
        (f"{{{CANARY}".encode(), "application/json"),
        (
            json.dumps({"instances": [{"id": CANARY, "text": [CANARY]}]}).encode(),
            "application/json",
        ),
        (CANARY.encode("utf-16"), "text/plain"),
        (CANARY.encode(), CANARY),
    ):
        with pytest.raises(BackendError) as caught:
            backend.invoke(NAME, content, content_type=content_type)
        assert "Zebrafish" not in str(caught.value)
        assert caught.value.__cause__ is None
    raw(url, f"{CANARY} {CANARY}\r\n\r\n".encode())
    send(url, "POST", "/invocations", body(), X_Note=CANARY)
    for path in backend.home.rglob("*"):
        assert "Zebrafish" not in str(path)
        if path.is_file():
            assert b"Zebrafish" not in path.read_bytes(), path
    assert "Zebrafish" not in "".join(capfd.readouterr())


def test_a_model_that_fails_on_a_note_answers_with_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import types

    from mlops.backends.local.serving import App

    def fail(*_: object) -> None:
        raise KeyError(CANARY)

    inference = types.SimpleNamespace(
        model_fn=lambda folder: folder,
        input_fn=lambda content, kind: content,
        predict_fn=fail,
        output_fn=fail,
        BadRequest=ValueError,
    )
    import io

    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/invocations",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": str(len(CANARY)),
        "wsgi.input": io.BytesIO(CANARY.encode()),
    }
    logged: list[str] = []
    monkeypatch.setattr(
        "mlops.backends.local.serving.log.error", lambda text, *rest: logged.append(text % rest)
    )
    answer = b"".join(
        App(inference, "")(environ, lambda status, headers: statuses.append(status))  # type: ignore[arg-type]
    )
    assert statuses == ["500 Internal Server Error"]
    assert "KeyError" in json.loads(answer)["error"]
    assert "KeyError in " in logged[0]
    assert "Zebrafish" not in answer.decode() + logged[0]
