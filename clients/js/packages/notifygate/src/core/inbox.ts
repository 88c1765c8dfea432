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
  /** What `list` returns, newest first; null: to be sorted again. The same array until something changes. */
  sorted: Notification[] | null;
  /** What the gateway has of those that were changed here, as far as it has not reported them since. */
  confirmed: Record<string, Notification>;
  /** The largest id that was reported. */
  newest: string;
  /** Back to this id nothing is missing; '': there is nothing older than what is known. */
  oldest: string;
}

export interface Merged {
  /** New or changed. */
  changed: Notification[];
  /** Those to present: they are new here, and neither seen nor read. */
  added: Notification[];
}

/**
 * Return what is known, without older ones that were changed on another device: between them and the rest others are
 * missing, which a view that goes on from the last one would never load. Those have been seen, unlike one that is new and
 * has an older id because of the clock of its machine.
 */
export function list(inbox: InboxState): Notification[] {
  return (inbox.sorted =
    inbox.sorted ||
    Object.keys(inbox.items)
      .sort()
      .reverse()
      .map((id) => inbox.items[id]!)
      .filter((item) => item.id >= inbox.oldest || !item.seen_at));
}

/** Note that all of a page is known: the newest, or those before an id. */
export function reach(inbox: InboxState, before: string | null | undefined, page: Partial<Notifygate.Page>): void {
  if (before! < inbox.oldest) return; // others are missing between
  const ids = page.notifications!.map((item) => item.id).concat(inbox.oldest);
  inbox.oldest = (page.has_more && ids.sort()[0]) || '';
  inbox.sorted = null;
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
    inbox.oldest = '\uffff';
    reach(inbox, null, batch.answer);
  }
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
