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
    return this.batches().some((batch) => {
      return batch.hides(item);
    });
  }

  /** Return whether everything older is hidden, too: then there is no need to load it. */
  hidesOlder() {
    return this.batches().some((batch) => {
      return batch.upTo !== null;
    });
  }

  /** Return the number of hidden unread notifications that the gateway still counts. */
  hiddenUnread() {
    const items = this.bell.items;
    return this.batches().reduce((sum, batch) => {
      if (batch.isDone) {
        return sum;
      }
      return sum + (batch.upTo !== null ? batch.unread : batch.ids.filter((id) => {
        const item = items.get(id);
        return !!item && !item.read_at;
      }).length);
    }, 0);
  }

  dismiss(ids: readonly string[]) {
    if (this.pending && this.pending.upTo !== null) {
      this.commit();
    }
    const pending = this.pending = this.pending || new Batch(null, '', 0);
    pending.ids = pending.ids.concat(ids.filter((id) => !contains(pending.ids, id)));
    this.wait();
  }

  clear() {
    this.commit();
    const items = this.bell.items;
    const millisecond = items.newest().slice(0, MILLISECOND_CHARACTERS);
    const pending = this.pending = new Batch(this.bell.client.cursor, millisecond, this.bell.unread());
    pending.ids = items.list.map((item) => item.id).filter((id) => id >= millisecond);
    this.wait();
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.commit();
    }, this.bell.options.undoSeconds * 1000);
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
    const pending = this.pending;
    clearTimeout(this.timer);
    this.pending = null;
    if (!pending) {
      return;
    }
    const batch: Batch = pending;
    this.sent.push(batch);
    const forget = () => {
      this.sent.splice(this.sent.indexOf(batch), 1);
      bell.update();
    };
    function done(error: Notifygate.Failure | null) {
      batch.isDone = true;
      if (error) {
        forget();
        bell.panel.complain(bell.texts.get('failed'));
      } else {
        // They leave the client with the next poll; until then they would flash up.
        setTimeout(forget, KEEP_HIDDEN_MS);
      }
      bell.update();
    }
    if (batch.upTo === null) {
      inParts(batch.ids, (some, next) => {
        bell.client.dismiss(some, next);
      }, done);
    } else {
      bell.client.dismissAll(batch.upTo, done);
    }
    bell.update();
  }
}

class Batch {
  upTo: string | null;
  /** Ids before this one are hidden, too. */
  before: string;
  unread: number;
  ids: string[];
  isDone: boolean;

  constructor(upTo: string | null, before: string, unread: number) {
    this.upTo = upTo;
    this.before = before;
    this.unread = unread;
    this.ids = [];
    this.isDone = false;
  }

  hides(item: Notification) {
    return contains(this.ids, item.id) || item.id < this.before;
  }
}

type Step = (error: Notifygate.Failure | null) => void;

/** Call `work(part, next)` for parts of a list that one request can take, one after the other. */
function inParts(list: string[], work: (part: string[], next: Step) => void, done: Step) {
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
