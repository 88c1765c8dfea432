/** The cycle of polls: when the next one is sent, for how long it may be held, and the step after its answer. */

import type Notifygate from '../../types/index';
import { backOff, OFFLINE_SECONDS } from './back_off';
import type { Core } from './core';
import { isOurs, resign, stand } from './election';
import { emit } from './emitter';
import { deliver, forget } from './feed';
import { nextStep } from './ladder';
import { join, stop } from './life';
import { isLoop, type LoopGuard } from './loop_guard';
import { afterDeath, afterSurvival, holdFor, unexpired, type Path } from './path';
import type { Reply, Timer } from './platform';
import { failure, GRACE_SECONDS, send, type Flight } from './requests';
import { stored } from './shared';
import { post } from './tabs';

export interface PollState {
  flight: Flight | null;
  timer: Timer;
  etag: string | null;
  path: Path;
  /** Seconds for which the last poll asked to be held, and for which the gateway offered to hold. */
  hold: number;
  offered: number;
  hasMore: boolean;
  /**
   * The age at which a hold died, while the next poll has not yet shown whose fault it was. Negative: the next poll is
   * not held either, and teaches nothing.
   */
  suspicion: number | null;
  failures: number;
  /** Whether the last poll succeeded while the browser reported to be offline. */
  isOfflineWrong: boolean;
  /** No poll before, and for how long that was: milliseconds. */
  blockedUntil: number;
  blockedMs: number;
  guard: LoopGuard;
}

/** Statuses with which proxies end a hold. */
const CUT_OFF = /^(0|408|502|504|524)$/;
const DEFAULT_INTERVAL_SECONDS = 15;
/** Timers of more than 24.8 days are over at once. */
const LONGEST_REST_SECONDS = 86400;

/** Report the state of the client. `retrySeconds`: until the next poll. */
export function report(core: Core, mode: Notifygate.State['mode'], retrySeconds?: number): void {
  const state = core.ownState;
  state.mode = mode;
  state.leader = core.isLeader;
  state.hold = core.flight ? core.hold : 0;
  state.limit = core.path.wait || 0;
  state.retry = retrySeconds || 0;
  if (core.isLeader) post(core, { state: state });
  emit(core, 'state', (core.client.state = state));
}

/** Begin to lead. */
export function lead(core: Core): void {
  core.path = stored(core, 'path') || {};
  core.resume = core.isSynced ? null : stored(core, 'cursor');
  core.failures = 0;
  core.suspicion = core.etag = null;
  core.hasMore = false;
  poll(core);
}

/** End the poll that is on its way, and the rest between two. */
export function cut(core: Core): void {
  const flight = core.flight;
  core.ownPlatform.clearTimer(core.timer);
  core.flight = null;
  if (flight) {
    flight.isCut = true;
    if (flight.pending) flight.pending.abort();
  }
}

/** Give up a poll on which the device slept. */
export function giveUpOverdue(core: Core): void {
  if (core.flight && core.ownPlatform.now() > core.flight.due!) core.flight.pending!.abort();
}

function rest(core: Core, mode: Notifygate.State['mode'] | null, seconds: number): void {
  core.timer = core.ownPlatform.setTimer(() => poll(core, mode === 'offline'), Math.min(seconds, LONGEST_REST_SECONDS) * 1000);
  if (mode) report(core, mode, seconds);
}

function possibleHold(core: Core): number {
  const now = core.ownPlatform.now();
  core.path = unexpired(core.path, now);
  return holdFor(core.path, core.longestHold, now);
}

/**
 * Poll now, unless one is on its way, a `Retry-After` has not passed, or another tab polls. `isTrial`: also where the
 * browser reports to be offline; some do so for good.
 */
export function poll(core: Core, isTrial?: boolean): void {
  const platform = core.ownPlatform;
  const now = platform.now();
  const sent = core.cursor;
  const blockedMs = core.blockedUntil - now;
  platform.clearTimer(core.timer);
  if (!core.unlisten || core.flight) return;
  if (core.user === null) return join(core);
  if (!core.isLeader) return isTrial ? stand(core, true) : undefined;
  // More than there was: the clock was set back.
  if (blockedMs > 0 && blockedMs <= core.blockedMs) return rest(core, 'waiting', blockedMs / 1000);
  if (!isTrial && !core.isOfflineWrong && !platform.isOnline()) return rest(core, 'offline', OFFLINE_SECONDS);
  core.hold = !sent || core.hasMore || core.suspicion !== null || !platform.isVisible() ? 0 : possibleHold(core);
  // `_`: a browser that goes back to a page may answer its requests from the cache, however old that is (Firefox does).
  // Nothing would repair a snapshot that is older than the cursor that was stored since; so each has a URL of its own.
  core.flight = send(
    core,
    'GET',
    'inbox' + (sent ? '?cursor=' + sent + '&wait=' + core.hold : core.resume ? '?_=' + core.resume : ''),
    'cursor',
    null,
    (error, answer, reply) => {
      const age = (platform.now() - now) / 1000;
      core.flight = null;
      if (!isOurs(core)) resign(core);
      else if (error) failed(core, error, reply, age);
      else answered(core, sent, answer, reply, age);
    },
    core.hold,
    sent && 'If-None-Match',
    core.etag
  );
  report(core, core.hold ? 'long' : core.ownState.mode);
}

function failed(core: Core, error: Notifygate.Failure, reply: Reply, age: number): void {
  if (!core.hold || age < 1 || !core.token || !CUT_OFF.test('' + error.status)) return fail(core, error, reply);
  // Too long a hold, or has the gateway gone? The next poll shows it. A device that slept shows nothing.
  core.suspicion = age > core.hold + 2 * GRACE_SECONDS ? 0 : Math.min(age, core.hold);
  poll(core);
}

function answered(core: Core, sent: string | null | undefined, answer: any, reply: Reply, age: number): void {
  const now = core.ownPlatform.now();
  let isNews = false;
  core.isOfflineWrong = !core.ownPlatform.isOnline();
  if (isLoop(core.guard, sent, now)) {
    forget(core);
    return fail(core, failure(200, { code: 'loop' }), reply);
  }
  if (core.suspicion! > 0) core.path = afterDeath(core.path, core.suspicion!, now);
  else if (core.hold) core.path = afterSurvival(core.path, age, core.longestHold);
  stored(core, 'path', core.path);
  if (core.suspicion === null) core.failures = 0;
  core.suspicion = core.ownState.error = null;
  core.hasMore = !!sent && !answer.reset && !!answer.has_more;
  if (answer.cursor) {
    core.offered = answer.poll.wait;
    core.etag = reply.getResponseHeader('ETag');
    isNews = deliver(core, sent, answer);
  } else {
    core.ownState.notModified++;
    core.isFresh = false;
  }
  if (!core.isLeader || core.flight) return; // a handler has stopped or started the client
  const step = nextStep({
    hasMore: core.hasMore,
    wasWoken: isNews && core.hold > 0,
    isVisible: core.ownPlatform.isVisible(),
    possibleHold: possibleHold(core),
    askedHold: core.hold,
    offeredHold: core.offered,
    age: age,
    interval: +reply.getResponseHeader('Poll-Interval')! || DEFAULT_INTERVAL_SECONDS
  });
  if (step.restSeconds) rest(core, step.mode, step.restSeconds);
  else poll(core);
}

/** Return the seconds of `Retry-After`; a date counts from that of the answer, for the clock here may be wrong. */
function secondsOf(reply: Reply): number {
  const given = reply.getResponseHeader('Retry-After')!;
  return +given || (Date.parse(given) - Date.parse(reply.getResponseHeader('Date')!)) / 1000 || 0;
}

/** Wait after an error, or end. */
export function fail(core: Core, error: Notifygate.Failure, reply?: Reply): void {
  core.suspicion = -1;
  core.isOfflineWrong = false;
  core.ownState.error = error;
  if (error.code === 'invalid-cursor') forget(core);
  if (error.status === 401) {
    stop(core);
  } else {
    const retryAfter = error.status ? secondsOf(reply!) : 0;
    core.blockedMs = retryAfter * 1000;
    core.blockedUntil = core.ownPlatform.now() + core.blockedMs;
    error.retry = backOff(core.failures++, retryAfter, core.ownPlatform.random());
    rest(core, 'waiting', error.retry);
  }
  emit(core, 'error', error);
}
