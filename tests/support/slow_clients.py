"""Clients that send slowly, or without end."""

import socket
import time


def is_cut_while_sending(connection: socket.socket, piece: bytes, *, times: int, pause_sec: float = 0) -> bool:
    """Whether the hub closes the connection while a piece is sent again and again."""
    try:
        for _ in range(times):
            connection.sendall(piece)
            time.sleep(pause_sec)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False
