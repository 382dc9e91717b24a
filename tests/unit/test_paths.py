"""Paths: one key for one file, however it is spelled."""

import pytest

from arclog.errors import InvalidInput, OutsideRoot
from arclog.paths import Key, Root, key_contains, make_key, parse_key
from projections.hub.roots import path_of_uri

ROOT = Root("/home/ada/arc")
TREE = Root("/home/ada/arc-fix")
WEB = Root("/home/ada/web", "/home/ada/web/.git")
INNER = Root("/home/ada/arc/vendored", "/home/ada/arc/vendored/.git")


def key(path: str, root: Root = ROOT, **given: bool) -> str:
    return make_key("file_path", path, root, (TREE, WEB, INNER), **given)


@pytest.mark.parametrize(
    "spelled",
    [
        "src/a.py", " src/a.py ", "./src/a.py", "src//a.py", "src/./a.py", "src/b/../a.py", "src/a.py/",
        "x/../src/a.py", "/home/ada/arc/src/a.py", "/home/ada/../ada/arc//src/a.py", "/home/ada/arc-fix/src/a.py",
    ],
)  # fmt: skip
def test_one_file_has_one_key_however_it_is_spelled(spelled: str) -> None:
    assert key(spelled) == "src/a.py"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("file:///x/a", "/x/a"),
        ("file://localhost/x/a", "/x/a"),
        ("file:/x/a", "/x/a"),
        ("File:///x/a%20b/%C3%A9", "/x/a b/\u00e9"),
        (" file:///x/a", "/x/a"),
        ("file:///C:/x", "/C:/x"),
        ("/x/a", "/x/a"),
        ("src/a%20b", "src/a%20b"),
        ("file://elsewhere/x/a", "file://elsewhere/x/a"),
        ("file:a", "file:a"),
        ("profile:/x", "profile:/x"),
    ],
)
def test_a_uri_of_a_file_of_this_machine_names_its_path(said: str, meant: str) -> None:
    assert path_of_uri(said) == meant


def test_a_name_is_brought_to_one_form_of_unicode() -> None:
    assert key("cafe\u0301/\u212b.py") == key("caf\u00e9/\u00c5.py") == "caf\u00e9/\u00c5.py"


def test_a_backslash_separates_on_windows_and_is_a_letter_elsewhere() -> None:
    assert key("src\\a.py") == "src\\a.py"
    assert key("src\\.\\a.py", windows=True) == "src/a.py"
    drive = Root("C:/project/arc", folds_case=True)
    assert key("c:\\Project\\arc\\Src\\A.py", drive, windows=True) == "src/a.py"
    assert key(path_of_uri("file:///c:/Project/arc/Src/A.py"), drive, windows=True) == "src/a.py"


def test_case_is_folded_where_the_roots_filesystem_folds_it_and_only_there() -> None:
    folding = Root("/Users/Ada/Arc", folds_case=True)
    assert key("/users/ada/arc/SRC/A.py", folding) == key("Src/a.PY", folding) == "src/a.py"
    assert key("Stra\u00dfe", folding) == key("STRASSE", folding)
    assert key("SRC/A.py") == "SRC/A.py"


@pytest.mark.parametrize(
    "name", ["app/[id]/page.tsx", "app/(group)/@modal/[...slug]/page.tsx", "port/8080", "a{b}", "#x"]
)
def test_any_other_character_is_an_ordinary_one(name: str) -> None:
    assert key(name) == name


@pytest.mark.parametrize("path", ["../x", "src/../../x", "/etc/passwd", "/home/ada/arcade/x", "/home", "/"])
def test_what_leaves_the_root_is_refused_and_the_refusal_names_the_root(path: str) -> None:
    with pytest.raises(OutsideRoot, match="is not below /home/ada/arc: write it from there"):
        key(path)


def test_a_file_of_another_repository_is_another_file() -> None:
    assert key("/home/ada/web/src/a.py") == key("src/a.py", WEB) == "/home/ada/web/.git//src/a.py"


def test_of_roots_inside_each_other_the_innermost_counts() -> None:
    assert key("/home/ada/arc/vendored/a.py") == "/home/ada/arc/vendored/.git//a.py"


def test_a_key_may_mean_one_working_tree_alone() -> None:
    assert key("/home/ada/arc-fix/src/a.py", tree=True) == "///home/ada/arc-fix//src/a.py"
    assert key("src/a.py", tree=True) == "///home/ada/arc//src/a.py"


@pytest.mark.parametrize("whole", [".", "./", "**", "**/**", "/home/ada/arc", "src/.."])
def test_the_root_itself_is_everything_below_it(whole: str) -> None:
    assert key(whole) == "**"


def test_several_doubled_stars_in_a_row_are_one() -> None:
    assert key("src/**/**/a.py") == "src/**/a.py"


@pytest.mark.parametrize("path", ["", " ", "a\nb", "x" * 4097, "*" + "x" * 255])
def test_what_is_blank_or_too_long_or_holds_control_characters_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        key(path)


@pytest.mark.parametrize("parts", [("", "", "a"), ("/r/.git", "", "a/b"), ("", "/t", "**"), ("/r/.git", "/t", "a/b")])
def test_a_key_is_read_as_it_was_written(parts: tuple[str, str, str]) -> None:
    assert parse_key(str(Key(*parts))) == Key(*parts)


def test_the_key_of_all_working_trees_contains_that_of_one() -> None:
    assert key_contains("src/**", "///t//src/a.py")
    assert not key_contains("///t//src/**", "src/a.py")
    assert not key_contains("///t//src/**", "///u//src/a.py")
    assert not key_contains("src/**", "/r/.git//src/a.py")
