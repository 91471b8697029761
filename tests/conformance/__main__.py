"""`make conformance`: train and serve locally and under AWS's toolkits, and compare."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops.backends.local import LocalBackend
from mlops.backends.package import code_package, pack_artifact, read_metadata, unpack_artifact
from mlops.data import build_dataset
from tests.conformance.environment import IMAGE_PYTHON, Environment, environment, run

HERE = Path(__file__).parent
HYPERPARAMETERS = {"num_round": "20", "max_depth": "3", "eta": "0.2", "seed": "7"}
# Stands in a body that can't be read, and must not come back.
CANARY = "Quillfeather"
NOTES = 25
_VERSION = re.compile(rb'"model_version": "[0-9a-f]{12}"')


def main() -> int:
    """Run every check; 0 if all hold."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conformance-") as name:
        work = Path(name)
        with _step("environment"):
            env = environment()
        image = "{}.{}".format(*IMAGE_PYTHON)
        if env.version != image:
            _say(f"  The image has Python {image}; this machine has {env.version}, used instead.")
        failures = list(_check(env, work))
    for failure in failures:
        _say(f"  DIFFERS  {failure}")
    _say(f"{'Differences' if failures else 'Conforms'} after {time.monotonic() - begun:.0f} s.")
    return 1 if failures else 0


def _check(env: Environment, work: Path) -> Iterator[str]:
    """Everything that differs."""
    data, requests = _dataset(work / "data"), _requests(work / "data")
    with _step("local backend, our versions: train"):
        ours = _train_locally(sys.executable, work / "ours", data)
    with _step("local backend, the image's versions: train"):
        images = _train_locally(str(env.python), work / "images", data)
    for toolkit, command in (
        ("sagemaker-containers", [str(HERE / "containers_train.py")]),
        ("sagemaker-training", ["-m", "sagemaker_training.cli.train"]),
    ):
        with _step(f"{toolkit}: train"):
            artifact = _train(env, work / toolkit, data, command)
        yield from _compare_models(toolkit, images, artifact)
    with _step("local backend: serve"):
        expected = _serve_locally(work / "ours", ours, requests)
        said = _serve_locally(work / "images", images, requests)
    yield from _compare_versions(expected, said)
    with _step("sagemaker-containers and sagemaker-inference: serve"):
        answers = _serve(env, work / "serving", ours, requests)
    for toolkit, given in answers.items():
        yield from _compare_answers(toolkit, requests, expected, given)


def _train_locally(python: str, home: Path, data: Path) -> Path:
    """Train with the local backend of an interpreter; the artifact."""
    done = subprocess.run(
        [python, str(HERE / "local_train.py"), str(home), str(data)],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"The local backend did not train: {done.stdout}{done.stderr[-2000:]}")
    return Path(done.stdout.strip())


def _serve_locally(home: Path, artifact: Path, requests: list[list[str]]) -> list[bytes]:
    """What a local endpoint answers to all requests but the one that can't be read."""
    backend = LocalBackend(home)
    version = backend.register("conformance").name
    with backend.hosted("conformance", version) as endpoint:
        return [
            backend.invoke(endpoint.name, body.encode(), content_type=kind, accept=accept)
            for body, kind, accept in requests[:-1]
        ]


def _dataset(folder: Path) -> Path:
    """The shipped corpus, cut small."""
    build_dataset(folder, kaggle=None)
    for part, lines in (("train", 240), ("validation", 60)):
        path = folder / f"{part}.jsonl"
        kept = path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]
        path.write_text("".join(kept), encoding="utf-8")
    (folder / "hyperparameters.json").write_text(json.dumps(HYPERPARAMETERS))
    return folder


def _train(env: Environment, folder: Path, data: Path, command: list[str]) -> Path:
    """Train under a toolkit, in an `/opt/ml` as SageMaker leaves it; the artifact."""
    ml = folder / "opt" / "ml"
    for name in ("input/config", "model", "output/data"):
        (ml / name).mkdir(parents=True)
    for channel in ("train", "validation"):
        target = ml / "input" / "data" / channel / f"{channel}.jsonl"
        target.parent.mkdir(parents=True)
        target.write_bytes((data / f"{channel}.jsonl").read_bytes())
    code = folder / "sourcedir.tar.gz"
    code.write_bytes(code_package().tar_gz())
    # Of any other name the toolkit waits until it resolves.
    host = "localhost"
    groups = [{"instance_group_name": "all", "instance_type": "ml.m5.large", "hosts": [host]}]
    for name, content in (
        (
            "hyperparameters",
            {
                **{key: json.dumps(json.loads(value)) for key, value in HYPERPARAMETERS.items()},
                "sagemaker_program": json.dumps("train.py"),
                "sagemaker_submit_directory": json.dumps(str(code)),
                "_tuning_objective_metric": "validation:auc",
            },
        ),
        (
            "resourceconfig",
            {
                "current_host": host,
                "hosts": [host],
                "network_interface_name": "lo",
                "current_instance_group": "all",
                "current_instance_type": "ml.m5.large",
                "instance_groups": groups,
            },
        ),
        (
            "inputdataconfig",
            {name: {"TrainingInputMode": "File"} for name in ("train", "validation")},
        ),
    ):
        (ml / "input" / "config" / f"{name}.json").write_text(json.dumps(content))
    output = run(env, command, folder)
    if "validation-auc:" not in output:
        raise SystemExit(f"Training said no validation-auc:\n{output[-4000:]}")
    artifact = folder / "model.tar.gz"
    pack_artifact(ml / "model", artifact)
    return artifact


def _serve(
    env: Environment, folder: Path, artifact: Path, requests: list[list[str]]
) -> dict[str, list[list[object]]]:
    """What both serving toolkits answer."""
    model = folder / "opt" / "ml" / "model"
    model.mkdir(parents=True)
    unpack_artifact(artifact, model)
    code = folder / "sourcedir.tar.gz"
    code.write_bytes(code_package().tar_gz())
    (folder / "requests.json").write_text(json.dumps(requests))
    run(
        env,
        [str(HERE / "serve.py"), "requests.json", "answers.json"],
        folder,
        SAGEMAKER_PROGRAM="inference.py",
        SAGEMAKER_SUBMIT_DIRECTORY=str(code),
        SM_MODEL_DIR=str(model),
    )
    answers: dict[str, list[list[object]]] = json.loads((folder / "answers.json").read_text())
    return answers


def _requests(data: Path) -> list[list[str]]:
    """Bodies of every kind that an endpoint reads, and last one that it can't."""
    lines = (data / "validation.jsonl").read_text(encoding="utf-8").splitlines()[:NOTES]
    notes = [{"id": str(n), "text": json.loads(line)["text"]} for n, line in enumerate(lines)]
    rows = "".join(json.dumps(note, ensure_ascii=False) + "\n" for note in notes)
    return [
        [json.dumps({"instances": notes}), "application/json", "application/json"],
        [rows, "application/jsonlines", "application/jsonlines"],
        [rows, "application/jsonlines", "application/json"],
        *([note["text"], "text/plain", "application/json"] for note in notes[:3]),
        [f'{{"instances": [{{"text": "{CANARY}', "application/json", "application/json"],
    ]


def _compare_models(toolkit: str, local: Path, artifact: Path) -> Iterator[str]:
    """Whether two artifacts hold one model: its version is made from everything in it."""
    ours, theirs = read_metadata(local), read_metadata(artifact)
    if ours == theirs:
        _say(f"  {toolkit} trained the same model, {theirs['model_version']}")
        return
    for key in sorted({*ours, *theirs}):
        if ours.get(key) != theirs.get(key):
            yield f"{toolkit}: {key} is {theirs.get(key)}, and locally {ours.get(key)}"


def _compare_versions(ours: list[bytes], images: list[bytes]) -> Iterator[str]:
    """Whether both sets of versions train to the same answers, but for the model's own name."""
    for number, pair in enumerate(zip(ours, images, strict=True)):
        left, right = (_VERSION.sub(b"", answer) for answer in pair)
        if left != right:
            yield f"the image's versions: request {number} is answered otherwise than with ours"
    _say(f"  {len(ours)} answers of a model trained on the image's versions compared")


def _compare_answers(
    toolkit: str, requests: list[list[str]], expected: list[bytes], said: list[list[object]]
) -> Iterator[str]:
    """Whether every answer is the local one, byte for byte."""
    for number, (ours, (status, kind, body)) in enumerate(zip(expected, said, strict=False)):
        _, asked, accept = requests[number]
        # sagemaker-containers calls bytes text/html; the image serves with sagemaker-inference.
        typed = kind == accept or toolkit == "sagemaker-containers"
        if status != 200 or body != ours.decode() or not typed:
            yield f"{toolkit}: request {number} ({asked}) got {status} {kind} {body!s:.200}"
    status, _, body = said[-1]
    if status != 500 or CANARY in str(body):
        yield f"{toolkit}: a body that can't be read got {status}, or is quoted"
    _say(f"  {len(expected)} answers of {toolkit} compared")


@contextmanager
def _step(name: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    _say(f"  {time.monotonic() - begun:5.1f} s  {name}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
