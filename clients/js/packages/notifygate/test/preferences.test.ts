/** The recipient's preferences as a store for frameworks. */

import { expect, it, vi } from 'vitest';
import type Notifygate from '../types/index';
import { preferencesOf } from '../frameworks/preferences';

type Types = Notifygate.TypePreferences;

const FAILED: Notifygate.Failure = { status: 503, code: 'unavailable', detail: '', retry: 0 };
const OUTDATED: Notifygate.Failure = { status: 412, code: 'precondition-failed', detail: '', retry: 0 };
const MUTED = { muted: true };

/** A client whose gateway answers when the test wants it: `asked` has what was read (null) or written, oldest first. */
function fakeClient() {
  const asked: { types: Types | null; done: (error: Notifygate.Failure | null, answer?: any) => void }[] = [];
  let reset = () => {};
  const client = {
    on: (_event: string, handler: () => void) => void (reset = handler),
    subscribe: () => () => {},
    preferences: (types: Types | null, done: any) => asked.push({ types, done })
  };

  /** Answer the oldest request, which must be a read (null) or write these types. */
  async function answer(types: Types | null, error: Notifygate.Failure | null, found?: Types): Promise<void> {
    await turn();
    const one = asked.shift();
    expect(one?.types).toEqual(types);
    one!.done(error, error ? error : { types: found });
    await turn();
  }

  return { store: preferencesOf(client as unknown as Notifygate), asked, answer, reset: () => reset() };
}

/** Let all promises that can settle do so. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

it('are read before the first change, which fails where that fails: it would replace them all', async () => {
  const { store, asked, answer } = fakeClient();
  store.subscribe(() => {});
  await answer(null, FAILED);
  const first = store.getSnapshot().update('a', MUTED);
  await answer(null, FAILED);
  expect(await first).toEqual({ data: null, error: FAILED });
  const second = store.getSnapshot().update('a', MUTED);
  await answer(null, null, { like: MUTED });
  await answer({ like: MUTED, a: MUTED }, null, { like: MUTED, a: MUTED });
  expect(await second).toEqual({ data: { like: MUTED, a: MUTED }, error: null });
  expect(asked).toEqual([]);
});

it('are changed on top of what another device has written', async () => {
  const { store, answer } = fakeClient();
  store.subscribe(() => {});
  await answer(null, null, {});
  const done = store.getSnapshot().update('a', MUTED);
  await answer({ a: MUTED }, OUTDATED);
  await answer(null, null, { like: MUTED });
  await answer({ like: MUTED, a: MUTED }, null, { like: MUTED, a: MUTED });
  expect((await done).error).toBe(null);
  expect(store.getSnapshot().preferences).toEqual({ like: MUTED, a: MUTED });
});

it('are read again after a reset, so that the next change does not undo that of another device', async () => {
  const { store, answer, reset } = fakeClient();
  store.subscribe(() => {});
  await answer(null, null, {});
  reset();
  await answer(null, null, { like: MUTED });
  expect(store.getSnapshot().preferences).toEqual({ like: MUTED });
  void store.getSnapshot().update('a', MUTED);
  await answer({ like: MUTED, a: MUTED }, null, { like: MUTED, a: MUTED });
});

it('are as they were after a change that is refused', async () => {
  const { store, answer } = fakeClient();
  store.subscribe(() => {});
  await answer(null, null, { like: MUTED });
  const done = store.getSnapshot().update('a', MUTED);
  await answer({ like: MUTED, a: MUTED }, FAILED);
  expect(await done).toEqual({ data: null, error: FAILED });
  expect(store.getSnapshot()).toMatchObject({ preferences: { like: MUTED }, status: 'success', error: FAILED });
});

it('go on after a listener that throws', async () => {
  const { store, answer } = fakeClient();
  const faults: unknown[] = [];
  const later = setTimeout;
  vi.stubGlobal('setTimeout', (work: () => void) =>
    later(() => {
      try {
        work();
      } catch (error) {
        faults.push(error);
      }
    })
  );
  store.subscribe(() => {
    throw new Error('bad listener');
  });
  await answer(null, null, {});
  void store.getSnapshot().update('a', MUTED);
  await answer({ a: MUTED }, null, { a: MUTED });
  vi.unstubAllGlobals();
  expect(faults).not.toEqual([]);
});
