"""Validation over REST: sessions, results, checklists, configuration, board, CI uploads."""
