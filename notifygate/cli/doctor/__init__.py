"""`notifygate doctor`: faults in a gateway's surroundings that keep it from serving, with their remedies.

| module | checks |
|---|---|
| `check_settings` | variables, secrets, the data folder |
| `check_machine` | the limit on open files, room on the disk |
| `check_database` | the connection, the schema, durability, connections, the clock |
| `check_redis` | version, permissions, and that a message comes back |
| `check_proxy` | what becomes of a request on its way through `--url` |

The checks change nothing that lasts: no file is made, no row is written, no inbox begins.
"""
