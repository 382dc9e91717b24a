"""The reference page of the log leaves nothing out."""

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from arclog.codec import Metadata
from arclog.events import EVENT_TYPES
from arclog.proof.export import ExportedEvent, Footer, Header
from arclog.proof.findings import Place, Problem

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "log.md").read_text()


@pytest.mark.parametrize("name", [*EVENT_TYPES, *get_args(Place), *get_args(Problem)])
def test_it_names_every_type_of_event_and_every_kind_of_finding(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("struct", [Metadata, Header, ExportedEvent, Footer])
def test_it_names_every_field_of_what_is_stored_and_exported(struct: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(struct):
        assert f"`{field.encode_name}`" in PAGE, field
