"""Databases that are not ours, and must stay as they are."""

import sqlite3
from pathlib import Path


def make_011_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT); CREATE TABLE sessions (id TEXT);"
        "CREATE TABLE claims (k TEXT); CREATE TABLE locks (p TEXT); INSERT INTO messages (body) VALUES ('precious');"
    )
    connection.close()


def make_foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup');")
    connection.close()


def make_named_foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA application_id = 1234; VACUUM;")
    connection.close()
