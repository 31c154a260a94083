"""A proxy on the loopback that cuts a connection at its commit, before or after the server has heard of it."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from threading import Event, Thread

COMMIT = re.compile(rb"\bCOMMIT\b")  # not the isolation level READ COMMITTED


class CuttingProxy:
    """Forwards to a server; once :meth:`cut` was called, the next commit ends the connection.

    The answer to a commit that is let through is never forwarded: the server has committed, and nobody knows.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._cut: str | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def cut(self, when: str) -> None:
        """Cut at the next commit: ``before`` the server hears of it, or ``after`` it has answered."""
        self._cut = when

    def close(self) -> None:
        """Accept no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                link = _Link(client, socket.create_connection(self._server))
                Thread(target=self._ask, args=(link,), daemon=True).start()
                Thread(target=link.answer, daemon=True).start()

    def _ask(self, link: _Link) -> None:
        with suppress(OSError):
            while data := link.client.recv(65_536):
                if self._cut and COMMIT.search(data):
                    when, self._cut = self._cut, None
                    if when == "after":
                        link.muted.set()
                        link.server.sendall(data)
                        link.answered.wait(5)
                    break
                link.server.sendall(data)
        link.end()


class _Link:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.muted, self.answered = Event(), Event()

    def answer(self) -> None:
        """Forward what the server says, unless it is muted."""
        with suppress(OSError):
            while data := self.server.recv(65_536):
                if self.muted.is_set():
                    self.answered.set()
                    return
                self.client.sendall(data)
        self.end()

    def end(self) -> None:
        """Let go of both sides."""
        for side in (self.client, self.server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)  # a close alone waits for the other thread
            side.close()
