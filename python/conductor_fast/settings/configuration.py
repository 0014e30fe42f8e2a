"""Where the server is, as the SDK's `Configuration` takes it."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import SplitResult, urlsplit

from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.authentication_settings import AuthenticationSettings

if TYPE_CHECKING:
    from conductor_fast import _core

DEFAULT_SERVER_API_URL = "http://localhost:8080/api"

_logger = logging.getLogger(__name__)


class Configuration:
    """How to reach the server, with the SDK's constructor (configuration/configuration.py).

    `base_url` is the address without `/api`, which is appended; `server_api_url` is taken as it is and
    goes first. Without either: CONDUCTOR_SERVER_URL, then http://localhost:8080/api.

    `log_level` is a level's name or number, else CONDUCTOR_LOG_LEVEL, else INFO, or DEBUG with `debug`.
    `register_schema` counts for workers that do not say themselves whether they register schemas; without
    it CONDUCTOR_REGISTER_SCHEMAS does.

    **Tokens.** `authentication_settings` (the SDK's class or ours), else CONDUCTOR_AUTH_KEY and
    CONDUCTOR_AUTH_SECRET: `/token` gives a token for the key, one for all hosts and clients of this
    process, refreshed at 80 % of `auth_token_ttl_min` (minutes) and when the server refuses it; a server
    without `/token` is open. Or `token_provider`: a function that returns a token. It is called on a
    thread of its own, whenever a new one is needed, and its exceptions are named by their class only.

    **TLS** (attributes, as in the SDK). `ssl_ca_cert`: a PEM file or folder with the CA certificates to
    trust, instead of the platform's; else SSL_CERT_FILE, REQUESTS_CA_BUNDLE, the platform, certifi.
    `cert_file`, `key_file`: client certificate and its key, which may also be in `cert_file`.
    `verify_ssl=False` checks no certificate and warns at every start. `assert_hostname` is refused.

    **Proxy.** `proxy`: `http://user:password@proxy:3128`, for all calls; `""`: none; None: the
    environment's (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, in small letters too, without NO_PROXY's hosts).

    **Headers.** `headers` are sent with every request. User and password in the URL are sent as Basic
    authentication.

    **Results on disk.** `spool_dir`: a directory, which has to exist, where results are written before they
    are sent, so that they outlive this process; None: CONDUCTOR_FAST_SPOOL_DIR, else in memory only; `""`:
    in memory only. `durability`: `"process"` survives any end of the process, `"power"` also that of the
    machine, at the price of a flush of the disk for each group of results. `spool_max_bytes`: to which the
    file of this process may grow, 1 MiB at least; no task is taken while it is nearly full. None:
    CONDUCTOR_FAST_SPOOL_MAX_BYTES, else 256 MiB.

    **Results that wait** for the server's yes are never dropped. While there are `outbox_results` of them
    (10,000), or `outbox_bytes` bytes (256 MiB), no more tasks are taken.

    Attributes are read when a host or client starts, and files then. Raises ConfigurationError for an
    address that is no http(s) URL and for an unknown log level; a start raises it for the rest.
    """

    # Without a dict, an attribute that this version does not read (http_connection, …) is refused where it
    # is set, instead of having no effect.
    __slots__ = (
        "_host",
        "_log_level",
        "_token_source",
        "assert_hostname",
        "auth_token_ttl_msec",
        "authentication_settings",
        "cert_file",
        "debug",
        "durability",
        "headers",
        "key_file",
        "logger_format",
        "outbox_bytes",
        "outbox_results",
        "proxy",
        "register_schema",
        "spool_dir",
        "spool_max_bytes",
        "ssl_ca_cert",
        "token_provider",
        "verify_ssl",
    )

    def __init__(
        self,
        base_url: str | None = None,
        debug: bool = False,
        authentication_settings: AuthenticationSettings | Any | None = None,
        server_api_url: str | None = None,
        auth_token_ttl_min: int = 45,
        register_schema: bool | None = None,
        log_level: str | int | None = None,
        *,
        token_provider: Callable[[], str] | None = None,
        headers: Mapping[str, str] | None = None,
        spool_dir: str | os.PathLike[str] | None = None,
        durability: Literal["process", "power"] = "process",
        spool_max_bytes: int | None = None,
        outbox_results: int = 10_000,
        outbox_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        if authentication_settings is None and token_provider is None:
            authentication_settings = _environment_keys()
        self.authentication_settings: AuthenticationSettings | Any | None = authentication_settings
        self.token_provider = token_provider
        self._token_source: tuple[int, Callable[[], str], _core.TokenSource] | None = None
        self.headers: Mapping[str, str] = {} if headers is None else dict(headers)
        self.verify_ssl = True
        self.ssl_ca_cert: str | os.PathLike[str] | None = None
        self.cert_file: str | os.PathLike[str] | None = None
        self.key_file: str | os.PathLike[str] | None = None
        self.assert_hostname: bool | None = None
        self.proxy: str | None = None
        self.spool_dir = spool_dir
        self.durability: Literal["process", "power"] = durability
        self.spool_max_bytes = spool_max_bytes
        self.outbox_results = outbox_results
        self.outbox_bytes = outbox_bytes
        self._host = _resolve_host(base_url, server_api_url)
        self._log_level = _resolve_log_level(log_level, debug)
        self.debug = debug
        self.logger_format = "%(asctime)s %(name)-12s %(levelname)-8s %(message)s"
        self.auth_token_ttl_msec = auth_token_ttl_min * 60_000
        self.register_schema = _resolve_register_schema(register_schema)

    @property
    def host(self) -> str:
        """The address up to and with `/api`, without a slash at its end. May hold user information."""
        return self._host

    @host.setter
    def host(self, url: str) -> None:
        self._host = _checked_url(url, "host")

    @property
    def log_level(self) -> int:
        """The level as a number of the logging module."""
        return self._log_level

    @property
    def ui_host(self) -> str:
        """The address of the user interface: CONDUCTOR_UI_SERVER_URL, else the host without `/api`."""
        return os.environ.get("CONDUCTOR_UI_SERVER_URL") or self._host.removesuffix("/api")

    def apply_logging_config(self, log_format: str | None = None, level: int | None = None) -> None:
        """`logging.basicConfig` with `logger_format` and `log_level`. Nobody calls it but the user."""
        logging.basicConfig(
            format=self.logger_format if log_format is None else log_format,
            level=self.log_level if level is None else level,
        )

    @staticmethod
    def get_logging_formatted_name(name: str) -> str:
        """The name that the SDK gives its loggers; ours are plain (S22)."""
        return f"[{os.getpid()}] {name}"

    def __repr__(self) -> str:
        return f"Configuration(server_api_url={shown_url(self._host)!r})"


def warn_if_not_api(url: str) -> None:
    """Log one warning if `url` does not end in `/api`.

    For places that take the API's address itself and were perhaps given the server's
    (`WorkerHost("http://localhost:8080")`); the server answers such calls with 404.
    """
    if not urlsplit(url).path.rstrip("/").endswith("/api"):
        _logger.warning(
            "The server URL %s does not end in /api, where a Conductor server has its API; "
            "if polls are answered with 404, append it: %s/api",
            shown_url(url),
            shown_url(url).rstrip("/"),
        )


def shown_url(url: str) -> str:
    """`url` without user information (`user:password@`), for logs and messages."""
    # Up to the last @ anywhere: a password with an unescaped slash must not show either.
    scheme, separator, rest = url.partition("://")
    return scheme + separator + rest.rpartition("@")[2] if separator else url.rpartition("@")[2]


def _resolve_host(base_url: str | None, server_api_url: str | None) -> str:
    if server_api_url is not None:
        return _checked_url(server_api_url, "server_api_url")
    if base_url is not None:
        return _checked_url(base_url, "base_url") + "/api"
    if from_environment := os.environ.get("CONDUCTOR_SERVER_URL"):
        return _checked_url(from_environment, "CONDUCTOR_SERVER_URL")
    return DEFAULT_SERVER_API_URL


def _checked_url(url: object, name: str) -> str:
    example = "give something like http://localhost:8080" + ("" if name == "base_url" else "/api")
    if not isinstance(url, str):
        raise ConfigurationError(f"{name} {type(url).__name__} is not a string; {example}")
    problem = _problem_of_url(url)
    if problem:
        raise ConfigurationError(f"{name} {shown_url(url)!r} {problem}; {example}")
    return url.rstrip("/")


def _problem_of_url(url: str) -> str | None:
    if any(character.isspace() or not character.isprintable() for character in url):
        return "holds white space or a control character"
    try:
        parts = urlsplit(url)
        port_is_zero = parts.port == 0
    except ValueError:
        # The error's own text may quote a piece of a password.
        return "is not a URL"
    if parts.scheme not in {"http", "https"}:
        return "does not start with http:// or https://"
    return _problem_of_parts(parts, port_is_zero)


def _problem_of_parts(parts: SplitResult, port_is_zero: bool) -> str | None:
    if not parts.hostname:
        return "names no host"
    if port_is_zero:
        return "has port 0"
    if parts.query or parts.fragment:
        return "has a query or a fragment, which a base address cannot have"
    return None


def _resolve_log_level(log_level: str | int | None, debug: bool) -> int:
    from_environment = os.environ.get("CONDUCTOR_LOG_LEVEL", "").strip()
    level = from_environment if log_level is None else log_level
    if level == "":
        return logging.DEBUG if debug else logging.INFO
    if isinstance(level, int):
        return level
    if level.upper() not in _LOG_LEVELS:
        name = "CONDUCTOR_LOG_LEVEL" if log_level is None else "log_level"
        raise ConfigurationError(f"{name} {level!r} is not a level; give one of {', '.join(_LOG_LEVELS)}")
    return _LOG_LEVELS[level.upper()]


def _resolve_register_schema(register_schema: bool | None) -> bool | None:
    text = os.environ.get("CONDUCTOR_REGISTER_SCHEMAS")
    if register_schema is not None or text is None:
        return register_schema
    return text.strip().lower() in {"true", "1", "yes", "on"}


_LOG_LEVELS = {
    "CRITICAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
}


def _environment_keys() -> AuthenticationSettings | None:
    key_id, key_secret = os.environ.get("CONDUCTOR_AUTH_KEY"), os.environ.get("CONDUCTOR_AUTH_SECRET")
    if key_id and key_secret:
        return AuthenticationSettings(key_id, key_secret)
    if key_id or key_secret:
        _warn_of_half_a_key("CONDUCTOR_AUTH_SECRET" if key_id else "CONDUCTOR_AUTH_KEY")
    return None


@functools.cache
def _warn_of_half_a_key(missing: str) -> None:
    _logger.warning("no token is asked for: %s is not set, and a key needs both", missing)
