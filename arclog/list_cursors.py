"""What a list goes on after, where no single field of its rows says it."""


def lock_cursor(file_path: str, mode: str, agent_id: str) -> str:
    """Where the list of locks goes on: after a path, or, of a path that agents share, after one agent's row.

    Args:
        file_path: the row's path.
        mode: whether others may have the lock too.
        agent_id: who holds it.
    """
    return f"{file_path}@{agent_id}" if mode == "shared" else file_path
