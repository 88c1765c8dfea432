/** One toast. */

import type { NotifygateBell } from './bell';
import { el, iconButton, isPlainClick, makeButton } from './dom';
import { ICONS } from './icons';
import { iconFor, linkTo, metaRow } from './looks';
import { isUrgent, priorityOf } from './notification';
import { isSafeUrl } from './urls';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** An urgent toast stays this many times as long. */
const URGENT_TOAST_FACTOR = 2;

export interface Toast {
  item: Notification;
  node: HTMLElement;
  time: HTMLElement;
  closer: HTMLElement;
  /** Start the time after which it is dropped, unless it runs. */
  run(): void;
  /** Stop that time. */
  halt(): void;
}

/** Make a toast. `drop` is called when it is closed, followed or over. */
export function makeToast(bell: NotifygateBell, item: Notification, drop: (toast: Toast) => void): Toast {
  let leftMs = bell.options.toastSeconds * 1000 * (isUrgent(item) ? URGENT_TOAST_FACTOR : 1);
  let isRunning = false;
  let since: number;
  let timer: number;
  const time = el('time', 'ngb-time');
  const bar = el('span', 'ngb-toast-bar', {'aria-hidden': 'true'});
  const closer = iconButton(ICONS.close, bell.texts.get('close'), 'ngb-toast-close', close);
  const link = isSafeUrl(item.action_url) ? linkTo(bell, item, 'ngb-link', item.title, close) :
    makeButton('ngb-link', item.title, (event) => {
      event.stopPropagation();
      // One without a link leads to its card, where the whole text is.
      bell.open(true);
      bell.panel.setFilter();
      bell.panel.list.reveal(item);
    }, {dir: 'auto'});
  const node = el('div', 'ngb-toast ngb-' + priorityOf(item), null, [
    iconFor(bell, item),
    el('div', 'ngb-main', null, [
      metaRow(bell, item, time),
      el('p', 'ngb-title', null, link),
      item.body ? el('p', 'ngb-body', {dir: 'auto'}, item.body) : null
    ]),
    closer, bar
  ]);
  const toast: Toast = {
    item: item,
    node: node,
    time: time,
    closer: closer,
    run: function () {
      if (!isRunning) {
        isRunning = true;
        since = Date.now();
        timer = setTimeout(close, leftMs);
      }
    },
    halt: function () {
      clearTimeout(timer);
      if (isRunning) {
        isRunning = false;
        // Enough to be read on after a pause, however little was left.
        leftMs = Math.max(leftMs - (Date.now() - since), 1500);
      }
    }
  };

  function close() {
    drop(toast);
  }

  bar.style.animationDuration = leftMs + 'ms';
  node.onclick = (event) => {
    if (isPlainClick(event, node)) {
      link.click();
    }
  };
  return toast;
}
