"""A small exchange behind a simulated IB Gateway."""
