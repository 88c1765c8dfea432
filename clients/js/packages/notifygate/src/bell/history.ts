/** Loading older notifications than those in the list. */

import type { NotifygateBell } from './bell';
import type { List } from './list';

/** How near to its end the list loads older notifications, in pixels. */
const LOAD_AHEAD_PX = 320;

/** Pages that are loaded by themselves to find notifications of a filter, before a button is offered instead. */
const MAX_PAGES_UNASKED = 8;

export class History {
  bell: NotifygateBell;
  list: List;
  pagesUnasked = 0;
  isLoading = false;
  hasFailed = false;

  constructor(bell: NotifygateBell, list: List) {
    this.bell = bell;
    this.list = list;
  }

  /** Return whether there are older notifications that the filter could show. */
  mayLoad() {
    const bell = this.bell;
    if (!bell.items.hasOlder || bell.dismissals.hidesOlder()) {
      return false;
    }
    const unread = bell.items.list.filter((item) => !item.read_at && !bell.items.isBeyond(item)).length;
    return this.list.filter.kind !== 'unread' || unread < bell.counts().unread;
  }

  /** Load more when the end is near: that of the list, or in a page that is scrolled as a whole, that of its window. */
  loadIfNear() {
    const scroller = this.list.scroller;
    const rest = Math.max(scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight,
      scroller.getBoundingClientRect().bottom - window.innerHeight);
    const isPatient = this.list.filter.kind !== 'all' && this.pagesUnasked >= MAX_PAGES_UNASKED;
    if (this.bell.isOpen && scroller.clientHeight && rest <= LOAD_AHEAD_PX && !this.hasFailed && !isPatient) {
      this.load();
    }
  }

  load() {
    const bell = this.bell;
    const items = bell.items;
    const last = items.last;
    if (this.isLoading || !bell.isReady || !this.mayLoad()) {
      return;
    }
    this.isLoading = true;
    this.hasFailed = false;
    this.pagesUnasked += 1;
    this.list.updateStates();
    bell.client.history({before: last!, limit: bell.options.pageSize}, (error, page) => {
      this.isLoading = false;
      if (bell.isDestroyed) {
        return;
      }
      if (items.last === last) { // else a snapshot came in between, and this page belongs to nothing
        if (error && error.status === 404) {
          items.hasOlder = false; // the place it should go on from isn't known any more
        } else if (error) {
          this.hasFailed = true;
        } else {
          items.reach(page!.notifications, page!.has_more && page!.notifications.length > 0);
        }
      }
      bell.update();
    });
  }
}
