"""The REST API of validation."""
