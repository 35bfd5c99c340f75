"""What a person is told, in a sentence, when a command or a test cannot go on."""

import errno


class RefusedError(Exception):
    """A request that makes no sense as it was written; commands end with exit code 2."""


def reason(error: Exception) -> str:
    """What went wrong, without the numbers and names that an OSError repeats."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def unable_to_listen(host: str, port: int, error: OSError, option: str = "--port") -> RefusedError:
    """Why nothing listens there, and what to do."""
    if error.errno == errno.EADDRINUSE:
        taken = f"Port {port} on {host} is taken"
        return RefusedError(f"{taken}; stop what listens there or choose {option} 0.")
    why = reason(error)
    return RefusedError(f"Nothing can listen on {host}:{port} ({why}); choose another address.")
