"""Which proxy the environment wants."""

from __future__ import annotations

import pytest

from conductor_fast.settings.proxy import environment_proxy, with_scheme

ALL = {"HTTPS_PROXY": "http://s", "HTTP_PROXY": "http://p", "ALL_PROXY": "http://a"}


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("http://h/api", {}, None),
        ("http://h/api", ALL, ("http://p", "HTTP_PROXY")),
        ("https://h/api", ALL, ("http://s", "HTTPS_PROXY")),
        ("https://h/api", {"ALL_PROXY": "http://a"}, ("http://a", "ALL_PROXY")),
        ("https://h/api", {**ALL, "https_proxy": "small:1"}, ("http://small:1", "https_proxy")),
        ("https://h/api", {"HTTPS_PROXY": " ", "all_proxy": "http://a"}, ("http://a", "all_proxy")),
        ("http://h/api", {"HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"}, None),
        ("https://h/api", {"HTTP_PROXY": "http://p"}, None),
    ],
)
def test_the_variables_in_their_order(
    url: str, environment: dict[str, str], expected: tuple[str, str] | None
) -> None:
    assert environment_proxy(url, environment) == expected


@pytest.mark.parametrize(
    ("host", "no_proxy", "goes_through"),
    [
        ("conductor.example.com", "example.com", False),
        ("conductor.example.com", ".example.com", False),
        ("conductor.example.com", "*.example.com", False),
        ("example.com", "EXAMPLE.com", False),
        ("badexample.com", "example.com", True),
        ("a", "b, c  a", False),
        ("a", "*", False),
        ("a", "", True),
        ("a", "a:8080", False),
        ("a", "a:8081", True),
        ("10.1.2.3", "10.0.0.0/8", False),
        ("11.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", False),
        ("[::1]", "::1", False),
        ("a", "10.0.0.0/8,nonsense/x", True),
    ],
)
def test_no_proxy(host: str, no_proxy: str, goes_through: bool) -> None:
    environment = {"HTTP_PROXY": "http://p", "NO_PROXY": no_proxy}
    assert (environment_proxy(f"http://{host}:8080/api", environment) is not None) == goes_through


def test_small_letters_go_first() -> None:
    environment = {"http_proxy": "p", "NO_PROXY": "a", "no_proxy": "b"}
    assert environment_proxy("http://a", environment) == ("http://p", "http_proxy")
    assert with_scheme("https://p") == "https://p"
