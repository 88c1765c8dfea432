"""HTTP without a server: requests, responses and the steps between them, shared by all transports."""
