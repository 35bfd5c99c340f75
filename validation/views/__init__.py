"""The pages of validation."""
