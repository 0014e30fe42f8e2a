"""A scenario: the server's behaviour, the clients that meet it, the figures that are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Client:
    """`program`: floor, ours, sdk, bare or a peer. `slots`: threads, coroutines, or the floor's connections.
    `arguments`: further ones of its program. `warm_up`: seconds, where a third of the stretch is too little.
    `rounds`: the most, where each takes long. `quick`: also in a quick report.
    """

    name: str
    program: str
    function: str = "noop"
    slots: int = 1
    task_types: int = 1
    arguments: tuple[str, ...] = ()
    warm_up: float = 0.0
    rounds: int = 0
    quick: bool = True


@dataclass(frozen=True)
class Scenario:
    """`server`: fields of options.rs in ../server. `seconds`: of a stretch. `quick`: also in a quick report.
    `tls`: with a certificate of its own. `report`: rounds, and seconds of a stretch, in `make report`.
    `bench`: in `make bench` and in README.
    """

    name: str
    title: str
    clients: tuple[Client, ...]
    columns: tuple[str, ...]
    server: dict[str, Any] = field(default_factory=dict)
    seconds: float = 5.0
    quick: bool = False
    tls: bool = False
    report: tuple[int, float] = (3, 1.5)
    bench: bool = False
