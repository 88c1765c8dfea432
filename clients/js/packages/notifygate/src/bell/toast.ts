/** One toast. */

import { el, iconButton, isPlainClick, makeButton } from './dom';
import { ICONS } from './icons';
import { fillIcon, linkTo, metaRow } from './looks';
import { isUrgent, priorityOf } from './notification';
import type { Toasts } from './toasts';
import { isSafeUrl } from './urls';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** An urgent toast stays this many times as long. */
const URGENT_TOAST_FACTOR = 2;

export class Toast {
  toasts: Toasts;
  item: Notification;
  leftMs: number;
  isRunning: boolean;
  time: HTMLElement;
  closer: HTMLElement;
  bar: HTMLElement;
  link: HTMLElement;
  node: HTMLElement;
  since: number;
  timer: number;

  constructor(toasts: Toasts, item: Notification) {
    const bell = toasts.bell;
    const hasLink = isSafeUrl(item.action_url);
    const urgency = isUrgent(item) ? URGENT_TOAST_FACTOR : 1;
    const image = el('span', 'ngb-icon', {'aria-hidden': 'true'});
    const priority = priorityOf(item);
    this.toasts = toasts;
    this.item = item;
    this.leftMs = bell.options.toastSeconds * 1000 * urgency;
    this.isRunning = false;
    this.time = el('time', 'ngb-time');
    this.closer = iconButton(ICONS.close, bell.texts.get('close'), 'ngb-toast-close');
    this.bar = el('span', 'ngb-toast-bar', {'aria-hidden': 'true'});
    this.bar.style.animationDuration = this.leftMs + 'ms';
    fillIcon(bell, image, item);
    this.link = hasLink ? linkTo(bell, item, 'ngb-link', item.title, () => {
      toasts.drop(this);
    }) : makeButton('ngb-link', item.title, {dir: 'auto'});
    this.node = el('div', 'ngb-toast ngb-' + priority, null, [
      image,
      el('div', 'ngb-main', null, [
        metaRow(bell, item, this.time),
        el('p', 'ngb-title', null, this.link),
        item.body ? el('p', 'ngb-body', {dir: 'auto'}, item.body) : null
      ]),
      this.closer, this.bar
    ]);
    if (!hasLink) {
      this.link.onclick = (event) => {
        event.stopPropagation();
        this.openInBell();
      };
    }
    this.node.onclick = (event) => {
      if (isPlainClick(event, this.node)) {
        this.link.click();
      }
    };
    this.closer.onclick = () => {
      toasts.drop(this);
    };
    toasts.stack.insertBefore(this.node, toasts.stack.firstChild);
  }

  /** One without a link leads to its card, where the whole text is. */
  openInBell() {
    const bell = this.toasts.bell;
    bell.open(true);
    bell.panel.setFilter(0);
    bell.panel.list.reveal(this.item);
  }

  run() {
    this.isRunning = true;
    this.since = Date.now();
    this.timer = setTimeout(() => {
      this.toasts.drop(this);
    }, this.leftMs);
  }

  halt() {
    clearTimeout(this.timer);
    if (this.isRunning) {
      this.isRunning = false;
      // Enough to be read on after a pause, however little was left.
      this.leftMs = Math.max(this.leftMs - (Date.now() - this.since), 1500);
    }
  }
}
