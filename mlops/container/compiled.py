"""A model's tables for the compiled kernel, where there is one.

`kernel.pyx` goes word by word what the other modules go array by array, several times as fast.
Where it was not compiled (there is no compiler, or this is SageMaker's image) nothing changes but
the speed.
"""

from collections.abc import Mapping, Sized
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlops.container import document, evidence, features, gating, lexicon, scores, tokens
from mlops.container.clauses import Ints
from mlops.container.document import DocumentTypes
from mlops.container.features import Plan
from mlops.container.lexicon import Lexicon, Matcher
from mlops.container.pairs import FACTORS, SKETCH_BITS, sketch
from mlops.container.reading import Reader, word_at
from mlops.container.scores import Scores
from mlops.container.trees import Trees
from mlops.container.vocabulary import NUMBERS

try:
    from mlops.container import kernel
except ImportError:
    IS_COMPILED = False
else:
    IS_COMPILED = True

if TYPE_CHECKING:
    from mlops.container.model import Model

Given = dict[str, Any]


def compiled(model: "Model") -> "kernel.Kernel | None":
    """The kernel with a model's tables; None if it was not compiled, or not for such a model."""
    if not IS_COMPILED or model.trees.leaves is None or model.scores.names != gating.NAMES:
        return None
    return kernel.Kernel(
        model.reader.tokens,
        _Pieces(model.scores),
        max_remembered=tokens.MAX_REMEMBERED,
        max_token=tokens.MAX_TOKEN,
        **_of_words(model.documents, model.is_content),
        **_of_phrases(model.reader.matcher, len(model.vocabulary)),
        **_of_categories(model.lexicon, model.reader, model.documents, model.plan),
        **_of_scores(model.scores),
        **_of_trees(model.trees),
        means=model.means,
        max_age_words=document.MAX_AGE_WORDS,
        max_count=features.MAX_COUNT,
        prior=features.PRIOR,
        full_signs=gating.FULL_SIGNS,
        decision=gating.DECISION,
        max_gain=evidence.MAX_GAIN,
        min_weight=evidence.MIN_WEIGHT,
        min_word=evidence.MIN_WORD,
        tie=evidence.TIE,
        max_evidence=evidence.MAX_EVIDENCE,
        max_phrase=evidence.MAX_PHRASE,
        max_bridge=evidence.MAX_GAP,
    )


class _Pieces:
    """From a word of a text to its name, and what its pieces add as 32-bit floats."""

    def __init__(self, scores: Scores) -> None:
        self._scores = scores

    def __call__(self, text: str, start: int, stop: int) -> tuple[str, bytes]:
        name = word_at(text, start, stop)
        return name, self._scores.by_pieces(name).astype(np.float32, copy=False).tobytes()


def _of_words(documents: DocumentTypes, is_content: NDArray[np.bool_]) -> Given:
    """What each word is, as bits."""
    word = kernel.Word
    bits = {
        "letters": word.KNOWN,
        "english": word.ENGLISH,
        "foreign": word.FOREIGN,
        "elsewhere": word.ELSEWHERE,
        "clinical": word.CLINICAL,
        "office": word.OFFICE,
        "person": word.PERSON,
        "age": word.AGE,
        "aged": word.AGED,
        "prescribing": word.PRESCRIBING,
        "dosing": word.DOSING,
    }
    kinds = np.where(is_content, np.uint16(word.CONTENT), np.uint16(0))
    for name, bit in bits.items():
        kinds |= np.where(documents.words[name], np.uint16(bit), np.uint16(0))
    kinds[NUMBERS.start : NUMBERS.stop] |= np.uint16(word.NUMERIC)
    return {"kinds": kinds}


def _of_phrases(matcher: Matcher, size: int) -> Given:
    """All phrases as rows of numbers: a category, its first step and the one after its last."""
    alone: dict[int, list[int]] = {}
    gapped: dict[int, list[list[int]]] = {}
    following: dict[int, list[list[int]]] = {}
    steps: list[tuple[int, int, int]] = []

    def rows(entries: list[tuple[int, tuple[lexicon.Step, ...]]]) -> list[list[int]]:
        found = []
        for category, taken in entries:
            found.append([category, len(steps), len(steps) + len(taken)])
            steps.extend(taken)
        return found

    for first, start in sorted(matcher.starts.items()):
        alone[first], gapped[first] = start.alone, rows(start.gapped)
        for second, entries in sorted(start.by_next.items()):
            following[first * size + second] = rows(entries)
    return {
        "opens": matcher.opens.view(np.uint8),
        "begins": matcher.begins.view(np.uint8),
        "begins_factor": lexicon.FACTOR,
        "alone_of": _ends(alone, np.arange(size)),
        "alone": np.array([category for own in alone.values() for category in own], np.int32),
        "gapped_of": _ends(gapped, np.arange(size)),
        "gapped": _table([row for own in gapped.values() for row in own]),
        "nexts": np.array(list(following), np.int64),
        "next_of": _ends(following, np.array(list(following), np.int64)),
        "followed": _table([row for own in following.values() for row in own]),
        "steps": _table(steps),
    }


def _ends(lists: Mapping[int, Sized], keys: Ints) -> NDArray[np.int32]:
    """Where the list of each key begins when all stand one after the other, and the last ends.

    Args:
        lists: By their keys, ascending.
        keys: Ascending; those without a list have an empty one.
    """
    own = np.fromiter(lists, np.int64, len(lists))
    ends = np.cumsum([0, *map(len, lists.values())])
    before = np.append(own.searchsorted(keys), len(own))
    return np.asarray(ends[before], np.int32)


def _table(rows: Any) -> NDArray[np.int32]:
    return np.array(rows, np.int32).reshape(-1, 3)


def _of_categories(words: Lexicon, reader: Reader, documents: DocumentTypes, plan: Plan) -> Given:
    """What each category is, and which features count it."""
    role, assertions = kernel.Role, reader.assertions
    roles = np.zeros(len(words.categories), np.uint16)
    for bit, numbers in {
        role.TRIGGER: assertions.numbers,
        role.CUE: words.of_kind("cue"),
        role.OPERATIVE: plan.operative,
        role.DISCHARGE: words.of_kind("discharge"),
        role.CLINICAL_CUE: documents.clinical_cues,
        role.PSEUDO: assertions.pseudo,
        role.ENDING: assertions.ends,
        role.STATES: assertions.states,
        role.JOINS: assertions.joins,
        role.RULE: assertions.rules,
        role.PRECEDES: [n for n, (_, before, _) in assertions.rules.items() if before],
    }.items():
        roles[list(numbers)] |= np.uint16(bit)
    bits, reach = np.zeros(len(roles), np.uint8), np.zeros(len(roles), np.int32)
    for number, (bit, _, words_reached) in assertions.rules.items():
        bits[number], reach[number] = bit, words_reached
    asserted, denied = plan.of_category
    return {
        "roles": roles,
        "bits": bits,
        "reach": reach,
        "toward": np.array(plan.toward, np.int8),
        "asserted": _features(asserted, len(roles)),
        "denied": _features(denied, len(roles)),
        "counted": len(plan.names) - len(plan.scores),
        "failed": reader.failed,
        "question": -1 if reader.question is None else reader.question,
    }


def _features(of_category: dict[int, int], categories: int) -> NDArray[np.int32]:
    """The feature of each category; -1 for none."""
    found = np.full(categories, -1, np.int32)
    found[list(of_category)] = list(of_category.values())
    return found


def _of_scores(weights: Scores) -> Given:
    """The tables of words and pairs, and where a pair stands."""
    words = len(weights.meaning_lengths)
    first, second = np.divmod(weights.pair_keys, words)
    return {
        "words": weights.word_table,
        "pairs": weights.pair_table,
        "intercepts": weights.intercepts,
        "pairs_of": np.searchsorted(first, np.arange(words + 1)).astype(np.int32),
        "seconds": second.astype(np.int32),
        "sketch": sketch(weights.pair_keys),
        "sketch_factor": int(FACTORS[0, 0]),
        "sketch_shift": 64 - SKETCH_BITS,
        "denied_floor": scores.DENIED_FLOOR,
    }


def _of_trees(trees: Trees) -> Given:
    """The leaves, as tables."""
    leaves = trees.leaves
    if leaves is None:
        raise ValueError("Trees as deep as these are left to XGBoost.")
    return {
        "leaves": leaves.features.astype(np.int32),
        "lows": leaves.lows,
        "highs": leaves.highs,
        "shares": leaves.shares,
        "bias": trees.bias,
    }
