"""After a deployment: is the new version as quick, as sure to answer, and of the same mind?

The same short notes, written for this project, are sent to the endpoint before the change and again
while it is watched. What people's notes got is judged by the same rules where there are enough.

In order of use: `measure` before, `mlops.operations.serve`, `measure` now and then, `judge`.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mlops.backends import Backend, Endpoint
from mlops.classifier import EndpointClassifier, Note
from mlops.errors import TriageError

PROBES = 24
# How far it may worsen. Clinicians wait for seconds, not milliseconds; a retrained model may change
# its mind on some notes, but not on every fourth.
MORE_ERRORS, FEWEST_ERRORS = 0.02, 3
SLOWER_TIMES, SLOWER_MS = 2.0, 1000.0
MOST_CHANGED = 0.25
# Population stability index: above 0.25 a distribution has shifted (Siddiqi, Credit Risk
# Scorecards, 2006).
MOST_SHIFT, FEWEST_NOTES = 0.25, 50
_EDGES = (0.1, 0.33, 0.5, 0.67, 0.9)


@dataclass(frozen=True)
class Sample:
    """What came back for a number of notes.

    Attributes:
        failed: How many got no answer.
        latency_ms: Of those that got one, in milliseconds.
        recommendations: In the order of the notes; an empty one where none came back.
        probabilities: Of Surgery, where there is one.
    """

    failed: int = 0
    latency_ms: Sequence[float] = ()
    recommendations: Sequence[str] = ()
    probabilities: Sequence[float] = ()

    @property
    def asked(self) -> int:
        """How many notes were sent."""
        return self.failed + len(self.latency_ms)

    @property
    def error_rate(self) -> float:
        """The share that got no answer, 0 to 1."""
        return self.failed / self.asked if self.asked else 0.0

    @property
    def p95(self) -> float | None:
        """Milliseconds within which 95 % were answered."""
        return percentile(self.latency_ms, 0.95)

    def plus(self, other: "Sample") -> "Sample":
        """Both together; recommendations are those of the later one, to be put beside others."""
        return Sample(
            self.failed + other.failed,
            [*self.latency_ms, *other.latency_ms],
            other.recommendations,
            other.probabilities,
        )


@dataclass(frozen=True)
class Finding:
    """One thing that was watched: a sentence for a person, and whether it is as it should be."""

    name: str
    fine: bool
    sentence: str


@dataclass(frozen=True)
class Outcome:
    """What came of a watched deployment.

    Attributes:
        returned: Whether it went back to what served before.
    """

    endpoint: Endpoint
    findings: tuple[Finding, ...] = ()
    returned: bool = False
    before: Sample = field(default_factory=Sample, repr=False)
    after: Sample = field(default_factory=Sample, repr=False)

    @property
    def watched(self) -> bool:
        """Whether it was looked at after the change."""
        return self.after.asked > 0

    @property
    def summary(self) -> str:
        """What came of it, in a few words."""
        if self.returned:
            worse = ", ".join(finding.name for finding in self.findings if not finding.fine)
            return f"worse: {worse}; went back to {self.endpoint.version}"
        return f"serving {self.endpoint.version}{', watched, kept' if self.watched else ''}"


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least a share of the values doesn't exceed (nearest rank).

    >>> percentile([10, 20, 30, 40], 0.5), percentile([10, 20, 30, 40], 0.95), percentile([], 0.5)
    (20, 40, None)
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def shift(before: Sequence[float], after: Sequence[float]) -> float:
    """Population stability index of two sets of probabilities; 0: the same distribution.

    >>> round(shift([0.1, 0.9] * 50, [0.1, 0.9] * 50), 3)
    0.0
    >>> shift([0.05] * 90 + [0.95] * 10, [0.05] * 10 + [0.95] * 90) > 1
    True
    """
    total = 0.0
    for one, other in zip(_shares(before), _shares(after), strict=True):
        total += (other - one) * math.log(other / one)
    return total


def _shares(values: Sequence[float]) -> list[float]:
    """Per bin, its share; half a note is added to each, so that none is empty."""
    counts = [0.5] * (len(_EDGES) + 1)
    for value in values:
        counts[sum(value > edge for edge in _EDGES)] += 1
    return [count / sum(counts) for count in counts]


def measure(backend: Backend, endpoint: str, notes: int = PROBES) -> Sample:
    """Send the notes to an endpoint, one after the other.

    Raises:
        BackendError: there is no such endpoint, or it can't be looked at.
    """
    backend.endpoint(endpoint)
    classifier = EndpointClassifier(backend, endpoint)
    failed, latency, said, probabilities = 0, [], [], []
    for note in _notes(notes):
        began = time.perf_counter()
        try:
            answer = classifier.classify([note])[0]
        except TriageError:
            failed += 1
            said.append("")
            continue
        latency.append((time.perf_counter() - began) * 1000)
        said.append(answer.recommendation)
        if answer.probability is not None:
            probabilities.append(answer.probability)
    return Sample(failed, latency, said, probabilities)


def judge(before: Sample | None, after: Sample) -> tuple[Finding, ...]:
    """Put two measurements of the same notes side by side.

    Args:
        before: Of the version that served; None where nothing did.
        after: Of the version that serves now.
    """
    findings = [_errors(before, after, "probes")]
    if before is not None:
        findings.append(_latency(before, after))
        pairs = [
            pair
            for pair in zip(before.recommendations, after.recommendations, strict=False)
            if set(pair) <= {"Surgery", "Consultation"}
        ]
        changed = sum(one != other for one, other in pairs)
        fine = changed <= MOST_CHANGED * max(1, len(pairs))
        sentence = f"{changed} of {len(pairs)} probe notes get the opposite recommendation"
        findings.append(Finding("recommendations", fine, sentence))
    return tuple(findings)


def judge_notes(before: Sample, after: Sample) -> tuple[Finding, ...]:
    """The same for what people sent, as far as there is enough of it to judge by."""
    findings = [_errors(before, after, "notes")] if after.asked else []
    counts = len(before.probabilities), len(after.probabilities)
    if min(counts) >= FEWEST_NOTES:
        findings.append(_latency(before, after))
        moved = shift(before.probabilities, after.probabilities)
        sentence = f"Predictions have shifted by {moved:.2f} (PSI; {MOST_SHIFT} is much)"
        findings.append(Finding("predictions", moved <= MOST_SHIFT, sentence))
    return tuple(findings)


def redeploy(
    backend: Backend,
    endpoint: str,
    version: str,
    seconds: float,
    say: Callable[[str], None] = lambda _: None,
    pause: float = 5.0,
) -> Outcome:
    """Have an endpoint serve a version, watch it, and go back if it is worse.

    Args:
        backend: Where.
        endpoint: Created if it isn't there.
        version: The new one.
        seconds: How long to watch; 0: not at all.
        say: Told each step in a line.
        pause: Seconds between two measurements.

    Raises:
        BackendError: it can't be served; what served before serves on.
    """
    from mlops.operations import champion, go_back, serve

    old = champion(backend, endpoint).name
    say("Measuring what serves now")
    before = measure_if_there(backend, endpoint)
    say(f"{endpoint} changes from {old} to {version}")
    serving = serve(backend, endpoint, version)
    after, findings = Sample(), judge(before, Sample())
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        say(f"Watching {serving.version}: {deadline - time.monotonic():.0f} s left")
        after = after.plus(measure(backend, endpoint))
        findings = judge(before, after)
        if not all(finding.fine for finding in findings) and old != serving.version:
            say(f"It is worse: {endpoint} goes back to {old}")
            back = go_back(backend, endpoint, old)
            return Outcome(back, findings, True, before or Sample(), after)
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
    return Outcome(serving, findings, False, before or Sample(), after)


def measure_if_there(backend: Backend, endpoint: str) -> Sample | None:
    """`measure`, or None where there is no endpoint yet, or it is down: that may be why."""
    try:
        return measure(backend, endpoint)
    except TriageError:
        return None


def to_json(sample: Sample | None) -> dict[str, Any] | None:
    """As the database keeps it."""
    return None if sample is None else asdict(sample)


def from_json(data: dict[str, Any] | None) -> Sample | None:
    """What `to_json` made."""
    return None if data is None else Sample(**data)


def _errors(before: Sample | None, after: Sample, what: str) -> Finding:
    allowed = (before.error_rate if before is not None else 0.0) + MORE_ERRORS
    fine = after.failed < FEWEST_ERRORS or after.error_rate <= allowed
    sentence = f"{after.failed} of {after.asked} {what} got no answer"
    return Finding(f"errors of {what}", fine, sentence)


def _latency(before: Sample, after: Sample) -> Finding:
    old, new = before.p95, after.p95
    if old is None or new is None:
        return Finding("latency", True, "No latency to compare yet")
    fine = new <= max(old * SLOWER_TIMES, old + SLOWER_MS)
    return Finding("latency", fine, f"95 % are answered within {new:.0f} ms (before: {old:.0f} ms)")


def _notes(count: int) -> list[Note]:
    """Some of the corpus, from all its specialties, both recommendations alike."""
    from mlops.data.pairs import load_corpus

    records = load_corpus()
    pairs = sorted({record.pair for record in records})
    chosen = set(pairs[:: max(1, len(pairs) * 2 // count)][: count // 2])
    return [Note(r.id, r.text) for r in records if r.pair in chosen][:count]
