"""Task definitions for tests."""

from __future__ import annotations

from typing import Any


def task_definition(name: str, **fields: object) -> dict[str, Any]:
    """A definition that does not stand in a test's way: retried once and at once, no timeout in sight.

    The server's own defaults would let a retry wait for a minute.
    """
    return {
        "name": name,
        "retryCount": 1,
        "retryDelaySeconds": 0,
        "responseTimeoutSeconds": 600,
        "timeoutSeconds": 0,
        **fields,
    }
