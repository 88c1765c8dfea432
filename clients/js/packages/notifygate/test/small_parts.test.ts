import { expect, it } from 'vitest';
import { backOff } from '../src/core/back_off';
import { isRespected } from '../src/core/election';
import { isSame, parse } from '../src/core/json';
import { isLoop } from '../src/core/loop_guard';
import { changedBy } from '../src/core/mutations';
import { subjectOf } from '../src/core/tokens';
import { FakePlatform, notification } from './fake_platform';

it('the back-off grows to three minutes, with full jitter', () => {
  const waits = [0, 1, 2, 3, 7, 8, 50].map((failures) => backOff(failures, 0, 0.5));
  expect(waits).toEqual([0.5, 1, 2, 4, 64, 90, 90]);
});

it('the back-off is never shorter than Retry-After', () => {
  expect(backOff(0, 300, 0.9)).toBe(300);
});

it('five answers to one cursor within half a second are a loop', () => {
  const guard = {};
  const found = [0, 100, 200, 300, 400].map((now) => isLoop(guard, 'c', now));
  expect(found).toEqual([false, false, false, false, true]);
});

it('another cursor, or time, ends a loop', () => {
  const guard = {};
  [0, 100, 200, 300].forEach((now) => isLoop(guard, 'c', now));
  expect(isLoop(guard, 'd', 310)).toBe(false);
  [320, 330, 340].forEach((now) => isLoop(guard, 'd', now));
  expect(isLoop(guard, 'd', 811)).toBe(false);
});

it.each([
  ['none', null, true, false],
  ['a fresh one of a visible tab', { at: 1000, visible: true }, true, true],
  ['a fresh one of a hidden tab, by a visible tab', { at: 1000, visible: false }, true, false],
  ['a fresh one of a hidden tab, by a hidden tab', { at: 1000, visible: false }, false, true],
  ['one that was not renewed for 4.5 s', { at: -3500, visible: true }, true, false],
  ['the same, by a hidden tab', { at: -3500, visible: true }, false, true],
  ['one that was not renewed for 135 s, by a hidden tab', { at: -134_000, visible: true }, false, false],
  ['one from the future', { at: 9000, visible: true }, true, false]
])('the lease is respected or not: %s', (_what, lease, isVisible, expected) => {
  expect(isRespected(lease && { id: 'other', ...lease }, 1000, isVisible)).toBe(expected);
});

it('what was read stays read at the time at which it was', () => {
  const item = notification('1', { read_at: 'then', seen_at: 'before' });
  expect(changedBy('read', item, 'now')).toEqual(item);
  expect(changedBy('seen', item, 'now')).toEqual(item);
  expect(changedBy('unread', item, 'now')).toMatchObject({ read_at: null, seen_at: 'before' });
});

it('what is read has been seen', () => {
  expect(changedBy('read', notification('1'), 'now')).toMatchObject({ read_at: 'now', seen_at: 'now' });
});

it('a token names its recipient, and one that is no JWT names none', () => {
  const platform = new FakePlatform();
  const claims = Buffer.from('{"sub": "anna"}').toString('base64url');
  expect(subjectOf(`x.${claims}.y`, platform)).toBe('anna');
  expect(subjectOf('opaque', platform)).toBe('');
});

it('a text that is not JSON is nothing', () => {
  expect(parse('<h1>')).toBe(null);
  expect(parse(null)).toBe(null);
  expect(isSame({ a: 1 }, { a: 1 })).toBe(true);
});
