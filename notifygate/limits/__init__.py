"""Rate limits: how much a principal may do in a minute."""
