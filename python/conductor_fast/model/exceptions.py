"""The exceptions of this package, and the one that a worker function raises itself."""

from __future__ import annotations


class ConductorFastError(Exception):
    """Base of every error that this package raises on its own account."""


class ConfigurationError(ConductorFastError, ValueError):
    """A setting that cannot be used.

    The message names the setting, the value (unless it may hold a secret) and the remedy.
    A ValueError too, because that is what callers of the SDK's constructors catch.
    """


class ApiException(ConductorFastError):  # noqa: N818 - the SDK's name
    """The server refused a call, or gave no answer (conductor-python: client/http/rest.py).

    `status` is the HTTP status, 0 without an answer; `message` is the server's own.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return f"{self.status}: {self.message}" if self.status else self.message


class InternalError(ConductorFastError):
    """A fault of this package: nothing that the user did wrong, please report it."""


class NonRetryableException(Exception):  # noqa: N818 - the SDK's name
    """Raised by a worker function when another attempt cannot help.

    The task ends as FAILED_WITH_TERMINAL_ERROR, and the server does not retry it
    (conductor-python: client/worker/exception.py).
    """
