"""What a person is told, in a sentence, when a command or a test cannot go on."""

import errno


class RefusedError(Exception):
    """A request that makes no sense as it was written; commands end with exit code 2."""


def unable_to_listen(host: str, port: int, error: OSError, option: str = "--port") -> RefusedError:
    """Why nothing listens there, and what to do."""
    if error.errno == errno.EADDRINUSE:
        taken = f"Port {port} on {host} is taken"
        return RefusedError(f"{taken} ({error}); stop what listens there or choose {option} 0.")
    return RefusedError(f"Nothing can listen on {host}:{port} ({error}); choose another address.")
