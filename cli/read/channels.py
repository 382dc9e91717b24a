"""`arc channels`: the rooms there are."""

from cli.arguments import Arguments
from cli.read.listing import ReadOptions, add_read_options, field, list_all, print_rows, second

COLUMNS = (("channel", field("name")), ("made by", field("created_by")), ("at", second("created_at")))


class Options(ReadOptions):
    """How to print them."""


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_read_options(parser)


def run(options: Options) -> int:
    """Print the channels by name."""
    return print_rows(options, list_all(options, "/v1/channels", "name"), COLUMNS)
