"""The form behind `/retrain`: it shows the inputs that its choices need, and no others."""

import json
from collections.abc import Sequence
from typing import Any

from bot.blocks.parts import TITLE_CHARACTERS, Block, context, plain
from bot.retraining.options import (
    DEFAULT_MINUTES,
    DEFAULT_PARALLEL,
    DEFAULT_TRIALS,
    MAX_MINUTES,
    MAX_PARALLEL,
    MAX_TRIALS,
)

RETRAIN_FORM = "retrain_form"
DATA, FILE, ADDRESS = "retrain_data", "retrain_file", "retrain_address"
MODE, PARAMETERS = "retrain_mode", "retrain_parameters"
TRIALS, PARALLEL, MINUTES, MACHINE, THEN = (
    "retrain_trials",
    "retrain_parallel",
    "retrain_minutes",
    "retrain_machine",
    "retrain_then",
)
LABEL_CHARACTERS = 2000
DATA_CHOICES = {
    "shipped": "The shipped corpus",
    "corrections": "Corrections, and the shipped corpus",
    "file": "Upload a Kaggle-shaped CSV",
    "s3": "A Kaggle-shaped CSV on S3",
}
MODE_CHOICES = {
    "train": "Train with given hyperparameters",
    "tune": "Tune: search for better ones",
}
THEN_CHOICES = {"ask": "Ask a lead for approval", "report": "Only report"}


def offered(corrections: bool) -> dict[str, str]:
    """The data to choose from; corrections only where the workspace keeps notes to learn from."""
    return {k: label for k, label in DATA_CHOICES.items() if corrections or k != "corrections"}


def retrain_form(
    channel: str,
    data: str = "shipped",
    mode: str = "train",
    *,
    corrections: bool = False,
    machines: Sequence[str] = (),
) -> Block:
    """The form, for what is chosen in it now.

    Args:
        channel: Where the run will be shown.
        data: Of `DATA_CHOICES`.
        mode: Of `MODE_CHOICES`.
        corrections: Whether the workspace keeps notes to learn from.
        machines: To choose from, the usual one first; empty: there is nothing to choose.
    """
    blocks = [_choice(DATA, "Data", offered(corrections), data, redraws=True)]
    if data == "file":
        blocks.append(
            _input(
                FILE,
                "CSV file",
                {"type": "file_input", "filetypes": ["csv", "gz"], "max_files": 1},
                "Columns medical_specialty and transcription, as in mtsamples.csv; plain or .gz.",
            )
        )
    elif data == "s3":
        blocks.append(
            _input(
                ADDRESS,
                "Address on S3",
                {
                    "type": "plain_text_input",
                    "placeholder": plain("s3://bucket/folder/mtsamples.csv", 150),
                    "max_length": 1000,
                },
            )
        )
    blocks.append(_choice(MODE, "What to do", MODE_CHOICES, mode, redraws=True))
    if mode == "tune":
        blocks += [
            _number(TRIALS, "Trials", DEFAULT_TRIALS, MAX_TRIALS),
            _number(PARALLEL, "Trials at a time", DEFAULT_PARALLEL, MAX_PARALLEL),
        ]
    fixed = "Those given are not searched." if mode == "tune" else "Others keep their defaults."
    blocks += [
        {
            **_input(
                PARAMETERS,
                "Hyperparameters",
                {
                    "type": "plain_text_input",
                    "multiline": True,
                    "max_length": 600,
                    "placeholder": plain("num_round=200\neta=0.1", 150),
                },
                f"One name=value a line. {fixed}",
            ),
            "optional": True,
        },
        _number(MINUTES, "Stop after (minutes)", DEFAULT_MINUTES, MAX_MINUTES),
        *([_machine(machines)] if machines else []),
        _choice(THEN, "If the new version is not worse", THEN_CHOICES, "ask"),
        context("Nothing is deployed before a lead approves. One run at a time."),
    ]
    return {
        "type": "modal",
        "callback_id": RETRAIN_FORM,
        "private_metadata": json.dumps({"channel": channel}),
        "title": plain("Retrain", TITLE_CHARACTERS),
        "submit": plain("Start", TITLE_CHARACTERS),
        "close": plain("Cancel", TITLE_CHARACTERS),
        "blocks": blocks,
    }


def _machine(machines: Sequence[str]) -> Block:
    options = [{"text": plain(name, 75), "value": name} for name in machines]
    element = {"type": "static_select", "options": options, "initial_option": options[0]}
    hint = f"{machines[0]} is enough for tens of thousands of notes; larger ones cost more."
    return _input(MACHINE, "Machine", element, hint)


def _input(name: str, label: str, element: dict[str, Any], hint: str = "") -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "label": plain(label, LABEL_CHARACTERS),
        "element": {**element, "action_id": name},
    }
    return {**block, "hint": plain(hint, LABEL_CHARACTERS)} if hint else block


def _number(name: str, label: str, start: int, most: int) -> Block:
    element = {
        "type": "number_input",
        "is_decimal_allowed": False,
        "initial_value": str(start),
        "min_value": "1",
        "max_value": str(most),
    }
    return _input(name, label, element)


def _choice(
    name: str, label: str, choices: dict[str, str], chosen: str, *, redraws: bool = False
) -> Block:
    options = {value: {"text": plain(text, 75), "value": value} for value, text in choices.items()}
    element = {
        "type": "radio_buttons",
        "options": list(options.values()),
        "initial_option": options[chosen],
    }
    block = _input(name, label, element)
    return {**block, "dispatch_action": True} if redraws else block
