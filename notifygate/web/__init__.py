"""Files for browsers: the client, the bell and the demo page."""
