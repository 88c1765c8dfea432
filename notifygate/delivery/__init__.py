"""Requests that wait for changes: their states, the registry that ends them, and the pacing of clients."""
