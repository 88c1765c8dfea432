"""Periodic jobs, which run in every worker. One job a file, one line each below.

There is no leader: a job checks first and locks only when there is something to do, and the second worker finds nothing
left (docs/adr/0004-no-elected-housekeeper.md).
"""

from notifygate.jobs.capacity import report_capacity
from notifygate.jobs.checkpoint import copy_write_ahead_log
from notifygate.jobs.expiry import expire_notifications
from notifygate.jobs.log_lines import count_dropped_lines
from notifygate.jobs.retention import prune_database
from notifygate.jobs.runner import Job
from notifygate.jobs.write_probe import probe_writes

JOBS = (
    Job("write probe", every_seconds=1.0, run=probe_writes),
    Job("expiry", every_seconds=1.0, run=expire_notifications),
    Job("checkpoint", every_seconds=1.0, run=copy_write_ahead_log),
    Job("capacity", every_seconds=5.0, run=report_capacity),
    Job("dropped log lines", every_seconds=5.0, run=count_dropped_lines),
    Job("retention", every_seconds=3600.0, jitter=0.5, run=prune_database),
)
"""All jobs."""
