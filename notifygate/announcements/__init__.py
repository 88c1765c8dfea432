"""Announcements: how the workers learn at once of each other's commits.

An announcer sends what this worker has committed and offers what others have. It carries hints: nothing depends on an
announcement that arrives, since each worker also polls the log head. `NullAnnouncer` announces nothing, which is right
for one worker and slow for several; `RedisAnnouncer` uses a channel of Redis.
"""
