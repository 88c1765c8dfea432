/** One dialog. */

import { el, focusables, isEscape, makeButton, remove, setAttribute, setText, toggleClass, uid } from './dom';
import { linked } from './links';
import { fillIcon, linkTo, metaRow, showTime, timeNode } from './looks';
import type { Modals } from './modals';
import { priorityOf } from './notification';
import { isSafeUrl } from './urls';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

export class Dialog {
  modals: Modals;
  item: Notification;
  isCritical: boolean;
  returnTo: HTMLElement | null;
  place: HTMLElement;
  body: HTMLElement | null;
  note: HTMLElement;
  acknowledge: HTMLElement;
  open: HTMLElement | null;
  later: HTMLElement;
  box: HTMLElement;
  node: HTMLElement;
  onFocus: (event: FocusEvent) => void;
  isBusy: boolean;

  constructor(modals: Modals, item: Notification) {
    const bell = modals.bell;
    const texts = bell.texts;
    const titleId = uid('modal-title');
    const bodyId = uid('modal-body');
    const image = el('span', 'ngb-icon', {'aria-hidden': 'true'});
    const time = timeNode('ngb-time');
    const priority = priorityOf(item);
    this.modals = modals;
    this.item = item;
    this.isCritical = priority === 'critical';
    // Whatever had the focus gets it back when the last dialog is closed.
    this.returnTo = modals.returnTo || document.activeElement as HTMLElement;
    modals.returnTo = this.returnTo;
    fillIcon(bell, image, item);
    showTime(bell, time, item, Date.now());
    this.place = el('span', 'ngb-modal-count');
    this.body = item.body ? el('div', 'ngb-modal-body', {id: bodyId, dir: 'auto'}, linked(item.body)) : null;
    this.note = el('p', 'ngb-modal-note', {role: 'alert'});
    this.acknowledge = makeButton('ngb-primary', texts.get('acknowledge'));
    this.open = isSafeUrl(item.action_url) ?
      linkTo(bell, item, 'ngb-secondary', texts.get('acknowledgeOpen')) : null;
    this.later = makeButton('ngb-secondary', texts.get('later'));
    this.later.hidden = true;
    this.box = el('div', 'ngb-modal ngb-' + priority, {role: this.isCritical ? 'alertdialog' : 'dialog',
      'aria-modal': 'true', 'aria-labelledby': titleId, 'aria-describedby': item.body ? bodyId : null, tabindex: '-1'}, [
      el('div', 'ngb-modal-head', null, [
        image,
        metaRow(bell, item, time),
        this.place
      ]),
      el('h2', 'ngb-modal-title', {id: titleId, dir: 'auto'}, item.title),
      this.body, this.note,
      el('div', 'ngb-modal-actions', null, [this.later, this.open, this.acknowledge])
    ]);
    this.node = el('div', 'ngb ngb-overlay', null, this.box);
    this.listen();
    bell.dress(this.node);
    bell.portal.appendChild(this.node);
    if (this.body && this.body.scrollHeight > this.body.clientHeight) {
      this.body.tabIndex = 0; // a long text is scrolled, and the keyboard has to get there
    }
    this.acknowledge.focus();
  }

  listen() {
    const dialog = this;
    this.acknowledge.onclick = function () {
      dialog.confirm();
    };
    this.later.onclick = function () {
      dialog.modals.putOff[dialog.item.id] = true;
      dialog.modals.update();
    };
    this.node.onclick = function (event) {
      if (event.target === dialog.node) {
        dialog.refuse();
      }
    };
    this.node.onkeydown = function (event) {
      if (event.key === 'Tab') {
        dialog.keepFocus(event);
      } else if (isEscape(event)) {
        event.stopPropagation();
        dialog.refuse();
      }
    };
    this.onFocus = function (event) {
      if (!dialog.node.contains(event.target as Node)) {
        dialog.acknowledge.focus();
      }
    };
    document.addEventListener('focus', this.onFocus, true);
  }

  /** Escape, or a click beside it: enough for a dialog that was only asked for, not for a critical notification. */
  refuse() {
    const box = this.box;
    if (!this.isCritical) {
      this.confirm();
      return;
    }
    this.acknowledge.focus();
    toggleClass(box, 'ngb-nudge', true);
    setTimeout(function () {
      toggleClass(box, 'ngb-nudge', false);
    }, 400);
  }

  confirm() {
    const dialog = this;
    const bell = this.modals.bell;
    if (this.isBusy) {
      return;
    }
    this.isBusy = true;
    setText(this.note, '');
    setText(this.acknowledge, bell.texts.get('acknowledging'));
    setAttribute(this.acknowledge, 'aria-disabled', 'true');
    bell.client.markRead([this.item.id], function (error) {
      dialog.isBusy = false;
      setAttribute(dialog.acknowledge, 'aria-disabled', null);
      if (error) {
        setText(dialog.acknowledge, bell.texts.get('acknowledgeRetry'));
        setText(dialog.note, bell.texts.get('acknowledgeFailed'));
        dialog.later.hidden = false;
      }
      bell.update();
    });
  }

  count(place: number, all: number) {
    setText(this.place, all > 1 ? this.modals.bell.texts.get('ofMany', {i: place, n: all}) : '');
  }

  keepFocus(event: KeyboardEvent) {
    const stops = focusables(this.box);
    const first = stops[0];
    const last = stops[stops.length - 1];
    const at = document.activeElement;
    if (event.shiftKey && (at === first || at === this.box)) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && at === last) {
      event.preventDefault();
      first.focus();
    }
  }

  close(isFollowed?: boolean) {
    document.removeEventListener('focus', this.onFocus, true);
    remove(this.node);
    if (!isFollowed) {
      this.modals.returnTo = null;
      if (this.returnTo && this.returnTo.focus && document.documentElement.contains(this.returnTo)) {
        this.returnTo.focus();
      }
    }
  }
}
