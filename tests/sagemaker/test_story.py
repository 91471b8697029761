"""From a dataset to an endpoint and away again, by the commands, with real artifacts in between."""

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bot.terminal import who
from mlops.backends import TrainRequest
from mlops.backends.local import LocalBackend
from mlops.backends.sagemaker import SageMakerBackend
from mlops.errors import BackendError
from mlops.operations import wait_for
from mlops.settings import get_settings
from tests.aws import faults
from tests.aws.server import AwsServer
from tests.sagemaker.conftest import (
    BUCKET,
    CANARY,
    NOTE,
    QUICK,
    Trained,
    data_of,
    run,
    spoiled,
)

ENDPOINT = "story"


def put(cloud: AwsServer, key: str, content: bytes) -> str:
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
    return f"s3://{BUCKET}/{key}"


def keys(cloud: AwsServer, prefix: str = "") -> list[str]:
    answer = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for item in answer.get("Contents", ())]


def test_the_whole_story(
    cloud: AwsServer,
    dataset: Path,
    tmp_path: Path,
    trained: Trained,
    backend: SageMakerBackend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note = tmp_path / "note.txt"
    note.write_text(NOTE)

    # Training: the same request again finds the job, and its version.
    quick = [part for name, value in QUICK.items() for part in ("-p", f"{name}={value}")]
    arguments = ("train", "--data", str(dataset), *quick, "-p", "eta=0.3", "--json")
    started = len(cloud.called("CreateTrainingJob"))
    result = run(*arguments)
    made = data_of(result)
    assert "validation-auc:" in result.stderr
    assert "[Completed]" in result.stderr
    assert "Billable" in result.stderr
    assert data_of(run(*arguments))["version"] == made["version"]
    assert len(cloud.called("CreateTrainingJob")) == started + 1
    version = made["version"]["name"]

    # Tuning: its trials in a table, the best one a version.
    result = run(
        *("tune", "--data", str(dataset), "--max-jobs", "2", "--range", "num_round=3:9"),
        *("--name", "search", "--json"),
    )
    tuned = data_of(result)
    assert [trial["status"] for trial in tuned["job"]["trials"]] == ["Completed"] * 2
    assert tuned["version"]["job"] == "search"
    best = tuned["job"]["trials"][tuned["job"]["best_trial"]]
    assert best["objective"] == max(trial["objective"] for trial in tuned["job"]["trials"])
    assert "Trial 1: Completed" in result.stderr
    assert "num_round" in run("jobs", "show", "search").stdout
    listed = data_of(run("jobs", "list", "--json"))
    names = {job["name"] for job in listed}
    assert {"first", "second", made["job"]["name"], "search"} <= names
    assert not [name for name in names if name.startswith("search-")]  # its trials

    # Versions, judged.
    assert version in run("models", "list").stdout
    assert data_of(run("models", "register", "search", "--json")) == tuned["version"]
    assert "is Rejected" in run("models", "reject", tuned["version"]["name"]).stdout
    assert f"Rejected by {who()}" in run("models", "show", tuned["version"]["name"]).stdout
    refused = run("deploy", tuned["version"]["name"])
    assert refused.exit_code == 1
    assert "was rejected" in refused.stderr

    # An endpoint: created once, asked, listed.
    monkeypatch.setenv("TRIAGE_ENDPOINT", ENDPOINT)
    get_settings.cache_clear()
    served = run("deploy", trained.first, "--instance-count", "2")
    assert f"serves {trained.first}" in served.stdout, served.output
    assert "exists already" in run("deploy", version).stderr
    # A client that nobody here wrote sees what was made.
    seen = json.loads(
        subprocess.run(
            [
                *(Path(sys.executable).with_name("aws"), "sagemaker", "describe-endpoint"),
                *("--endpoint-name", ENDPOINT, "--output", "json"),
            ],
            env=os.environ | {"AWS_CONFIG_FILE": os.devnull},
            capture_output=True,
            check=True,
        ).stdout
    )
    assert seen["EndpointStatus"] == "InService"
    assert trained.first in seen["EndpointConfigName"]
    answer = data_of(run("classify", "--json", "--endpoint", ENDPOINT, str(note)))
    assert answer["model_version"] == trained.first
    here = data_of(run("classify", "--json", str(note)))
    assert here == answer  # the champion, fetched and run in this process, to the last digit

    # A good update, a bad one that rolls back, the way back.
    assert f"serves {version}" in run("endpoints", "update", ENDPOINT, version).stdout
    with spoiled(cloud, backend.version(trained.second).artifact):
        bad = run("endpoints", "update", ENDPOINT, trained.second)
    assert bad.exit_code == 1
    assert "was rolled back" in bad.stderr
    assert f"{version} serves on as before" in bad.stderr
    shown = data_of(run("endpoints", "show", ENDPOINT, "--json"))
    assert (shown["status"], shown["version"]) == ("InService", version)
    assert shown["previous"] == trained.first
    rolled = run("endpoints", "rollback", ENDPOINT)
    assert f"serves {trained.first}" in rolled.stdout
    assert version in rolled.stdout  # and how to return to it
    assert data_of(run("classify", "--json", "--endpoint", ENDPOINT, str(note))) == answer

    # Away with it: shown first, then gone with every part.
    would = data_of(run("endpoints", "delete", ENDPOINT, "--dry-run", "--json"))["would_delete"]
    assert would[0].startswith(f"endpoint {ENDPOINT} (InService")
    assert {line.split()[0] for line in would} == {"endpoint", "model", "alarm"}
    assert ENDPOINT in [item["name"] for item in data_of(run("endpoints", "list", "--json"))]
    kept = run("endpoints", "delete", ENDPOINT, input="n\n")
    assert kept.exit_code == 1
    assert "is gone" in run("endpoints", "delete", ENDPOINT, "--yes").stdout
    assert ENDPOINT not in run("endpoints", "list").stdout
    sagemaker = cloud.client("sagemaker")
    assert sagemaker.list_endpoint_configs(NameContains=ENDPOINT)["EndpointConfigs"] == []
    assert sagemaker.list_models(NameContains=ENDPOINT)["Models"] == []
    alarms = cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=ENDPOINT)
    assert alarms["MetricAlarms"] == []
    assert run("endpoints", "delete", ENDPOINT, "--yes").exit_code == 1


def test_a_deployment_that_fails_leaves_nothing(
    cloud: AwsServer, trained: Trained, backend: SageMakerBackend
) -> None:
    with spoiled(cloud, backend.version(trained.second).artifact):
        failed = run("deploy", trained.second, "--endpoint", "hopeless")
    assert failed.exit_code == 1
    assert "was not created" in failed.stderr
    assert "Nothing of it was kept" in failed.stderr
    assert backend.endpoint_parts("hopeless") == []


def test_a_deployment_that_was_cut_off_is_waited_for(
    cloud: AwsServer, trained: Trained, backend: SageMakerBackend
) -> None:
    # The command is gone before it hears that the endpoint is being made.
    cloud.faults.queue("CreateEndpoint", faults.reset(after=True))
    with pytest.raises(BackendError, match="can't be reached"):
        backend.deploy("twice", trained.first)
    made = len(cloud.called("CreateEndpoint"))
    with suppress(BackendError):  # which says that it is there, if it is by now
        assert backend.deploy("twice", trained.first).status == "InService"
    with pytest.raises(BackendError, match="exists already"):
        backend.deploy("twice", trained.first)
    assert backend.endpoint("twice").version == trained.first
    assert len(cloud.called("CreateEndpoint")) == made
    backend.delete_endpoint("twice")


def test_the_same_data_and_seed_give_the_same_model_here_and_there(
    trained: Trained, dataset: Path, tmp_path: Path, backend: SageMakerBackend
) -> None:
    local = LocalBackend(tmp_path / "local")
    request = TrainRequest(dataset / "train.jsonl", dataset / "validation.jsonl", QUICK, "same")
    wait_for(local, local.train(request).name, timeout=120)
    version = local.register("same")
    # A version is named by the hash of its content.
    assert version.name == trained.first
    there = backend.fetch_artifact(trained.first, tmp_path)
    assert there.is_file()
    assert backend.version(trained.first).metrics == version.metrics
    assert backend.version(trained.first).data_sha256 == version.data_sha256


def test_a_table_in_s3_is_scored_there(
    cloud: AwsServer, trained: Trained, backend: SageMakerBackend
) -> None:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["id", "transcription", "ward"])
    for number in range(9):
        text = "" if number == 4 else f"{CANARY} {number}.\n{NOTE}"
        writer.writerow([number, text, "A"])
    source = put(cloud, "in/notes.csv", table.getvalue().encode())
    backend.deploy("table", trained.first)
    start = len(cloud.calls)
    arguments = ("classify", "--csv", source, "--output", f"s3://{BUCKET}/out/scored.csv")
    result = run(*arguments, "--endpoint", "table")
    assert "9 rows" in result.stderr
    assert "1 had no note" in result.stderr
    scored = cloud.client("s3").get_object(Bucket=BUCKET, Key="out/scored.csv")["Body"].read()
    rows = list(csv.DictReader(io.StringIO(scored.decode())))
    assert [row["id"] for row in rows] == [str(number) for number in range(9)]
    assert {row["ward"] for row in rows} == {"A"}
    assert rows[4]["recommendation"] == ""
    assert "empty" in rows[4]["warnings"]
    assert {row["model_version"] for row in rows if row["id"] != "4"} == {trained.first}
    # The files between, which hold note text, are gone; and so is the model.
    assert keys(cloud, "referral-triage/batch/") == []
    names = [model["ModelName"] for model in cloud.client("sagemaker").list_models()["Models"]]
    assert not [name for name in names if name.startswith("triage-batch")]
    sent = json.dumps([dict(call.params) for call in cloud.calls[start:]], default=str)
    assert "Zebrafish" not in sent
    backend.delete_endpoint("table")


def test_a_table_is_in_s3_or_is_not(cloud: AwsServer, tmp_path: Path) -> None:
    assert run("classify", "--csv", "s3://b/k.csv", "--output", "here.csv").exit_code == 2
    missing = run("classify", "--csv", "s3://triage/no.csv", "--output", "s3://triage/o.csv")
    assert missing.exit_code == 1
    assert "Traceback" not in missing.output


def test_the_bot_and_classify_never_import_the_sdk(cloud: AwsServer, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text(NOTE)
    for code in (
        "import bot, bot.app",
        f"import mlops.cli; mlops.cli.triage.main(['classify', {str(note)!r}], "
        "standalone_mode=False)",
        f"import mlops.cli; mlops.cli.triage.main(['classify', '--endpoint', 'none', {str(note)!r}"
        "], standalone_mode=False)",
    ):
        script = (
            f"try:\n  {code}\nexcept Exception: pass\nimport sys\nprint('MODULES', *sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        modules = done.stdout.partition("MODULES")[2].split()
        assert "mlops" in modules
        assert "sagemaker" not in modules


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--max-wait", "900"], "--max-wait is for waiting for Spot"),
        (["train", "--spot", "--max-run", "900", "--max-wait", "100"], "can't be less than"),
        (["train", "--shard", "--instance-count", "2"], "can't be shared among 2 machines"),
        (["train", "--name", "x" * 60], "too long for a training job"),
        (["train", "-p", "eta=9"], "must be a number from"),
        (["train", "--data", "s3://triage/nothing/"], "There are no training records"),
        (["tune", "--strategy", "grid", "--max-jobs", "3"], "A grid over 4 hyperparameters"),
        (["tune", "--strategy", "hyperband", "--early-stopping"], "gives up trials by itself"),
        (["tune", "--warm-start", "nobody"], "There is no job"),
        (["tune", "--name", "x" * 40], "too long for a tuning job"),
        (["deploy", "shipped", "--capture", "10"], "TRIAGE_KMS_KEY"),
        (["deploy", "shipped", "--serverless", "2048", "--shadow", "x"], "serverless endpoint"),
        (["deploy", "shipped", "--serverless", "1500"], "1024, 2048"),
        (["deploy", "shipped", "--max-concurrency", "2"], "Add --serverless"),
        (["deploy", "shipped", "--scale-to", "2", "--instance-count", "3"], "can't be less than"),
        (["deploy", "shipped", "--scale-to", "2", "--instance-type", "ml.t2.large"], "burstable"),
        (["deploy", "shipped", "--endpoint", "x" * 50], "too long for an endpoint"),
        (["deploy", "beef"], "There is no model version"),
        (["models", "reject", "shipped"], "comes with the package"),
        (["models", "register", "nobody"], "There is no job"),
        (["jobs", "logs", "nobody"], "There is no job"),
        (["jobs", "stop", "nobody"], "There is no job"),
        (["endpoints", "show", "nobody"], "There is no endpoint"),
        (["endpoints", "update", "nobody", "shipped"], "There is no endpoint"),
        (["endpoints", "rollback", "nobody"], "There is no endpoint"),
    ],
)
def test_what_cannot_be_done(
    cloud: AwsServer, dataset: Path, arguments: list[str], sentence: str
) -> None:
    if arguments[0] in ("train", "tune") and "--data" not in arguments:
        arguments = [*arguments, "--data", str(dataset)]
    made = len([call for call in cloud.calls if call.operation.startswith("Create")])
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert sentence in result.stderr, result.stderr
    assert "Nothing was" in result.stderr
    assert len([call for call in cloud.calls if call.operation.startswith("Create")]) == made


@pytest.mark.parametrize(
    ("variable", "arguments", "sentence"),
    [
        ("SAGEMAKER_ROLE_ARN", ["train"], "SAGEMAKER_ROLE_ARN"),
        ("TRIAGE_BUCKET", ["train"], "TRIAGE_BUCKET"),
        ("AWS_DEFAULT_REGION", ["jobs", "list"], "AWS_REGION"),
    ],
)
def test_a_setting_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, variable: str, arguments: list[str], sentence: str
) -> None:
    monkeypatch.delenv(variable)
    monkeypatch.delenv("AWS_REGION") if "REGION" in variable else None
    result = run(*arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
