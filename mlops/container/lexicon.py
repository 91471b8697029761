"""Phrases that mean something to a clinician, found in a note in time linear in its length.

A lexicon is read from TOML; compiled against a vocabulary, each word of a phrase is a range of word
numbers, so that matching compares numbers only.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from mlops.container.clauses import Bools, Clauses, Ints
from mlops.container.text import split
from mlops.container.vocabulary import ACUITIES, NUMBERS, SIZES, Vocabulary, plain

Kind = Literal["cue", "operative", "discharge", "assertion"]
_FOLDER = Path(__file__).parent
FILES: dict[Kind, Path] = {
    "cue": _FOLDER / "cues.toml",
    "operative": _FOLDER / "operative.toml",
    "discharge": _FOLDER / "discharge.toml",
    "assertion": _FOLDER / "assertions.toml",
}
MAX_GAP = 3
_PAIRS, FACTOR = 2**16, 40_503
# A word of a phrase: from, up to (not included), and how many words may stand before it.
Step = tuple[int, int, int]
# A category, and the first and the last word of a phrase of it.
Match = tuple[int, int, int]


@dataclass(frozen=True)
class Category:
    """A group of phrases that mean the same.

    Attributes:
        toward: +1 to Surgery, -1 to Consultation, 0 to neither.
        phrases: As written in the TOML file.
        means: Of an assertion: what it makes of the words in its scope.
        before: Whether the scope precedes the trigger.
        reach: Words that the scope covers at most.
        source: Where the rule comes from, for cues that rest on a publication.
    """

    name: str
    kind: Kind
    phrases: tuple[str, ...]
    toward: int = 0
    means: str = ""
    before: bool = False
    reach: int = 0
    source: str = ""


class Lexicon:
    """All categories; the position of one in `categories` is its number in a match."""

    def __init__(self, categories: Sequence[Category]) -> None:
        self.categories = tuple(categories)

    @classmethod
    def from_files(cls, files: Mapping[Kind, Path] = FILES) -> "Lexicon":
        """Read the TOML files that come with the code."""
        tables = {
            kind: tomllib.loads(path.read_text(encoding="utf-8")) for kind, path in files.items()
        }
        return cls.from_json(tables)

    @classmethod
    def from_json(cls, tables: Mapping[Kind, Mapping[str, Mapping[str, object]]]) -> "Lexicon":
        """From what `to_json` gives, or from parsed TOML: kind to name to entry."""
        return cls(
            [
                _category(kind, name, tables[kind][name])
                for kind in FILES
                for name in tables.get(kind, {})
            ]
        )

    def to_json(self) -> dict[Kind, dict[str, dict[str, object]]]:
        """As an artifact keeps it."""
        tables: dict[Kind, dict[str, dict[str, object]]] = {kind: {} for kind in FILES}
        for category in self.categories:
            entry: dict[str, object] = {"phrases": ",".join(category.phrases)}
            if category.kind == "cue":
                entry["toward"] = category.toward
            if category.kind == "assertion":
                entry |= {
                    "means": category.means,
                    "before": category.before,
                    "reach": category.reach,
                }
            tables[category.kind][category.name] = entry
        return tables

    def of_kind(self, kind: Kind) -> list[int]:
        """Numbers of the categories of a kind."""
        return [number for number, c in enumerate(self.categories) if c.kind == kind]

    def words(self) -> set[str]:
        """Every whole word of a phrase: a vocabulary has to hold them."""
        return {
            word
            for category in self.categories
            for phrase in category.phrases
            for word in _parts(phrase)
            if word[0] not in "~#" and "*" not in word and "_" not in word
        }


@dataclass(slots=True)
class _Start:
    """What can begin with a word: matches by itself, by the next word, or after a gap.

    Attributes:
        beyond: The words that may follow after a gap.
    """

    alone: list[int] = field(default_factory=list)
    by_next: dict[int, list[tuple[int, tuple[Step, ...]]]] = field(default_factory=dict)
    gapped: list[tuple[int, tuple[Step, ...]]] = field(default_factory=list)
    beyond: set[int] = field(default_factory=set)


class Matcher:
    """A lexicon compiled against a vocabulary.

    Args:
        lexicon: The phrases.
        vocabulary: The words that can occur; others match nothing.
    """

    def __init__(self, lexicon: Lexicon, vocabulary: Vocabulary) -> None:
        self.starts: dict[int, _Start] = {}
        self._categories = len(lexicon.categories)
        for number, category in enumerate(lexicon.categories):
            endings = tuple(p[1:] for p in category.phrases if p.startswith("*"))
            if endings:
                for word, name in enumerate(vocabulary.names):
                    if name.endswith(endings):
                        self._add(word, number, ())
            phrases = [_steps(p, vocabulary) for p in category.phrases if not p.startswith("*")]
            for steps in phrases:
                if steps:
                    for word in range(steps[0][0], steps[0][1]):
                        self._add(word, number, steps[1:])
        # What spares a look at most of the words of a note: those that match by themselves or
        # leave a gap, and which two words a phrase can begin with.
        starts = self.starts.items()
        pairs = [(word, following) for word, start in starts for following in start.by_next]
        self.opens = np.zeros(len(vocabulary), bool)
        self.opens[[word for word, start in starts if start.alone or start.gapped]] = True
        self.begins = np.zeros(_PAIRS, bool)
        self.begins[_hash(*np.array(pairs, np.int64).reshape(-1, 2).T)] = True
        for start in self.starts.values():
            for entries in (*start.by_next.values(), start.gapped):
                # Longest first: the first that fits is the one that counts.
                entries.sort(key=lambda entry: (-len(entry[1]), entry))

    def starting(self) -> list[int]:
        """Numbers of the words that a phrase can begin with."""
        return list(self.starts)

    def _add(self, word: int, category: int, steps: tuple[Step, ...]) -> None:
        start = self.starts.setdefault(word, _Start())
        if not steps:
            if category not in start.alone:
                start.alone.append(category)
        elif steps[0][2]:
            start.gapped.append((category, steps))
            start.beyond.update(range(steps[0][0], steps[0][1]))
        else:
            for following in range(steps[0][0], steps[0][1]):
                start.by_next.setdefault(following, []).append((category, steps[1:]))

    def find(self, numbers: Ints, clauses: Clauses) -> list[Match]:
        """Every match; of one category the longest at a place, and none inside another.

        Args:
            numbers: The word numbers of a note, shape (n,).
            clauses: No phrase runs on into the next one.
        """
        found: list[Match] = []
        # Per category the last word that a match of it covers.
        reach = [-1] * self._categories
        words = numbers.tolist()
        begins, fits = self._beginnings(numbers, clauses.joined)
        places = begins.nonzero()[0]
        for index, follows in zip(places.tolist(), fits.take(places).tolist(), strict=True):
            start = self.starts.get(words[index])
            if start is None:
                # Two words that only look like the beginning of a phrase to `_hash`.
                continue
            if follows and (entries := start.by_next.get(words[index + 1])):
                self._longer(entries, words, clauses, index, index + 2, reach, found)
            if not start.beyond.isdisjoint(words[index + 1 : index + 2 + MAX_GAP]):
                self._longer(start.gapped, words, clauses, index, index + 1, reach, found)
            for category in start.alone:
                if reach[category] < index:
                    reach[category] = index
                    found.append((category, index, index))
        return found

    def _beginnings(self, numbers: Ints, joined: Bools) -> tuple[Bools, Bools]:
        """Where a phrase may begin, as far as a word and the one after it tell.

        Returns:
            Whether one may begin, and whether so with these two words, shape (n,) each.
        """
        fits = np.zeros(len(numbers), bool)
        fits[:-1] = self.begins.take(_hash(numbers[:-1], numbers[1:]))
        fits &= joined
        return self.opens.take(numbers) | fits, fits

    @staticmethod
    def _longer(
        entries: Sequence[tuple[int, tuple[Step, ...]]],
        numbers: Sequence[int],
        clauses: Clauses,
        first: int,
        at: int,
        reach: list[int],
        found: list[Match],
    ) -> None:
        """Add the matches of more than one word that begin at `first`."""
        end = -1
        for category, steps in entries:
            if reach[category] < first:
                last = at - 1
                if steps:
                    if end < 0:
                        _, end = clauses.around(first)
                    last = _follow(numbers, at, end, steps)
                if last >= 0:
                    reach[category] = last
                    found.append((category, first, last))


def _hash(first: Ints, second: Ints) -> Ints:
    """A number below `_PAIRS` for two words: others may have the same, but few do."""
    return (first * FACTOR + second) & (_PAIRS - 1)


def _follow(numbers: Sequence[int], at: int, end: int, steps: Sequence[Step]) -> int:
    """Index of the word that the last step takes, or -1."""
    for low, high, gap in steps:
        for place in range(at, min(at + gap + 1, end)):
            if low <= numbers[place] < high:
                at = place + 1
                break
        else:
            return -1
    return at - 1


def _category(kind: Kind, name: str, entry: Mapping[str, object]) -> Category:
    phrases = " ".join(str(entry["phrases"]).split()).split(",")
    return Category(
        name=name,
        kind=kind,
        phrases=tuple(dict.fromkeys(p.strip() for p in phrases if p.strip())),
        toward=int(str(entry.get("toward", 0))),
        means=str(entry.get("means", "")),
        before=bool(entry.get("before", False)),
        reach=int(str(entry.get("reach", 0))),
        source=str(entry.get("source", "")),
    )


def _parts(phrase: str) -> list[str]:
    parts: list[str] = []
    for word in phrase.split():
        if word.isalpha() and word.islower() and word.isascii():
            # Most are just that, and splitting them would take most of the time to load a model.
            parts.append(word)
        elif word in ("~", "#") or word.startswith(("size_", "acuity_")):
            parts.append(word)
        elif word.endswith("*"):
            parts += [*split(word[:-1]).words[:-1], split(word[:-1]).words[-1] + "*"]
        else:
            parts += split(word).words
    return parts


def _steps(phrase: str, vocabulary: Vocabulary) -> tuple[Step, ...]:
    """A phrase as ranges of word numbers; empty if a word of it can't occur."""
    steps: list[Step] = []
    gap = 0
    for part in _parts(phrase):
        if part == "~":
            gap = MAX_GAP
            continue
        low, high = _range(part, vocabulary)
        if low >= high:
            return ()
        steps.append((low, high, gap))
        gap = 0
    return tuple(steps)


def _range(part: str, vocabulary: Vocabulary) -> tuple[int, int]:
    if part.isalpha():
        return vocabulary.exact(plain(part))
    if part == "#":
        return NUMBERS.start, NUMBERS.stop
    for prefix, names in (("size_", SIZES), ("acuity_", [f"acuity_{a}" for a in ACUITIES])):
        name = part.removeprefix(prefix) if prefix == "size_" else part
        if part.startswith(prefix) and name in names:
            number = vocabulary.names.index(f"#{name}")
            return number, number + 1
    if part.endswith("*"):
        return vocabulary.stem(plain(part[:-1]))
    if part.isdecimal() and len(part) == 1:
        # The digit of a grade counts as it stands.
        return vocabulary.exact(part)
    return vocabulary.exact(plain(part))
