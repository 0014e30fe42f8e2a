"""A configuration as it crosses: what the environment adds, what is refused."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from conductor_fast.host.worker_host import WorkerHost
from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.authentication_settings import AuthenticationSettings
from conductor_fast.settings.configuration import Configuration
from conductor_fast.settings.server_settings import ServerSettings, server_settings

ROOT = Path(__file__).parents[3]
VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CONDUCTOR_AUTH_KEY",
    "CONDUCTOR_AUTH_SECRET",
    "CONDUCTOR_FAST_SPOOL_DIR",
    "CONDUCTOR_FAST_SPOOL_MAX_BYTES",
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_both_sides_have_the_same_fields() -> None:
    rust = (ROOT / "rust/bridge/src/convert/settings.rs").read_text()
    struct = re.search(r"struct PyServerSettings \{(.*?)\n\}", rust, re.DOTALL)
    assert struct
    fields = re.findall(r"^    (\w+):", struct.group(1), re.MULTILINE)
    assert fields == [field.name for field in dataclasses.fields(ServerSettings)]


def test_the_ca_comes_from_the_setting_then_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = Configuration(server_api_url="https://a/api")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/requests.pem")
    settings = server_settings(configuration)
    assert (settings.ca_file, settings.ca_origin) == ("/requests.pem", "REQUESTS_CA_BUNDLE")
    monkeypatch.setenv("SSL_CERT_FILE", "/ssl.pem")
    assert server_settings(configuration).ca_origin == "SSL_CERT_FILE"
    configuration.ssl_ca_cert = Path("/mine.pem")
    settings = server_settings(configuration)
    assert (settings.ca_file, settings.ca_origin) == ("/mine.pem", "ssl_ca_cert")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("assert_hostname", False),
        ("assert_hostname", "other.example.com"),
        ("ssl_ca_cert", 7),
        ("cert_file", object()),
        ("key_file", 1.5),
        ("proxy", 3128),
        ("headers", {"X": 1}),
        ("headers", [("X", "y")]),
        ("authentication_settings", "canary"),
        ("authentication_settings", AuthenticationSettings("canary", "")),
        ("authentication_settings", AuthenticationSettings(None, "canary")),  # type: ignore[arg-type] # the point
        ("token_provider", "canary"),
    ],
)
def test_a_bad_setting_names_itself_and_shows_no_secret(name: str, value: Any) -> None:
    configuration = Configuration(server_api_url="https://me:canary@a/api")
    setattr(configuration, name, value)
    with pytest.raises(ConfigurationError, match=f"^{name} ") as caught:
        server_settings(configuration)
    assert "canary" not in str(caught.value)


def test_key_and_token_provider_exclude_each_other() -> None:
    configuration = Configuration(
        authentication_settings=AuthenticationSettings("a", "b"), token_provider=lambda: "t"
    )
    with pytest.raises(ConfigurationError, match=r"^token_provider: authentication_settings is set too"):
        server_settings(configuration)


async def _coroutine() -> str:
    return "t"


def test_a_coroutine_function_gives_no_token() -> None:
    configuration = Configuration(token_provider=_coroutine)  # type: ignore[arg-type] # the point
    with pytest.raises(ConfigurationError, match="not a coroutine"):
        server_settings(configuration)


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_a_lifetime_is_more_than_nothing(minutes: Any) -> None:
    with pytest.raises(ConfigurationError, match="auth_token_ttl_min"):
        server_settings(Configuration(auth_token_ttl_min=minutes))


def test_verify_ssl_false_warns_at_every_start(caplog: pytest.LogCaptureFixture) -> None:
    configuration = Configuration(server_api_url="https://me:canary@a/api")
    configuration.verify_ssl = False
    for starts in (1, 2):
        server_settings(configuration)
        assert caplog.text.count("verify_ssl is False") == starts
    assert "canary" not in caplog.text


def test_no_secret_in_a_repr() -> None:
    configuration = Configuration(
        server_api_url="https://me:canary@a/api",
        authentication_settings=AuthenticationSettings("canary", "canary"),
        headers={"X-Gate": "canary"},
    )
    configuration.proxy = "http://me:canary@proxy:3128"
    assert "canary" not in repr(configuration) + repr(server_settings(configuration))


@pytest.mark.parametrize("name", ["outbox_results", "outbox_bytes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "10", 2**63])
def test_a_limit_of_the_outbox_is_a_whole_number_above_zero(name: str, value: Any) -> None:
    configuration = Configuration()
    setattr(configuration, name, value)
    with pytest.raises(ConfigurationError, match=f"{name} .* give a whole number above 0"):
        server_settings(configuration)


def test_the_size_of_the_spool_comes_from_the_code_or_else_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert server_settings(Configuration()).spool_max_bytes is None
    monkeypatch.setenv("CONDUCTOR_FAST_SPOOL_MAX_BYTES", " 2000000 ")
    assert server_settings(Configuration()).spool_max_bytes == 2_000_000
    assert server_settings(Configuration(spool_max_bytes=3_000_000)).spool_max_bytes == 3_000_000


@pytest.mark.parametrize("value", [-1, 1.5, True, "10 MB", 2**63])
def test_a_size_of_the_spool_that_is_none_is_refused(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"spool_max_bytes .* is no size; give .* bytes"):
        server_settings(Configuration(spool_max_bytes=value))
    monkeypatch.setenv("CONDUCTOR_FAST_SPOOL_MAX_BYTES", str(value))
    with pytest.raises(ConfigurationError, match=r"SPOOL_MAX_BYTES .* is no size; give .* bytes"):
        server_settings(Configuration())


def test_a_size_in_which_no_result_would_find_room_is_refused(tmp_path: Path) -> None:
    host = WorkerHost(Configuration(spool_dir=tmp_path, spool_max_bytes=1_048_575))
    with pytest.raises(ConfigurationError, match=r"1048575 \(from spool_max_bytes\) .* at least 1048576"):
        host.start()
    assert list(tmp_path.iterdir()) == []
