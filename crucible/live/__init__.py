"""Tell browsers that something changed, as it happens."""
