import { describe, expect, it } from 'vitest';
import { afterDeath, afterSurvival, holdFor, unexpired, type Path } from '../src/core/path';

const NOW = 1_000_000;
const HOUR = 3_600_000;

function afterDeaths(...ages: number[]): Path {
  return ages.reduce((path, age) => afterDeath(path, age, NOW), {} as Path);
}

describe('the longest hold', () => {
  it('is what was asked for while no limit is known', () => {
    expect(holdFor({}, 55, NOW)).toBe(55);
  });

  it('is not limited by one hold that died', () => {
    expect(holdFor(afterDeaths(20), 55, NOW)).toBe(55);
  });

  it('is 0.7 of the age at which two holds died', () => {
    expect(holdFor(afterDeaths(20, 20.5), 55, NOW)).toBe(14);
    expect(holdFor(afterDeaths(10, 10), 55, NOW)).toBe(7);
  });

  it('is not limited by holds that died at different ages', () => {
    expect(holdFor(afterDeaths(10, 20, 33, 12), 55, NOW)).toBe(55);
  });

  it('is none where even short holds die', () => {
    expect(afterDeaths(2, 2).wait).toBe(1);
    expect(holdFor(afterDeaths(2, 2), 55, NOW)).toBe(0);
  });

  it('is tried 7 s longer after half an hour', () => {
    const path = afterDeaths(10, 10);
    expect(holdFor(path, 55, NOW + HOUR / 2 - 1)).toBe(7);
    expect(holdFor(path, 55, NOW + HOUR / 2)).toBe(14);
  });

  it('never exceeds what the page wants', () => {
    expect(holdFor(afterDeaths(10, 10), 6, NOW + HOUR)).toBe(6);
  });

  it('is forgotten after a day', () => {
    const path = afterDeaths(10, 10);
    expect(unexpired(path, NOW + 24 * HOUR)).toBe(path);
    expect(unexpired(path, NOW + 24 * HOUR + 1)).toEqual({});
  });

  it('grows at once while longer holds survive', () => {
    const longer = afterSurvival(afterDeaths(10, 10), 13.3, 55);
    expect(longer.wait).toBe(13);
    expect(holdFor(longer, 55, NOW)).toBe(20);
  });

  it('has no limit when a hold has survived most of what is asked for', () => {
    expect(afterSurvival(afterDeaths(10, 10), 45, 55)).toEqual({});
  });
});
