/**
 * The ladder of transports: what the client does next after an answer. The first rung that applies is taken.
 *
 * A further transport is a further rung.
 */

import type Notifygate from '../../types/index';

/** What is known after an answer. */
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

interface Rung {
  mode: Step['mode'];
  applies(situation: Situation): boolean;
  rest(situation: Situation): number;
}

/** News that come in a burst are taken together. */
export const PAUSE_SECONDS = 0.2;
const HIDDEN_SECONDS = 60;
/** A hold that ends before this part of its time, and brings nothing, was ended by a gateway that stops or is full. */
const EARLY = 0.8;

function none(): number {
  return 0;
}

export const LADDER: Rung[] = [
  { mode: null, applies: (now) => now.hasMore, rest: none },
  { mode: null, applies: (now) => now.wasWoken, rest: () => PAUSE_SECONDS },
  { mode: 'hidden', applies: (now) => !now.isVisible, rest: (now) => Math.max(HIDDEN_SECONDS, now.interval) },
  { mode: 'short', applies: (now) => !now.possibleHold || endedEarly(now), rest: (now) => now.interval },
  { mode: 'long', applies: () => true, rest: none }
];

function endedEarly(now: Situation): boolean {
  return !!now.askedHold && now.age < EARLY * Math.min(now.askedHold, now.offeredHold || now.askedHold);
}

export function nextStep(situation: Situation): Step {
  const rung = LADDER.filter((one) => one.applies(situation))[0]!;
  return { mode: rung.mode, restSeconds: rung.rest(situation) };
}
