"""`Configuration`: where the address comes from, what is refused, what is never shown."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from conductor.client.configuration.configuration import Configuration as SdkConfiguration

from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings import configuration as configuration_module
from conductor_fast.settings.authentication_settings import AuthenticationSettings
from conductor_fast.settings.configuration import Configuration, shown_url, warn_if_not_api

VARIABLES = (
    "CONDUCTOR_SERVER_URL",
    "CONDUCTOR_UI_SERVER_URL",
    "CONDUCTOR_AUTH_KEY",
    "CONDUCTOR_AUTH_SECRET",
    "CONDUCTOR_LOG_LEVEL",
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    configuration_module._warn_of_half_a_key.cache_clear()


@pytest.mark.parametrize("environment", [None, "", "http://from-environment/api"])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"base_url": "http://a:1"},
        {"server_api_url": "https://b/x/api"},
        {"base_url": "http://a", "server_api_url": "http://b/elsewhere"},
    ],
)
def test_the_address_is_resolved_as_in_the_sdk(
    arguments: dict[str, str], environment: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if environment is not None:
        monkeypatch.setenv("CONDUCTOR_SERVER_URL", environment)
    assert Configuration(**arguments).host == SdkConfiguration(**arguments).host  # type: ignore[arg-type] # only strings here


@pytest.mark.parametrize("environment", [None, "http://ui:5000"])
@pytest.mark.parametrize("arguments", [{}, {"server_api_url": "https://b/x/api"}, {"base_url": "http://a"}])
def test_the_user_interface_is_found_as_by_the_sdk(
    arguments: dict[str, str], environment: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if environment is not None:
        monkeypatch.setenv("CONDUCTOR_UI_SERVER_URL", environment)
    assert Configuration(**arguments).ui_host == SdkConfiguration(**arguments).ui_host  # type: ignore[arg-type] # only strings here


def test_logging_is_configured_as_by_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for configuration in (Configuration(log_level="WARNING"), SdkConfiguration(log_level="WARNING")):
        for arguments in ((), ("%(message)s", logging.ERROR)):
            with monkeypatch.context() as patch:
                patch.setattr(logging.root, "handlers", [])
                patch.setattr(logging.root, "level", logging.NOTSET)
                configuration.apply_logging_config(*arguments)
                (handler,) = logging.root.handlers
                assert handler.formatter is not None
                seen.append((logging.root.level, handler.formatter._fmt))
    assert seen[:2] == seen[2:]
    assert [level for level, _ in seen[:2]] == [logging.WARNING, logging.ERROR]
    names = (Configuration.get_logging_formatted_name("x"), SdkConfiguration.get_logging_formatted_name("x"))
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("arguments", "host"),
    [
        ({"server_api_url": "http://a/api/"}, "http://a/api"),
        ({"base_url": "http://a/"}, "http://a/api"),
        ({"server_api_url": "http://[::1]:8080/api"}, "http://[::1]:8080/api"),
    ],
)
def test_a_slash_at_the_end_changes_nothing(arguments: dict[str, Any], host: str) -> None:
    assert Configuration(**arguments).host == host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "ftp://a/api",
        "http://",
        "http:///api",
        "http://a:port/api",
        "http://a:0/api",
        "http://a:70000/api",
        "http://[::1/api",
        "http://a/api?x=1",
        "http://a/api#x",
        "http://a b/api",
        "http://a/api\n",
        7,
    ],
)
def test_a_bad_address_names_the_field_and_an_example(url: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"^server_api_url .*http://localhost:8080/api$"):
        Configuration(server_api_url=url)
    with pytest.raises(ConfigurationError, match=r"^base_url .*http://localhost:8080$"):
        Configuration(url)
    with pytest.raises(ConfigurationError, match=r"^host "):
        Configuration().host = url
    if url and "\n" not in str(url):
        monkeypatch.setenv("CONDUCTOR_SERVER_URL", str(url))
        with pytest.raises(ConfigurationError, match=r"^CONDUCTOR_SERVER_URL "):
            Configuration()


@pytest.mark.parametrize(
    "url",
    ["ftp://me:canary@a/api", "me:canary@a", "http://me:canary/x@a/api", "http://me:canary@a:port/api"],
)
def test_a_password_in_a_bad_address_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Configuration(server_api_url=url)
    assert "canary" not in str(caught.value)


def test_repr_does_not_show_a_password() -> None:
    configuration = Configuration(server_api_url="http://me:canary@a/api")
    assert configuration.host == "http://me:canary@a/api"
    assert repr(configuration) == "Configuration(server_api_url='http://a/api')"
    assert shown_url("http://a/api") == "http://a/api"


def test_key_and_secret_of_the_environment_need_each_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert Configuration().authentication_settings is None
    monkeypatch.setenv("CONDUCTOR_AUTH_KEY", "canary-key")
    assert Configuration().authentication_settings is None
    Configuration()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "CONDUCTOR_AUTH_SECRET is not set" in caplog.text
    monkeypatch.setenv("CONDUCTOR_AUTH_SECRET", "canary-secret")
    keys = Configuration().authentication_settings
    assert isinstance(keys, AuthenticationSettings)
    assert (keys.key_id, keys.key_secret) == ("canary-key", "canary-secret")
    assert "canary" not in caplog.text + repr(keys) + repr(Configuration())
    given = AuthenticationSettings("a", "b")
    assert Configuration(authentication_settings=given).authentication_settings is given
    assert Configuration(token_provider=lambda: "t").authentication_settings is None


@pytest.mark.parametrize(
    ("arguments", "environment", "level"),
    [
        ({}, None, logging.INFO),
        ({"debug": True}, None, logging.DEBUG),
        ({"log_level": "warning"}, "ERROR", logging.WARNING),
        ({"log_level": 7, "debug": True}, None, 7),
        ({}, "ERROR", logging.ERROR),
    ],
)
def test_log_level(
    arguments: dict[str, Any], environment: str | None, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if environment is not None:
        monkeypatch.setenv("CONDUCTOR_LOG_LEVEL", environment)
    assert Configuration(**arguments).log_level == level == SdkConfiguration(**arguments).log_level


def test_an_unknown_log_level_names_where_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"^log_level 'loud' .*DEBUG"):
        Configuration(log_level="loud")
    monkeypatch.setenv("CONDUCTOR_LOG_LEVEL", "loud")
    with pytest.raises(ConfigurationError, match=r"^CONDUCTOR_LOG_LEVEL 'loud'"):
        Configuration()


def test_a_setting_that_has_no_effect_is_refused() -> None:
    with pytest.raises(AttributeError, match="http_connection"):
        Configuration().http_connection = object()  # type: ignore[attr-defined] # the point
    with pytest.raises(TypeError):
        Configuration(server="http://a")  # type: ignore[call-arg] # the point


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("http://a/api", False),
        ("http://a/x/api/", False),
        ("http://a", True),
        ("http://a/", True),
        ("http://me:canary@a/apis", True),
    ],
)
def test_warn_if_not_api(url: str, warns: bool, caplog: pytest.LogCaptureFixture) -> None:
    warn_if_not_api(url)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * warns
    assert "canary" not in caplog.text
