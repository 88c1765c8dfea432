/** Dialogs, one after the other. */

import type { NotifygateBell } from './bell';
import { makeDialog, type Dialog } from './dialog';
import { isHidden, toggleClass } from './dom';
import { contains, dictionary, each } from './objects';
import { bells } from './presenter';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** Dialogs, one after the other. A critical notification stays until it is acknowledged, that is: read. */
export class Modals {
  bell: NotifygateBell;
  queue: string[];
  putOff: Record<string, boolean>;
  done: number;
  dialog: Dialog | null;
  /** What had the focus before the first dialog. */
  returnTo: HTMLElement | null;

  constructor(bell: NotifygateBell) {
    this.bell = bell;
    this.queue = [];
    /** Ids that the user put off after an acknowledgement failed. */
    this.putOff = dictionary();
    this.done = 0;
    this.dialog = null;
  }

  add(item: Notification) {
    if (!contains(this.queue, item.id) && !this.putOff[item.id]) {
      this.queue.push(item.id);
      this.update();
    }
  }

  /** Drop notifications that were acknowledged on another device, and show the next one. */
  update() {
    const bell = this.bell;
    this.queue = this.queue.filter((id) => {
      const item = bell.items.get(id);
      const isAsking = this.dialog && this.dialog.isBusy && this.dialog.item.id === id;
      return isAsking || (item && !item.read_at && !bell.dismissals.hides(item) && !this.putOff[id]);
    });
    // While an acknowledgement is on its way, the client shows it as read already; the dialog waits for the response.
    if (this.dialog && !this.dialog.isBusy && !contains(this.queue, this.dialog.item.id)) {
      this.dialog.close(this.queue.length > 0);
      this.dialog = null;
      this.done += 1;
      // Another client of the page may have waited with its dialog: two would take the focus from each other.
      each(bells, (other) => {
        if (other !== bell) other.modals.update();
      });
    }
    if (this.queue.length && !isHidden() && !bells.some((other) => !!other.modals.dialog)) {
      this.dialog = makeDialog(this, bell.items.get(this.queue[0]!)!);
    }
    if (!this.queue.length) {
      this.done = 0;
    }
    if (this.dialog) {
      this.dialog.count(this.done + 1, this.done + this.queue.length);
    }
    lock();
  }

  destroy() {
    if (this.dialog) {
      this.dialog.close();
    }
    each(bells, (other) => other.modals.update());
    lock();
  }
}

/** Keep the page from being scrolled below a dialog of any bell. */
function lock() {
  toggleClass(document.documentElement, 'ngb-locked', bells.some((bell) => !!bell.modals.dialog));
}
