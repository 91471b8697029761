"""What may be asked of a backend beyond the bare request: machines, search, hosting, rollout.

Each field is one option of the command line. Left out (None), the backend does it its own way; one
that a backend can't honour is refused with a sentence, never ignored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from mlops.errors import BackendError

STRATEGIES = ("Bayesian", "Random", "Hyperband", "Grid")


def _option(flag: str, about: str, kind: Any = str) -> Any:
    """A field that the command line shows as `flag`."""
    return field(default=None, metadata={"flag": flag, "help": about, "type": kind})


@dataclass(frozen=True)
class Compute:
    """On which machines a job runs, and for how long.

    Attributes:
        shard: Each machine is sent its share of the files, instead of every file.
        max_run: Seconds of work after which the job is stopped.
        max_wait: Seconds after which it is stopped, with waiting for Spot machines.
    """

    instance_type: str | None = _option("--instance-type", "Machine, such as ml.m5.large.")
    instance_count: int | None = _option(
        "--instance-count", "Machines that train one model together.", (1, 20)
    )
    shard: bool | None = _option(
        "--shard/--no-shard", "Send each machine its share of the files only.", bool
    )
    spot: bool | None = _option(
        "--spot/--no-spot", "Spot machines: cheaper, and may be interrupted.", bool
    )
    max_run: int | None = _option("--max-run", "Seconds of work before it is stopped.", (60, None))
    max_wait: int | None = _option(
        "--max-wait", "Seconds before it is stopped, with waiting for Spot.", (60, None)
    )


@dataclass(frozen=True)
class Search:
    """How hyperparameters are searched.

    Attributes:
        strategy: One of `STRATEGIES`.
        warm_start: An earlier tuning job to learn from.
    """

    strategy: str | None = _option("--strategy", "How to search.", STRATEGIES)
    early_stopping: bool | None = _option(
        "--early-stopping/--no-early-stopping", "Give up trials that fall behind.", bool
    )
    warm_start: str | None = _option("--warm-start", "Learn from this earlier tuning job.")


@dataclass(frozen=True)
class Hosting:
    """What an endpoint runs on, and what it keeps.

    Attributes:
        serverless: Memory in MB of a serverless endpoint.
        scale_to: Machines that autoscaling may go up to.
        shadow: A challenger that is sent a copy of each request; its answers go to nobody.
        capture: Percent of requests and answers that are kept in S3: they hold note text.
    """

    instance_type: str | None = _option("--instance-type", "Machine, such as ml.t2.medium.")
    instance_count: int | None = _option("--instance-count", "Machines behind it.", (1, 100))
    serverless: int | None = _option(
        "--serverless", "Serverless, with this much memory in MB (1024 to 6144).", (1024, 6144)
    )
    max_concurrency: int | None = _option(
        "--max-concurrency", "Requests at a time of a serverless endpoint.", (1, 200)
    )
    scale_to: int | None = _option(
        "--scale-to", "Scale between the count and this many machines by load.", (2, 100)
    )
    shadow: str | None = _option("--shadow", "Copy requests to this version; nobody sees answers.")
    capture: int | None = _option(
        "--capture", "Keep this percent of requests in S3; needs TRIAGE_KMS_KEY.", (1, 100)
    )


@dataclass(frozen=True)
class Rollout:
    """How traffic moves to a new version.

    Attributes:
        canary: Percent of the capacity that serves first; the rest follows when it holds.
        linear: Percent of the capacity by which traffic moves, step by step.
        bake: Seconds that each step is watched.
        alarms: Whether alarms on errors and latency roll it back.
        max_latency: Milliseconds of the model's p99 latency that ring the alarm.
    """

    canary: int | None = _option("--canary", "Serve with this percent first (to 50).", (5, 50))
    linear: int | None = _option("--linear", "Move traffic by this percent a step.", (10, 50))
    bake: int | None = _option("--bake", "Seconds to watch each step.", (0, 3600))
    alarms: bool | None = _option(
        "--alarms/--no-alarms", "Roll back on errors or latency (default: yes).", bool
    )
    max_latency: int | None = _option(
        "--max-latency", "Milliseconds of p99 latency that ring the alarm.", (1, 60000)
    )


Options = Compute | Search | Hosting | Rollout
ANY_COMPUTE, ANY_SEARCH, ANY_HOSTING, ANY_ROLLOUT = Compute(), Search(), Hosting(), Rollout()


def asked(*options: Options) -> list[str]:
    """The flags of what is asked for.

    >>> asked(Compute(spot=False, instance_count=2))
    ['--instance-count', '--no-spot']
    """
    flags = []
    for option in options:
        for item in fields(option):
            value = getattr(option, item.name)
            if value is not None:
                names = item.metadata["flag"].split("/")
                flags.append(names[-1] if value is False else names[0])
    return flags


def refuse(backend: str, *options: Options, but: Sequence[str] = ()) -> None:
    """Refuse everything that is asked for beyond the flags in `but`.

    Raises:
        BackendError: naming the options.
    """
    found = [flag for flag in asked(*options) if flag not in but]
    if found:
        raise BackendError(
            f"The {backend} backend can't do {', '.join(found)} here. Nothing was started. "
            "Leave it out, or choose another backend with TRIAGE_BACKEND."
        )
