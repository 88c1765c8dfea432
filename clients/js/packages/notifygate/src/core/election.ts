/**
 * Which tab polls for all: the leader.
 *
 * The lease, a record in the shared storage, names the leader, when its timers ran last, and whether it can be seen. A
 * tab takes over when there is no lease, when the lease was not renewed in time, or when the leader is hidden and the
 * tab is not. Where there are locks, only the holder of the lock leads, and the lock of a leader that hangs is stolen;
 * elsewhere the tab leads that wrote the lease last.
 */

import type { Core } from './core';
import { hello } from './feed';
import type { Timer } from './platform';
import { cut, giveUpOverdue, lead as beginToPoll, report } from './poller';
import { stored } from './shared';

const BEAT_MS = 1500;
const STALE_MS = 4500;
/** The timers of hidden tabs run once a minute. */
const STALE_HIDDEN_MS = 30 * STALE_MS;
/** Without locks: long enough for another tab's lease to be seen. */
const SETTLE_MS = 100;

export interface Lease {
  id: string;
  at: number;
  visible: boolean;
}

export interface ElectionState {
  isLeader: boolean;
  /** Gives the lock back. */
  release: (() => void) | null;
  beat: Timer;
}

/** Return whether a tab leaves the lead to the one that a lease names. */
export function isRespected(lease: Lease | null | undefined, now: number, isVisible: boolean): boolean {
  const staleMs = isVisible ? STALE_MS : STALE_HIDDEN_MS;
  return !!lease && Math.abs(now - lease.at) < staleMs && (lease.visible || !isVisible);
}

/** Return whether no other tab has taken the lease. */
export function isOurs(core: Core): boolean {
  const lease: Lease | undefined = stored(core, 'lease');
  return !lease || lease.id === core.tabId;
}

function writeLease(core: Core): void {
  stored(core, 'lease', { id: core.tabId, at: core.ownPlatform.now(), visible: core.ownPlatform.isVisible() });
}

function lead(core: Core): void {
  if (core.user === null || core.isLeader) return;
  core.isLeader = true;
  writeLease(core);
  beginToPoll(core);
}

/** Stop leading. Another tab may take over at once, or this one at its next beat. */
export function resign(core: Core): void {
  cut(core);
  core.isWaiting = true;
  if (!core.isLeader) return;
  if (isOurs(core)) stored(core, 'lease', null);
  if (core.release) core.release();
  core.isLeader = false;
  core.release = null;
  report(core, core.ownState.mode);
}

/** Take over. `isTaken`: from another tab. */
export function stand(core: Core, isTaken: boolean): void {
  let wasTaken = false;

  function taken(release: () => void): void {
    wasTaken = true;
    if (core.user === null) return release();
    core.release = release;
    lead(core);
  }

  function claim(): void {
    writeLease(core);
    core.ownPlatform.setTimer(
      () => {
        if (isOurs(core)) lead(core);
      },
      SETTLE_MS * (1 + core.ownPlatform.random())
    );
  }

  function lost(): void {
    if (wasTaken) resign(core);
    else claim();
  }

  if (!core.ownPlatform.takeLock(core.key, isTaken, taken, lost)) claim();
}

/** Look at the lease now, and from then on at each beat, until this client leaves the others. */
export function tick(core: Core): void {
  const platform = core.ownPlatform;
  const lease: Lease | undefined = stored(core, 'lease');
  platform.clearTimer(core.beat);
  core.isLeft = false;
  if (core.user === null) return;
  core.beat = platform.setTimer(() => tick(core), BEAT_MS);
  if (!core.isShared) lead(core);
  if (core.isLeader) {
    if (!isOurs(core)) return resign(core);
    writeLease(core);
    giveUpOverdue(core);
  } else {
    if (core.isWaiting) hello(core);
    if (!isRespected(lease, platform.now(), platform.isVisible())) stand(core, !!lease);
  }
}
