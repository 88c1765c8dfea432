/** The stack of toasts. */

import type { NotifygateBell } from './bell';
import { el, foldAway, isEscape, isHidden, makeButton, setAttributes, setText, toggleClass } from './dom';
import { showTime } from './looks';
import { urgencyOf } from './notification';
import { each } from './objects';
import { Toast } from './toast';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

const MAX_TOASTS = 3;

/** The stack of toasts. The newest is at the top; of more than MAX_TOASTS the least urgent, oldest one is evicted. */
export class Toasts {
  bell: NotifygateBell;
  shown: Toast[];
  waiting: Notification[];
  evicted: number;
  isPaused: boolean;
  stack: HTMLElement;
  moreButton: HTMLElement;
  node: HTMLElement;

  constructor(bell: NotifygateBell) {
    this.bell = bell;
    /** Oldest first. */
    this.shown = [];
    /** Notifications that arrived while the stack was full and paused, oldest first. */
    this.waiting = [];
    /** How many were evicted since the stack was empty. */
    this.evicted = 0;
    this.isPaused = false;
    this.stack = el('div', 'ngb-toast-stack');
    this.moreButton = makeButton('ngb-toast-more');
    this.node = el('div', 'ngb ngb-toasts ngb-' + bell.options.toastPosition, null, [this.stack, this.moreButton]);
    this.moreButton.hidden = true;
    this.moreButton.onclick = () => {
      bell.open(true);
    };
    this.node.onmouseenter = () => {
      this.pause(true);
    };
    this.node.onmouseleave = () => {
      this.pause(this.node.contains(document.activeElement));
    };
    this.node.addEventListener('focus', () => {
      this.pause(true);
    }, true);
    this.node.addEventListener('blur', () => {
      setTimeout(() => {
        this.pause(this.node.contains(document.activeElement));
      }, 0);
    }, true);
    this.node.onkeydown = (event) => {
      if (isEscape(event)) {
        this.clear();
      }
    };
  }

  show(item: Notification) {
    if (this.isPaused && this.shown.length >= MAX_TOASTS) {
      this.waiting.push(item); // nothing moves under the user's pointer
    } else {
      this.add(item);
    }
    this.update();
  }

  add(item: Notification) {
    const victim = this.shown.length < MAX_TOASTS ? null : this.leastUrgent();
    if (victim && urgencyOf(victim.item) > urgencyOf(item)) {
      this.evicted += 1; // all that are shown matter more
      return;
    }
    if (victim) {
      this.close(victim, true);
      this.evicted += 1;
    }
    this.shown.push(new Toast(this, item));
    each(this.shown, (toast) => {
      if (!toast.toasts.isPaused && !toast.isRunning) {
        toast.run();
      }
    });
  }

  /** Return the toast of the lowest priority, the oldest of several. */
  leastUrgent() {
    return this.shown.reduce((least, toast) => {
      return urgencyOf(toast.item) < urgencyOf(least.item) ? toast : least;
    });
  }

  pause(on: boolean) {
    if (this.isPaused === on) {
      return;
    }
    this.isPaused = on;
    toggleClass(this.node, 'ngb-paused', on);
    each(this.shown, (toast) => {
      toast[on ? 'halt' : 'run']();
    });
    if (!on) {
      each(this.waiting.splice(0), (item) => {
        this.add(item);
      });
      this.update();
    }
  }

  /** Drop toasts of notifications that were read, dismissed or retracted. */
  update() {
    const bell = this.bell;
    let more;
    function isOver(item: Notification) {
      const now = bell.items.get(item.id);
      return !now || !!now.read_at || bell.dismissals.hides(now);
    }
    each(this.shown.slice(), (toast) => {
      if (isOver(toast.item)) {
        this.close(toast);
      } else {
        showTime(bell, toast.time, toast.item, Date.now());
      }
    });
    this.waiting = this.waiting.filter((item) => {
      return !isOver(item);
    });
    if (!this.shown.length) {
      this.evicted = 0;
    }
    more = this.evicted + this.waiting.length;
    this.moreButton.hidden = !more;
    setText(this.moreButton, more ? bell.texts.get('moreToasts', {n: more}) : '');
    setAttributes(this.node, {role: this.shown.length ? 'region' : null,
      'aria-label': this.shown.length ? bell.texts.get('toasts') : null});
  }

  /** Close one, and show the next ones. */
  drop(toast: Toast) {
    this.close(toast);
    this.update();
  }

  close(toast: Toast, isQuick?: boolean) {
    const place = this.shown.indexOf(toast);
    const hadFocus = toast.node.contains(document.activeElement);
    if (place < 0) {
      return;
    }
    toast.halt();
    this.shown.splice(place, 1);
    foldAway(toast.node, !isQuick && !isHidden());
    if (hadFocus) {
      // The focus must not fall back to the top of the page.
      (this.shown.length ? this.shown[this.shown.length - 1].closer : this.bell.button).focus();
    }
    if (!this.shown.length) {
      this.pause(false);
    }
  }

  clear() {
    this.waiting = [];
    each(this.shown.slice(), (toast) => {
      this.close(toast);
    });
    this.update();
  }
}
