"""Template tags of validation."""
