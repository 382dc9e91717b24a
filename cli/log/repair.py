"""`arc log repair`: tables that do not follow from the log are made again from it."""

from cli.arguments import Arguments
from cli.log.storage import storage_of
from cli.options import StorageOptions, add_storage_option
from cli.progress import ProgressBar
from projections.rebuilding.repair import repair

OPERATOR = "operator"
"""Who did it, where nobody is named."""


class Options(StorageOptions):
    """Which storage, and who has it done."""

    agent: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "--agent", default=OPERATOR, metavar="ID", help=f"who has it done; it stays in the log ({OPERATOR})"
    )
    add_storage_option(parser)


def run(options: Options) -> int:
    """Repair, and say what; 0 when the tables follow from the log afterwards.

    Raises:
        StorageError: the log itself is damaged, or cannot be read.
    """
    storage = storage_of(options)
    with ProgressBar("verifying") as verifying, ProgressBar("replaying") as replaying:
        repaired = repair(storage, options.agent, verifying, replaying)
    if repaired.event_id is None:
        print(f"{storage}: nothing to repair: the tables follow from the log, up to event {repaired.head}")
        return 0
    made = ", ".join([*repaired.tables, *(["the index of idempotency keys"] if repaired.keys else [])])
    print(f"{storage}: made again from the log (event {repaired.event_id}): {made}")
    return 0
