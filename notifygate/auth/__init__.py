"""Who is calling: recipients by token, publishers by API key. Only `guard` knows Flask."""
