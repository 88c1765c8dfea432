/** Dismissing, with an undo. */

import type { NotifygateBell } from './bell';
import { contains } from './objects';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** The gateway takes at most so many ids in one request (PROTOCOL section 4). */
export const MAX_IDS = 500;

/** For so long a dismissed notification stays hidden although the client may still have it. */
const KEEP_HIDDEN_MS = 10000;

/** The beginning of an id that is its time; ids of the same millisecond are in no particular order. */
const MILLISECOND_CHARACTERS = 13;

interface Batch {
  /** Those that are hidden by their ids. */
  ids: readonly string[];
  /** Of "clear all" also: the cursor, the id before which all are hidden, and the number of unread ones at that time. */
  upTo?: string | null;
  before?: string;
  unread?: number;
  /** Whether the gateway has answered. */
  isDone?: boolean;
}

/**
 * Dismissals that can still be undone. The gateway gets a batch when its time to undo is over; until then the
 * notifications are only hidden.
 *
 * Single dismissals are undone together; "clear all" is a batch of its own, with the cursor that the user was shown, so
 * that later notifications stay.
 */
export class Dismissals {
  bell: NotifygateBell;
  pending: Batch | null;
  sent: Batch[];
  timer: number | undefined;

  constructor(bell: NotifygateBell) {
    this.bell = bell;
    /** The batch that can be undone, null for none. */
    this.pending = null;
    /** Batches that were sent: a poll that is on its way may still return their notifications. */
    this.sent = [];
  }

  batches() {
    return this.pending ? this.sent.concat(this.pending) : this.sent;
  }

  hides(item: Notification) {
    return this.batches().some((batch) => contains(batch.ids, item.id) || (!!batch.upTo && item.id < batch.before!));
  }

  /** Return whether everything older is hidden, too: then there is no need to load it. */
  hidesOlder() {
    return this.batches().some((batch) => !!batch.upTo);
  }

  /** Return the number of hidden unread notifications that the gateway still counts. */
  hiddenUnread() {
    const items = this.bell.items;
    return this.batches().reduce((sum, batch) => {
      const unread = batch.upTo ? batch.unread! : batch.ids.filter((id) => {
        const item = items.get(id);
        return item && !item.read_at;
      }).length;
      return batch.isDone ? sum : sum + unread;
    }, 0);
  }

  dismiss(ids: readonly string[]) {
    if (this.pending && this.pending.upTo) {
      this.commit();
    }
    const old = this.pending ? this.pending.ids : [];
    this.wait({ids: old.concat(ids.filter((id) => !contains(old, id)))});
  }

  clear() {
    this.commit();
    const items = this.bell.items;
    const millisecond = items.newest().slice(0, MILLISECOND_CHARACTERS);
    const ids = items.list.map((item) => item.id).filter((id) => id >= millisecond);
    this.wait({ids: ids, upTo: this.bell.client.cursor, before: millisecond, unread: this.bell.unread()});
  }

  /** Hide a batch until the time to undo it is over. */
  wait(batch: Batch) {
    this.pending = batch;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.commit(), this.bell.options.undoSeconds * 1000);
    this.bell.update();
  }

  undo() {
    clearTimeout(this.timer);
    this.pending = null;
    this.bell.announcer.say(this.bell.texts.get('restored'));
    this.bell.update();
  }

  /** Send the pending batch; from here on it can't be undone. */
  commit() {
    const bell = this.bell;
    const batch = this.pending;
    clearTimeout(this.timer);
    this.pending = null;
    if (!batch) {
      return;
    }
    this.sent.push(batch);
    const forget = () => {
      this.sent.splice(this.sent.indexOf(batch), 1);
      bell.update();
    };
    const done = (error: Notifygate.Failure | null) => {
      batch.isDone = true;
      if (error) {
        forget();
        bell.panel.complain();
      } else {
        // They leave the client with the next poll; until then they would flash up.
        setTimeout(forget, KEEP_HIDDEN_MS);
      }
      bell.update();
    };
    if (batch.upTo) {
      bell.client.dismissAll(batch.upTo, done);
    } else {
      inParts(batch.ids, (some, next) => bell.client.dismiss(some, next), done);
    }
    bell.update();
  }
}

type Step = (error: Notifygate.Failure | null) => void;

/** Call `work(part, next)` for parts of a list that one request can take, one after the other. */
function inParts(list: readonly string[], work: (part: string[], next: Step) => void, done: Step) {
  function step(error: Notifygate.Failure | null) {
    const part = list.slice(0, MAX_IDS);
    list = list.slice(MAX_IDS);
    if (error || !part.length) {
      done(error);
    } else {
      work(part, step);
    }
  }
  step(null);
}
