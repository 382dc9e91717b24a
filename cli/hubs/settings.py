"""How a hub will be run: what was given, else what its storage keeps from before, else what is usual."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from arc.defaults import SPOOL_DIR
from arc.finding.kept_options import DEFAULTS, read_options
from arc.finding.repository import find_repository
from arc.urls import is_loopback
from cli.errors import CommandFailed
from cli.hubs.which_storage import spool_beside
from cli.options import HubOptions
from cli.paths import working_directory

if TYPE_CHECKING:
    from arclog.deciders.secrets import Rule

LOG_VARIABLE: Final = "ARC_LOG"
FILES: Final = ("spool_dir", "root", "token_file", "tls_cert", "tls_key")
IN_WORDS: Final = {name: f"--{name.replace('_', '-')}" for name in DEFAULTS}
"""What is kept, and the option that gives it."""


class HubSettings(NamedTuple):
    """How a hub is run.

    Attributes:
        storage: its database, absolute.
        host: the address to listen on.
        port: the port; 0 for any.
        port_given: whether it must be this port and no other.
        allow_remote: whether other machines may call.
        no_auth: whether they need no token for it.
        token_file: what holds the token; empty for the usual.
        proxy_headers: the addresses of trusted proxies, with commas between; empty for none.
        tls_cert: the file of a certificate, empty for connections that are not encrypted.
        tls_key: the file of its key.
        spool_dir: the relay's folder, absolute.
        spool_mode: the permissions of that folder.
        max_body_chars: the most characters in the body of a message.
        max_attachment_chars: the most characters of JSON in an attachment.
        max_attachments: the most attachments of a message.
        presence_ttl_sec: how long an agent may be silent, in seconds.
        root: the folder that paths of locks are relative to, absolute.
        log_format: how the hub's own output is written, `text` or `json`.
        rate: how many calls a second each sender on another machine may make.
        max_connections: how many connections each address of another machine may have at a time.
        max_open_calls: how many calls each sender there may have at a time that wait for their answers.
        secrets: what is done about secrets in messages.
        log: where the log is that the storage is a copy of; empty where the storage is the log.
    """

    storage: Path
    host: str
    port: int
    port_given: bool
    allow_remote: bool
    no_auth: bool
    token_file: str
    proxy_headers: str
    tls_cert: str
    tls_key: str
    spool_dir: Path
    spool_mode: int
    max_body_chars: int
    max_attachment_chars: int
    max_attachments: int
    presence_ttl_sec: float
    root: str
    log_format: str
    rate: float
    max_connections: int
    max_open_calls: int
    secrets: "Rule"
    log: str

    def to_keep(self, port: int) -> dict[str, object]:
        """What the storage keeps of it.

        Args:
            port: the port that the hub got.
        """
        kept: dict[str, object] = {name: getattr(self, name) for name in DEFAULTS}
        return {**kept, "port": port, "spool_dir": str(self.spool_dir)}


def given(options: HubOptions) -> dict[str, object]:
    """What the command line gave, by name."""
    found: dict[str, object] = {name: getattr(options, name) for name in DEFAULTS}
    for name in FILES:
        if found[name] is not None:
            found[name] = str(working_directory() / str(found[name]))
    return {name: value for name, value in found.items() if value is not None and value is not False}


def resolve_settings(options: HubOptions, storage: Path) -> HubSettings:
    """How the hub of `storage` is to be run.

    A host of this machine alone, when it is given, ends what `--allow-remote` allowed before.
    """
    said = given(options)
    usual: dict[str, Any] = {**DEFAULTS, "spool_dir": str(_usual_spool(options, storage)), "root": _usual_root()}
    shared = {"log": os.environ[LOG_VARIABLE]} if os.environ.get(LOG_VARIABLE) else {}
    chosen = {**usual, **read_options(str(storage)), **shared, **said}
    if chosen["log"]:
        _check_log(str(chosen["log"]))
    if "host" in said and is_loopback(str(said["host"])):
        chosen["allow_remote"] = "allow_remote" in said
    if "token_file" in said:
        chosen["no_auth"] = "no_auth" in said
    if bool(chosen["tls_cert"]) != bool(chosen["tls_key"]):
        raise CommandFailed("a certificate and its key go together: name both, with --tls-cert and --tls-key")
    return HubSettings(
        **{**chosen, "storage": storage, "port_given": "port" in said, "spool_dir": Path(chosen["spool_dir"])}
    )


def _check_log(url: str) -> None:
    """Refuse what is no log's URL, or holds a password, before it is kept or told to anybody."""
    from arclog.errors import InvalidInput
    from arclog.postgresql.address import read_address

    try:
        read_address(url)
    except InvalidInput as error:
        raise CommandFailed(f"--log {error.problem}") from None


def arguments_for(options: HubOptions, storage: Path) -> list[str]:
    """The arguments that run the hub of `storage`, from any folder, with what was given here."""
    resolved = resolve_settings(options, storage)
    said = {**given(options), "spool_dir": str(resolved.spool_dir), "root": resolved.root}
    arguments = ["--storage", str(storage)]
    for name, value in said.items():
        if value is True:
            arguments.append(IN_WORDS[name])
        else:
            arguments += [IN_WORDS[name], f"{value:o}" if name == "spool_mode" else str(value)]
    return arguments


def _usual_spool(options: HubOptions, storage: Path) -> Path:
    """The relay's folder: in the working directory for a storage that was named, else beside the storage."""
    return (working_directory() if options.storage is not None else spool_beside(storage)) / SPOOL_DIR


def _usual_root() -> str:
    """The top of the repository that the working directory is in, else that directory."""
    here = str(working_directory())
    repository = find_repository(here)
    return here if repository is None else repository.top
