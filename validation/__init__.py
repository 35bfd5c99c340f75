"""Sessions that put the bot to the test."""
