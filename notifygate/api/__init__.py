"""HTTP: the endpoints of docs/protocol.md, and the one place that maps errors to answers."""
