"""Measures the simulated gateway against the thinnest server that could stand in its place."""
