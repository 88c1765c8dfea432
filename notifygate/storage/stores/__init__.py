"""All SQL of the gateway, one module a group of tables, the two dialects side by side where they differ.

The functions use an open connection (`notifygate.storage.database`) and values of `notifygate.domain`. Their callers
decide which changes are allowed.
"""
