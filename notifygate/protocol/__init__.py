"""HTTP without a server: requests, responses and the steps between them, for every way in which a request arrives."""
