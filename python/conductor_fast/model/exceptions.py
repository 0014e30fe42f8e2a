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

    @property
    def code(self) -> int:
        """As `status`; the SDK has both."""
        return self.status

    @property
    def reason(self) -> str:
        """As `message`; the SDK has the words of the status line here."""
        return self.message

    @property
    def body(self) -> str:
        """As `message`; the SDK has the raw answer here."""
        return self.message

    def is_not_found(self) -> bool:
        """Does what was asked for not exist?"""
        return self.status == 404

    def __str__(self) -> str:
        return f"{self.status}: {self.message}" if self.status else self.message


class AuthorizationException(ApiException):
    """The server refused a call with 401 or 403 (client/http/rest.py).

    `error_code` is the server's word for why, such as EXPIRED_TOKEN; empty if it gave none.
    """

    def __init__(self, status: int, message: str, error_code: str = "") -> None:
        super().__init__(status, message)
        self.error_code = error_code

    @property
    def status_code(self) -> int:
        """As `status`; the SDK has both."""
        return self.status

    @property
    def token_expired(self) -> bool:
        return self.error_code == "EXPIRED_TOKEN"

    @property
    def invalid_token(self) -> bool:
        return self.error_code == "INVALID_TOKEN"


class InternalError(ConductorFastError):
    """A fault of this package: nothing that the user did wrong, please report it."""


class NonRetryableException(Exception):  # noqa: N818 - the SDK's name
    """Raised by a worker function when another attempt cannot help.

    The task ends as FAILED_WITH_TERMINAL_ERROR, and the server does not retry it
    (conductor-python: client/worker/exception.py).
    """
