/** Loading older notifications than those in the list. */

import type { List } from './list';

/** How near to its end the list loads older notifications, in pixels. */
const LOAD_AHEAD_PX = 320;

/** Pages that are loaded by themselves to find notifications of a filter, before a button is offered instead. */
const MAX_PAGES_UNASKED = 8;

/** The part of the list that this file owns. */
export interface HistoryState {
  pagesUnasked: number;
  isLoading: boolean;
  hasFailed: boolean;
}

/** Return whether there are older notifications that the filter could show. */
export function mayLoad(list: List) {
  const bell = list.bell;
  return bell.items.hasOlder && !bell.dismissals.hidesOlder() && (list.filter.kind !== 'unread' ||
    bell.items.list.filter((item) => !item.read_at).length < bell.counts().unread);
}

/** Load more when the end is near: that of the list, or in a page that is scrolled as a whole, that of its window. */
export function loadIfNear(list: List) {
  const scroller = list.scroller;
  const rest = Math.max(scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight,
    scroller.getBoundingClientRect().bottom - window.innerHeight);
  const isPatient = list.filter.kind !== 'all' && list.pagesUnasked >= MAX_PAGES_UNASKED;
  if (list.bell.isOpen && scroller.clientHeight && rest <= LOAD_AHEAD_PX && !list.hasFailed && !isPatient) {
    load(list);
  }
}

/** Load the next page, unless one is on its way. */
export function load(list: List) {
  const bell = list.bell;
  const items = bell.items;
  const last = items.last;
  if (list.isLoading || !bell.isReady || !mayLoad(list)) {
    return;
  }
  list.isLoading = true;
  list.hasFailed = false;
  list.pagesUnasked += 1;
  list.updateStates();
  bell.client.history({before: last, limit: bell.options.pageSize}, (error, page) => {
    list.isLoading = false;
    if (bell.isDestroyed) {
      return;
    }
    if (items.last === last) { // else a snapshot came in between, and this page belongs to nothing
      if (error && error.status === 404) {
        items.hasOlder = false; // the place it should go on from isn't known any more
      } else if (error) {
        list.hasFailed = true;
      } else {
        items.reach(page!.notifications, page!.has_more);
      }
    }
    bell.update();
  });
}
