"""The connection that clients of either kind hold."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from conductor_fast import _core
from conductor_fast.client.call import Call
from conductor_fast.client.token_thread import start_settings
from conductor_fast.interop.settings import configuration_of
from conductor_fast.model.exceptions import ApiException, AuthorizationException
from conductor_fast.settings.configuration import Configuration

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


class Connection:
    """Made at the first call, so that a client costs nothing until it is used."""

    def __init__(self, server: str | Configuration | None) -> None:
        given = Configuration(server_api_url=server) if isinstance(server, str) else configuration_of(server)
        self.configuration: Configuration = given or Configuration()
        self._lock = threading.Lock()
        self._client: _core.Client | None = None

    def run(self, call: Call[T]) -> T:
        """Block until the server has answered.

        ApiException if it refuses or cannot be reached; AuthorizationException for 401 and 403.
        """
        query = [(name, value) for name, value in (call.query or {}).items() if value is not None]
        try:
            body = self._open().call(
                call.method, call.path, query, call.body, hold=call.hold, repeatable=call.repeatable
            )
        except ApiException as error:
            if error.status in (401, 403) and not isinstance(error, AuthorizationException):
                raise AuthorizationException(error.status, error.message) from None
            raise
        try:
            return call.read(body)
        except ValueError as error:
            # The core's words for the same in what it reads itself.
            raise ApiException(
                0, f"the answer is not Conductor's ({error}); check the URL, it usually ends with /api"
            ) from None

    async def run_async(self, call: Call[T]) -> T:
        """As `run`, on a thread of the loop's pool: these calls are few and none is hot."""
        return await asyncio.to_thread(self.run, call)

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _open(self) -> _core.Client:
        with self._lock:
            if self._client is None:
                self._client = _core.Client(start_settings(self.configuration))
            return self._client


class BlockingClient:
    """A client whose calls block. Usable from any thread; a context manager that closes at the end.

    `server`: the API's URL or a `Configuration`; None takes the environment's.
    """

    def __init__(self, server: str | Configuration | None = None) -> None:
        self._connection = Connection(server)

    def _run(self, call: Call[T]) -> T:
        return self._connection.run(call)

    def close(self) -> None:
        """Close the connections. The next call opens them again."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AwaitableClient:
    """A client whose calls are awaited. An async context manager that closes at the end.

    `server`: the API's URL or a `Configuration`; None takes the environment's.
    """

    def __init__(self, server: str | Configuration | None = None) -> None:
        self._connection = Connection(server)

    async def _run(self, call: Call[T]) -> T:
        return await self._connection.run_async(call)

    async def close(self) -> None:
        """Close the connections. The next call opens them again."""
        await asyncio.to_thread(self._connection.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
