"""Where other machines reach a hub."""

import socket
from typing import Final

from arc.urls import WILDCARDS, is_loopback, url_of

ELSEWHERE: Final = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses of nobody, to ask the system by which of its own it would go there; nothing is sent."""


def lan_url(host: str, port: int, *, secure: bool = False) -> str:
    """The URL for other machines of a hub that listens on `host`; empty where only this machine reaches it."""
    if is_loopback(host):
        return ""
    if host not in WILDCARDS:
        return url_of(host, port, secure=secure)
    families = (socket.AF_INET6, socket.AF_INET) if host == "::" else (socket.AF_INET,)
    for family in families:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((ELSEWHERE[family], 9))
                own = probe.getsockname()[0]
        except OSError:
            continue
        if not is_loopback(own) and own not in WILDCARDS:
            return url_of(own, port, secure=secure)
    return ""
