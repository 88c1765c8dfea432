/** One dialog. */

import { el, flash, focusables, isEscape, makeButton, remove, setAttribute, setText, uid } from './dom';
import { linked } from './links';
import { fillIcon, linkTo, metaRow, showTime } from './looks';
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
    const time = el('time', 'ngb-time');
    const priority = priorityOf(item);
    this.modals = modals;
    this.item = item;
    this.isCritical = priority === 'critical';
    // The element that had the focus gets it back when the last dialog is closed.
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
    this.acknowledge.onclick = () => {
      this.confirm();
    };
    this.later.onclick = () => {
      this.modals.putOff[this.item.id] = true;
      this.modals.update();
    };
    this.node.onclick = (event) => {
      if (event.target === this.node) {
        this.refuse();
      }
    };
    this.node.onkeydown = (event) => {
      if (event.key === 'Tab') {
        this.keepFocus(event);
      } else if (isEscape(event)) {
        event.stopPropagation();
        this.refuse();
      }
    };
    this.onFocus = (event) => {
      if (!this.node.contains(event.target as Node)) {
        this.acknowledge.focus();
      }
    };
    document.addEventListener('focus', this.onFocus, true);
  }

  /** Handle Escape, or a click beside the dialog: both confirm it, unless the notification is critical. */
  refuse() {
    if (!this.isCritical) {
      this.confirm();
      return;
    }
    this.acknowledge.focus();
    flash(this.box, 'ngb-nudge', 400);
  }

  confirm() {
    const bell = this.modals.bell;
    if (this.isBusy) {
      return;
    }
    this.isBusy = true;
    setText(this.note, '');
    setText(this.acknowledge, bell.texts.get('acknowledging'));
    setAttribute(this.acknowledge, 'aria-disabled', true);
    bell.client.markRead([this.item.id], (error) => {
      this.isBusy = false;
      setAttribute(this.acknowledge, 'aria-disabled', null);
      if (error) {
        setText(this.acknowledge, bell.texts.get('acknowledgeRetry'));
        setText(this.note, bell.texts.get('acknowledgeFailed'));
        this.later.hidden = false;
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
