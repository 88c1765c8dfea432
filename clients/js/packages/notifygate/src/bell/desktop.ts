/** The browser's own notifications. */

import type { NotifygateBell } from './bell';
import { isHidden } from './dom';
import { isUrgent } from './notification';
import { dictionary, each } from './objects';
import { withoutDirections } from './text';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** A hidden tab waits this long for a visible one to note in the storage that it shows the notification. */
const DESKTOP_DELAY_MS = 1200;

export const VISIBLE_KEY = 'notifygate-bell.visible';

export function readStored(key: string) {
  try {
    return window.localStorage.getItem(key);
  } catch (error) {
    return null; // storage is switched off
  }
}

export function store(key: string, value: string) {
  try {
    window.localStorage.setItem(key, value);
  } catch (error) {
    // Storage is full or switched off: at worst a desktop notification is shown beside a toast.
  }
}

/** The browser's own notifications, for when no tab with the bell is to be seen. */
export class Desktop {
  bell: NotifygateBell;
  open: Record<string, globalThis.Notification>;

  constructor(bell: NotifygateBell) {
    this.bell = bell;
    this.open = dictionary();
  }

  permission() {
    return window.Notification && !!(window.Notification as any).requestPermission ? window.Notification.permission : 'none';
  }

  /** Ask for permission; only ever called by a click. */
  ask(done: () => void) {
    // Old browsers know only the callback, new ones may know only the promise; `done` may be called twice.
    const answer = window.Notification.requestPermission(done);
    if (answer && answer.then) {
      answer.then(done, done);
    }
  }

  show(item: Notification) {
    setTimeout(() => {
      const seen = Number(readStored(VISIBLE_KEY)) || 0;
      const now = this.bell.items.get(item.id);
      if (!this.bell.isDestroyed && now && !now.read_at && isHidden() && Math.abs(Date.now() - seen) > 2 * DESKTOP_DELAY_MS) {
        this.notify(item);
      }
    }, DESKTOP_DELAY_MS);
  }

  notify(item: Notification) {
    const bell = this.bell;
    let shown;
    try {
      // The tag keeps two tabs from showing the same one twice.
      shown = new window.Notification(withoutDirections(item.title), {body: withoutDirections(item.body || ''),
        tag: 'notifygate-' + item.id, lang: bell.texts.language, dir: 'auto', requireInteraction: isUrgent(item)});
    } catch (error) {
      return; // Android's Chrome allows them to service workers only: the badge has to do
    }
    this.open[item.id] = shown;
    shown.onclick = () => {
      window.focus();
      shown.close();
      bell.open();
    };
    shown.onclose = () => {
      delete this.open[item.id];
    };
  }

  /** Close those whose notification was read or has left the inbox. */
  update() {
    each(Object.keys(this.open), (id) => {
      const item = this.bell.items.get(id);
      if (!item || item.read_at) {
        this.open[id].close();
      }
    });
  }
}
