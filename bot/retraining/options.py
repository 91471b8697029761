"""What a lead asks of a retrain run: data, mode, limits, and what happens if it is better."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Literal, cast, get_args

Data = Literal["shipped", "corrections", "file", "s3"]
Mode = Literal["train", "tune"]
Then = Literal["ask", "report"]
# What the backends take at most (`mlops.backends`).
MAX_TRIALS, MAX_PARALLEL = 500, 16
DEFAULT_TRIALS, DEFAULT_PARALLEL = 10, 2
DEFAULT_MINUTES, MAX_MINUTES = 120, 24 * 60


@dataclass(frozen=True)
class Options:
    """One run's options.

    Attributes:
        data: The corpus that is shipped, alone or with what people corrected and agreed to, a file
            in Slack, or one on S3.
        file: The file's Slack ID, for `file`.
        address: Where it is, for `s3`: `s3://bucket/key`.
        hyperparameters: Of `train.py`, by its own names.
        trials: How many, when tuning.
        parallel: Trials at a time, when tuning.
        minutes: After which training or tuning is stopped.
        machine: What it runs on; "": what the backend takes.
        then: If the new version is better: ask for approval, or only report.
    """

    data: Data = "shipped"
    file: str = ""
    address: str = ""
    mode: Mode = "train"
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    trials: int = DEFAULT_TRIALS
    parallel: int = DEFAULT_PARALLEL
    minutes: int = DEFAULT_MINUTES
    machine: str = ""
    then: Then = "ask"

    def to_json(self) -> str:
        """As the database keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Options":
        """What `to_json` wrote; what an older version didn't know has its default."""
        known = {item.name for item in fields(cls)}
        return cls(**{key: value for key, value in json.loads(text).items() if key in known})


@dataclass(frozen=True)
class Request:
    """What was typed after `/retrain`."""

    verb: Literal["form", "start", "status", "stop", "help", "unknown"]
    options: Options = field(default_factory=Options)


def parse(text: str) -> Request:
    """The words after the command.

    >>> parse("tune 20").options.trials
    20
    >>> parse("tune many").verb
    'unknown'
    """
    words = text.strip().lower().split()
    if not words:
        return Request("form")
    if words in (["status"], ["stop"], ["help"]):
        return Request(cast(Literal["status", "stop", "help"], words[0]))
    if words == ["now"]:
        return Request("start")
    if words[0] == "tune" and len(words) <= 2:
        trials = number(words[1], MAX_TRIALS) if len(words) == 2 else DEFAULT_TRIALS
        if trials is not None:
            options = Options(mode="tune", trials=trials, parallel=min(DEFAULT_PARALLEL, trials))
            return Request("start", options)
    return Request("unknown")


def number(text: str, most: int) -> int | None:
    """A whole number from 1 to `most`, or None.

    >>> number("20", 500), number("0", 500), number("2.5", 500)
    (20, None, None)
    """
    # No more digits than any limit has: `int` takes time on long ones.
    found = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    return found if 1 <= found <= most else None


def table(text: str) -> dict[str, str] | None:
    """`name=value` lines (or comma-separated) as a table; None where one is not of that form.

    >>> table("eta=0.2, num_round = 200")
    {'eta': '0.2', 'num_round': '200'}
    >>> table("eta") is None
    True
    """
    found = {}
    for item in text.replace(",", "\n").splitlines():
        if not item.strip():
            continue
        name, sign, value = (part.strip() for part in item.partition("="))
        if not (sign and name and value):
            return None
        found[name] = value
    return found


def is_one_of(kind: object, value: str) -> bool:
    """Whether a value is one of a `Literal`'s."""
    return value in get_args(kind)
