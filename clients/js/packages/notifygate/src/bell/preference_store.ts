/** The recipient's preferences. */

import type Notifygate from '../../types/index';
import type { NotifygateBell } from './bell';
import { timeOf } from './notification';
import { copy, dictionary, each, own } from './objects';
import { makeQueue } from './queue';

type Notification = Notifygate.Notification;

/** A change of one type that is on its way. */
interface Change {
  type: string;
  change: { muted?: boolean; display?: string | null };
  done(error: Notifygate.Failure | null): void;
}

/**
 * The recipient's preferences: read at the start and after each reset, written one change at a time on top of the
 * gateway's, so that two devices don't undo each other's.
 */
export class PreferenceStore {
  bell: NotifygateBell;
  saved: Notifygate.TypePreferences | null;
  types: Notifygate.TypePreferences;
  changes: Change[];
  inTurn = makeQueue();
  unmutedAt: Record<string, number>;
  reads: number;
  waiting: (() => void)[];

  constructor(bell: NotifygateBell) {
    this.bell = bell;
    /** The gateway's preferences, null before they were read. */
    this.saved = null;
    /** The same with the changes that are on their way. */
    this.types = {};
    this.changes = [];
    /** When each type that was muted was switched on again, in milliseconds. */
    this.unmutedAt = dictionary();
    /** Reads that are on their way, and functions that wait for the last of them. */
    this.reads = 0;
    this.waiting = [];
  }

  /** Call a function when the preferences are known, or could not be read. */
  whenKnown(work: () => void) {
    if (this.reads) {
      this.waiting.push(work);
    } else {
      work();
    }
  }

  /** Return whether a notification was published while its type was muted. */
  wasMuted(item: Notification) {
    return timeOf(item) < (this.unmutedAt[item.type] || 0);
  }

  /** Take what the gateway has; null: it is not known yet. */
  take(saved: Notifygate.TypePreferences | null) {
    let types = saved || {};
    this.saved = saved;
    each(this.changes, (one) => {
      types = withChange(types, one.type, one.change);
    });
    this.show(types);
  }

  show(types: Notifygate.TypePreferences) {
    each(Object.keys(this.types), (type) => {
      if (this.types[type].muted && !(own(types, type) || { muted: false }).muted) {
        this.unmutedAt[type] = Date.now();
      }
    });
    this.types = types;
    this.bell.panel.settings.update();
  }

  load() {
    const panel = this.bell.panel;
    if (this.changes.length) {
      return; // the response to the last of them has the same; one that is read meanwhile would be outdated at once
    }
    this.reads += 1;
    this.bell.client.preferences(null, (error, preferences) => {
      if (this.bell.isDestroyed) {
        return;
      }
      this.reads -= 1;
      if (!error && !this.changes.length) {
        this.take(preferences!.types);
      }
      if (!this.reads) {
        each(this.waiting.splice(0), (work) => {
          work();
        });
      }
      panel.settings.say(error && !this.saved ? this.bell.texts.get('settingsFailed') : '');
    });
  }

  change(type: string, change: Change['change'], done: Change['done']) {
    this.changes.push({type: type, change: change, done: done});
    this.show(withChange(this.types, type, change));
    this.inTurn((next) => this.write(0, next));
  }

  /** Write the oldest change, then call `next`; after a 412, or before anything was read, read first. */
  write(tries: number, next: () => void) {
    const client = this.bell.client;
    const first = this.changes[0];
    const finish = (error: Notifygate.Failure | null, types: Notifygate.TypePreferences | null) => {
      if (this.bell.isDestroyed) {
        return;
      }
      this.changes.shift();
      this.take(types);
      first.done(error);
      next();
    };
    const put = () => {
      const wanted = withChange(this.saved, first.type, first.change);
      client.preferences(wanted, (error, answer) => {
        if (error && error.status === 412 && tries < 3) {
          this.write(tries + 1, next);
        } else {
          finish(error, error ? this.saved : answer!.types);
        }
      });
    };
    if (this.saved && !tries) {
      put();
      return;
    }
    client.preferences(null, (error, preferences) => {
      if (error) {
        finish(error, this.saved); // never as if there were none: the next change would replace them all
      } else {
        this.saved = preferences!.types;
        put();
      }
    });
  }
}

function withChange(types: Notifygate.TypePreferences | null, type: string, change: Change['change']) {
  const result = copy(dictionary(), types);
  const entry = copy({}, own(types, type), change);
  if (!entry.display) {
    delete entry.display;
  }
  if (entry.muted || entry.display) {
    result[type] = entry;
  } else {
    delete result[type];
  }
  return result;
}
