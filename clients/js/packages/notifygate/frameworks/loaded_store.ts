/** A store of something that the gateway has: loaded by its first subscriber, or a later one if that failed; changed by one request after the other. */

import type Notifygate from 'notifygate';
import type { Failure, Store } from './adapter';

export interface Loaded {
  readonly status: 'pending' | 'success' | 'error';
  /** `status` is `pending`. */
  readonly isLoading: boolean;
  /** The error of the last request; null after a success. */
  readonly error: Failure | null;
}

export interface LoadedStore<T> extends Store<Readonly<T> & Loaded> {
  /** Show other values, before the gateway has them. */
  change(values: Partial<T>): void;
  /** Show what a request led to. */
  settle(values: Partial<T>, error: Failure | null): void;
  /** Begin a request when those before it have ended. */
  inTurn<R>(request: () => Promise<R>): Promise<R>;
}

/** Return a store that begins with `initial`. `load` is called in turn and calls `settle`; once, and after an error again. */
export function loadedStore<T extends object>(client: Notifygate, initial: T, load: () => Promise<unknown>): LoadedStore<T> {
  const empty = freeze(initial, 'pending', null);
  const listeners = new Set<() => void>();
  let snapshot = empty;
  let queue: Promise<unknown> = Promise.resolve();
  let isAsked = false;

  function freeze(values: T, status: Loaded['status'], error: Failure | null): T & Loaded {
    return Object.freeze({ ...values, status, isLoading: status === 'pending', error });
  }

  function show(values: Partial<T>, status: Loaded['status'], error: Failure | null): void {
    snapshot = freeze({ ...snapshot, ...values }, status, error);
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (error) {
        // It is the page's: reported to it, and of no effect on the others or on the request.
        setTimeout(() => {
          throw error;
        });
      }
    }
  }

  function inTurn<R>(request: () => Promise<R>): Promise<R> {
    const result = queue.then(request);
    queue = result;
    return result;
  }

  return {
    change: (values) => show(values, snapshot.status, snapshot.error),
    settle(values, error) {
      show(values, error && snapshot.status !== 'success' ? 'error' : 'success', error);
      isAsked = snapshot.status === 'success';
    },
    inTurn,
    subscribe(listener) {
      // A function of its own, for the same listener may subscribe twice.
      const call = () => listener();
      listeners.add(call);
      const unsubscribe = client.subscribe(() => {});
      if (!isAsked) {
        isAsked = true;
        void inTurn(load);
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
