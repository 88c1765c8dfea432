"""What a notification, an audience, a recipient and a cursor are. Pure: no I/O, no Flask, no SQL."""
