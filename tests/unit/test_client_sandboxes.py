"""Whether a process is in a sandbox, as far as the harness or the system tells."""

from pathlib import Path

import pytest

from arc.finding.sandboxes import is_in_sandbox

HEAD = "Inter-|   Receive\n face |bytes\n"


@pytest.fixture
def interfaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a network, and no word of a sandbox."""
    for name in ("CODEX_SANDBOX_NETWORK_DISABLED", "SANDBOX"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "dev"
    file.write_text(f"{HEAD}    lo: 1 2\n  eth0: 3 4\n")
    return file


def test_a_network_of_its_own_machine_alone_is_a_sandbox(interfaces: Path) -> None:
    assert not is_in_sandbox("codex", str(interfaces))
    interfaces.write_text(f"{HEAD}    lo: 1 2\n  sit0: 0 0\n")
    assert is_in_sandbox("codex", str(interfaces))


def test_where_the_system_tells_of_no_interfaces_there_is_no_sandbox(interfaces: Path) -> None:
    interfaces.unlink()
    assert not is_in_sandbox("codex", str(interfaces))


@pytest.mark.parametrize(
    ("variable", "harness", "is_one"),
    [
        ("CODEX_SANDBOX_NETWORK_DISABLED", "codex", True),
        ("SANDBOX", "gemini", True),
        ("SANDBOX", "qwen", True),
        ("SANDBOX", "claude-code", False),
    ],
)
def test_a_harness_that_says_so_is_believed(
    interfaces: Path, monkeypatch: pytest.MonkeyPatch, variable: str, harness: str, *, is_one: bool
) -> None:
    monkeypatch.setenv(variable, "1")
    assert is_in_sandbox(harness, str(interfaces)) == is_one
