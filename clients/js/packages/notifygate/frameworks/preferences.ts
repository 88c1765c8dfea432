/** The recipient's preferences as a store, changed one type at a time. Read again after each reset: another device changed them. */

import type Notifygate from 'notifygate';
import type { Failure, PreferencesResult, Result, Store } from './adapter';
import { loadedStore } from './loaded_store';
import { perClient } from './per_client';

type Types = Notifygate.TypePreferences;

/** How often a change is tried on top of what other devices changed meanwhile. */
const TRIES = 3;

/** Return the store of a client. */
export const preferencesOf = perClient<Store<PreferencesResult>>((client) => {
  /** What the gateway has; null before it was read. */
  let saved: Types | null = null;
  const store = loadedStore(client, { preferences: {} as Types, update }, load);

  async function load(): Promise<Failure | null> {
    const { data, error } = await send(null);
    if (!error) saved = data;
    store.settle({ preferences: saved ?? {} }, error);
    return error;
  }

  function send(types: Types | null): Promise<Result<Types>> {
    return new Promise((resolve) => {
      client.preferences(types, (error, answer) => resolve({ data: answer?.types ?? types, error }));
    });
  }

  async function write(type: string, change: Types[string]): Promise<Result<Types>> {
    for (let tries = 1; ; tries++) {
      // A change replaces all preferences: it is made only to those that were read.
      const failure = saved && tries === 1 ? null : await load();
      if (failure) return { data: null, error: failure };
      const wanted = changed(saved!, type, change);
      store.settle({ preferences: wanted }, null);
      const { data, error } = await send(wanted);
      if (error?.status === 412 && tries < TRIES) continue;
      if (!error) saved = data;
      store.settle({ preferences: saved! }, error);
      return { data: error ? null : data, error };
    }
  }

  function update(type: string, change: Types[string]): Promise<Result<Types>> {
    return store.inTurn(() => write(type, change));
  }

  client.on('reset', () => {
    if (saved) void store.inTurn(load);
  });
  return store;
});

/** Return preferences with one type changed; a type that follows its defaults again has no entry. */
function changed(types: Types, type: string, change: Types[string]): Types {
  const { [type]: old, ...others } = types;
  const entry = Object.fromEntries(Object.entries({ ...old, ...change }).filter(([, value]) => value));
  return Object.keys(entry).length ? { ...others, [type]: entry } : others;
}
