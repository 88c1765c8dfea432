/** One toast. */

import { el, hasSelection, iconButton, isOnControl } from './dom';
import { ICONS } from './icons';
import { fillIcon, linkTo, metaRow, timeNode } from './looks';
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
    const toast = this;
    const bell = toasts.bell;
    const hasLink = isSafeUrl(item.action_url);
    const urgency = isUrgent(item) ? URGENT_TOAST_FACTOR : 1;
    const image = el('span', 'ngb-icon', {'aria-hidden': 'true'});
    const priority = priorityOf(item);
    this.toasts = toasts;
    this.item = item;
    this.leftMs = bell.options.toastSeconds * 1000 * urgency;
    this.isRunning = false;
    this.time = timeNode('ngb-time');
    this.closer = iconButton(ICONS.close, bell.texts.get('close'), 'ngb-toast-close');
    this.bar = el('span', 'ngb-toast-bar', {'aria-hidden': 'true'});
    this.bar.style.animationDuration = this.leftMs + 'ms';
    fillIcon(bell, image, item);
    this.link = hasLink ? linkTo(bell, item, 'ngb-link', item.title, function () {
      toasts.drop(toast);
    }) : el('button', 'ngb-link', {type: 'button', dir: 'auto'}, item.title);
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
      this.link.onclick = function (event) {
        event.stopPropagation();
        toast.openInBell();
      };
    }
    this.node.onclick = function (event) {
      if (!isOnControl(event.target as HTMLElement, toast.node) && !hasSelection(toast.node)) {
        toast.link.click();
      }
    };
    this.closer.onclick = function () {
      toasts.drop(toast);
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
    const toast = this;
    this.isRunning = true;
    this.since = Date.now();
    this.timer = setTimeout(function () {
      toast.toasts.drop(toast);
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
