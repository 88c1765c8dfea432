"""The log: the ordered list of all changes. Written in groups, read by position, followed by every worker.

`writer` commits in groups, by `append` (publications) and `transaction` (other changes); `tail` has the newest entries
in memory, `follower` feeds it, and `catalog` caches the types and topics that entries of kind CONFIG change.
"""
