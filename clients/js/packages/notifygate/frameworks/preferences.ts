/** The recipient's preferences as a store, changed one type at a time. */

import type Notifygate from 'notifygate';
import type { PreferencesResult, Result, Store } from './adapter';
import { loadedStore } from './loaded_store';
import { perClient } from './per_client';

type Types = Notifygate.TypePreferences;

/** How often a change is tried on top of what other devices changed meanwhile. */
const TRIES = 3;

/** Return the store of a client. */
export const preferencesOf = perClient<Store<PreferencesResult>>((client) => {
  const store = loadedStore(client, { preferences: {} as Types, update }, async () => {
    const { data, error } = await send(null);
    store.settle(error ? {} : { preferences: data! }, error);
  });

  function send(types: Types | null): Promise<Result<Types>> {
    return new Promise((resolve) => {
      client.preferences(types, (error, answer) => resolve({ data: answer?.types ?? types, error }));
    });
  }

  async function write(type: string, change: Types[string]): Promise<Result<Types>> {
    let saved = store.getSnapshot().preferences;
    for (let tries = 1; ; tries++) {
      const wanted = changed(saved, type, change);
      store.settle({ preferences: wanted }, null);
      const result = await send(wanted);
      if (result.error?.status === 412 && tries < TRIES) {
        const read = await send(null);
        if (!read.error) {
          saved = read.data!;
          continue;
        }
      }
      store.settle({ preferences: result.error ? saved : result.data! }, result.error);
      return { data: result.error ? null : result.data, error: result.error };
    }
  }

  function update(type: string, change: Types[string]): Promise<Result<Types>> {
    return store.inTurn(() => write(type, change));
  }

  return store;
});

/** Return preferences with one type changed; a type that follows its defaults again has no entry. */
function changed(types: Types, type: string, change: Types[string]): Types {
  const { [type]: old, ...others } = types;
  const entry = Object.fromEntries(Object.entries({ ...old, ...change }).filter(([, value]) => value));
  return Object.keys(entry).length ? { ...others, [type]: entry } : others;
}
