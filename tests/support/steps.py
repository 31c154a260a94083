"""A proxy on the loopback that counts the steps of a conversation, and cuts it at any one of them."""

from __future__ import annotations

import re
import select
import socket
from contextlib import suppress
from threading import Thread

COMMIT = re.compile(rb"\bCOMMIT\b")  # not the isolation level READ COMMITTED
ASKED, ANSWERED = "asked", "answered"


class StepProxy:
    """A step begins when the client speaks after the server, and ends with the server's answer."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._at: tuple[int, str] | None = None
        self.steps = 0
        self.commit: int | None = None
        self.was_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def count(self, step: int | None = None, direction: str = ASKED) -> None:
        """Count from 1 again; cut once at ``step``: before the server is ASKED, or before its answer is heard."""
        self.steps, self.commit, self.was_cut = 0, None, False
        self._at = None if step is None else (step, direction)

    def close(self) -> None:
        """Accept no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        last = server
        with suppress(OSError):
            while True:
                side = select.select([client, server], [], [])[0][0]
                data = side.recv(65_536)
                if side is client and last is server and data:
                    self._begin(data)
                last = side
                if not data or self._cuts(ASKED if side is client else ANSWERED):
                    break
                (server if side is client else client).sendall(data)
        for side in (client, server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()

    def _begin(self, data: bytes) -> None:
        self.steps += 1
        if self.commit is None and COMMIT.search(data):
            self.commit = self.steps

    def _cuts(self, direction: str) -> bool:
        if self._at != (self.steps, direction):
            return False
        self._at, self.was_cut = None, True
        return True
