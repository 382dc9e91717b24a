"""How a command that reads is carried out: ask the hub for what its view names, and print the columns of it."""

from __future__ import annotations

from arc.urls import query, segment
from arclog.limits import MAX_ANSWER_BYTES
from cli.arguments import Arguments, Namespace
from cli.options import add_base_url, moment
from cli.output import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

    Row = dict[str, Any]
    Column = tuple[str, Callable[[Row], object]]


class Parameter:
    """An argument of the command that is a parameter of the request.

    Args:
        name: the positional or the option.
        into: the parameter of the query; empty for a part of the path.
        how: the keywords of the argument.
    """

    __slots__ = ("how", "into", "name")

    def __init__(self, name: str, into: str = "", **how: Any) -> None:  # noqa: ANN401 - as argparse has it
        self.name: Final = name
        self.into: Final = into
        self.how: Final = how

    @property
    def target(self) -> str:
        """The attribute of the options that has its value."""
        return self.name.lstrip("-").replace("-", "_")


class ReadOptions(Namespace):
    """Where to ask, of which moment, and how to print it; and a value for each parameter of the view."""

    base_url: str | None
    as_of: str | None
    json: bool


class View:
    """A list of rows.

    Args:
        path: where it is; `{name}` stands for the value of a positional.
        columns: what is shown of a row.
        parameters: what may be asked for.
        key: the field after which the next page begins, or what makes it of a row; empty where one page is all that
            is asked for.
        max_bytes: how long one answer may be; a list that is longer takes several.
    """

    Options: Final = ReadOptions

    def __init__(
        self,
        path: str,
        columns: Sequence[Column],
        *,
        parameters: Sequence[Parameter] = (),
        key: str | Callable[[Row], str] = "",
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.max_bytes: Final = max_bytes
        self.path: Final = path
        self.columns: Final = columns
        self.parameters: Final = parameters
        self.key: Final = key

    def add_arguments(self, parser: Arguments) -> None:
        """Declare `ReadOptions` and the parameters."""
        for one in self.parameters:
            parser.add_argument(one.name, **one.how)
        parser.add_argument(
            "--as-of",
            type=moment,
            metavar="N",
            help="as things stood right after event N, or at a time such as 2026-11-22T12:00:00Z",
        )
        parser.add_argument("--json", action="store_true", help="the hub's JSON, on one line")
        add_base_url(parser)

    def run(self, options: ReadOptions) -> int:
        """Print what there is; 0.

        Raises:
            ArcError: the hub refused, or is not there.
        """
        self.show(self.fetch(options), as_json=options.json)
        return 0

    def fetch(self, options: ReadOptions) -> Any:  # noqa: ANN401 - decoded JSON
        """The result, however many answers it takes."""
        from arc.http import HttpTransport

        values = vars(options)
        places = {one.target: segment(str(values[one.target])) for one in self.parameters if not one.into}
        asked = {one.into: values[one.target] for one in self.parameters if one.into}
        asked = {"max_bytes": self.max_bytes, **asked, **self.implied(asked), "as_of": options.as_of}
        transport, path = HttpTransport(options.base_url), self.path.format(**places)
        rows: list[Row] = []
        while True:
            given = {name: 1 if value is True else value for name, value in asked.items() if value not in {None, False}}
            answer = transport.call("GET", f"{path}?{query(given)}" if given else path)
            if not self.key:
                return answer["result"]
            rows += answer["result"]
            if not answer.get("more"):
                return rows
            asked["after"] = rows[-1][self.key] if isinstance(self.key, str) else self.key(rows[-1])

    def implied(self, asked: dict[str, Any]) -> dict[str, object]:
        """Parameters that follow from those that were given."""
        return {}

    def show(self, result: Any, *, as_json: bool) -> None:  # noqa: ANN401 - decoded JSON
        """Print the result, as JSON or as a table."""
        if as_json:
            print(to_json(result))
        else:
            self.print_rows(result)

    def print_rows(self, rows: Sequence[Row]) -> None:
        """Print rows as a table."""
        from cli.tables import print_table

        headings = [heading for heading, _cell in self.columns]
        print_table(headings, [[cell(row) for _heading, cell in self.columns] for row in rows])


class Newest(View):
    """A page of messages: the newest, unless an id is given after which to begin."""

    def implied(self, asked: dict[str, Any]) -> dict[str, object]:
        """The last ones, where no id is given."""
        return {"tail": asked["since_id"] is None}


class ChannelOrThread(Newest):
    """A page of messages of a channel or a thread."""

    def implied(self, asked: dict[str, Any]) -> dict[str, object]:
        """The general channel, where neither channel nor thread is given."""
        nothing = asked["channel"] is None and asked["thread_id"] is None
        return {**super().implied(asked), **({"channel": "general"} if nothing else {})}


class Search(View):
    """What answers a question of several words."""

    def implied(self, asked: dict[str, Any]) -> dict[str, object]:
        """The words as one text, and the order by its name."""
        return {"q": " ".join(asked["q"]), "order": "best" if asked["order"] else None, "max_bytes": None}


class WithQueue(View):
    """A list of what is held, and below it who waits for any of it.

    Args:
        name: what it is called beside the queue, as JSON.
        path: where it is.
        columns: what is shown of a row.
        queue: who waits.
        parameters: what may be asked for.
        key: the field after which the next page begins, or what makes it of a row.
    """

    def __init__(
        self,
        name: str,
        path: str,
        columns: Sequence[Column],
        queue: View,
        *,
        parameters: Sequence[Parameter] = (),
        key: str | Callable[[Row], str] = "",
    ) -> None:
        super().__init__(path, columns, parameters=parameters, key=key)
        self._name = name
        self._queue = queue

    def run(self, options: ReadOptions) -> int:
        """Print what is held, and who waits for how long; 0. As JSON, both stand in one object."""
        held, waiting = self.fetch(options), self._queue.fetch(options)
        if options.json:
            print(to_json({self._name: held, "waiting": waiting}))
            return 0
        self.print_rows(held)
        if waiting:
            print("\nwaiting:")
            self._queue.print_rows(waiting)
        return 0


class Whole(View):
    """One thing with all that is in it.

    Args:
        path: where it is.
        head: the field with the thing itself, and its view.
        parts: the fields with what is in it, and their views.
        parameters: what may be asked for.
    """

    def __init__(
        self,
        path: str,
        head: tuple[str, View],
        parts: Sequence[tuple[str, View]],
        *,
        parameters: Sequence[Parameter] = (),
    ) -> None:
        super().__init__(path, (), parameters=parameters)
        self._head = head
        self._parts = parts

    def show(self, result: Any, *, as_json: bool) -> None:  # noqa: ANN401 - decoded JSON
        """Print the thing, and a table for each kind of what is in it."""
        if as_json:
            super().show(result, as_json=True)
            return
        name, view = self._head
        view.print_rows([result[name]])
        for name, view in self._parts:
            if result[name]:
                print()
                view.print_rows(result[name])


def field(name: str) -> Callable[[Row], object]:
    """A column that shows a field as it is."""
    return lambda row: row[name]


def second(name: str) -> Callable[[Row], object]:
    """A column that shows a time to the second."""
    return lambda row: None if row[name] is None else f"{row[name][:19]}Z"
