/** The client's notifications as the list shows them. */

import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** The client's notifications, newest first, and how far back they are complete. */
export class Items {
  list: Notification[] = [];
  /** The last one of the newest snapshot or page of history: older ones lie before it. */
  last: string | null = null;
  hasOlder = false;

  /** Note a snapshot or a page of history, newest first. */
  reach(page: readonly Notification[], hasOlder: boolean) {
    this.last = page.length ? page[page.length - 1].id : this.last;
    this.hasOlder = hasOlder && this.last !== null;
  }

  /** Return whether one is older than the loaded ones: it was changed on another device. */
  isBeyond(item: Notification) {
    return this.hasOlder && item.id < this.last!;
  }

  get(id: string): Notification | undefined {
    return this.list.filter((item) => item.id === id)[0];
  }

  newest() {
    return this.list.length ? this.list[0].id : '';
  }
}
