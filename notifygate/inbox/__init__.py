"""The inbox: one recipient's private view of the log. Polls, state, history, counts, preferences, topics."""
