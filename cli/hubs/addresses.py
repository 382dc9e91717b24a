"""Addresses: which of them are this machine's own, and how a hub there is called."""

import ipaddress
import socket
from typing import Final

WILDCARDS: Final = ("", "0.0.0.0", "::")  # noqa: S104 - they are recognised here, not bound
LOOPBACK_NAMES: Final = ("localhost", "localhost.localdomain", "ip6-localhost")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_own(host: str) -> bool:
    """Whether `host` is an address of this machine; a name that would have to be looked up is not."""
    if is_loopback(host):
        return True
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        ipaddress.ip_address(host)
        with socket.socket(family) as probe:
            probe.bind((host, 0))  # only its own addresses can be bound
    except (ValueError, OSError):
        return False
    return True


def url_of(host: str, port: int) -> str:
    """Where programs on this machine reach a hub that listens on `host`."""
    if host in WILDCARDS:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
