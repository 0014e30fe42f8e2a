"""What stands between a client and the dev server: TLS in front of it, and proxies, as threads."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from types import TracebackType

from typing_extensions import Self

_CHUNK = 65_536


class Forwarder:
    """Listens on 127.0.0.1 and copies bytes both ways, each connection on threads of its own."""

    def __init__(self, target: tuple[str, int] | None = None) -> None:
        self.target = target
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve_safely, args=(accepted,), daemon=True).start()

    def _serve_safely(self, accepted: socket.socket) -> None:
        # A client that hangs up in the middle is what some tests are about.
        with contextlib.suppress(OSError, ValueError), accepted:
            self.serve(accepted)

    def serve(self, accepted: socket.socket) -> None:
        assert self.target is not None
        self.join(accepted, self.target, b"")

    def join(self, accepted: socket.socket, target: tuple[str, int], first: bytes) -> None:
        """Copy both ways until one side ends; `first` goes to the target before all else."""
        with socket.create_connection(target) as upstream:
            self._open += [accepted, upstream]
            upstream.sendall(first)
            # One thread for both ways: an SSLSocket is not made for two.
            while True:
                for source in select.select([accepted, upstream], [], [])[0]:
                    chunk = source.recv(_CHUNK)
                    if not chunk:
                        return
                    while isinstance(source, ssl.SSLSocket) and source.pending():
                        chunk += source.recv(_CHUNK)
                    if source is accepted:
                        self.passes(chunk)
                    (upstream if source is accepted else accepted).sendall(chunk)

    def passes(self, chunk: bytes) -> None:
        """Sees what clients send."""

    def stop(self) -> None:
        # A close alone leaves the thread in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class TlsFront(Forwarder):
    """Ends TLS in front of `target`."""

    def __init__(self, target: tuple[str, int], context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(target)

    def serve(self, accepted: socket.socket) -> None:
        with self._context.wrap_socket(accepted, server_side=True) as encrypted:
            super().serve(encrypted)


class HttpProxy(Forwarder):
    """A proxy for absolute URLs and for CONNECT. `heads`: what each connection's first request began with.

    With `authorization` it answers 407 to whoever does not send that value.
    """

    def __init__(self, authorization: str | None = None) -> None:
        self.authorization = authorization
        self.heads: list[str] = []
        super().__init__()

    def serve(self, accepted: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (chunk := accepted.recv(_CHUNK)):
                return
            received += chunk
        head = received.partition(b"\r\n\r\n")[0].decode()
        self.heads.append(head)
        lines = [line.partition(": ") for line in head.splitlines()]
        if self.authorization not in (
            None,
            *(value for name, _, value in lines if name.lower() == "proxy-authorization"),
        ):
            accepted.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        method, url, _ = head.split(" ", 2)
        if method == "CONNECT":
            accepted.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.join(accepted, _address(url), b"")
        else:
            # The dev server takes absolute URLs as they are, so that later requests may follow as bytes.
            self.join(accepted, _address(url.removeprefix("http://").partition("/")[0]), received)


def _address(authority: str) -> tuple[str, int]:
    host, _, port = authority.rpartition(":")
    return host, int(port)
