"""Clients of `conductor-fast bench` as programs.

`python -m conductor_fast.cli.bench_clients NAME URL SLOTS`
"""

from __future__ import annotations

import json
import re
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

TASK_TYPE = "bench"
INPUT = {"number": 1_000_000, "text": "two", "flag": True, "ratio": 4.5}
_BATCH = 64
_CONNECTIONS = 8


def give_back(number: int, text: str, flag: bool, ratio: float) -> dict[str, Any]:
    """As little as a function can do."""
    return {"number": number, "text": text, "flag": flag, "ratio": ratio}


def ours(url: str, slots: int) -> None:
    """This package, until SIGTERM."""
    from conductor_fast import WorkerHost

    host = WorkerHost(url)
    host.start_worker(TASK_TYPE, give_back, batch_size=slots)
    host.wait()


def bare(url: str, _slots: int) -> None:
    """Bare sockets: a poll for 64 tasks, a post for each, eight in flight; ends with the server."""
    server = urlsplit(url)
    host = f"{server.hostname}:{server.port}"
    connections = [_Connection(server.hostname or "", server.port or 80) for _ in range(_CONNECTIONS)]
    poll = (
        f"GET {server.path}/tasks/poll/batch/{TASK_TYPE}?workerid=bare&count={_BATCH}&timeout=100"
        " HTTP/1.1\r\n"
        f"Host: {host}\r\n\r\n"
    ).encode()
    head = (
        f"POST {server.path}/tasks HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: "
    ).encode()
    end = b',"workerId":"bare","status":"COMPLETED","outputData":' + json.dumps(INPUT).encode() + b"}"
    ids = re.compile(rb'"(taskId|workflowInstanceId)":"([^"]+)"')
    while True:
        connections[0].send(poll)
        found = ids.findall(connections[0].answer())
        tasks = [
            b'{"%b":"%b","%b":"%b"' % (*one, *other)
            for one, other in zip(found[::2], found[1::2], strict=True)
        ]
        for first in range(0, len(tasks), _CONNECTIONS):
            posts = list(zip(connections, tasks[first : first + _CONNECTIONS], strict=False))
            for connection, task in posts:
                body = task + end
                connection.send(head + b"%d\r\n\r\n" % len(body) + body)
            for connection, _ in posts:
                connection.answer()


class _Connection:
    """One request after the other; opened anew when the server closes, as it does after some."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._open()

    def send(self, request: bytes) -> None:
        self._socket.sendall(request)

    def answer(self) -> bytes:
        """The body."""
        received = b""
        while True:
            part = self._socket.recv(262_144)
            if not part:
                raise SystemExit
            received += part
            head, separator, body = received.partition(b"\r\n\r\n")
            if separator and _is_whole(head, body):
                if b"onnection: close" in head:
                    self._socket.close()
                    self._open()
                return body

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _is_whole(head: bytes, body: bytes) -> bool:
    sized = re.search(rb"(?i)content-length: *(\d+)", head)
    # Chunks are not joined: the server writes a batch as one.
    return len(body) >= int(sized.group(1)) if sized else body.endswith(b"0\r\n\r\n")


if __name__ == "__main__":
    {"ours": ours, "bare": bare}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
