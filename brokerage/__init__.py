"""The way to a broker, real or simulated."""
