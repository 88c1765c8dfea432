import { describe, expect, it } from 'vitest';
import { nextStep, PAUSE_SECONDS, type Situation } from '../src/core/ladder';

/** A hold that ended at its natural end, with nothing new. */
const QUIET: Situation = {
  hasMore: false,
  wasWoken: false,
  isVisible: true,
  possibleHold: 55,
  askedHold: 55,
  offeredHold: 55,
  age: 55,
  interval: 15
};

describe('after an answer', () => {
  it('the next hold follows at once', () => {
    expect(nextStep(QUIET)).toEqual({ mode: 'long', restSeconds: 0 });
  });

  it('what is left is fetched at once, even by a hidden tab', () => {
    expect(nextStep({ ...QUIET, hasMore: true, isVisible: false })).toEqual({ mode: null, restSeconds: 0 });
  });

  it('news of a burst are taken together', () => {
    expect(nextStep({ ...QUIET, wasWoken: true, age: 1 })).toEqual({ mode: null, restSeconds: PAUSE_SECONDS });
  });

  it('a hidden tab rests for a minute, or for longer if the gateway wants it', () => {
    expect(nextStep({ ...QUIET, isVisible: false })).toEqual({ mode: 'hidden', restSeconds: 60 });
    expect(nextStep({ ...QUIET, isVisible: false, interval: 90 })).toEqual({ mode: 'hidden', restSeconds: 90 });
  });

  it('short polls are made where no hold is possible', () => {
    expect(nextStep({ ...QUIET, possibleHold: 0 })).toEqual({ mode: 'short', restSeconds: 15 });
  });

  it('a hold that ended early without news is followed by a rest', () => {
    expect(nextStep({ ...QUIET, age: 40 })).toEqual({ mode: 'short', restSeconds: 15 });
  });

  it('a hold that ended when the gateway had said did not end early', () => {
    expect(nextStep({ ...QUIET, offeredHold: 25, age: 25 }).mode).toBe('long');
    expect(nextStep({ ...QUIET, offeredHold: 0, age: 25 }).mode).toBe('short');
  });

  it('a poll that was not held is followed by one that is', () => {
    expect(nextStep({ ...QUIET, askedHold: 0, age: 0.1 }).mode).toBe('long');
  });
});
