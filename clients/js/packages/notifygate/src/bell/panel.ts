/** What opens below the bell. */

import type { NotifygateBell } from './bell';
import { el, iconButton, setAttribute, setText, toggleClass, uid } from './dom';
import { ICONS } from './icons';
import { List } from './list';
import { each, own } from './objects';
import { SettingsView } from './settings';
import { badgeText } from './title_count';

export class Panel {
  bell: NotifygateBell;
  view: any;
  list: List;
  settings: SettingsView;
  heading: HTMLElement;
  readAll: HTMLElement;
  gear: HTMLElement;
  closer: HTMLElement;
  all: HTMLElement;
  unreadCount: HTMLElement;
  unread: HTMLElement;
  clearAll: HTMLElement;
  stripText: HTMLElement;
  retry: HTMLElement;
  strip: HTMLElement;
  undoText: HTMLElement;
  undoButton: HTMLElement;
  undoBar: HTMLElement;
  listView: HTMLElement;
  node: HTMLElement;
  complaint: any;
  complaintTimer: any;

  constructor(bell: NotifygateBell) {
    const panel = this;
    const texts = bell.texts;
    this.bell = bell;
    this.view = 'list';
    this.list = new List(bell);
    this.settings = new SettingsView(bell);

    this.heading = el('h2', 'ngb-heading', {id: uid('heading')}, texts.get('heading'));
    this.readAll = iconButton(ICONS.checks, texts.get('markAllRead'), 'ngb-read-all');
    this.gear = iconButton(ICONS.gear, texts.get('settings'), 'ngb-gear');
    this.closer = iconButton(ICONS.close, texts.get('close'), 'ngb-closer');
    this.all = el('button', 'ngb-filter', {type: 'button'}, texts.get('all'));
    this.unreadCount = el('span', 'ngb-filter-count');
    this.unread = el('button', 'ngb-filter', {type: 'button'}, [texts.get('unread'), this.unreadCount]);
    this.clearAll = el('button', 'ngb-clear', {type: 'button'}, texts.get('clearAll'));
    this.stripText = el('span', 'ngb-strip-text');
    this.retry = el('button', 'ngb-strip-action', {type: 'button'}, texts.get('retry'));
    this.strip = el('div', 'ngb-strip', {role: 'status'}, [el('span', 'ngb-strip-dot', {'aria-hidden': 'true'}),
      this.stripText, this.retry]);
    this.undoText = el('span', 'ngb-undo-text');
    this.undoButton = el('button', 'ngb-undo-button', {type: 'button'}, texts.get('undo'));
    this.undoBar = el('div', 'ngb-undo', null, [this.undoText, this.undoButton]);
    this.undoBar.hidden = true;

    this.listView = el('div', 'ngb-view', null, [
      el('div', 'ngb-header', null, [this.heading, this.readAll, this.gear, this.closer]),
      el('div', 'ngb-toolbar', null, [
        el('div', 'ngb-filters', {role: 'group', 'aria-label': texts.get('filter')}, [this.all, this.unread]),
        this.clearAll
      ]),
      this.strip, this.list.node
    ]);
    this.settings.node.hidden = true;
    this.node = el('div', 'ngb-panel', {id: uid('panel'), role: 'dialog', 'aria-labelledby': this.heading.id,
      tabindex: '-1'}, [this.listView, this.settings.node, this.undoBar]);
    this.node.hidden = true;
    this.listen();

    this.all.onclick = function () {
      panel.setFilter('all');
    };
    this.unread.onclick = function () {
      panel.setFilter('unread');
    };
  }

  listen() {
    const panel = this;
    const bell = this.bell;
    this.readAll.onclick = function () {
      bell.reader.markAllRead();
    };
    this.gear.onclick = function () {
      panel.show('settings');
    };
    this.closer.onclick = function () {
      bell.close();
    };
    this.clearAll.onclick = function () {
      bell.clearAll();
    };
    this.retry.onclick = function () {
      bell.retry();
    };
    this.undoButton.onclick = function () {
      panel.undo();
    };
    this.node.onkeydown = function (event) {
      if (event.key === 'Escape' || event.key === 'Esc') {
        event.stopPropagation();
        if (panel.view === 'settings') {
          panel.show('list');
        } else {
          bell.close();
        }
      } else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === 'z' && bell.dismissals.pending) {
        event.preventDefault();
        panel.undo();
      }
    };
  }

  undo() {
    const pending = this.bell.dismissals.pending;
    const first = pending && pending.upTo === null ? pending.ids[0] : null;
    this.bell.dismissals.undo();
    if (first !== null && own(this.list.cards, first)) {
      this.list.focusCard(first);
    } else {
      this.list.focus();
    }
  }

  setFilter(filter: any) {
    this.list.setFilter(filter);
    this.update();
  }

  show(view: any) {
    const was = this.view;
    this.view = view;
    this.listView.hidden = view !== 'list';
    this.settings.node.hidden = view !== 'settings';
    setAttribute(this.node, 'aria-labelledby', view === 'list' ? this.heading.id : this.settings.heading.id);
    if (view === 'settings') {
      this.bell.preferenceStore.load();
      this.settings.update();
      this.settings.heading.focus();
    } else {
      this.list.update();
      if (was === 'settings') {
        this.gear.focus();
      }
    }
  }

  update() {
    const bell = this.bell;
    const texts = bell.texts;
    const unread = bell.unread();
    const pending = bell.dismissals.pending;
    setAttribute(this.all, 'aria-pressed', this.list.filter === 'all');
    setAttribute(this.unread, 'aria-pressed', this.list.filter === 'unread');
    setText(this.unreadCount, unread ? badgeText(unread) : '');
    this.unreadCount.hidden = !unread;
    setAttribute(this.readAll, 'aria-disabled', unread ? null : 'true');
    this.list.update();
    this.clearAll.hidden = !this.list.shown.length || this.list.filter !== 'all';
    if (!pending && this.undoBar.contains(document.activeElement)) {
      this.list.focus(); // the focus must not fall back to the top of the page
    }
    this.undoBar.hidden = !pending;
    if (pending) {
      setText(this.undoText, pending.upTo === null ? texts.get('dismissed', {n: pending.ids.length}) : texts.get('cleared'));
    }
    if (this.view === 'settings') {
      this.settings.update();
    }
    this.showState();
  }

  /** Say what is wrong with the connection and what is being done about it; nothing while all is well. */
  showState() {
    const state = this.bell.connection();
    const text = this.complaint || state.text;
    toggleClass(this.strip, 'ngb-strip-bad', !!this.complaint || state.isBad);
    setText(this.stripText, text);
    this.strip.hidden = !text;
    this.retry.hidden = !!this.complaint || !state.canRetry;
    this.list.skeleton.hidden = this.list.skeleton.hidden || (!this.bell.isReady && state.isOver);
  }

  /** Show that something the user did was refused, for a while. */
  complain(text: string) {
    const panel = this;
    clearTimeout(this.complaintTimer);
    this.complaint = text;
    this.complaintTimer = setTimeout(function () {
      panel.complaint = null;
      panel.showState();
    }, 8000);
    this.showState();
  }

  focusFrame() {
    this.node.focus();
  }

  /**
   * Put the panel below the bell where it fits, else above it; its width is CSS's. Fixed, so that an ancestor with
   * hidden overflow can't cut it; measured once more, because an ancestor with a transform moves what is fixed.
   */
  place() {
    const style = this.node.style;
    const width = document.documentElement.clientWidth;
    const height = window.innerHeight;
    const bell = this.bell.button.getBoundingClientRect();
    const margin = 12;
    let size, left, top, below, real;
    each(['left', 'top', 'right', 'bottom', 'maxHeight'] as const, function (name) {
      style[name] = '';
    });
    if (width <= 560) {
      return; // a sheet over the whole window, as the CSS says
    }
    size = this.node.getBoundingClientRect().width;
    below = height - bell.bottom - margin - 8;
    left = this.bell.isRtl() ? bell.left : bell.right - size;
    left = Math.max(margin, Math.min(left, width - size - margin));
    style.left = left + 'px';
    style.right = 'auto';
    if (below >= 320 || below >= bell.top) {
      top = bell.bottom + 8;
      style.maxHeight = Math.max(below, 160) + 'px';
      style.top = top + 'px';
    } else {
      style.maxHeight = bell.top - margin - 8 + 'px';
      top = Math.max(margin, bell.top - 8 - this.node.getBoundingClientRect().height);
      style.top = top + 'px';
    }
    real = this.node.getBoundingClientRect();
    if (Math.abs(real.left - left) > 1 || Math.abs(real.top - top) > 1) {
      style.left = 2 * left - real.left + 'px';
      style.top = 2 * top - real.top + 'px';
    }
  }
}
