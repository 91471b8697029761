"""Classifying batches of notes on every processor; the answers come in the order of the batches.

The processes are started afresh, not forked: XGBoost's threads do not survive a fork.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path

from mlops.classifier import Classifier, LocalClassifier, Note
from mlops.errors import BackendError, NoteError
from mlops.result import Recommendation

# A recommendation, or the sentence that says why there is none.
Answer = Recommendation | str
# Batches that wait per process: enough to keep it busy, few enough to keep memory flat.
_WAITING = 3

# The classifier of a process of the pool.
_own: list[Classifier] = []


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def classify_all(
    batches: Iterable[Sequence[str]], classifier: Classifier, processes: int = 1
) -> Iterator[list[Answer]]:
    """The answers to each batch of texts, in order.

    Args:
        batches: Read only a little ahead of the answers.
        classifier: Who answers; one in this process can be asked in several.
        processes: How many.

    Raises:
        BackendError: the endpoint can't be asked, or a process was ended from outside.
    """
    if not isinstance(classifier, LocalClassifier):
        for batch in batches:
            yield classify(batch, classifier)
        return
    # A table has no column for evidence.
    own = classifier.without_evidence()
    if processes < 2:
        for batch in batches:
            yield classify(batch, own)
        return
    waiting: deque[Future[list[Answer]]] = deque()
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_begin, initargs=(classifier.artifact,)
    )
    # One for each, or the pool would not start them all.
    begun = [pool.submit(_is_ready) for _ in range(processes)]
    try:
        for batch in batches:
            if not any(one.done() for one in begun):
                # Starting the processes takes a while: meanwhile this one does their work.
                yield classify(batch, own)
                continue
            waiting.append(pool.submit(_classify_here, batch))
            if len(waiting) >= _WAITING * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise BackendError(
            "A process that classifies was ended from outside, perhaps for want of memory. What "
            "was scored before is kept. Run the same command again to go on from there."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def classify(texts: Sequence[str], classifier: Classifier) -> list[Answer]:
    """One answer per text: a recommendation, or the sentence that says why there is none."""
    notes = [Note(str(i), text) for i, text in enumerate(texts)]
    try:
        return list(classifier.classify(notes))
    except NoteError:
        # One of them can't be a note: ask one by one to find which.
        answers: list[Answer] = []
        for note in notes:
            try:
                answers += classifier.classify([note])
            except NoteError as error:
                answers.append(str(error))
        return answers


def _is_ready() -> None:
    """Nothing: who can do it can classify."""


def _begin(artifact: Path) -> None:
    """Make this process one of a pool: it is interrupted, and ends, with the one that began it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # A table has no column for evidence.
    _own.append(LocalClassifier(artifact, evidence=False))


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _classify_here(texts: Sequence[str]) -> list[Answer]:
    return classify(texts, _own[0])
