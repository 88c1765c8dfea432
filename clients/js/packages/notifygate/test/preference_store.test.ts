/** The recipient's preferences in the bell: one change at a time, on top of what the gateway has. */

import { beforeEach, expect, it } from 'vitest';
import type { NotifygateBell } from '../src/bell/bell';
import { PreferenceStore } from '../src/bell/preference_store';
import type Notifygate from '../types/index';
import { notification } from './fake_platform';

type Done = (error: { status: number } | null, answer?: { types: Notifygate.TypePreferences }) => void;

/** What the gateway was asked: the types to write, or null to read; with the callback for its answer. */
let asked: { types: Notifygate.TypePreferences | null; done: Done }[];
let store: PreferenceStore;

beforeEach(() => {
  asked = [];
  const settings = { update: () => undefined, say: () => undefined };
  const preferences = (types: Notifygate.TypePreferences | null, done: Done) => asked.push({ types, done });
  const bell = { client: { preferences }, panel: { settings }, texts: { get: () => '' } };
  store = new PreferenceStore(bell as unknown as NotifygateBell);
  store.load();
  asked.shift()!.done(null, { types: { like: { display: 'badge' } } });
});

function take(): (typeof asked)[0] {
  expect(asked).toHaveLength(1);
  return asked.shift()!;
}

it('quick changes show at once, and are written one after the other', () => {
  const done: string[] = [];
  for (const type of ['a', 'b', 'c']) store.change(type, { muted: true }, () => done.push(type));
  const muted = { muted: true };
  expect(store.types).toMatchObject({ like: { display: 'badge' }, a: muted, b: muted, c: muted });
  for (const expected of [['a', 'like'], ['a', 'b', 'like'], ['a', 'b', 'c', 'like']]) {
    const { types, done: answer } = take();
    expect(Object.keys(types!).sort()).toEqual(expected);
    answer(null, { types: types! });
  }
  expect(done).toEqual(['a', 'b', 'c']);
  expect(asked).toEqual([]);
});

it('a change is made again on top of what another device has written', () => {
  store.change('a', { muted: true }, () => undefined);
  take().done({ status: 412 });
  const read = take();
  expect(read.types).toBe(null);
  read.done(null, { types: { like: { display: 'none' } } });
  expect(take().types).toEqual({ like: { display: 'none' }, a: { muted: true } });
});

it('a change that is refused is taken back', () => {
  const errors: unknown[] = [];
  store.change('a', { muted: true }, (error: unknown) => errors.push(error));
  take().done({ status: 503 });
  expect(errors).toEqual([{ status: 503 }]);
  expect(store.types).toEqual({ like: { display: 'badge' } });
});

it.each([
  ['before the first one', null],
  ['after a 412', { like: { display: 'badge' } }]
])('a read that fails %s leaves what the gateway has: the next change reads again', (when, known) => {
  const muted = { a: { muted: true } };
  if (!known) {
    store.load();
    store.saved = null;
    store.types = {};
    take().done({ status: 503 });
  }
  store.change('a', muted.a, () => undefined);
  if (known) take().done({ status: 412 });
  take().done({ status: 503 });
  expect(store.types).toEqual(known || {});
  store.change('a', muted.a, () => undefined);
  if (known) take().done({ status: 412 });
  const read = take();
  expect(read.types).toBe(null);
  read.done(null, { types: { like: { display: 'none' } } });
  expect(take().types).toEqual({ like: { display: 'none' }, ...muted });
});

it('what says nothing any more is dropped', () => {
  store.change('like', { display: '' }, () => undefined);
  expect(take().types).toEqual({});
});

it.each(['here', 'on another device'])('what was published while its type was muted is known, unmuted %s', (where) => {
  const isMuted = { like: { muted: true } };
  store.load();
  take().done(null, { types: isMuted });
  const [before, after] = [-1000, 1000].map((ms) =>
    notification('1', { type: 'like', created_at: new Date(Date.now() + ms).toISOString() })
  );
  expect(store.wasMuted(before!)).toBe(false);
  if (where === 'here') store.change('like', { muted: false }, () => undefined);
  else store.load();
  take().done(null, { types: {} });
  expect(store.wasMuted(before!)).toBe(true);
  expect(store.wasMuted(after!)).toBe(false);
  expect(store.wasMuted(notification('2', { type: 'other', created_at: before!.created_at }))).toBe(false);
});

it('what waits for the preferences goes on when they are known, or can not be', () => {
  const ran: string[] = [];
  store.load();
  store.load();
  store.whenKnown(() => ran.push('work'));
  asked.shift()!.done(null, { types: {} });
  expect(ran).toEqual([]);
  asked.shift()!.done({ status: 503 });
  expect(ran).toEqual(['work']);
});
