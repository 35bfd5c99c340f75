"""The TWS wire protocol, server side, without I/O."""
