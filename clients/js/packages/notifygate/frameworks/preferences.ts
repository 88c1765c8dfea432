/** The recipient's preferences as a store: loaded by its first subscriber, changed one type at a time. */

import type Notifygate from 'notifygate';
import type { Failure, PreferencesResult, Result, Store } from './adapter';

type Types = Notifygate.TypePreferences;

const stores = new WeakMap<Notifygate, Store<PreferencesResult>>();
/** How often a change is tried on top of what other devices changed meanwhile. */
const TRIES = 3;

/** Return the store of a client. */
export function preferencesOf(client: Notifygate): Store<PreferencesResult> {
  if (!stores.has(client)) stores.set(client, makeStore(client));
  return stores.get(client)!;
}

function makeStore(client: Notifygate): Store<PreferencesResult> {
  const empty = freeze({}, 'pending', null);
  const listeners = new Set<() => void>();
  let snapshot = empty;
  /** Changes are written one after the other: each is a new version of the whole. */
  let queue: Promise<unknown> = Promise.resolve();
  let isAsked = false;

  function freeze(preferences: Types, status: PreferencesResult['status'], error: Failure | null): PreferencesResult {
    return Object.freeze({ preferences, status, isLoading: status === 'pending', error, update });
  }

  function show(preferences: Types, error: Failure | null): void {
    snapshot = freeze(preferences, error && snapshot.status !== 'success' ? 'error' : 'success', error);
    for (const listener of [...listeners]) listener();
  }

  function send(types: Types | null): Promise<Result<Types>> {
    return new Promise((resolve) => {
      client.preferences(types, (error, answer) => resolve({ data: answer?.types ?? types, error }));
    });
  }

  async function load(): Promise<Result<Types>> {
    const result = await send(null);
    show(result.error ? snapshot.preferences : result.data!, result.error);
    return result;
  }

  async function write(type: string, change: Types[string]): Promise<Result<Types>> {
    const before = snapshot.preferences;
    let saved = before;
    for (let tries = 1; ; tries++) {
      const wanted = changed(saved, type, change);
      show(wanted, null);
      const result = await send(wanted);
      if (result.error?.status === 412 && tries < TRIES) {
        const read = await send(null);
        if (!read.error) {
          saved = read.data!;
          continue;
        }
      }
      show(result.error ? saved : result.data!, result.error);
      return { data: result.error ? null : result.data, error: result.error };
    }
  }

  async function update(type: string, change: Types[string]): Promise<Result<Types>> {
    const result = queue.then(() => write(type, change));
    queue = result;
    return result;
  }

  return {
    subscribe(listener) {
      // A function of its own, for the same listener may subscribe twice.
      const call = () => listener();
      listeners.add(call);
      const unsubscribe = client.subscribe(() => {});
      if (!isAsked) {
        isAsked = true;
        queue = queue.then(load);
      }
      return () => {
        listeners.delete(call);
        unsubscribe();
      };
    },
    getSnapshot: () => snapshot,
    getServerSnapshot: () => empty
  };
}

/** Return preferences with one type changed; a type that follows its defaults again has no entry. */
function changed(types: Types, type: string, change: Types[string]): Types {
  const { [type]: old, ...others } = types;
  const entry = Object.fromEntries(Object.entries({ ...old, ...change }).filter(([, value]) => value));
  return Object.keys(entry).length ? { ...others, [type]: entry } : others;
}
