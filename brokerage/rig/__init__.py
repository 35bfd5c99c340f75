"""The simulated gateway for people: a command line, scripts of faults, and a fixture for tests."""
