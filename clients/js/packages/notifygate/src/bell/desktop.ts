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

/** Values that the storage has not taken: it is full or switched off. They last as long as the page. */
const unsaved = dictionary<string>();

export function readStored(key: string) {
  try {
    return unsaved[key] || window.localStorage.getItem(key);
  } catch (error) {
    return null;
  }
}

export function store(key: string, value: string) {
  unsaved[key] = value;
  try {
    window.localStorage.setItem(key, value);
    unsaved[key] = '';
  } catch (error) {
    // At worst a desktop notification is shown beside a toast.
  }
}

/** Return the browser's permission for notifications, 'none' where it has none to give. */
export function desktopPermission() {
  return window.Notification && !!(window.Notification as any).requestPermission ? window.Notification.permission : 'none';
}

/** Ask for permission; only ever called by a click. */
export function askForDesktop(done: () => void) {
  // Old browsers know only the callback, new ones may know only the promise; `done` may be called twice.
  const answer = window.Notification.requestPermission(done);
  if (answer && answer.then) {
    answer.then(done, done);
  }
}

/** Show a notification soon, unless it is read or shown by a visible tab until then. */
export function showOnDesktop(bell: NotifygateBell, item: Notification) {
  setTimeout(() => {
    const seen = Number(readStored(VISIBLE_KEY)) || 0;
    const now = bell.items.get(item.id);
    if (!bell.isDestroyed && now && !now.read_at && isHidden() && Math.abs(Date.now() - seen) > 2 * DESKTOP_DELAY_MS) {
      notify(bell, item);
    }
  }, DESKTOP_DELAY_MS);
}

function notify(bell: NotifygateBell, item: Notification) {
  let shown;
  try {
    // The tag keeps two tabs from showing the same one twice.
    shown = new window.Notification(withoutDirections(item.title), {body: withoutDirections(item.body || ''),
      tag: 'notifygate-' + item.id, lang: bell.texts.language, dir: 'auto', requireInteraction: isUrgent(item)});
  } catch (error) {
    return; // Android's Chrome allows them to service workers only: the badge has to do
  }
  bell.desktop[item.id] = shown;
  shown.onclick = () => {
    window.focus();
    shown.close();
    bell.open();
  };
  shown.onclose = () => {
    delete bell.desktop[item.id];
  };
}

/** Close those whose notification was read or has left the inbox. */
export function updateDesktop(bell: NotifygateBell) {
  each(Object.keys(bell.desktop), (id) => {
    const item = bell.items.get(id);
    if (!item || item.read_at) {
      bell.desktop[id].close();
    }
  });
}
