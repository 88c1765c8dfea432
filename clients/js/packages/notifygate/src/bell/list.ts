/** The list of cards: filter, keyboard, history, its place while things arrive. */

import type { NotifygateBell } from './bell';
import { Card } from './card';
import { append, closest, el, empty, focusables, hasClass, icon, remove, setAttribute, setAttributes, setText, toggleClass, wantsLessMotion } from './dom';
import { ICONS } from './icons';
import { dictionary, each, own } from './objects';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** How near to its end the list loads what is older, in pixels. */
const LOAD_AHEAD_PX = 320;

/** Pages that are loaded by themselves to find unread ones, before a button is offered instead. */
const MAX_PAGES_UNASKED = 8;

/** The cards: filter, keyboard, history. One card is the current one; Tab goes through its controls only. */
export class List {
  bell: NotifygateBell;
  cards: Record<string, Card>;
  shown: string[];
  filter: 'all' | 'unread';
  kept: Record<string, boolean>;
  current: string | null;
  pagesUnasked: number;
  isLoadingOlder: boolean;
  hasFailed: boolean;
  newAbove: number;
  feed: HTMLElement;
  skeleton: HTMLElement;
  emptyTitle: HTMLElement;
  emptyHint: HTMLElement;
  empty: HTMLElement;
  older: HTMLElement;
  end: HTMLElement;
  foot: HTMLElement;
  scroller: HTMLElement;
  pill: HTMLElement;
  node: HTMLElement;
  awaitsFocus: boolean;

  constructor(bell: NotifygateBell) {
    const list = this;
    const texts = bell.texts;
    this.bell = bell;
    this.cards = dictionary();
    this.shown = [];
    this.filter = 'all';
    /** Ids that were read while only unread ones are shown: they stay until the filter is changed. */
    this.kept = dictionary();
    this.current = null;
    this.pagesUnasked = 0;
    this.isLoadingOlder = false;
    this.hasFailed = false;
    this.newAbove = 0;

    this.feed = el('div', 'ngb-feed');
    this.skeleton = el('div', 'ngb-skeleton', null, [
      el('p', 'ngb-hidden', null, texts.get('loading')), skeletonCard(), skeletonCard(), skeletonCard()
    ]);
    this.emptyTitle = el('p', 'ngb-empty-title');
    this.emptyHint = el('p', 'ngb-empty-hint');
    this.empty = el('div', 'ngb-empty', null, [
      el('span', 'ngb-empty-icon', {'aria-hidden': 'true'}, icon(ICONS.bell)), this.emptyTitle, this.emptyHint
    ]);
    this.older = el('button', 'ngb-older', {type: 'button'}, texts.get('loadOlder'));
    this.end = el('p', 'ngb-end');
    this.foot = el('div', 'ngb-foot', null, [this.end, this.older]);
    // In the order of tabbing a scrolled area has to be reachable; its current card is, so it needs no place itself.
    this.scroller = el('div', 'ngb-scroller', null, [this.skeleton, this.empty, this.feed, this.foot]);
    this.pill = el('button', 'ngb-pill', {type: 'button'});
    this.pill.hidden = true;
    this.node = el('div', 'ngb-list', null, [this.pill, this.scroller]);

    this.older.onclick = function () {
      list.pagesUnasked = 0;
      list.loadOlder();
    };
    this.pill.onclick = function () {
      list.scroller.scrollTop = 0;
      list.showPill(0);
      if (list.shown.length) {
        list.focusCard(list.shown[0]);
      }
    };
    this.scroller.onscroll = function () {
      if (list.scroller.scrollTop < 8) {
        list.showPill(0);
      }
      list.loadIfNear();
    };
    this.feed.onkeydown = function (event) {
      list.onKey(event);
    };
    this.feed.addEventListener('focus', function (event) {
      let card = closest(event.target as HTMLElement, 'ngb-card', list.feed);
      if (card) {
        list.setCurrent(card.getAttribute('data-id')!);
      }
    }, true);
  }

  setFilter(filter: any) {
    this.filter = filter;
    this.kept = dictionary();
    this.pagesUnasked = 0;
    this.scroller.scrollTop = 0;
    this.showPill(0);
    this.update();
  }

  keepInView(id: string) {
    this.kept[id] = true;
  }

  wants(item: Notification) {
    return !this.bell.dismissals.hides(item) && !this.bell.items.isBeyond(item) &&
      (this.filter === 'all' || !item.read_at || this.kept[item.id] === true);
  }

  update() {
    const list = this;
    const now = Date.now();
    const hadFocus = this.feed.contains(document.activeElement);
    const anchor = this.anchor();
    const items = this.bell.items.list.filter(function (item) {
      return list.wants(item);
    });
    const oldPlace = this.shown.indexOf(this.current!);
    const wanted = dictionary();
    const ids = items.map(function (item) {
      wanted[item.id] = true;
      return item.id;
    });
    each(this.shown, function (id) {
      if (!wanted[id]) {
        list.drop(id);
      }
    });
    this.place(items, now);
    this.shown = ids;
    if (!wanted[this.current!]) {
      this.setCurrent(ids.length ? ids[Math.min(Math.max(oldPlace, 0), ids.length - 1)] : null);
      if (hadFocus || this.awaitsFocus) {
        this.focus();
      }
    } else {
      this.setCurrent(this.current);
    }
    this.awaitsFocus = false;
    this.restore(anchor);
    this.updateStates();
    if (this.bell.isOpen) {
      this.measure();
      this.loadIfNear();
    }
  }

  /** Bring the cards into the page in the order of the items, touching only what is out of place. */
  place(items: Notification[], now: number) {
    const list = this;
    let next = this.feed.firstChild as HTMLElement;
    // A feed without articles is none.
    setAttributes(this.feed, {role: items.length ? 'feed' : null,
      'aria-label': items.length ? this.bell.texts.get('heading') : null});
    each(items, function (item, place) {
      let card = own(list.cards, item.id);
      if (!card) {
        card = list.cards[item.id] = new Card(list.bell, list, item);
        card.node.setAttribute('data-id', item.id);
      }
      card.show(item, now);
      setAttribute(card.node, 'aria-posinset', place + 1);
      setAttribute(card.node, 'aria-setsize', list.bell.items.hasOlder ? -1 : items.length);
      while (next && hasClass(next, 'ngb-leaving')) {
        next = next.nextSibling as HTMLElement;
      }
      if (next === card.node) {
        next = next.nextSibling as HTMLElement;
      } else {
        list.feed.insertBefore(card.node, next);
      }
    });
  }

  /** Take a card away; where motion is wanted it folds up first. */
  drop(id: string) {
    let node = this.cards[id].node;
    delete this.cards[id];
    if (!this.bell.isOpen || wantsLessMotion() || !node.offsetHeight) {
      remove(node);
      return;
    }
    node.removeAttribute('data-id');
    setAttribute(node, 'role', 'presentation');
    setAttribute(node, 'aria-hidden', 'true');
    setAttribute(node, 'tabindex', null);
    each(focusables(node), function (control) {
      control.tabIndex = -1;
    });
    node.style.height = node.offsetHeight + 'px';
    toggleClass(node, 'ngb-leaving', true);
    window.getComputedStyle(node).height; // makes the browser see the height before it shrinks
    node.style.height = '0px';
    setTimeout(function () {
      remove(node);
    }, 220);
  }

  /** Note which card is at the top of what is seen, so that cards above it don't push it away. */
  anchor() {
    const top = this.scroller.scrollTop;
    let i, node;
    if (top < 8) {
      return null;
    }
    for (i = 0; i < this.shown.length; i++) {
      node = this.cards[this.shown[i]].node;
      if (node.offsetTop + node.offsetHeight > top) {
        return {id: this.shown[i], distance: node.offsetTop - top};
      }
    }
    return null;
  }

  restore(anchor: any) {
    let card = anchor && own(this.cards, anchor.id);
    if (card) {
      this.scroller.scrollTop = card.node.offsetTop - anchor.distance;
    }
  }

  /** Say that new ones came above what is seen. */
  noteNews(count: number) {
    if (this.bell.isOpen && this.scroller.scrollTop >= 8) {
      this.showPill(this.newAbove + count);
    }
  }

  showPill(count: number) {
    this.newAbove = count;
    this.pill.hidden = !count;
    if (count) {
      empty(this.pill);
      append(this.pill, [icon(ICONS.up), this.bell.texts.get('news', {n: count})]);
    }
  }

  updateStates() {
    const bell = this.bell;
    const texts = bell.texts;
    const isEmpty = bell.isReady && !this.shown.length;
    const isSearching = isEmpty && this.mayLoad() && !this.hasFailed;
    this.skeleton.hidden = bell.isReady && !isSearching;
    this.empty.hidden = !isEmpty || isSearching || this.hasFailed;
    setText(this.emptyTitle, texts.get(this.filter === 'all' ? 'emptyAll' : 'emptyUnread'));
    setText(this.emptyHint, texts.get(this.filter === 'all' ? 'emptyAllHint' : 'emptyUnreadHint'));
    setAttribute(this.feed, 'aria-busy', !bell.isReady || this.isLoadingOlder ? 'true' : null);
    this.older.hidden = !bell.isReady || !this.mayLoad() || this.isLoadingOlder;
    setText(this.older, texts.get(this.hasFailed ? 'acknowledgeRetry' : 'loadOlder'));
    setText(this.end, this.isLoadingOlder ? texts.get('loadingOlder') :
      this.hasFailed ? texts.get('historyFailed') :
        this.shown.length > 5 && !this.mayLoad() ? texts.get('end') : '');
    this.end.hidden = !this.end.textContent || isSearching;
    this.foot.hidden = this.end.hidden && this.older.hidden;
  }

  measure() {
    const list = this;
    each(this.shown, function (id) {
      list.cards[id].measure();
    });
  }

  /** Tell whether there is anything older that this filter could show. */
  mayLoad() {
    const bell = this.bell;
    let unread;
    if (!bell.items.hasOlder || bell.dismissals.hidesOlder()) {
      return false;
    }
    if (this.filter === 'all') {
      return true;
    }
    unread = bell.items.list.filter(function (item) {
      return !item.read_at && !bell.items.isBeyond(item);
    }).length;
    return unread < bell.counts().unread;
  }

  loadIfNear() {
    const rest = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
    if (!this.bell.isOpen || !this.scroller.clientHeight || rest > LOAD_AHEAD_PX || this.hasFailed) {
      return;
    }
    if (this.filter === 'unread' && this.pagesUnasked >= MAX_PAGES_UNASKED) {
      return;
    }
    this.loadOlder();
  }

  loadOlder() {
    const list = this;
    const bell = this.bell;
    const items = bell.items;
    const last = items.last;
    if (this.isLoadingOlder || !bell.isReady || !this.mayLoad() || last === null) {
      return;
    }
    this.isLoadingOlder = true;
    this.hasFailed = false;
    this.pagesUnasked += 1;
    this.updateStates();
    bell.client.history({before: last, limit: bell.options.pageSize}, function (error, page) {
      list.isLoadingOlder = false;
      if (bell.isDestroyed) {
        return;
      }
      if (items.last === last) { // else a snapshot came in between, and this page belongs to nothing
        if (error && error.status === 404) {
          items.hasOlder = false; // the place it should go on from isn't known any more
        } else if (error) {
          list.hasFailed = true;
        } else {
          items.reach(page!.notifications, page!.has_more && page!.notifications.length > 0);
        }
      }
      bell.update();
    });
  }

  setCurrent(id: string | null) {
    const list = this;
    this.current = id;
    each(this.shown, function (one) {
      list.cards[one].setCurrent(one === id);
    });
  }

  focus() {
    if (this.current !== null && own(this.cards, this.current)) {
      this.focusCard(this.current);
    } else {
      this.bell.panel.focusFrame();
    }
  }

  focusCard(id: string) {
    this.setCurrent(id);
    this.cards[id].node.focus();
  }

  /** Before a card goes away under the user's hands: the one that takes its place gets the focus. */
  keepFocusNear(card: any) {
    this.current = card.id;
    this.awaitsFocus = true;
  }

  onKey(event: any) {
    let node = closest(event.target, 'ngb-card', this.feed);
    const id = node ? node.getAttribute('data-id')! : '';
    const place = this.shown.indexOf(id);
    const last = this.shown.length - 1;
    const steps: Record<string, number> = {ArrowDown: place + 1, Down: place + 1, ArrowUp: place - 1, Up: place - 1, PageDown: place + 5,
      PageUp: place - 5, Home: 0, End: last};
    if (place < 0 || event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    if (own(steps, event.key) !== undefined) {
      event.preventDefault();
      this.focusCard(this.shown[Math.min(Math.max(steps[event.key]!, 0), last)]);
      if (place === last) {
        this.loadIfNear();
      }
    } else if (event.target === node && (event.key === 'Enter' || event.key === ' ' || event.key === 'Spacebar')) {
      event.preventDefault();
      this.cards[id].open(event);
    } else if (event.target === node && (event.key === 'Delete' || event.key === 'Del' || event.key === 'Backspace')) {
      event.preventDefault();
      this.keepFocusNear(this.cards[id]);
      this.bell.dismiss(id);
    }
  }
}

function skeletonCard() {
  return el('div', 'ngb-bone', {'aria-hidden': 'true'}, [
    el('span', 'ngb-bone-icon'),
    el('span', 'ngb-bone-lines', null, [el('span', 'ngb-bone-line'), el('span', 'ngb-bone-line'),
      el('span', 'ngb-bone-line')])
  ]);
}
