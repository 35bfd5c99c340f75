"""What a person is told, in a sentence, when a command or a test cannot go on."""


class RefusedError(Exception):
    """A request that makes no sense as it was written; commands end with exit code 2."""
