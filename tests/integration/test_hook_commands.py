"""Shell commands as agents write them: those that would destroy a sibling's work are refused, the others run.

The two lists were written by somebody who had not seen how commands are read.
"""

import json
import sys
from pathlib import Path

from tests.support.hook_windows import Window, make_tree
from tests.support.served_hub import served_hub

LISTS = Path(__file__).parent / "commands"
DANGEROUS: list[str] = json.loads((LISTS / "dangerous.json").read_text(encoding="utf-8"))
HARMLESS: list[str] = json.loads((LISTS / "harmless.json").read_text(encoding="utf-8"))
MAY_BE_REFUSED = 4
"""How many harmless ones may be refused, of two hundred."""


def test_commands_that_destroy_are_refused_and_harmless_ones_run(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", "README.md", "src/mine.py", "src/other.py")
    with served_hub(tree) as hub:
        me, sibling = Window(hub, tree, "me"), Window(hub, tree, "sibling")
        for window, name in ((sibling, "src/other.py"), (me, "src/mine.py")):
            window.start()
            assert window.edit(name) == ""
        let_through = [command for command in DANGEROUS if not me.run(command)]
        refused = [command for command in HARMLESS if me.run(command)]
    figures = f"{len(DANGEROUS) - len(let_through)} of {len(DANGEROUS)} dangerous ones refused"
    sys.stdout.write(f"{figures}, {len(refused)} of {len(HARMLESS)} harmless ones\n")
    assert let_through == []
    assert len(refused) <= MAY_BE_REFUSED, refused
