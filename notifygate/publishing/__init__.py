"""Publishing: putting notifications into the log and taking them out again."""
