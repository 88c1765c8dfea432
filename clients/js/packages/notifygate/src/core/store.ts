/**
 * The state for views, as one value that is replaced when something in it changes: for `useSyncExternalStore` and its
 * like in every framework. The first subscriber starts the client; it stops a second after the last has left, so that a
 * change of pages or a second mount costs no request.
 */

import type Notifygate from '../../types/index';
import type { Core } from './core';
import { callEach } from './emitter';
import { list } from './inbox';
import { start, stop } from './life';
import type { Timer } from './platform';

type Snapshot = Notifygate.Snapshot;

const LINGER_MS = 1000;

export interface StoreState {
  snapshot: Snapshot;
  listeners: (() => void)[];
  /** Whether a subscriber has started the client, and not the page itself. */
  isStartedByStore: boolean;
  lingering: Timer;
}

/** The snapshot before anything is known; on a server there is no other. */
export const EMPTY: Snapshot = Object.freeze({
  notifications: [],
  unread: 0,
  unseen: 0,
  hasMore: false,
  status: 'pending' as const,
  error: null
});

export function subscribe(core: Core, listener: () => void): () => void {
  // A function of its own, for the same listener may subscribe twice.
  function call(): void {
    listener();
  }
  core.listeners = core.listeners.concat(call);
  if (!core.unlisten) {
    core.isStartedByStore = true;
    start(core);
  }
  return function unsubscribe() {
    core.listeners = core.listeners.filter((one) => one !== call);
    core.ownPlatform.clearTimer(core.lingering);
    core.lingering = core.ownPlatform.setTimer(() => {
      if (!core.listeners.length && core.isStartedByStore) stop(core);
    }, LINGER_MS);
  };
}

/** Replace the snapshot if something in it has changed, and call the listeners. */
export function refresh(core: Core): void {
  const counts = core.client.counts;
  const error = core.client.state.error;
  const old = core.snapshot;
  const next: Snapshot = {
    notifications: counts ? list(core) : EMPTY.notifications,
    unread: (counts || EMPTY).unread,
    unseen: (counts || EMPTY).unseen,
    hasMore: !!core.oldest,
    status: counts ? 'success' : error ? 'error' : 'pending',
    error: error
  };
  if ((Object.keys(next) as (keyof Snapshot)[]).every((name) => next[name] === old[name])) return;
  core.snapshot = Object.freeze(next);
  callEach(core, core.listeners);
}
