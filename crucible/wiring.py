"""Join the halves that may not import each other: evidence that changed, and what was signed."""


def connect() -> None:
    """Connect the signals; called once, when every app is loaded."""
