"""Authentication: recipients by token, publishers by API key. Knows no HTTP: `notifygate.protocol.pipeline` asks."""
