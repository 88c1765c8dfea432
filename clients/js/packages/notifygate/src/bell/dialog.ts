/** One dialog. */

import { el, flash, focusables, isEscape, makeButton, remove, setAttribute, setText, uid } from './dom';
import { linked } from './links';
import { iconFor, linkTo, metaRow, showTime } from './looks';
import type { Modals } from './modals';
import { priorityOf } from './notification';
import { isSafeUrl } from './urls';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

export interface Dialog {
  item: Notification;
  node: HTMLElement;
  /** Whether an acknowledgement is on its way. */
  isBusy: boolean;
  /** Show which one of several it is. */
  count(place: number, all: number): void;
  /** Remove it. Unless another one follows, the focus returns to where it was. */
  close(isFollowed?: boolean): void;
}

/** Make the dialog of a notification, and show it. */
export function makeDialog(modals: Modals, item: Notification): Dialog {
  const bell = modals.bell;
  const texts = bell.texts;
  const titleId = uid('modal-title');
  const bodyId = uid('modal-body');
  const time = el('time', 'ngb-time');
  const priority = priorityOf(item);
  const isCritical = priority === 'critical';
  // The element that had the focus gets it back when the last dialog is closed.
  const returnTo = modals.returnTo = modals.returnTo || document.activeElement as HTMLElement;
  const place = el('span', 'ngb-modal-count');
  const body = item.body ? el('div', 'ngb-modal-body', {id: bodyId, dir: 'auto'}, linked(item.body)) : null;
  const note = el('p', 'ngb-modal-note', {role: 'alert'});
  const acknowledge = makeButton('ngb-primary', texts.get('acknowledge'), confirm);
  const later = makeButton('ngb-secondary', texts.get('later'), () => {
    modals.putOff[item.id] = true;
    modals.update();
  });
  const box = el('div', 'ngb-modal ngb-' + priority, {role: isCritical ? 'alertdialog' : 'dialog',
    'aria-modal': 'true', 'aria-labelledby': titleId, 'aria-describedby': item.body ? bodyId : null, tabindex: '-1'}, [
    el('div', 'ngb-modal-head', null, [
      iconFor(bell, item),
      metaRow(bell, item, time),
      place
    ]),
    el('h2', 'ngb-modal-title', {id: titleId, dir: 'auto'}, item.title),
    body, note,
    el('div', 'ngb-modal-actions', null, [
      later,
      isSafeUrl(item.action_url) ? linkTo(bell, item, 'ngb-secondary', texts.get('acknowledgeOpen')) : null,
      acknowledge
    ])
  ]);
  const node = el('div', 'ngb ngb-overlay', null, box);
  const dialog: Dialog = {
    item: item,
    node: node,
    isBusy: false,
    count: function (at, all) {
      setText(place, all > 1 ? texts.get('ofMany', {i: at, n: all}) : '');
    },
    close: function (isFollowed) {
      document.removeEventListener('focus', keepFocusInside, true);
      remove(node);
      if (!isFollowed) {
        modals.returnTo = null;
        if (returnTo && returnTo.focus && document.documentElement.contains(returnTo)) {
          returnTo.focus();
        }
      }
    }
  };

  /** Handle Escape, or a click beside the dialog: both confirm it, unless the notification is critical. */
  function refuse() {
    if (!isCritical) {
      confirm();
      return;
    }
    acknowledge.focus();
    flash(box, 'ngb-nudge', 400);
  }

  function confirm() {
    if (dialog.isBusy) {
      return;
    }
    dialog.isBusy = true;
    setText(note, '');
    setText(acknowledge, texts.get('acknowledging'));
    setAttribute(acknowledge, 'aria-disabled', true);
    bell.client.markRead([item.id], (error) => {
      dialog.isBusy = false;
      setAttribute(acknowledge, 'aria-disabled', null);
      if (error) {
        setText(acknowledge, texts.get('acknowledgeRetry'));
        setText(note, texts.get('acknowledgeFailed'));
        later.hidden = false;
      }
      bell.update();
    });
  }

  function keepFocusInside(event: FocusEvent) {
    if (!node.contains(event.target as Node)) {
      acknowledge.focus();
    }
  }

  /** Let Tab go round within the dialog. */
  function wrapFocus(event: KeyboardEvent) {
    const stops = focusables(box);
    const first = stops[0];
    const last = stops[stops.length - 1];
    const at = document.activeElement;
    if (event.shiftKey && (at === first || at === box)) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && at === last) {
      event.preventDefault();
      first.focus();
    }
  }

  later.hidden = true;
  showTime(bell, time, item, Date.now());
  node.onclick = (event) => {
    if (event.target === node) {
      refuse();
    }
  };
  node.onkeydown = (event) => {
    if (event.key === 'Tab') {
      wrapFocus(event);
    } else if (isEscape(event)) {
      event.stopPropagation();
      refuse();
    }
  };
  document.addEventListener('focus', keepFocusInside, true);
  bell.dress(node);
  bell.portal.appendChild(node);
  if (body && body.scrollHeight > body.clientHeight) {
    body.tabIndex = 0; // a long text is scrolled, and the keyboard has to get there
  }
  acknowledge.focus();
  return dialog;
}
