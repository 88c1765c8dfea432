/**
 * Where this client is in the log, and what it reports: batches come from the poll of this tab or from another tab.
 *
 * The other tabs and the handlers get a batch before the cursor is stored: a crash in between repeats, it doesn't lose.
 */

import type Notifygate from '../../types/index';
import type { Core } from './core';
import { emit } from './emitter';
import { list, merge, type Answer, type Batch } from './inbox';
import { isSame } from './json';
import { stored } from './shared';
import { post, type Message } from './tabs';

export interface FeedState {
  /** The cursor that the next poll sends; null: a snapshot. The client's own is the last that was reported. */
  cursor: string | null | undefined;
  /** Where this browser stopped: what came since is asked for after the snapshot. */
  resume: string | null | undefined;
  isFresh: boolean;
  /** Whether a batch has come since the start, or since the page came back from the browser's memory. */
  isSynced: boolean;
  /** Whether this tab asks the others for everything: it has missed something, or may have. */
  isWaiting: boolean;
  /** How many of the last batches were resets. */
  resets: number;
}

/** Resets in a row that count as news; more of them are a gateway that can't keep a cursor. */
const MAX_RESETS = 4;

/** Report counts. Returns whether they are new. */
export function count(core: Core, answer: Notifygate.Counts): boolean {
  const counts = { unread: answer.unread, unseen: answer.unseen };
  if (isSame(counts, core.client.counts)) return false;
  core.client.counts = counts;
  emit(core, 'counts', counts);
  return true;
}

/** Report notifications and the ids of removed ones. Without `added`, they were changed here. */
export function show(
  core: Core,
  items: Notifygate.Notification[],
  gone: string[],
  isSnapshot?: boolean,
  hasMore?: boolean,
  added?: Notifygate.Notification[]
): void {
  if (isSnapshot || items.length) {
    emit(core, 'notifications', items, {
      snapshot: !!isSnapshot,
      has_more: !!hasMore,
      added: added || [],
      optimistic: !added
    });
  }
  if (gone.length) emit(core, 'removed', gone);
}

/** Take a batch. Returns whether it brought something. */
function take(core: Core, batch: Batch): boolean {
  const answer = batch.answer;
  const isFirst = !core.isSynced;
  const merged = merge(core, batch, isFirst);
  core.isSynced = true;
  core.resets = answer.reset ? core.resets + 1 : 0;
  core.cursor = batch.cursor;
  core.client.cursor = answer.cursor;
  core.isWaiting = false;
  if (batch.whole && !isFirst) emit(core, 'reset');
  show(core, merged.changed, answer.removed, batch.whole, answer.has_more, merged.added);
  const isNews = batch.whole
    ? core.resets <= MAX_RESETS
    : batch.cursor !== batch.prev && answer.removed.length + answer.notifications.length > 0;
  return count(core, answer) || isNews;
}

/** Take an answer to a poll that sent this cursor. Returns whether it brought something. */
export function deliver(core: Core, sent: string | null | undefined, answer: Answer): boolean {
  const batch: Batch = {
    answer: answer,
    whole: !sent || !!answer.reset,
    fresh: core.isFresh,
    prev: sent,
    cursor: core.resume || answer.cursor
  };
  core.isFresh = !!core.resume || (core.isFresh && !batch.whole && !!answer.has_more);
  core.resume = null;
  post(core, batch);
  const isNews = take(core, batch);
  if (core.isLeader) stored(core, 'cursor', batch.cursor);
  return isNews;
}

/** Forget the cursor, here and in the storage. */
export function forget(core: Core): void {
  core.cursor = core.resume = null;
  stored(core, 'cursor', null);
}

/** Ask the other tabs for everything. */
export function hello(core: Core): void {
  core.isWaiting = true;
  post(core, { hello: true });
}

/** Take a batch of another tab. */
export function follow(core: Core, batch: Batch, isForThisTab: boolean): void {
  // Nothing is missing here: nothing came since this tab has asked, or two tabs have polled from one cursor.
  if (core.isSynced && batch.cursor === core.cursor) core.isWaiting = false;
  else if (batch.whole ? core.isWaiting || !isForThisTab : core.isSynced && batch.prev === core.cursor) take(core, batch);
  else if (!batch.whole) hello(core);
}

/** Return everything, for a tab that asked for it. */
export function everything(core: Core, tabId: string): Message {
  const counts = core.client.counts!;
  return {
    to: tabId,
    state: core.ownState,
    answer: {
      notifications: list(core),
      removed: [],
      unread: counts.unread,
      unseen: counts.unseen,
      cursor: core.client.cursor!,
      has_more: !!core.oldest
    },
    whole: true,
    fresh: false,
    prev: null,
    cursor: core.cursor
  };
}
