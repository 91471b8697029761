"""Answers requests through both of AWS's serving toolkits, and writes down what they said.

`serve.py REQUESTS ANSWERS`: a JSON list of `[body, content type, accept]` in, and for each toolkit
a list of `[status, content type, body]` out. The module is installed first, as the image does it.
"""

import collections
import collections.abc
import http.client
import json
import os
import sys
import threading
from pathlib import Path

# The image edits the toolkit's file instead.
collections.Mapping = collections.abc.Mapping  # type: ignore[attr-defined]

from sagemaker_containers.beta.framework import env, modules, transformer, worker  # noqa: E402
from sagemaker_inference.transformer import Transformer  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402


class Context:
    """What the model server hands the toolkit with a request, and is told about its answer."""

    def __init__(self, content_type: str, accept: str) -> None:
        self.system_properties = {"model_dir": os.environ["SM_MODEL_DIR"]}
        self.request_processor = [self]
        self._properties = {"Content-Type": content_type, "Accept": accept}
        self.answer: list[object] = [200, ""]

    def get_request_properties(self) -> dict[str, str]:
        """The headers of the request."""
        return self._properties

    def set_response_content_type(self, _index: int, content_type: str) -> None:
        """Called before an answer."""
        self.answer[1] = content_type

    def set_response_status(self, code: int, phrase: str) -> None:
        """Called when there is none."""
        self.answer[0] = code


def with_inference(requests: list[list[str]]) -> list[list[object]]:
    """The answers of sagemaker-inference."""
    toolkit = Transformer()
    answers = []
    for body, content_type, accept in requests:
        context = Context(content_type, accept)
        [answer] = toolkit.transform([{"body": body.encode()}], context)
        text = answer.decode() if isinstance(answer, bytes) else str(answer)
        answers.append([*context.answer, text])
    return answers


def with_containers(module: object, requests: list[list[str]]) -> list[list[object]]:
    """The answers of sagemaker-containers, over HTTP."""
    names = ("model_fn", "input_fn", "predict_fn", "output_fn")
    toolkit = transformer.Transformer(**{name: getattr(module, name) for name in names})
    toolkit.initialize()
    server = make_server("127.0.0.1", 0, worker.Worker(toolkit.transform, module_name="inference"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    answers: list[list[object]] = []
    for body, content_type, accept in requests:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
        headers = {"Content-Type": content_type, "Accept": accept}
        connection.request("POST", "/invocations", body.encode(), headers)
        response = connection.getresponse()
        kind = str(response.headers.get_content_type())
        answers.append([response.status, kind, response.read().decode()])
        connection.close()
    server.shutdown()
    thread.join()
    return answers


def main() -> None:
    """Answer every request twice."""
    source, target = (Path(argument) for argument in sys.argv[1:])
    requests = json.loads(source.read_text())
    serving = env.ServingEnv()
    module = modules.import_module(serving.module_dir, serving.module_name)
    answers = {
        "sagemaker-containers": with_containers(module, requests),
        "sagemaker-inference": with_inference(requests),
    }
    target.write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
