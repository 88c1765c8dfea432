/** Reading, seeing and opening notifications. */

import type Notifygate from '../../types/index';
import type { NotifygateBell } from './bell';
import { MAX_IDS } from './dismissals';
import { isHidden } from './dom';
import { each } from './objects';
import { isOwnOrigin } from './urls';

type Notification = Notifygate.Notification;
type Done = (error: Notifygate.Failure | null) => void;

/** A same-tab link is followed when the gateway has marked it as read, but never later than this. */
const FOLLOW_LINK_MS = 400;

/** Mark some as read or unread. The client shows it at once and takes it back when the gateway refuses. */
export function setRead(bell: NotifygateBell, items: readonly Notification[], isRead: boolean, done?: Done) {
  const ids = items.filter((item) => !!item.read_at !== isRead).map((item) => item.id);
  if (!ids.length) {
    if (done) {
      done(null);
    }
    return;
  }
  // A closed group may be larger than a request.
  for (let at = 0; at < ids.length; at += MAX_IDS) {
    bell.client[isRead ? 'markRead' : 'markUnread'](ids.slice(at, at + MAX_IDS), orComplain(bell, done));
  }
  bell.update();
}

/** Make the callback of a change: it shows that the gateway refused it. */
function orComplain(bell: NotifygateBell, done?: Done) {
  return (error: Notifygate.Failure | null) => {
    if (error && !bell.isDestroyed) {
      bell.panel.complain();
    }
    bell.update();
    if (done) {
      done(error);
    }
  };
}

/** Mark everything up to the cursor that the user was shown as read; later ones aren't touched. */
export function markAllRead(bell: NotifygateBell) {
  if (!bell.unread()) {
    return;
  }
  bell.client.markAllRead(bell.client.cursor, orComplain(bell, (error) => {
    if (!error) {
      bell.announcer.say(bell.texts.get('allRead'));
    }
  }));
  bell.update();
}

/** Mark the notifications that the user can see as seen, each once. */
export function markSeen(bell: NotifygateBell) {
  if (!bell.showsList() || isHidden() || !bell.isReady) {
    return;
  }
  const unseen = bell.items.list.filter((item) => {
    return !item.seen_at && !item.read_at && !bell.seenIds[item.id] && !bell.dismissals.hides(item);
  });
  const ids = unseen.slice(0, MAX_IDS).map((item) => item.id);
  if (ids.length) {
    each(ids, (id) => {
      bell.seenIds[id] = true;
    });
    bell.client.markSeen(ids, (error) => {
      each(error ? ids : [], (id) => {
        delete bell.seenIds[id];
      });
    });
  }
}

/** Note that one was opened: it is read then. Returns false if the page wants to handle it itself. */
export function opened(bell: NotifygateBell, item: Notification, done?: Done) {
  const handled = bell.options.onOpen ? bell.options.onOpen(item) : undefined;
  setRead(bell, [bell.items.get(item.id) || item], true, done);
  return handled;
}

/** Return whether a click on a link is for the page's router: in this tab, within the page's origin. */
export function isForRouter(bell: NotifygateBell, link: HTMLAnchorElement, event: MouseEvent | KeyboardEvent) {
  return !!bell.options.navigate && !isElsewhere(link, event) && isOwnOrigin(link.href);
}

/** Follow a link: by the page's router, if it has one. */
export function goTo(bell: NotifygateBell, link: HTMLAnchorElement, item: Notification | null) {
  const navigate = bell.options.navigate;
  if (navigate && isOwnOrigin(link.href)) {
    bell.close(true);
    navigate(link.getAttribute('href')!, item);
  } else {
    window.location.assign(link.href);
  }
}

/** Follow a notification's link, after a click on it or in its name. */
export function followLink(
  bell: NotifygateBell,
  item: Notification,
  link: HTMLAnchorElement,
  event: MouseEvent | KeyboardEvent,
  onOpen?: () => void
) {
  let hasGone = false;
  const isRouted = isForRouter(bell, link, event);
  const isRead = !!(bell.items.get(item.id) || item).read_at;
  const go = () => {
    if (!hasGone) {
      hasGone = true;
      goTo(bell, link, item);
    }
  };
  if (event.currentTarget !== link && event.target !== link) {
    link.click(); // the card was clicked: the browser knows best how to follow its link
    return;
  }
  if (onOpen) {
    onOpen();
  }
  if (!isRouted && (isElsewhere(link, event) || isRead)) {
    if (opened(bell, item) === false) {
      event.preventDefault();
    }
    return;
  }
  event.preventDefault();
  // Leaving the page would cut off the request that marks it as read; a router stays in it.
  if (opened(bell, item, isRouted ? undefined : go) === false) {
    hasGone = true;
  } else if (isRouted) {
    go();
  } else {
    setTimeout(go, FOLLOW_LINK_MS);
  }
}

function isElsewhere(link: HTMLAnchorElement, event: MouseEvent | KeyboardEvent) {
  return link.target === '_blank' || event.ctrlKey || event.metaKey || event.shiftKey || (event as MouseEvent).button > 0;
}
