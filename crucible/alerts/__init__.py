"""Alerts that a person must acknowledge."""
