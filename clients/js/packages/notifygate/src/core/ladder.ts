/**
 * The ladder of transports: what the client does next after an answer. The first rung that applies is taken.
 *
 * A further transport is a further rung.
 */

import type Notifygate from '../../types/index';

/** The situation after an answer. */
export interface Situation {
  /** The gateway has more at once. */
  hasMore: boolean;
  /** Something new came, by a request that was held. */
  wasWoken: boolean;
  isVisible: boolean;
  /** The longest hold that the path allows, in seconds; 0: none. */
  possibleHold: number;
  /** How long the gateway was asked to hold the request, and how long it offered to; seconds, 0: not held. */
  askedHold: number;
  offeredHold: number;
  /** The age of the request at its answer, in seconds. */
  age: number;
  /** The gateway's interval for short polls, in seconds. */
  interval: number;
}

export interface Step {
  /** null: the state of the client doesn't change for such a short rest. */
  mode: Notifygate.State['mode'] | null;
  restSeconds: number;
}

/** News that come in a burst are taken together. */
export const PAUSE_SECONDS = 0.2;
const HIDDEN_SECONDS = 60;
/** A hold that ends before this part of its time, and brings nothing, was ended by a gateway that stops or is full. */
const EARLY = 0.8;

function endedEarly(now: Situation): boolean {
  return !!now.askedHold && now.age < EARLY * Math.min(now.askedHold, now.offeredHold || now.askedHold);
}

function step(mode: Step['mode'], restSeconds: number): Step {
  return { mode: mode, restSeconds: restSeconds };
}

export function nextStep(now: Situation): Step {
  if (now.hasMore) return step(null, 0);
  if (now.wasWoken) return step(null, PAUSE_SECONDS);
  if (!now.isVisible) return step('hidden', Math.max(HIDDEN_SECONDS, now.interval));
  if (!now.possibleHold || endedEarly(now)) return step('short', now.interval);
  return step('long', 0);
}
