"""The log: the one ordered list of changes. Written in groups, read by position, followed by every worker.

`writer` appends (group commit), `reader` reads from the database, `tail` keeps the newest entries in memory,
`follower` feeds the tail, `announcements` carries the news of a commit to other workers, `catalog` keeps what entries
of kind CONFIG are about.
"""
