"""The domain: notifications, audiences, principals, cursors, entries. Pure: no I/O, no Flask, no SQL."""
