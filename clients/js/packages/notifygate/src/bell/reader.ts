/** Reading, seeing and opening notifications. */

import type Notifygate from '../../types/index';
import type { NotifygateBell } from './bell';
import { MAX_IDS } from './dismissals';
import { isHidden } from './dom';
import { dictionary, each } from './objects';
import { isOwnOrigin } from './urls';

type Notification = Notifygate.Notification;
type Done = (error: Notifygate.Failure | null) => void;

/** A same-tab link is followed when the gateway has marked it as read, but never later than this. */
const FOLLOW_LINK_MS = 400;

export class Reader {
  bell: NotifygateBell;
  /** Ids that were sent to the gateway as seen. */
  seenIds: Record<string, boolean> = dictionary();

  constructor(bell: NotifygateBell) {
    this.bell = bell;
  }

  /** Mark some as read or unread. The client shows it at once and takes it back when the gateway refuses. */
  setRead(items: readonly Notification[], isRead: boolean, done?: Done) {
    const ids = items.filter((item) => !!item.read_at !== isRead).map((item) => item.id);
    if (!ids.length) {
      if (done) {
        done(null);
      }
      return;
    }
    // A closed group may be larger than a request.
    for (let at = 0; at < ids.length; at += MAX_IDS) {
      this.bell.client[isRead ? 'markRead' : 'markUnread'](ids.slice(at, at + MAX_IDS), this.orComplain(done));
    }
    this.bell.update();
  }

  /** Make the callback of a change: it shows that the gateway refused it. */
  orComplain(done?: Done) {
    const bell = this.bell;
    return (error: Notifygate.Failure | null) => {
      if (error && !bell.isDestroyed) {
        bell.panel.complain(bell.texts.get('failed'));
      }
      bell.update();
      if (done) {
        done(error);
      }
    };
  }

  /** Mark everything up to the cursor that the user was shown as read; later ones aren't touched. */
  markAllRead() {
    const bell = this.bell;
    if (!bell.unread()) {
      return;
    }
    bell.client.markAllRead(bell.client.cursor, this.orComplain((error) => {
      if (!error) {
        bell.announcer.say(bell.texts.get('allRead'));
      }
    }));
    bell.update();
  }

  /** Mark the notifications that the user can see as seen, each once. */
  markSeen() {
    const bell = this.bell;
    let ids;
    if (!bell.showsList() || isHidden() || !bell.isReady) {
      return;
    }
    ids = bell.items.list.filter((item) => {
      return !item.seen_at && !item.read_at && !this.seenIds[item.id] && !bell.dismissals.hides(item);
    }).slice(0, MAX_IDS).map((item) => {
      return item.id;
    });
    if (ids.length) {
      each(ids, (id: string) => {
        this.seenIds[id] = true;
      });
      bell.client.markSeen(ids, (error) => {
        each(error ? ids : [], (id: string) => {
          delete this.seenIds[id];
        });
      });
    }
  }

  /** Note that one was opened: it is read then. Returns false if the page wants to handle it itself. */
  opened(item: Notification, done?: Done) {
    const handled = this.bell.options.onOpen ? this.bell.options.onOpen(item) : undefined;
    this.setRead([this.bell.items.get(item.id) || item], true, done);
    return handled;
  }

  /** Return whether a click on a link is for the page's router: in this tab, within the page's origin. */
  isRouted(link: HTMLAnchorElement, event: MouseEvent | KeyboardEvent) {
    return !!this.bell.options.navigate && !isElsewhere(link, event) && isOwnOrigin(link.href);
  }

  /** Follow a link: by the page's router, if it has one. */
  go(link: HTMLAnchorElement, item: Notification | null) {
    const navigate = this.bell.options.navigate;
    if (navigate && isOwnOrigin(link.href)) {
      this.bell.close(true);
      navigate(link.getAttribute('href')!, item);
    } else {
      window.location.assign(link.href);
    }
  }

  /** Follow a notification's link, after a click on it or in its name. */
  follow(item: Notification, link: HTMLAnchorElement, event: MouseEvent | KeyboardEvent, onOpen?: () => void) {
    let hasGone = false;
    const isRouted = this.isRouted(link, event);
    const isRead = !!(this.bell.items.get(item.id) || item).read_at;
    const go = () => {
      if (!hasGone) {
        hasGone = true;
        this.go(link, item);
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
      if (this.opened(item) === false) {
        event.preventDefault();
      }
      return;
    }
    event.preventDefault();
    // Leaving the page would cut off the request that marks it as read; a router stays in it.
    if (this.opened(item, isRouted ? undefined : go) === false) {
      hasGone = true;
    } else if (isRouted) {
      go();
    } else {
      setTimeout(go, FOLLOW_LINK_MS);
    }
  }
}

function isElsewhere(link: HTMLAnchorElement, event: MouseEvent | KeyboardEvent) {
  return link.target === '_blank' || event.ctrlKey || event.metaKey || event.shiftKey || (event as MouseEvent).button > 0;
}
