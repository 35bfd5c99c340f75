"""The scenarios, a file for each subject, and what they share."""
