/** Changes of state: shown at once, undone when the gateway refuses them. */

import type Notifygate from '../../types/index';
import type { Core } from './core';
import { count, show } from './feed';
import { put, remove } from './inbox';
import { send } from './requests';

export type Operation = 'read' | 'unread' | 'seen' | 'dismiss';

type Notification = Notifygate.Notification;
type Done = Notifygate.Done<Notifygate.Changed> | undefined;

/** Return a notification as it will be after an operation that keeps it. */
export function changedBy(operation: Operation, item: Notification, time: string): Notification {
  const made: Notification = JSON.parse(JSON.stringify(item));
  made.seen_at = made.seen_at || time;
  if (operation !== 'seen') made.read_at = operation === 'read' ? made.read_at || time : null;
  return made;
}

/**
 * Change notifications. `body`: the request, with ids (at most 500) or up to a cursor. `ids`: those of it that may be
 * known here.
 */
export function change(core: Core, operation: Operation, ids: string[], body: object, done: Done): void {
  const before = core.client.cursor;
  const time = new Date(core.ownPlatform.now()).toISOString();
  const made: Notification[] = [];
  const gone: string[] = [];
  const known = ids.filter((id) => core.items[id]);
  known.forEach((id) => {
    const old = core.items[id]!;
    core.confirmed[id] = core.confirmed[id] || old;
    if (operation === 'dismiss') {
      gone.push(id);
      remove(core, id);
    } else {
      const item = changedBy(operation, old, time);
      made.push(item);
      put(core, item);
    }
  });
  show(core, made, gone);
  send(core, 'POST', 'inbox/state', 'unread', body, (error, answer) => {
    const undone: Notification[] = [];
    known.forEach((id) => {
      const old = core.confirmed[id];
      if (!old) return; // what the gateway has reported meanwhile stands
      if (error) {
        put(core, old);
        undone.push(old);
      } else if (operation === 'dismiss') delete core.confirmed[id];
      else core.confirmed[id] = changedBy(operation, old, time);
    });
    // After another batch with news these counts are out of date.
    if (!error && before === core.client.cursor) count(core, answer);
    show(core, undone, []);
    if (done) done(error, answer);
  });
}
