/** Which notifications are news, and how they are presented: announced, as a toast, as a dialog, on the desktop. */

import type Notifygate from '../../types/index';
import type { NotifygateBell } from './bell';
import { VISIBLE_KEY, store } from './desktop';
import { flash, isHidden } from './dom';
import { timeOf } from './notification';
import { contains, each } from './objects';
import { pausedUntil } from './pause';

type Notification = Notifygate.Notification;

/** Of more arrivals in one answer only the number is announced. */
const MAX_ANNOUNCED = 3;

/** Notifications that are older when a page opens are not news, even if this browser hasn't seen them. */
const PAGE_CHANGE_MS = 30000;

/** Every bell of the page, oldest first. */
export const bells: NotifygateBell[] = [];

export class Presenter {
  bell: NotifygateBell;
  newestAtStart: string;

  constructor(bell: NotifygateBell) {
    this.bell = bell;
  }

  /** Process the notifications of an answer, and present those that are news. */
  take(items: Notification[], info: Notifygate.Info) {
    const wasReady = this.bell.isReady;
    if (info.snapshot) {
      this.bell.items.last = null;
      this.bell.items.reach(items, info.has_more);
    }
    if (!wasReady && info.snapshot) {
      this.bell.begin();
    }
    this.bell.update();
    if (wasReady && info.snapshot) {
      this.bell.preferenceStore.load(); // a change of them, here or on another device, causes a reset
    }
    if (this.isSpeaker()) {
      this.bell.preferenceStore.whenKnown(() => {
        if (wasReady) {
          this.present(info.added.filter((item) => {
            return this.isNews(item, !!info.snapshot);
          }));
        }
        if (info.snapshot) {
          this.insist(items);
        }
      });
    }
    this.bell.reader.markSeen();
  }

  /** Show the dialogs of critical ones again: a reload does not acknowledge them. */
  insist(items: Notification[]) {
    const bell = this.bell;
    each(items, (item) => {
      if (item.priority === 'critical' && !item.read_at && bell.catalogue.displayOf(item) === 'modal') {
        bell.modals.add(item);
      }
    });
  }

  /** Of several bells with one client, the first one announces and shows toasts and dialogs. */
  isSpeaker() {
    const client = this.bell.client;
    return bells.filter((bell) => {
      return bell.client === client;
    })[0] === this.bell;
  }

  /** Return whether something that was not known before deserves to be presented. */
  isNews(item: Notification, isFromSnapshot: boolean) {
    // The client also reports what came since this browser last looked: too old, except between two pages of a site.
    const isRecent = item.id > this.newestAtStart || Date.now() - timeOf(item) < PAGE_CHANGE_MS;
    // A type that is no longer muted comes back with all that was published meanwhile.
    return !item.read_at && isRecent && !(isFromSnapshot && this.bell.preferenceStore.wasMuted(item));
  }

  /** Show news: announced, as a toast, as a dialog, on the desktop, each as it should be. */
  present(items: Notification[]) {
    const bell = this.bell;
    const isPaused = !!pausedUntil();
    let loud;
    const sorted = items.slice().sort((a, b) => {
      return a.id < b.id ? -1 : 1;
    });
    if (!sorted.length) {
      return;
    }
    if (!isHidden()) {
      store(VISIBLE_KEY, String(Date.now()));
    }
    bell.panel.list.noteNews(sorted.length);
    loud = sorted.filter((item) => {
      return bell.catalogue.displayOf(item) !== 'none';
    });
    this.announce(loud);
    if (loud.length) {
      flash(bell.button, 'ngb-swing', 900);
    }
    each(sorted, (item) => {
      const display = bell.catalogue.displayOf(item);
      if (isPaused && item.priority !== 'critical') {
        return; // counted and announced, and nothing pops up
      }
      if (display === 'modal') {
        bell.modals.add(item);
      } else if (display === 'browser' && isHidden() && bell.desktop.permission() === 'granted' && bell.state().leader !== false) {
        bell.desktop.show(item);
      } else if (contains(['toast', 'browser'], display) && bell.options.toasts && !isHidden() && !bell.showsList()) {
        bell.toasts.show(item);
      }
    });
  }

  announce(items: Notification[]) {
    const texts = this.bell.texts;
    const critical = items.filter((item) => {
      return item.priority === 'critical';
    });
    const others = items.filter((item) => {
      return item.priority !== 'critical';
    });
    if (critical.length) {
      this.bell.announcer.say(critical.map((item) => {
        return texts.get('announceCritical', {title: item.title});
      }).join('. '), true);
    }
    if (others.length > MAX_ANNOUNCED) {
      this.bell.announcer.say(texts.get('news', {n: others.length}));
    } else if (others.length) {
      this.bell.announcer.say(others.map((item) => {
        return texts.get(item.sender ? 'announceFrom' : 'announce', {sender: item.sender, title: item.title});
      }).join('. '));
    }
  }
}
