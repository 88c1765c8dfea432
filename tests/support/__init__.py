"""Real servers, real gateways, and their fixtures."""
