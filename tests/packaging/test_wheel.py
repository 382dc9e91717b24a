"""The wheel takes one name in site-packages, and `arc` works in anybody's repository."""

import json
import re
import tarfile
import zipfile
from pathlib import Path

from tests.packaging.conftest import HUB_FOLDERS, Distribution, Environment
from tests.support.commands import run
from tests.support.hub_process import CHECKOUT


def test_the_only_top_level_name_of_the_wheel_is_arc(distribution: Distribution) -> None:
    names = zipfile.ZipFile(distribution.wheel).namelist()
    (version,) = {name.split("/")[0].removesuffix(".dist-info") for name in names if ".dist-info/" in name}
    assert {name.split("/")[0] for name in names} == {"arc", f"{version}.dist-info", f"{version}.data"}
    # What is in .data goes to the folder of commands.
    assert [name for name in names if ".data/" in name] == [
        f"{version}.data/scripts/{name}" for name in ("arc", "arc.cmd")
    ]


def test_the_wheel_carries_every_file_of_the_packages(distribution: Distribution) -> None:
    expected = {
        str(path.relative_to(CHECKOUT)) if folder == "arc" else f"arc/_hub/{path.relative_to(CHECKOUT)}"
        for folder in ["arc", *HUB_FOLDERS]
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.is_relative_to(CHECKOUT / "cli" / "npm")
    }
    packed = {name for name in zipfile.ZipFile(distribution.wheel).namelist() if name.startswith("arc/")}
    assert {name for name in packed if not name.startswith("arc/_hub/docs/")} == expected


def test_the_installed_command_has_the_pages_of_the_documentation(environment: Environment, tmp_path: Path) -> None:
    page = run(environment.arc, "help", "which-hub", cwd=tmp_path)
    assert page == (CHECKOUT / "docs" / "explanation" / "which-hub.md").read_text(encoding="utf-8")


def test_the_wheel_keeps_nobody_from_other_versions_of_what_they_use(distribution: Distribution) -> None:
    archive = zipfile.ZipFile(distribution.wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    lines = archive.read(metadata).decode().splitlines()
    wants = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    asked = [want for want in wants if "extra ==" not in want]
    assert asked
    assert [want for want in asked if want.partition(";")[0].count("<") or "==" in want.partition(";")[0]] == []
    assert [want for want in asked if re.match(r"mcp\b", want)] == []


def test_the_sdist_carries_the_sources_the_tests_and_the_licence(distribution: Distribution) -> None:
    with tarfile.open(distribution.sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert tops >= {"arc", *HUB_FOLDERS, "tests", "docs", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}


def test_arc_says_its_version_in_a_hostile_repository(environment: Environment, hostile_repository: Path) -> None:
    version = run(environment.python, "-c", "import arc; print(arc.__version__)").strip()
    assert version in run(environment.arc, "--version", cwd=hostile_repository)


def test_a_hub_starts_serves_and_stops_in_a_hostile_repository(
    environment: Environment, hostile_repository: Path, free_port: int
) -> None:
    where = ["--port", str(free_port), "--storage", "arc.sqlite3"]
    try:
        ensured = json.loads(run(environment.arc, "ensure", *where, cwd=hostile_repository))
        assert (ensured["running"], ensured["started"]) == (True, True)
        url = f"http://127.0.0.1:{free_port}"
        run(environment.arc, "post", "--agent", "a", "--base-url", url, "hello", cwd=hostile_repository)
        polled = run(
            environment.arc, "poll", "--agent", "b", "--base-url", url, "--timeout", "0", cwd=hostile_repository
        )
        assert [json.loads(line)["body"] for line in polled.splitlines()] == ["hello"]
    finally:
        stopped = json.loads(run(environment.arc, "stop", *where, cwd=hostile_repository))
    assert stopped["stopped"] is True


def test_the_command_is_ours_even_where_the_python_path_leads_to_a_hostile_repository(
    environment: Environment, hostile_repository: Path, free_port: int
) -> None:
    for name in ("arc", "mcp", "apsw"):
        (hostile_repository / name).mkdir()
        (hostile_repository / name / "__init__.py").write_text(f"raise SystemExit('imported {name} of the repository')")
    command = ("env", "PYTHONPATH=.", environment.arc)
    try:
        assert json.loads(run(*command, "ensure", "--port", str(free_port), cwd=hostile_repository))["started"]
        run(*command, "post", "--agent", "a", "hello", cwd=hostile_repository)
    finally:
        assert json.loads(run(*command, "stop", cwd=hostile_repository))["stopped"]


def test_importing_the_client_leaves_the_path_alone_and_loads_nothing_of_the_hub(
    environment: Environment, tmp_path: Path
) -> None:
    program = (
        "import sys, json; before = list(sys.path); import arc;"
        "[getattr(arc, name) for name in arc.__all__];"
        "print(json.dumps([sys.path == before, sorted(sys.modules)]))"
    )
    same_path, modules = json.loads(run(environment.python, "-c", program, cwd=tmp_path))
    assert same_path
    loaded = {name.split(".")[0] for name in modules}
    assert loaded.isdisjoint({*HUB_FOLDERS, "apsw", "msgspec", "starlette", "uvicorn", "asyncinotify", "mcp"})
    assert not [name for name in modules if name.startswith("arc._hub")]


def test_the_client_carries_its_types(distribution: Distribution) -> None:
    assert "arc/py.typed" in zipfile.ZipFile(distribution.wheel).namelist()
