"""The session watch: is the gateway alive, are data fresh, orders answered, books in agreement?"""

from validation.watch.process import Assignment, Watch

__all__ = ["Assignment", "Watch"]
