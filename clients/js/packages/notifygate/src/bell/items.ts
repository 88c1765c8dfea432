/** The client's notifications as the list shows them. */

import { dictionary, each, own } from './objects';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** The client's notifications, by id and in order, newest first, and how far back they are complete. */
export class Items {
  list: Notification[];
  byId: Record<string, Notification>;
  last: string | null;
  hasOlder: boolean;

  constructor() {
    this.list = [];
    this.byId = dictionary();
    /** The last one of the newest snapshot or page of history: older ones lie before it. */
    this.last = null;
    this.hasOlder = false;
  }

  /** Take over what the client has. */
  refresh(list: Notification[]) {
    const byId = dictionary<Notification>();
    each(list, function (item: Notification) {
      byId[item.id] = item;
    });
    this.list = list;
    this.byId = byId;
  }

  /** Note a snapshot or a page of history, newest first. */
  reach(page: readonly Notification[], hasOlder: boolean) {
    this.last = page.length ? page[page.length - 1].id : this.last;
    this.hasOlder = hasOlder && this.last !== null;
  }

  /** Tell whether one lies beyond what was loaded: an old one that was changed on another device. */
  isBeyond(item: Notification) {
    return this.hasOlder && item.id < this.last!;
  }

  get(id: string) {
    return own(this.byId, id);
  }

  newest() {
    return this.list.length ? this.list[0].id : '';
  }
}
