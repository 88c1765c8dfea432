"""Who is calling: recipients by token, publishers by API key. Knows no HTTP: `notifygate.api.guard` asks."""
