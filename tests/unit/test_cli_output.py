"""What `arc` prints, where it prints it, and how it reads its options."""

import io
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from arc.finding.kept_options import read_options, write_options
from arc.finding.probe import find_hub_at
from cli.arguments import Arguments, Namespace
from cli.commands import COMMANDS, FOREGROUND
from cli.dispatch import Command, Group, run
from cli.errors import CommandFailed
from cli.hubs.filesystems import check_access
from cli.hubs.mounts import find_unsafe_filesystem
from cli.hubs.settings import arguments_for, resolve_settings
from cli.hubs.storage_lock import holding
from cli.main import main
from cli.options import HubOptions, add_hub_options
from cli.output import print_error, print_json
from cli.progress import ProgressBar
from tests.support.hub_process import CHECKOUT


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def parse(*arguments: str) -> HubOptions:
    declared, found = Arguments(), HubOptions()
    add_hub_options(declared)
    declared.parse("arc", "", arguments, found)
    return found


def test_the_defaults_of_a_hub_are_those_of_011(tmp_path: Path) -> None:
    settings = resolve_settings(parse(), tmp_path / "arc.sqlite3")
    assert (settings.host, settings.port, settings.port_given) == ("127.0.0.1", 6969, False)
    assert (settings.spool_dir, settings.allow_remote) == (tmp_path / ".arc-relay", False)
    limits = (settings.max_body_chars, settings.max_attachment_chars, settings.max_attachments)
    assert limits == (128_000, 256_000, 32)
    assert settings.presence_ttl_sec == 120


def test_a_hub_in_the_background_gets_every_option(tmp_path: Path) -> None:
    storage = tmp_path / "a.db"
    given = parse(
        *("--host", "0.0.0.0", "--port", "0", "--storage", str(storage), "--spool-dir", "/s", "--spool-mode", "2770"),  # noqa: S104
        *("--allow-remote", "--max-body-chars", "1", "--max-attachment-chars", "2", "--max-attachments", "3"),
        *("--presence-ttl-sec", "5.5", "--root", str(tmp_path)),
    )
    assert vars(parse(*arguments_for(given, storage))) == vars(given)


def test_what_a_storage_keeps_holds_for_its_next_start_and_what_is_given_comes_first(tmp_path: Path) -> None:
    storage = tmp_path / "arc.sqlite3"
    first = resolve_settings(parse("--host", "0.0.0.0", "--allow-remote", "--max-attachments", "3"), storage)  # noqa: S104
    write_options(str(storage), first.to_keep(7000))
    again = resolve_settings(parse(), storage)
    assert (again.host, again.port, again.allow_remote, again.max_attachments) == ("0.0.0.0", 7000, True, 3)  # noqa: S104
    assert not again.port_given
    other = resolve_settings(parse("--host", "127.0.0.1", "--max-attachments", "4"), storage)
    assert (other.host, other.allow_remote, other.max_attachments) == ("127.0.0.1", False, 4)


def test_options_that_came_with_a_copy_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    mine, copy = tmp_path / "mine", tmp_path / "copy"
    mine.mkdir()
    write_options(str(mine / "arc.sqlite3"), {"host": "0.0.0.0", "allow_remote": True})  # noqa: S104
    shutil.copytree(mine, copy)
    assert read_options(str(mine / "arc.sqlite3"))["allow_remote"] is True
    assert read_options(str(copy / "arc.sqlite3")) == {}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "65536"], "must be from 0 to 65535"),
        (["--port", "x"], "'x' is not a whole number"),
        (["--max-attachments", "0"], "must be at least 1"),
        (["--presence-ttl-sec", "4.9"], "must be at least 5 seconds"),
        (["--presence-ttl-sec", "nan"], "is not a number of seconds"),
        (["--spool-mode", "8"], "write 700 or 770, say"),
        (["--spool-mode", "077"], "write 700 or 770, say"),
    ],
)
def test_an_option_that_cannot_be_used_says_what_to_change(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_the_one_value_that_a_command_gives_is_indented_as_in_011(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1]})
    assert capsys.readouterr().out == '{\n  "a": [\n    1\n  ]\n}\n'


def test_an_error_is_one_line_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("two\nlines \ud800")
    assert capsys.readouterr().err == "arc error: two lines \\ud800\n"


def test_progress_is_drawn_on_a_terminal_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ProgressBar("rebuilding") as progress:
        progress(500, 1000)
    drawn = terminal.getvalue()
    assert "rebuilding [############............]  50%  500 of 1,000 events" in drawn
    assert drawn.endswith("\r\x1b[K")


def test_progress_is_silent_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("rebuilding") as progress:
        progress(1, 2)
    assert capsys.readouterr().err == ""


def names(commands: Mapping[str, Command | Group], prefix: str = "") -> list[tuple[str, Command]]:
    """All commands with their full names."""
    found: list[tuple[str, Command]] = []
    for name, command in commands.items():
        if isinstance(command, Group):
            found += names(command.commands, f"{prefix}{name} ")
        else:
            found.append((prefix + name, command))
    return found


@pytest.mark.parametrize(("name", "command"), [("", FOREGROUND), *names(COMMANDS)])
def test_every_command_says_what_it_does_and_how(
    name: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*name.split(), "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: arc {name}".rstrip())
    assert command.does.split()[0].lower() in told.lower()


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name}" not in told] == []


@pytest.mark.parametrize("arguments", [["bogus"], ["log"], ["log", "bogus"], ["post"], ["--bogus"]])
def test_arguments_that_cannot_be_used_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: arc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["pol"], "no command is called pol: did you mean arc poll"),
        (["replay"], "no command is called replay: did you mean arc log replay? arc --help lists them"),
        (["show"], "no command is called show: did you mean arc task show or arc log show? arc --help lists them"),
        (["verfy"], "no command is called verfy: did you mean arc log verify? arc --help lists them"),
        (["task", "dome"], "no command is called dome: did you mean arc task done? arc task --help lists them"),
        (["xyzzy"], "no command is called xyzzy: arc --help lists them"),
    ],
)
def test_a_command_that_is_not_there_is_answered_with_those_like_it(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("lock --agent ada", "PATH"),
        ("search", "WORD"),
        ("ack --agent ada", "ID"),
        ("answer 5", "ANSWER"),
        ("log erase", "ID"),
    ],
)
def test_a_command_says_which_of_its_words_is_missing(
    command: str, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 2
    assert f"error: the following arguments are required: {missing}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("unlock --agent ada", "name what is meant, or its --token"),
        ("refresh --agent ada", "name what is meant, or its --token"),
        ("release --agent ada", "name what is meant"),
        ("release --agent ada --token 7", "name what is meant"),
        ("with --agent ada", "say what to run after --"),
    ],
)
def test_a_command_about_leases_without_a_name_says_so_before_it_asks_a_hub(
    command: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == 2
    assert capsys.readouterr().err.startswith(f"arc error: {told}")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    from arc import __version__

    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"arc {__version__}\n")


@pytest.mark.parametrize("error", [CommandFailed("why"), OSError(28, "No space left on device", "a.db")])
def test_a_fault_of_the_machine_is_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object) -> int:
        raise error

    monkeypatch.setattr("cli.main.run", fail)
    assert main(["whoami"]) == 1
    told = capsys.readouterr().err
    assert told in {"arc error: why\n", "arc error: a.db: No space left on device\n"}


def test_a_fault_of_ours_shows_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("cli.main.run", fail)
    with pytest.raises(ZeroDivisionError):
        main(["whoami"])


def test_the_command_that_is_named_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("a_command")
    module.Options, module.add_arguments, module.run = Options, add_arguments, play  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_command", module)
    group = Group({"one": Command("a_command", "does one thing")}, "things")
    assert run("arc things", group, ["one", "--number", "7"]) == 7


class Options(Namespace):
    """Options of the command that this module plays."""

    number: int


def add_arguments(parser: Arguments) -> None:
    parser.add_argument("--number", type=int)


def play(options: Options) -> int:
    return options.number


def test_a_port_on_which_nothing_listens_has_no_hub(free_port: int) -> None:
    assert find_hub_at(f"http://127.0.0.1:{free_port}", 1.0) is None


def test_a_filesystem_that_machines_share_is_told(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\nserver:/x /net/my\\040files nfs4 rw 0 0\ntmpfs /net/my\\040files/t tmpfs rw\n"
    )
    assert find_unsafe_filesystem(Path("/net/my files/arc"), mounts) == "nfs4"
    assert find_unsafe_filesystem(Path("/net/my files"), mounts) == "nfs4"
    assert find_unsafe_filesystem(Path("/net/my files/t/arc"), mounts) is None
    assert find_unsafe_filesystem(Path("/net/my files too"), mounts) is None
    mounts.unlink()
    assert find_unsafe_filesystem(Path("/net/my files"), mounts) is None


def test_a_file_of_another_user_that_is_in_the_way_is_named_with_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, lock = tmp_path / "arc.sqlite3", tmp_path / ".arc.lock"
    storage.touch()
    lock.touch()
    told = f"it belongs to {lock.owner()}; run arc as {lock.owner()}, or check its permissions"

    def refuse(*_given: object, **_more: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "access", lambda *_given: False)
    for writing, what in ((True, "written"), (False, "read")):
        with pytest.raises(CommandFailed, match=f"arc.sqlite3 cannot be {what}: {told}"):
            check_access(storage, writing=writing)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(CommandFailed, match=f".arc.lock cannot be written: {told}"), holding(storage, 0.0):
        pass


def test_a_mount_without_a_source_and_one_with_a_strange_name_keep_no_hub_from_starting(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("overlay / overlay rw 0 0\n /mnt tmpfs rw 0 0\ns /a\\011b\\134c\\012d nfs4 rw 0 0\nshort\n")
    assert find_unsafe_filesystem(Path("/mnt/x"), mounts) is None
    assert find_unsafe_filesystem(Path("/a\tb\\c\nd/arc"), mounts) == "nfs4"


def test_the_manual_names_every_command_and_each_of_its_options() -> None:
    manual = (CHECKOUT / "docs" / "reference" / "command.md").read_text()
    for name, command in [("", FOREGROUND), *names(COMMANDS)]:
        declared = Arguments()
        command.load().add_arguments(declared)
        parser = declared.parser(f"arc {name}".rstrip(), "")
        assert f"`{parser.prog}" in manual
        about = part_about(manual, parser.prog)
        for action in parser._actions:
            for option in action.option_strings:
                assert option in {"-h", "--help"} or re.search(rf"`{option}[` ]", about), (parser.prog, option)


def part_about(manual: str, prog: str) -> str:
    """What the manual says of a command: its section, or for `arc log …` and `arc task …` its rows."""
    if prog == "arc task list":
        prog = "arc tasks"
    if prog.startswith("arc task "):
        shared = re.split(r"^## `arc task`$", manual, flags=re.MULTILINE)[1].split("| command")[0]
        reading = re.split(r"^## Reading$", manual, flags=re.MULTILINE)[1].split("###")[0]
        rows = [line for line in manual.splitlines() if re.match(rf"\| `{prog}[` ]", line)]
        return "\n".join([shared, reading, *rows])
    if prog.startswith(("arc log ", "arc token ")):
        return "\n".join(line for line in manual.splitlines() if re.match(rf"\| `{prog}[` ]", line))
    section = re.split(rf"^### `{prog}`$", manual, flags=re.MULTILINE)[1]
    section = re.split(r"^###? ", section, flags=re.MULTILINE)[0]
    if prog in {"arc post", "arc poll", "arc whoami"}:
        return re.split(r"^## Speaking as an agent$", manual, flags=re.MULTILINE)[1].split("###")[0] + section
    reading = re.split(r"^## Reading$", manual, flags=re.MULTILINE)[1].split("\n## ")[0]
    if f"### `{prog}`" in reading:
        return reading.split("###")[0] + section
    return section
