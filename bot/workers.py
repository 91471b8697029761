"""Threads of the bot's own: bounded queues, so that no load can delay an acknowledgement.

They are daemon threads: a process that is told to stop finishes what it can within its deadline and
then goes; what is left is a row in the database, and the next process finds it.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

from bot.logs import whereabouts

logger = logging.getLogger(__name__)


class Pool:
    """A fixed number of threads that work through a bounded queue.

    Args:
        name: For the threads and the log.
        threads: How many tasks run at once.
        waiting: How many may wait.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._name = name
        self._threads = threads
        self._queue: queue.Queue[Callable[[], None]] = queue.Queue(waiting)
        self._unfinished = 0
        self._changed = threading.Condition()
        self._started = False
        self._closed = False

    def submit(self, task: Callable[[], None]) -> bool:
        """Run a task soon; False when too many wait already, or the pool is closed."""
        with self._changed:
            if self._closed:
                return False
            self._start()
            try:
                self._queue.put_nowait(task)
            except queue.Full:
                return False
            self._unfinished += 1
            return True

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        for number in range(self._threads):
            name = f"{self._name}-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            task = self._queue.get()
            try:
                if not self._closed:
                    task()
            except Exception as error:  # noqa: BLE001  a thread must outlive any task
                logger.error("%s: %s", self._name, whereabouts(error))
            finally:
                with self._changed:
                    self._unfinished -= 1
                    self._changed.notify_all()

    def drain(self, deadline: float) -> bool:
        """Wait until nothing is left to do or the monotonic clock says `deadline`."""
        with self._changed:
            while self._unfinished:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def close(self) -> None:
        """Take nothing more, and drop what still waits."""
        with self._changed:
            self._closed = True
