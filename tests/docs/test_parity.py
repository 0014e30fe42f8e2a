"""docs/parity.md names tests and rows that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "parity.md"
DIFFERENCES = ROOT / "docs" / "differences.md"


def rows() -> list[tuple[str, str, str]]:
    """Feature, what is here, and its proofs; without the heads of the tables."""
    cells = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert {len(each) for each in cells} == {3}
    return [(feature, here, shown) for feature, here, shown in cells if shown != "shown by"]


def problem_of(proof: str) -> str | None:
    """What is wrong with a proof."""
    if match := re.fullmatch(r"\[differences\]\(differences\.md\): (.+)", proof):
        is_row = any(line.startswith(f"| {match[1]} |") for line in DIFFERENCES.read_text().splitlines())
        return None if is_row else f"no row: {proof}"
    match = re.fullmatch(r"`([\w/]+\.(?:py|rs))::(\w+)`", proof)
    if not match:
        return f"no proof: {proof}"
    path, function = ROOT / match[1], match[2]
    return None if path.is_file() and is_test(path, function) else f"no test: {proof}"


def is_test(path: Path, function: str) -> bool:
    if path.suffix == ".rs":
        return (
            re.search(rf"test(?:\(.*\))?\]\n(?:\s*#\[.*\]\n)*\s*(?:async )?fn {function}\(", path.read_text())
            is not None
        )
    is_named = function.startswith("test_") and path.name.startswith("test_")
    return (
        is_named and re.search(rf"^(?:async )?def {function}\(", path.read_text(), re.MULTILINE) is not None
    )


def test_every_test_and_row_that_is_named_exists() -> None:
    proofs = [proof for _, _, shown in rows() if shown != "–" for proof in shown.split("; ")]
    assert len(proofs) > 200
    assert [problem for problem in map(problem_of, proofs) if problem] == []


def test_a_feature_without_proof_is_one_that_neither_has() -> None:
    unproved = [here for _, here, shown in rows() if shown == "–"]
    assert set(unproved) <= {"none", "none there either", "not of the runtime", "of metrics"}


def test_what_does_not_exist_is_found() -> None:
    for proof in (
        "[differences](differences.md): nothing",
        "`tests/test_polls.py::test_nothing`",
        "`tests/test_nothing.py::test_a_poll_says_what_was_set`",
        "`tests/test_polls.py::polls`",
        "`rust/core/src/error/classify.rs::classify`",
        "believe me",
    ):
        assert problem_of(proof), proof
