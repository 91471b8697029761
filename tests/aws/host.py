"""The inference container: `/ping` and `/invocations` around a user's module, over HTTP.

It follows AWS's serving toolkits: `model_fn` is needed, `input_fn`, `predict_fn` and `output_fn`
are called in turn, and an exception in any of them is HTTP 500 with its traceback in the log.

`host.py MODULE MODEL_DIR PORT_FILE`, with the folder of the module on `PYTHONPATH`.
"""

import importlib
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Answers one request with the loaded model."""

    protocol_version = "HTTP/1.1"
    module: Any
    model: Any

    def do_GET(self) -> None:
        """The health check."""
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        """An invocation."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        accept = self.headers.get("Accept") or "application/json"
        try:
            data = self.module.input_fn(body, self.headers.get("Content-Type"))
            answer = self.module.output_fn(self.module.predict_fn(data, self.model), accept)
        except Exception as error:  # noqa: BLE001 - a user's module may raise anything
            traceback.print_exc()
            self._answer(500, str(error).encode())
            return
        if isinstance(answer, tuple):
            answer, accept = answer
        self._answer(200, answer.encode() if isinstance(answer, str) else answer, accept)

    def _answer(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Only the health of the model is logged, by its traceback."""


def main() -> None:
    """Load the model, then listen, then say where."""
    module, model_dir, port_file = sys.argv[1:]
    Handler.module = importlib.import_module(module)
    Handler.model = Handler.module.model_fn(model_dir)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    draft = Path(port_file + ".draft")
    draft.write_text(str(server.server_port))
    draft.replace(port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
