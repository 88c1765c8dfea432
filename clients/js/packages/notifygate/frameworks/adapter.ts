/**
 * `notifygate/adapter`: what the wrappers of all frameworks share, and what a wrapper for another one begins with. Each
 * adds only how its framework shares a client, observes a store and mounts an element.
 *
 * Nothing here touches a global of a browser when it is loaded, so that pages can be rendered on a server. There, no
 * store is subscribed to and no bell is made.
 */

import Notifygate from 'notifygate';
import type NotifygateBell from 'notifygate/bell';
import type { Loaded } from './loaded_store';
import { perClient } from './per_client';

export { mountBell } from './mount';
export type { Loaded } from './loaded_store';
export type { MountedBell } from './mount';
export { preferencesOf } from './preferences';
export { topicsOf } from './topics';

export type Notification = Notifygate.Notification;
export type Failure = Notifygate.Failure;
export type BellOptions = Omit<NotifygateBell.Options, 'client' | 'url' | 'token' | 'getToken' | 'clientOptions'>;

/** How a page's client is made. */
export interface NotifygateOptions extends Notifygate.Options {
  /** A client that exists already. The other options are ignored then. */
  client?: Notifygate;
  /** An endpoint of the page's own server that returns the recipient's token: as text, or as JSON with a `token`. */
  tokenUrl?: string;
}

/** What an action resolves to; it never rejects. */
export interface Result<T> {
  data: T | null;
  error: Failure | null;
}

/** Which notifications a view lists. A function should stay the same between renderings. */
export type Filter = 'all' | 'unread' | ((notification: Notification) => boolean);

export interface NotificationsOptions {
  filter?: Filter;
}

export interface Actions {
  markRead(ids: string | string[]): Promise<Result<Notifygate.Changed>>;
  markUnread(ids: string | string[]): Promise<Result<Notifygate.Changed>>;
  /** Without ids: all. */
  markSeen(ids?: string | string[]): Promise<Result<Notifygate.Changed>>;
  markAllRead(): Promise<Result<Notifygate.Changed>>;
  /** Take notifications out of the inbox, on all devices. */
  archive(ids: string | string[]): Promise<Result<Notifygate.Changed>>;
  archiveAll(): Promise<Result<Notifygate.Changed>>;
  /** Load older notifications, 30 by default. See `hasMore`. */
  fetchMore(limit?: number): Promise<Result<Notifygate.Page>>;
}

export interface NotificationsResult extends Notifygate.Snapshot, Actions {
  /** `status` is `pending`. */
  readonly isLoading: boolean;
  /** `status` is `error`. */
  readonly isError: boolean;
}

/** A value that changes: the same object until something in it does. */
export interface Store<T> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): T;
  getServerSnapshot(): T;
}

export interface PreferencesResult extends Loaded {
  /** By type; types without an entry follow their defaults. */
  readonly preferences: Notifygate.TypePreferences;
  /** Change one type. The change is shown at once, and undone when the gateway refuses it. */
  update(type: string, change: Notifygate.TypePreferences[string]): Promise<Result<Notifygate.TypePreferences>>;
}

export interface TopicsResult extends Loaded {
  /** Those that the recipient follows and those that the gateway lists, by name. */
  readonly topics: readonly Notifygate.Topic[];
  /** Follow a topic, listed or not. The change is shown at once, and undone when the gateway refuses it. */
  follow(topic: string): Promise<Result<Notifygate.Topic>>;
  unfollow(topic: string): Promise<Result<Notifygate.Topic>>;
}

const PAGE_SIZE = 30;

export const isBrowser = typeof document !== 'undefined';

export function makeClient({ client, tokenUrl, ...options }: NotifygateOptions): Notifygate {
  return client ?? new Notifygate(tokenUrl ? { ...options, getToken: () => fetchToken(tokenUrl) } : options);
}

/** Return a token of the page's own server, an empty one when nobody is logged in. Rejects when it can't tell. */
async function fetchToken(url: string): Promise<string> {
  const reply = await fetch(url, { headers: { Accept: 'application/json, text/plain' }, credentials: 'same-origin' });
  if (reply.status === 401 || reply.status === 403) return '';
  if (!reply.ok) throw new Error(`${url} answered ${reply.status}`);
  const text = (await reply.text()).trim();
  return text.startsWith('{') ? JSON.parse(text).token : text;
}

function promised<T>(call: (done: Notifygate.Done<T>) => void): Promise<Result<T>> {
  return new Promise((resolve) => call((error, answer) => resolve({ data: error ? null : answer!, error })));
}

export const actionsOf = perClient<Actions>((client) => ({
  markRead: (ids) => promised((done) => client.markRead(ids, done)),
  markUnread: (ids) => promised((done) => client.markUnread(ids, done)),
  markSeen: (ids) => promised((done) => client.markSeen(ids, done)),
  markAllRead: () => promised((done) => client.markAllRead(null, done)),
  archive: (ids) => promised((done) => client.dismiss(ids, done)),
  archiveAll: () => promised((done) => client.dismissAll(null, done)),
  async fetchMore(limit = PAGE_SIZE) {
    const known = client.getSnapshot().notifications;
    let before = known.at(-1)?.id;
    for (;;) {
      const result = await promised<Notifygate.Page>((done) => client.history({ before, limit }, done));
      // Ids follow the clocks of several machines, pages the log: one page after the last id may have nothing new.
      if (!result.data?.has_more || client.getSnapshot().notifications.length !== known.length) return result;
      before = result.data.notifications.at(-1)?.id;
    }
  }
}));

/** Return what a view shows of a snapshot. */
export function view(client: Notifygate, snapshot: Notifygate.Snapshot, filter: Filter = 'all'): NotificationsResult {
  const isListed = filter === 'unread' ? (one: Notification) => !one.read_at : filter;
  return {
    ...snapshot,
    ...actionsOf(client),
    notifications: isListed === 'all' ? snapshot.notifications : snapshot.notifications.filter(isListed),
    isLoading: snapshot.status === 'pending',
    isError: snapshot.status === 'error'
  };
}

/** The number of unread ones: views that show only that are not updated by anything else. */
export const unreadOf = perClient<Store<number>>((client) => ({
  subscribe: client.subscribe,
  getSnapshot: () => client.getSnapshot().unread,
  getServerSnapshot: () => 0
}));
