"""Sits between a client and any gateway: passes bytes on, records them, and spoils the line."""
