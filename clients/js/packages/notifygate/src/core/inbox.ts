/** The notifications that are known here, merged by id. No network, no events. */

import type Notifygate from '../../types/index';
import { isSame } from './json';

type Notification = Notifygate.Notification;

/** The body of an answer to a poll. */
export interface Answer extends Notifygate.Counts {
  notifications: Notification[];
  removed: string[];
  cursor: string;
  has_more?: boolean;
  reset?: boolean;
  poll?: { after: number; wait: number };
}

/** An answer as it is passed on to the other tabs. */
export interface Batch {
  answer: Answer;
  /** These are all there is; otherwise changes since `prev`. */
  whole: boolean;
  /** All of them came since this browser last looked. */
  fresh: boolean;
  prev: string | null | undefined;
  /** From where to go on. */
  cursor: string | null | undefined;
}

export interface InboxState {
  items: Record<string, Notification>;
  /** `items`, newest first; null: to be sorted again. The same array until something changes. */
  sorted: Notification[] | null;
  /** What the gateway has of those that were changed here, as far as it has not reported them since. */
  confirmed: Record<string, Notification>;
  /** The largest id that was reported. */
  newest: string;
}

export interface Merged {
  /** New or changed. */
  changed: Notification[];
  /** What deserves to be presented: it arrived since, and is neither seen nor read. */
  added: Notification[];
}

export function list(inbox: InboxState): Notification[] {
  return (inbox.sorted =
    inbox.sorted ||
    Object.keys(inbox.items)
      .sort()
      .reverse()
      .map((id) => inbox.items[id]!));
}

export function put(inbox: InboxState, item: Notification): void {
  inbox.items[item.id] = item;
  inbox.sorted = null;
}

export function remove(inbox: InboxState, id: string): void {
  delete inbox.items[id];
  inbox.sorted = null;
}

/** Merge a batch. `isFirst`: nothing in it is new, for the page has only just begun. */
export function merge(inbox: InboxState, batch: Batch, isFirst: boolean): Merged {
  const known = inbox.items;
  const newest = inbox.newest;
  const changed: Notification[] = [];
  const added: Notification[] = [];
  if (batch.whole) {
    inbox.items = {};
    inbox.confirmed = {};
  }
  inbox.sorted = null;
  batch.answer.notifications.forEach((item) => {
    const old = known[item.id];
    const isChanged = batch.whole || batch.fresh || !isSame(old, item);
    const isNew = (!old || batch.fresh) && (!batch.whole || (!isFirst && item.id > newest));
    put(inbox, item);
    delete inbox.confirmed[item.id];
    if (item.id > inbox.newest) inbox.newest = item.id;
    if (isChanged) changed.push(item);
    if (isNew && !item.seen_at && !item.read_at) added.push(item);
  });
  batch.answer.removed.forEach((id) => {
    remove(inbox, id);
    delete inbox.confirmed[id];
  });
  return { changed: changed, added: added };
}
