/** Which notifications are news, and how they are presented: announced, as a toast, as a dialog, on the desktop. */

import type Notifygate from '../../types/index';
import type { NotifygateBell } from './bell';
import { displayOf } from './catalogue';
import { VISIBLE_KEY, desktopPermission, showOnDesktop, store } from './desktop';
import { flash, isHidden } from './dom';
import { timeOf } from './notification';
import { contains, each } from './objects';
import { pausedUntil } from './pause';
import { markSeen } from './reader';

type Notification = Notifygate.Notification;

/** Of more arrivals in one answer only the number is announced. */
const MAX_ANNOUNCED = 3;

/** Notifications that are older when a page opens are not news, even if this browser hasn't seen them. */
const PAGE_CHANGE_MS = 30000;

/** Every bell of the page, oldest first. */
export const bells: NotifygateBell[] = [];

/** Process the notifications of an answer, and present those that are news. */
export function takeAnswer(bell: NotifygateBell, items: Notification[], info: Notifygate.Info) {
  const wasReady = bell.isReady;
  if (info.snapshot) {
    bell.items.reach(items, info.has_more);
  }
  if (!wasReady && info.snapshot) {
    bell.begin();
  }
  bell.update();
  if (info.snapshot) {
    bell.preferenceStore.load(); // a change of them, here or on another device, causes a reset
  }
  if (isSpeaker(bell)) {
    bell.preferenceStore.whenKnown(() => {
      if (wasReady) {
        present(bell, info.added.filter((item) => isNews(bell, item, !!info.snapshot)));
      }
      if (info.snapshot) {
        insist(bell, items);
      }
    });
  }
  markSeen(bell);
}

/** Show the dialogs of critical ones again: a reload does not acknowledge them. */
function insist(bell: NotifygateBell, items: Notification[]) {
  each(items, (item) => {
    if (item.priority === 'critical' && !item.read_at && displayOf(bell, item) === 'modal') {
      bell.modals.add(item);
    }
  });
}

/** Of several bells with one client, the first one announces and shows toasts and dialogs. */
export function isSpeaker(bell: NotifygateBell) {
  return bells.filter((one) => one.client === bell.client)[0] === bell;
}

/** Return whether something that was not known before deserves to be presented. */
function isNews(bell: NotifygateBell, item: Notification, isFromSnapshot: boolean) {
  // The client also reports what came since this browser last looked: too old, except between two pages of a site.
  const isRecent = item.id > bell.newestAtStart || Date.now() - timeOf(item) < PAGE_CHANGE_MS;
  // A type that is no longer muted comes back with all that was published meanwhile.
  return !item.read_at && isRecent && !(isFromSnapshot && bell.preferenceStore.wasMuted(item));
}

/** Show news: announced, as a toast, as a dialog, on the desktop, each as it should be. */
function present(bell: NotifygateBell, items: Notification[]) {
  const isPaused = !!pausedUntil();
  const sorted = items.slice().sort((a, b) => a.id < b.id ? -1 : 1);
  const loud = sorted.filter((item) => displayOf(bell, item) !== 'none');
  if (!sorted.length) {
    return;
  }
  if (!isHidden()) {
    store(VISIBLE_KEY, String(Date.now()));
  }
  bell.panel.list.noteNews(sorted.length);
  announce(bell, loud);
  if (loud.length) {
    flash(bell.button, 'ngb-swing', 900);
  }
  each(sorted, (item) => {
    const display = displayOf(bell, item);
    if (isPaused && item.priority !== 'critical') {
      return; // counted and announced, and nothing pops up
    }
    if (display === 'modal') {
      bell.modals.add(item);
    } else if (display === 'browser' && isHidden() && desktopPermission() === 'granted' && bell.client.state.leader) {
      showOnDesktop(bell, item);
    } else if (contains(['toast', 'browser'], display) && bell.options.toasts && !isHidden() && !bell.showsList()) {
      bell.toasts.show(item);
    }
  });
}

/** Announce notifications to screen readers. */
export function announce(bell: NotifygateBell, items: Notification[]) {
  const texts = bell.texts;
  const critical = items.filter((item) => item.priority === 'critical');
  const others = items.filter((item) => item.priority !== 'critical');
  if (critical.length) {
    bell.announcer.say(critical.map((item) => texts.get('announceCritical', {title: item.title})).join('. '), true);
  }
  if (others.length > MAX_ANNOUNCED) {
    bell.announcer.say(texts.get('news', {n: others.length}));
  } else if (others.length) {
    bell.announcer.say(others.map((item) => {
      return texts.get(item.sender ? 'announceFrom' : 'announce', {sender: item.sender, title: item.title});
    }).join('. '));
  }
}
