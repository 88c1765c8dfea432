/** The panel below the bell, or in the page: heading, filters, list, settings, footer. */

import type { NotifygateBell } from './bell';
import { connection } from './connection';
import { append, el, iconButton, isEscape, isField, keyName, makeButton, setAttribute, setText, toggleClass, uid } from './dom';
import { filterCount, filtersFor, type Filter } from './filters';
import { ICONS } from './icons';
import { List } from './list';
import { Menu, menuButton, type Entry } from './menu';
import { each } from './objects';
import { PAUSE_SECONDS, pausedUntil } from './pause';
import { goTo, isForRouter, markAllRead } from './reader';
import { makeSettings, type SettingsView } from './settings';
import { Slot } from './slots';

/** For so long the panel shows that a change was refused. */
const COMPLAINT_MS = 8000;

interface Tab {
  filter: Filter;
  button: HTMLElement;
  count: HTMLElement;
}

export class Panel {
  bell: NotifygateBell;
  view: 'list' | 'settings';
  list: List;
  settings: SettingsView;
  menu: Menu;
  heading: HTMLElement;
  headerSlot: Slot;
  readAll: HTMLElement;
  options: HTMLElement;
  filters: HTMLElement;
  header: HTMLElement;
  toolbar: HTMLElement;
  tabs: Tab[];
  /** The labels of the tabs, a line each. */
  labels: string;
  stripText: HTMLElement;
  stripAction: HTMLElement;
  /** Whether the strip shows the pause, and not a fault. */
  isPause: boolean;
  strip: HTMLElement;
  undoText: HTMLElement;
  undoButton: HTMLElement;
  undoBar: HTMLElement;
  footer: HTMLElement;
  footerSlot: Slot;
  listView: HTMLElement;
  node: HTMLElement;
  complaint: string | null;
  complaintTimer: number;

  constructor(bell: NotifygateBell) {
    const texts = bell.texts;
    this.bell = bell;
    this.view = bell.options.view === 'preferences' ? 'settings' : 'list';
    this.menu = new Menu();
    this.heading = el('h2', 'ngb-heading', {id: uid('heading')});
    this.headerSlot = new Slot(bell, 'header', this.heading, () => {
      append(this.heading, texts.get('heading'));
    });
    this.readAll = makeButton('ngb-read-all', texts.get('markAllRead'), () => markAllRead(bell));
    this.options = menuButton(bell, 'ngb-menu-button', () => this.entries());
    this.filters = el('div', 'ngb-filters', {role: 'group', 'aria-label': texts.get('filter')});
    this.header = el('div', 'ngb-header', null, [this.heading, this.options,
      iconButton(ICONS.close, texts.get('close'), 'ngb-closer', () => bell.close())]);
    this.toolbar = el('div', 'ngb-toolbar', null, this.filters);
    this.makeTabs();
    this.list = new List(bell, this.tabs[0]!.filter);
    this.settings = makeSettings(bell);
    this.stripText = el('span', 'ngb-strip-text');
    this.stripAction = makeButton('ngb-strip-action', '', () => {
      if (this.isPause) {
        bell.pausePopups(0);
        this.node.focus();
      } else {
        bell.client.poll();
      }
    });
    this.strip = el('div', 'ngb-strip', null, [el('span', 'ngb-strip-dot', {'aria-hidden': 'true'}),
      this.stripText, this.stripAction]);
    this.undoText = el('span', 'ngb-undo-text');
    this.undoButton = makeButton('ngb-undo-button', texts.get('undo'), () => this.undo());
    this.undoBar = el('div', 'ngb-undo', null, [this.undoText, this.undoButton]);
    this.undoBar.hidden = true;
    this.footer = el('div', 'ngb-footer');
    this.footerSlot = new Slot(bell, 'footer', this.footer, () => this.drawFooter());
    this.listView = el('div', 'ngb-view', null, [
      this.header, this.toolbar, this.strip, this.list.node, this.footer
    ]);
    this.listView.hidden = this.view !== 'list';
    this.settings.node.hidden = !this.listView.hidden;
    this.node = el('div', 'ngb-panel', {id: uid('panel'), role: bell.options.view === 'bell' ? 'dialog' : 'region',
      'aria-labelledby': this.listView.hidden ? this.settings.heading.id : this.heading.id, tabindex: '-1'},
    [this.listView, this.settings.node, this.undoBar, this.menu.node]);
    this.node.hidden = bell.options.view === 'bell';
    this.node.onkeydown = (event) => this.onKey(event);
    this.filters.onscroll = () => this.showCutFilters();
  }

  onKey(event: KeyboardEvent) {
    const bell = this.bell;
    const isInField = isField(event.target);
    if (isEscape(event)) {
      if (this.view === 'settings') {
        this.show('list');
      } else {
        bell.close();
      }
      if (!bell.isInline()) {
        event.stopPropagation();
      }
    } else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === 'z' && bell.dismissals.pending && !isInField) {
      event.preventDefault();
      this.undo();
    } else if (/^(?:Down|Up)$/.test(keyName(event)) && this.view === 'list' && !event.defaultPrevented && !isInField) {
      event.preventDefault();
      this.list.focus();
    }
  }

  /** Return the entries of the menu. */
  entries(): Entry[] {
    const bell = this.bell;
    const texts = bell.texts;
    const isPaused = !!pausedUntil();
    const entries = [
      {label: texts.get(isPaused ? 'resume' : 'pause'), icon: ICONS.clock, work: () => {
        bell.pausePopups(isPaused ? 0 : PAUSE_SECONDS);
      }},
      {label: texts.get('settings'), icon: ICONS.gear, work: () => this.show('settings')}
    ];
    if (this.list.shown.length && this.list.filter.kind === 'all') {
      entries.unshift({label: texts.get('clearAll'), icon: ICONS.archive, work: () => bell.clearAll()});
    }
    return entries;
  }

  /** Make the filters. Returns whether others stand there now; what is chosen stays if only their functions are new. */
  makeTabs() {
    const filters = filtersFor(this.bell.texts, this.bell.options.tabs);
    const labels = filters.map((filter) => filter.label).join('\n');
    if (labels === this.labels) {
      each(this.tabs, (tab, place) => {
        tab.filter.matches = filters[place]!.matches;
      });
      return false;
    }
    this.labels = labels;
    this.tabs = filters.map((filter) => {
      const count = el('span', 'ngb-filter-count');
      const button = makeButton('ngb-filter', [filter.label, count], () => this.setFilter(filter));
      return {filter: filter, button: button, count: count};
    });
    this.filters.textContent = '';
    append(this.filters, this.tabs.map((tab) => tab.button));
    // Tabs of the page need the whole row.
    if (this.bell.options.tabs.length) {
      this.header.insertBefore(this.readAll, this.options);
    } else {
      this.toolbar.appendChild(this.readAll);
    }
    return true;
  }

  setFilter(filter = this.tabs[0]!.filter) {
    this.list.setFilter(filter);
    this.update();
  }

  /** Shade the sides beyond which there are more filters. Rectangles, for engines differ in `scrollLeft` from right to left. */
  showCutFilters() {
    const box = this.filters.getBoundingClientRect();
    const ends = [this.tabs[0]!, this.tabs[this.tabs.length - 1]!].map((tab) => tab.button.getBoundingClientRect());
    toggleClass(this.filters, 'ngb-cut-left', Math.min(ends[0]!.left, ends[1]!.left) < box.left - 1);
    toggleClass(this.filters, 'ngb-cut-right', Math.max(ends[0]!.right, ends[1]!.right) > box.right + 1);
  }

  drawFooter() {
    const bell = this.bell;
    const url = bell.options.inboxUrl;
    if (!url) return;
    const link = el('a', 'ngb-see-all', {href: url}, bell.texts.get('seeAll'));
    link.onclick = (event) => {
      if (isForRouter(bell, link, event)) {
        event.preventDefault();
        goTo(bell, link, null);
      }
    };
    append(this.footer, link);
  }

  undo() {
    const pending = this.bell.dismissals.pending;
    const first = pending && pending.ids[0];
    this.bell.dismissals.undo();
    if (first && this.list.cards[first]) {
      this.list.focusCard(first);
    } else {
      this.list.focus();
    }
  }

  show(view: 'list' | 'settings') {
    const was = this.view;
    if (this.bell.options.view === 'preferences') {
      return;
    }
    this.view = view;
    this.listView.hidden = this.view !== 'list';
    this.settings.node.hidden = !this.listView.hidden;
    setAttribute(this.node, 'aria-labelledby', this.listView.hidden ? this.settings.heading.id : this.heading.id);
    if (view === 'settings') {
      this.settings.load();
      this.settings.heading.focus();
    } else {
      this.list.update();
      if (was === 'settings') {
        this.options.focus();
      }
    }
  }

  update() {
    const bell = this.bell;
    const texts = bell.texts;
    const unread = bell.unread();
    const pending = bell.dismissals.pending;
    const items = bell.items.list.filter((item) => !bell.dismissals.hides(item));
    each(this.tabs, (tab) => {
      const count = filterCount(tab.filter, items, unread);
      setAttribute(tab.button, 'aria-pressed', this.list.filter === tab.filter);
      setText(tab.count, count);
      tab.count.hidden = !count;
    });
    this.showCutFilters();
    setAttribute(this.readAll, 'aria-disabled', unread ? null : true);
    this.headerSlot.show();
    this.footerSlot.show();
    if (this.footerSlot.isOwn()) {
      this.footer.hidden = !bell.options.inboxUrl;
    }
    if (bell.options.view !== 'preferences') {
      this.list.update();
    }
    if (!pending && this.undoBar.contains(document.activeElement)) {
      this.list.focus(); // the focus must not fall back to the top of the page
    }
    this.undoBar.hidden = !pending;
    if (pending) {
      setText(this.undoText, pending.upTo ? texts.get('cleared') : texts.get('dismissed', {n: pending.ids.length}));
    }
    if (this.view === 'settings') {
      this.settings.update();
    }
    this.showState();
  }

  /** Show the fault of the connection and when it is retried, or that pop-ups are paused. */
  showState() {
    const bell = this.bell;
    const texts = bell.texts;
    const state = connection(bell);
    const until = pausedUntil();
    const isPause = this.isPause = !this.complaint && !state.text && until > 0;
    const text = this.complaint || state.text || (isPause ? texts.get('paused', {time: texts.clockTime(until)}) : '');
    toggleClass(this.strip, 'ngb-strip-bad', !!this.complaint || state.isBad);
    setText(this.stripText, text);
    const isHidden = !text || !bell.isOpen;
    if (this.strip.hidden && !isHidden) {
      bell.announcer.say(text); // once: as a live region it would be read with each second that it counts
    }
    this.strip.hidden = isHidden;
    this.stripAction.hidden = !isPause && (!!this.complaint || !state.canRetry);
    setText(this.stripAction, texts.get(isPause ? 'resume' : 'retry'));
    this.list.skeleton.hidden = this.list.skeleton.hidden || (!bell.isReady && state.isOver);
  }

  /** Show for a while that a change by the user was refused. */
  complain() {
    clearTimeout(this.complaintTimer);
    this.bell.announcer.say(this.complaint = this.bell.texts.get('failed'));
    this.complaintTimer = setTimeout(() => {
      this.complaint = null;
      this.showState();
    }, COMPLAINT_MS);
    this.showState();
  }

  release() {
    this.headerSlot.release();
    this.footerSlot.release();
    this.list.release();
    clearTimeout(this.complaintTimer);
  }
}
