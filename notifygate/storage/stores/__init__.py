"""All SQL of the gateway, one module a group of tables, the two dialects side by side where they differ.

The functions take an open connection (`notifygate.storage.database`) and values of `notifygate.domain`. They decide
nothing: which change is allowed, and what follows from it, is the callers' part.
"""
