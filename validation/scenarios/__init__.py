"""The scenarios, one file for each category."""
