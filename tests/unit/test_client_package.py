"""`import arc` is light, leaves the process alone, and has the names that it says it has."""

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import arc
from tests.support.hub_process import CHECKOUT

HUB_FOLDERS = {"api", "arclog", "cli", "projections", "relay"}


def ask(program: str, cwd: Path) -> Any:
    """What a program that uses the client prints, as JSON; only this checkout is on its path."""
    start = f"import sys; sys.path.append({str(CHECKOUT)!r}); "
    command = [sys.executable, "-I", "-W", "error", "-c", start + program]
    return json.loads(subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout)


def test_every_public_name_is_there() -> None:
    assert [name for name in arc.__all__ if getattr(arc, name, None) is None] == []
    assert set(arc.__all__) <= set(dir(arc))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'HubStore'"):
        getattr(arc, "HubStore")  # noqa: B009  # it is not there for a type checker either


def test_importing_arc_loads_no_network_and_leaves_the_path_alone(tmp_path: Path) -> None:
    program = "before = list(sys.path); import arc; same = before == sys.path; mods = list(sys.modules); import json; "
    same, modules = ask(program + "print(json.dumps([same, mods]))", tmp_path)
    assert same
    assert not {"http.client", "json", "ssl", "socket", "subprocess", "arc.client"} & set(modules)


def test_the_client_loads_the_standard_library_only(tmp_path: Path) -> None:
    program = (
        "import arc; [getattr(arc, name) for name in arc.__all__]; import json; print(json.dumps(list(sys.modules)))"
    )
    modules = {name.split(".")[0] for name in ask(program, tmp_path)}
    assert not HUB_FOLDERS & modules
    assert modules <= {*sys.stdlib_module_names, "arc", "__main__", "_distutils_hack"}


def test_a_client_over_the_relay_needs_no_http(tmp_path: Path) -> None:
    program = "import arc; arc.ArcClient.over_relay('a'); import json; print(json.dumps('http.client' in sys.modules))"
    assert ask(program, tmp_path) is False


def test_the_command_takes_the_hubs_folder_first_and_drops_the_working_directory(tmp_path: Path) -> None:
    for name in [*HUB_FOLDERS, "http"]:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the working directory')\n")
    program = (
        "import os; sys.path.insert(0, os.getcwd()); from arc.__main__ import _set_path; _set_path(); "
        "import json; print(json.dumps([sys.path[0], os.getcwd() in sys.path]))"
    )
    assert ask(program, tmp_path) == [str(CHECKOUT), False]


def test_the_manual_names_every_public_name_and_method() -> None:
    manual = (CHECKOUT / "docs" / "reference" / "client.md").read_text()
    names = [*arc.__all__, *(name for name in dir(arc.ArcClient) if not name.startswith("_"))]
    assert [name for name in names if not re.search(rf"\b{name}\b", manual)] == []


@pytest.mark.parametrize("function", [arc.ensure_hub, arc.stop_hub, arc.reset_hub, arc.run_smoke_agent])
def test_the_manual_has_the_defaults_of_the_functions(function: Callable[..., object]) -> None:
    manual = (CHECKOUT / "docs" / "reference" / "client.md").read_text()
    parameters = inspect.signature(function).parameters.values()
    given = [f"{one.name}={one.default!r}".replace("'", '"') for one in parameters if one.default is not one.empty]
    call = next(line for line in re.findall(rf"{function.__name__}\([^)]*\)", manual) if "=" in line)
    assert [one for one in given if one not in call] == []


def test_the_types_are_for_everyone() -> None:
    assert (CHECKOUT / "arc" / "py.typed").exists()
