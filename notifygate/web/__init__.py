"""What browsers get: the client, the bell and the demo page."""
