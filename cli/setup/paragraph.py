"""What agents are told of the hub in the file of instructions that their harness reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from arc.harnesses import HARNESSES
from cli.setup.edits import Edit, block

TEXT: Final = """\
## Working beside other agents

Other agents may work in this repository at the same time. A hub (Arc) keeps track of who edits what.

- A file that you edit is locked for you automatically until your turn ends. When an edit is refused, the refusal says
  who holds the file and until when: wait, ask that agent with a direct message, or do something else first.
- When a file was written by another agent since you read it, read it again before you edit it.
- Set aside, reset, clean and commit your own files only, by their names. End your own processes by their ids.
- Say what you are about to do in `general` when it concerns others, and answer when you are asked. With MCP the tools
  are called `arc_…`; in your shell `arc post TEXT`, `arc poll`, `arc locks`, `arc agents`, which know who you are.
"""


def paragraphs_for(harnesses: set[str], top: Path) -> Iterator[Edit]:
    """The edits of the files that harnesses read."""
    put, take = block(TEXT, "<!-- ", " -->")
    for name in sorted({HARNESSES[harness].instructions for harness in harnesses}, reverse=True):
        yield Edit(top / name, put, take, "what agents should know")
