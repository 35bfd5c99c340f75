"""Faults on demand: what real gateways did to real bots, one class each."""
