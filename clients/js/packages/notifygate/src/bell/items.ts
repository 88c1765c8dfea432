/** The client's notifications as the list shows them. */

import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** The client's notifications, newest first, and where history goes on. */
export class Items {
  list: Notification[] = [];
  /** The last one of the newest snapshot or page of history: older ones lie before it. */
  last = '';
  hasOlder = false;

  /** Note a snapshot or a page of history, newest first. */
  reach(page: readonly Notification[], hasOlder: boolean) {
    this.hasOlder = hasOlder && page.length > 0;
    if (page.length) this.last = page[page.length - 1].id;
  }

  get(id: string): Notification | undefined {
    return this.list.filter((item) => item.id === id)[0];
  }

  newest() {
    return this.list.length ? this.list[0].id : '';
  }
}
