"""An ASGI app on a loopback port, served by a thread of its own, and calls into that thread."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp

T = TypeVar("T")

CALL_SECONDS = 30.0


class Serving:
    """One server at a time; `start` and `stop` may be called again.

    Args:
        begin: Called in the loop before the first request.
        end: Awaited in the loop after the last.
    """

    def __init__(self, begin: Callable[[], None], end: Callable[[], Awaitable[None]]) -> None:
        self._begin = begin
        self._end = end
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @staticmethod
    def listen(port: int) -> tuple[socket.socket, str]:
        """A listening socket on 127.0.0.1 and its address; port 0 takes a free one.

        Raises:
            OSError: if the port is taken.
        """
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"

    def start(self, app: ASGIApp, listener: socket.socket) -> None:
        """Serve in a thread; whoever connects from now on is answered."""
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="asyncio",
            http="h11",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._server, listener, ready), name="sandbox", daemon=True
        )
        self._thread.start()
        ready.wait(5)

    def _run(self, server: uvicorn.Server, listener: socket.socket, ready: threading.Event) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._begin()
            # The socket listens already: a connection made now waits until the loop runs.
            ready.set()
            try:
                await server.serve(sockets=[listener])
            finally:
                await self._end()

        asyncio.run(serve())

    def stop(self) -> None:
        """Close every connection and the port."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(5)
        self._server = self._thread = self._loop = None

    def abort(self, peer: tuple[str, int]) -> None:
        """Break the TCP connection with a peer. Call it in the loop."""
        for protocol in list(self._server.server_state.connections if self._server else ()):
            transport = protocol.transport
            if transport is not None and transport.get_extra_info("peername") == peer:
                transport.abort()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for what it returns.

        Raises:
            RuntimeError: if the server is not running.
            TimeoutError: if it takes longer than half a minute.
        """
        if self._loop is None:
            work.close()
            raise RuntimeError("The sandbox is not running. Use it as `with Sandbox() as slack:`.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(CALL_SECONDS)
        except FutureTimeoutError:
            future.cancel()
            raise TimeoutError("The sandbox did not answer; is its loop blocked?") from None

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function in the loop and wait for what it returns."""

        async def run() -> T:
            return function(*args, **kwargs)

        return self.wait(run())
