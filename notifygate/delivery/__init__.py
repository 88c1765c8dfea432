"""Requests that wait for news: their states, the registry that ends them, and the pace at which clients return."""
