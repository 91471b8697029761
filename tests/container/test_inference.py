"""What an endpoint's container reads and writes, and what it says to a body it can't read."""

import json
import traceback

import pytest

from mlops.container.inference import (
    JSON,
    JSON_LINES,
    TEXT,
    BadRequest,
    input_fn,
    output_fn,
    predict_fn,
)
from mlops.container.model import Model
from mlops.container.tokens import Tokens
from mlops.result import Recommendation

CANARY = "zebrafinch"
NOTE = "Irreducible groin hernia, vomiting since last night, tender and red."


@pytest.mark.parametrize(
    ("body", "content_type", "notes"),
    [
        (b"a note", TEXT, [("0", "a note")]),
        (b"a note", "text/plain; charset=utf-8", [("0", "a note")]),
        ("a nöte", "Text/Plain", [("0", "a nöte")]),
        ("a nöte".encode(), TEXT, [("0", "a nöte")]),
        (b"", TEXT, [("0", "")]),
        (b'{"instances": [{"id": "x", "text": "a"}, {"text": "b"}]}', JSON,
         [("x", "a"), ("1", "b")]),
        (b'{"instances": [{"id": 7, "text": "a"}]}', "", [("7", "a")]),
        (b'{"instances": []}', "application/json;charset=UTF-8", []),
        (b'{"id": "x", "text": "a"}\n\n{"text": "b\\n"}\n', JSON_LINES, [("x", "a"), ("1", "b\n")]),
        (b"", JSON_LINES, []),
    ],
)  # fmt: skip
def test_bodies_that_are_read(
    body: bytes | str, content_type: str, notes: list[tuple[str, str]]
) -> None:
    assert input_fn(body, content_type) == [{"id": i, "text": t} for i, t in notes]


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"x", "text/csv", "reads text/plain, application/json"),
        (f"{CANARY} \xff".encode("latin-1"), TEXT, "not UTF-8"),
        (f"{CANARY} \xff".encode("latin-1"), JSON, "not UTF-8"),
        (CANARY.encode(), JSON, "not valid JSON"),
        (f'{{"instances": [{{"text": "{CANARY}"'.encode(), JSON, "not valid JSON"),
        (f'"{CANARY}"'.encode(), JSON, 'no list "instances"'),
        (f'{{"text": "{CANARY}"}}'.encode(), JSON, 'no list "instances"'),
        (f'{{"instances": "{CANARY}"}}'.encode(), JSON, 'no list "instances"'),
        (f'{{"instances": [{{"text": "a"}}, "{CANARY}"]}}'.encode(), JSON, "Instance 1 "),
        (f'{{"instances": [{{"note": "{CANARY}"}}]}}'.encode(), JSON, "Instance 0 "),
        (f'{{"instances": [{{"text": ["{CANARY}"]}}]}}'.encode(), JSON, "Instance 0 "),
        (f'{{"text": "a"}}\n{CANARY}'.encode(), JSON_LINES, "not valid JSON"),
        (f'{{"text": "a"}}\n["{CANARY}"]'.encode(), JSON_LINES, "Instance 1 "),
        (b"[" * 100_000, JSON, "not valid JSON"),
        (b"", JSON, "not valid JSON"),
    ],
)
def test_bodies_that_are_refused(body: bytes, content_type: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as caught:
        input_fn(body, content_type)
    assert "Nothing was classified." in str(caught.value)
    # Neither the sentence nor what a log would print of it holds any of the note.
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_one_answer_per_note_in_their_order(model: Model) -> None:
    notes = [{"id": str(n), "text": NOTE[n:]} for n in range(5)] + [{"id": "odd", "text": "\ud800"}]
    answers = predict_fn(notes, model)
    assert [a["id"] for a in answers] == ["0", "1", "2", "3", "4", "odd"]
    assert answers[0] == predict_fn(notes[:1], model)[0]
    for said in answers:
        read = Recommendation.from_json(said)
        assert read.model_version == model.version
    assert predict_fn([], model) == []


def test_what_is_written_can_be_read(model: Model) -> None:
    answers = predict_fn([{"id": "ä", "text": NOTE + " \ud800"}, {"id": "1", "text": ""}], model)
    assert json.loads(output_fn(answers)) == {"predictions": answers}
    assert json.loads(output_fn(answers, "*/*")) == {"predictions": answers}
    lines = output_fn(answers, f"{JSON_LINES}; charset=utf-8").splitlines()
    assert [json.loads(line) for line in lines] == answers
    assert output_fn([], JSON_LINES) == b""


def test_a_note_is_not_in_a_models_repr(model: Model) -> None:
    reading = model.reader.read(f"{CANARY} hernia")
    assert CANARY not in repr(reading)
    tokens = Tokens(model.vocabulary)
    tokens.rows([f"{CANARY} hernia"])
    assert CANARY in tokens
    assert CANARY not in repr(tokens)
