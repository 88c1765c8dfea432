/** The list of cards: headings, groups, keyboard, its place while things arrive. */

import { arrange, newestSeen, type Row } from './arrangement';
import type { NotifygateBell } from './bell';
import { makeCard, type Card } from './card';
import { append, closest, el, empty, foldAway, hasClass, icon, isField, keyName, makeButton, remove, setAttribute, setAttributes, setText } from './dom';
import type { Filter } from './filters';
import { load, loadIfNear, mayLoad, type HistoryState } from './history';
import { ICONS } from './icons';
import { dictionary, each } from './objects';
import { Slot } from './slots';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** Closer than this to its beginning the list shows what arrives, in pixels. */
const AT_TOP_PX = 8;

/** The cards. One card is the current one; Tab goes through its controls only. */
export class List implements HistoryState {
  bell: NotifygateBell;
  pagesUnasked = 0;
  isLoading = false;
  hasFailed = false;
  cards: Record<string, Card>;
  headings: Record<string, HTMLElement>;
  /** Ids of the cards, in their order. */
  shown: string[];
  filter: Filter;
  kept: Record<string, boolean>;
  openGroups: Record<string, boolean>;
  /** See `Arrangement`. */
  seenUpTo: string | null = null;
  current: string | null;
  newAbove: number;
  feed: HTMLElement;
  skeleton: HTMLElement;
  emptyTitle: HTMLElement;
  emptyHint: HTMLElement;
  empty: HTMLElement;
  emptySlot: Slot;
  older: HTMLElement;
  end: HTMLElement;
  foot: HTMLElement;
  scroller: HTMLElement;
  pill: HTMLElement;
  node: HTMLElement;
  awaitsFocus: boolean;

  constructor(bell: NotifygateBell, filter: Filter) {
    const texts = bell.texts;
    this.bell = bell;
    this.cards = dictionary();
    this.headings = dictionary();
    this.shown = [];
    this.filter = filter;
    /** Ids that were read while only unread ones are shown: they stay until the filter is changed. */
    this.kept = dictionary();
    this.openGroups = dictionary();
    this.current = null;
    this.newAbove = 0;

    this.feed = el('div', 'ngb-feed');
    this.skeleton = el('div', 'ngb-skeleton', null, [
      el('p', 'ngb-hidden', null, texts.get('loading')), skeletonCard(), skeletonCard(), skeletonCard()
    ]);
    this.emptyTitle = el('p', 'ngb-empty-title');
    this.emptyHint = el('p', 'ngb-empty-hint');
    const emptyBody = el('div', '');
    this.empty = el('div', 'ngb-empty', null, emptyBody);
    this.emptySlot = new Slot(bell, 'empty', emptyBody, () => {
      append(emptyBody, [el('span', 'ngb-empty-icon', {'aria-hidden': 'true'}, icon(ICONS.bell)), this.emptyTitle,
        this.emptyHint]);
    });
    this.older = makeButton('ngb-older', texts.get('loadOlder'), () => {
      this.pagesUnasked = 0;
      load(this);
    });
    this.end = el('p', 'ngb-end');
    this.foot = el('div', 'ngb-foot', null, [this.end, this.older]);
    // In the order of tabbing a scrolled area has to be reachable; its current card is, so it needs no place itself.
    this.scroller = el('div', 'ngb-scroller', null, [this.skeleton, this.empty, this.feed, this.foot]);
    this.pill = makeButton('ngb-pill', '', () => {
      this.scroller.scrollTop = 0;
      this.showPill(0);
      if (this.shown.length) {
        this.focusCard(this.shown[0]!);
      }
    });
    this.pill.hidden = true;
    this.node = el('div', 'ngb-list', null, [this.pill, this.scroller]);
    this.listen();
  }

  listen() {
    this.scroller.onscroll = () => {
      if (this.scroller.scrollTop < AT_TOP_PX) {
        this.showPill(0);
      }
      this.bell.panel.menu.close();
      loadIfNear(this);
    };
    this.feed.onkeydown = (event) => {
      this.onKey(event);
    };
    this.feed.addEventListener('focus', (event) => {
      const card = closest(event.target as HTMLElement, 'ngb-card', this.feed);
      if (card) {
        this.setCurrent(card.getAttribute('data-id')!);
      }
    }, true);
  }

  setFilter(filter: Filter) {
    this.filter = filter;
    this.rest();
    this.pagesUnasked = 0;
  }

  /** Scroll to the beginning, and drop the cards that were kept only while the list was open. */
  rest() {
    this.kept = dictionary();
    this.scroller.scrollTop = 0;
    this.showPill(0);
  }

  keepInView(row: Row) {
    each(row.group, (item) => {
      this.kept[item.id] = true;
    });
  }

  wants(item: Notification) {
    return !this.bell.dismissals.hides(item) && (this.filter.matches(item) || this.kept[item.id]);
  }

  keyOf(item: Notification) {
    const how = this.bell.options.groupBy;
    return typeof how === 'function' ? how(item) : how === 'sender' ? item.sender && item.type + '\n' + item.sender :
      how && item.type;
  }

  /** Note the newest one that the user has seen: newer ones get a heading of their own until the list is closed. */
  noteSeen() {
    this.seenUpTo = newestSeen(this.bell.items.list);
  }

  toggleGroup(key: string) {
    this.openGroups[key] = !this.openGroups[key];
    this.update();
  }

  update() {
    const hadFocus = this.feed.contains(document.activeElement);
    const anchor = this.anchor();
    const now = Date.now();
    const rows = arrange(this.bell.items.list.filter((item) => this.wants(item)), {
      now: now,
      seenUpTo: this.seenUpTo,
      keyOf: (item) => this.keyOf(item),
      isGroupOpen: (key) => this.openGroups[key]
    });
    const oldPlace = this.shown.indexOf(this.current!);
    const wanted = dictionary();
    const ids = rows.map((row) => {
      wanted[row.item.id] = true;
      return row.item.id;
    });
    each(this.shown, (id) => {
      if (!wanted[id]) {
        this.drop(id);
      }
    });
    this.place(rows, now);
    this.shown = ids;
    if (!wanted[this.current!]) {
      this.setCurrent(ids.length ? ids[Math.min(Math.max(oldPlace, 0), ids.length - 1)]! : null);
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
      loadIfNear(this);
    }
  }

  /** Bring headings and cards into the page in the order of the rows, moving only those that are out of place. */
  place(rows: Row[], now: number) {
    const feed = this.feed;
    const hasSections = rows.some((row) => row.section !== rows[0]!.section);
    const used = dictionary<boolean>();
    let next = feed.firstChild as HTMLElement;
    function put(node: HTMLElement) {
      while (next && hasClass(next, 'ngb-leaving')) {
        next = next.nextSibling as HTMLElement;
      }
      if (next === node) {
        next = next.nextSibling as HTMLElement;
      } else {
        feed.insertBefore(node, next);
      }
    }
    // A feed needs an article.
    setAttributes(feed, {role: rows.length ? 'feed' : null, 'aria-label': rows.length ? this.bell.texts.get('heading') : null});
    each(rows, (row, place) => {
      const card = this.cards[row.item.id] || (this.cards[row.item.id] = makeCard(this.bell, this, row.item));
      if (hasSections && !used[row.section]) {
        used[row.section] = true;
        put(this.headings[row.section] = this.headings[row.section] ||
          el('div', 'ngb-section ngb-' + row.section, null, this.bell.texts.get(row.section)));
      }
      card.show(row, now);
      setAttributes(card.node, {'aria-posinset': place + 1, 'aria-setsize': this.bell.items.hasOlder ? -1 : rows.length});
      put(card.node);
    });
    each(Object.keys(this.headings), (section) => {
      if (!used[section]) {
        remove(this.headings[section]!);
      }
    });
  }

  /** Remove a card. */
  drop(id: string) {
    const node = this.cards[id]!.node;
    this.cards[id]!.release();
    delete this.cards[id];
    setAttributes(node, {'data-id': null, role: 'presentation', tabindex: null});
    foldAway(node, this.bell.isOpen && node.offsetHeight > 0);
  }

  /** Return the card at the top of the visible part, so that cards above it don't push it away. */
  anchor() {
    const top = this.scroller.scrollTop;
    if (top < AT_TOP_PX) {
      return null;
    }
    for (let i = 0; i < this.shown.length; i++) {
      const node = this.cards[this.shown[i]!]!.node;
      if (node.offsetTop + node.offsetHeight > top) {
        return {id: this.shown[i]!, distance: node.offsetTop - top};
      }
    }
    return null;
  }

  restore(anchor: {id: string, distance: number} | null) {
    const card = anchor && this.cards[anchor.id];
    if (card) {
      this.scroller.scrollTop = card.node.offsetTop - anchor!.distance;
    }
  }

  /** Show that new ones arrived above the visible part. */
  noteNews(count: number) {
    if (this.bell.isOpen && this.scroller.scrollTop >= AT_TOP_PX) {
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
    const kind = this.filter.kind;
    const hasMore = mayLoad(this);
    const isEmpty = bell.isReady && !this.shown.length;
    const isSearching = isEmpty && hasMore && !this.hasFailed;
    this.skeleton.hidden = bell.isReady && !isSearching;
    this.empty.hidden = !isEmpty || isSearching || this.hasFailed;
    if (!this.empty.hidden) {
      setText(this.emptyTitle, texts.get(kind === 'all' ? 'emptyAll' : kind === 'tab' ? 'emptyTab' : 'emptyUnread'));
      setText(this.emptyHint, texts.get(kind === 'unread' ? 'emptyUnreadHint' : 'emptyAllHint'));
      this.emptySlot.show();
    }
    setAttribute(this.feed, 'aria-busy', !bell.isReady || this.isLoading || null);
    this.older.hidden = !bell.isReady || !hasMore || this.isLoading;
    setText(this.older, texts.get(this.hasFailed ? 'acknowledgeRetry' : 'loadOlder'));
    setText(this.end, this.isLoading ? texts.get('loadingOlder') :
      this.hasFailed ? texts.get('historyFailed') :
        this.shown.length > 5 && !hasMore ? texts.get('end') : '');
    this.end.hidden = !this.end.textContent || isSearching;
    this.foot.hidden = this.end.hidden && this.older.hidden;
  }

  measure() {
    each(this.shown, (id) => {
      this.cards[id]!.measure();
    });
  }

  setCurrent(id: string | null) {
    this.current = id;
    each(this.shown, (one) => {
      this.cards[one]!.setCurrent(one === id);
    });
  }

  focus() {
    if (this.cards[this.current!]) {
      this.focusCard(this.current!);
    } else {
      this.bell.panel.node.focus();
    }
  }

  focusCard(id: string) {
    this.setCurrent(id);
    this.cards[id]!.node.focus();
  }

  /** Open the card of a notification, and its group if it is in one. */
  reveal(item: Notification) {
    const key = this.keyOf(item);
    if (key && !this.cards[item.id]) {
      this.toggleGroup(key);
    }
    if (this.cards[item.id]) {
      this.focusCard(item.id);
      this.cards[item.id]!.open();
    }
  }

  /** Before a card goes away under the user's hands: the one that takes its place gets the focus. */
  keepFocusNear(card: Card) {
    this.current = card.row.item.id;
    this.awaitsFocus = true;
  }

  onKey(event: KeyboardEvent) {
    const node = closest(event.target as HTMLElement, 'ngb-card', this.feed);
    const id = node ? node.getAttribute('data-id')! : '';
    const place = this.shown.indexOf(id);
    const last = this.shown.length - 1;
    const steps: Record<string, number> = {Down: place + 1, Up: place - 1, PageDown: place + 5, PageUp: place - 5,
      Home: 0, End: last};
    const step = steps[keyName(event)];
    if (place < 0 || event.altKey || event.ctrlKey || event.metaKey || isField(event.target)) {
      return;
    }
    if (step !== undefined) {
      event.preventDefault();
      this.focusCard(this.shown[Math.min(Math.max(step, 0), last)]!);
      if (place === last) {
        loadIfNear(this);
      }
    } else if (event.target === node && /^(?:Enter| |Spacebar)$/.test(event.key)) {
      event.preventDefault();
      this.cards[id]!.open(event);
    } else if (event.target === node && /^(?:Del|Backspace)/.test(event.key)) {
      event.preventDefault();
      this.cards[id]!.remove();
    }
  }

  /** Draw the bell's own icons again, with the next update. */
  redrawIcons() {
    each(this.shown, (id) => {
      this.cards[id]!.slots[1]!.release();
    });
  }

  release() {
    each(this.shown, (id) => {
      this.cards[id]!.release();
    });
    this.emptySlot.release();
  }
}

function skeletonCard() {
  return el('div', 'ngb-bone', {'aria-hidden': 'true'}, [
    el('span', 'ngb-bone-icon'),
    el('span', 'ngb-bone-lines', null, [el('span', 'ngb-bone-line'), el('span', 'ngb-bone-line'),
      el('span', 'ngb-bone-line')])
  ]);
}
