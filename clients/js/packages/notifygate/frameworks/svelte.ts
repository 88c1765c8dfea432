/**
 * `notifygate/svelte`: stores and an action, for Svelte 4 and 5.
 *
 * They keep Svelte's contract of stores without importing it: a component writes `$unreadCount`, and the client polls
 * for as long as one is subscribed.
 */

import type Notifygate from 'notifygate';
import { actionsOf, isBrowser, makeClient, mountBell, preferencesOf, topicsOf, unreadOf, view } from './adapter';
import type {
  Actions, BellOptions, NotificationsOptions, NotificationsResult, NotifygateOptions, PreferencesResult, Store,
  TopicsResult
} from './adapter';

export type * from './adapter';

/** A store as Svelte's: the function is called at once, and whenever the value changes. */
export interface Readable<T> {
  subscribe(run: (value: T) => void): () => void;
}

/** An action as Svelte's. */
export type BellAction = (
  node: HTMLElement,
  options?: BellOptions
) => { update(options?: BellOptions): void; destroy(): void };

export interface NotifygateStores extends Actions {
  client: Notifygate;
  /** Return the notifications and what can be done with them. */
  notifications(options?: NotificationsOptions): Readable<NotificationsResult>;
  unreadCount: Readable<number>;
  preferences: Readable<PreferencesResult>;
  /** The topics that the recipient can follow, and `follow` and `unfollow`. */
  topics: Readable<TopicsResult>;
  /** `<div use:bell={{ theme: 'dark' }}></div>`; with `view: 'list'` or `'preferences'` these are in the page. */
  bell: BellAction;
}

/** Make one client and its stores: in a module of your application, from which components import them. */
export function createNotifygate(options: NotifygateOptions): NotifygateStores {
  const client = makeClient(options);
  return {
    ...actionsOf(client),
    client,
    notifications: ({ filter } = {}) => readable(client, (snapshot) => view(client, snapshot, filter)),
    unreadCount: readable(unreadOf(client), (count) => count),
    preferences: readable(preferencesOf(client), (snapshot) => snapshot),
    topics: readable(topicsOf(client), (snapshot) => snapshot),
    bell(node, options = {}) {
      const mounted = mountBell(node, client, options);
      return { update: (next = {}) => mounted.update(next), destroy: () => mounted.unmount() };
    }
  };
}

function readable<T, U>(store: Store<T>, select: (value: T) => U): Readable<U> {
  return {
    subscribe(run) {
      if (!isBrowser) {
        run(select(store.getServerSnapshot()));
        return () => {};
      }
      let last = store.getSnapshot();
      run(select(last));
      return store.subscribe(() => {
        const next = store.getSnapshot();
        if (next === last) return;
        last = next;
        run(select(next));
      });
    }
  };
}
