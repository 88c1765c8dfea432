/** The stack of toasts. */

import type { NotifygateBell } from './bell';
import { el, foldAway, isEscape, isHidden, makeButton, setAttributes, setText, toggleClass } from './dom';
import { showTime } from './looks';
import { urgencyOf } from './notification';
import { each } from './objects';
import { makeToast, type Toast } from './toast';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

const MAX_TOASTS = 3;

export interface Toasts {
  node: HTMLElement;
  /** Oldest first. */
  shown: Toast[];
  show(item: Notification): void;
  pause(on: boolean): void;
  /** Drop toasts of notifications that were read, dismissed or retracted. */
  update(): void;
  clear(): void;
}

/** Make the stack. The newest is at the top; of more than MAX_TOASTS the least urgent, oldest one is evicted. */
export function makeToasts(bell: NotifygateBell): Toasts {
  const shown: Toast[] = [];
  /** Notifications that arrived while the stack was full and paused, oldest first. */
  let waiting: Notification[] = [];
  /** How many were evicted since the stack was empty. */
  let evicted = 0;
  let isPaused = false;
  const stack = el('div', 'ngb-toast-stack');
  const moreButton = makeButton('ngb-toast-more', '', () => bell.open(true));
  const node = el('div', 'ngb ngb-toasts ngb-' + bell.options.toastPosition, null, [stack, moreButton]);

  function show(item: Notification) {
    if (isPaused && shown.length >= MAX_TOASTS) {
      waiting.push(item); // nothing moves under the user's pointer
    } else {
      add(item);
    }
    update();
  }

  function add(item: Notification) {
    const victim = shown.length < MAX_TOASTS ? null : leastUrgent();
    if (victim) {
      evicted += 1;
      if (urgencyOf(victim.item) > urgencyOf(item)) {
        return; // all that are shown matter more
      }
      close(victim, true);
    }
    const toast = makeToast(bell, item, drop);
    shown.push(toast);
    stack.insertBefore(toast.node, stack.firstChild);
    if (!isPaused) {
      toast.run();
    }
  }

  /** Return the toast of the lowest priority, the oldest of several. */
  function leastUrgent() {
    return shown.reduce((least, toast) => urgencyOf(toast.item) < urgencyOf(least.item) ? toast : least);
  }

  function pause(on: boolean) {
    if (isPaused === on) {
      return;
    }
    isPaused = on;
    toggleClass(node, 'ngb-paused', on);
    each(shown, (toast) => toast[on ? 'halt' : 'run']());
    if (!on) {
      each(waiting.splice(0), add);
      update();
    }
  }

  function pauseWhileFocused() {
    pause(node.contains(document.activeElement));
  }

  function isOver(item: Notification) {
    const now = bell.items.get(item.id);
    return !now || !!now.read_at || bell.dismissals.hides(now);
  }

  function update() {
    each(shown.slice(), (toast) => {
      if (isOver(toast.item)) {
        close(toast);
      } else {
        showTime(bell, toast.time, toast.item, Date.now());
      }
    });
    waiting = waiting.filter((item) => !isOver(item));
    if (!shown.length) {
      evicted = 0;
    }
    const more = evicted + waiting.length;
    moreButton.hidden = !more;
    setText(moreButton, more ? bell.texts.get('moreToasts', {n: more}) : '');
    setAttributes(node, {role: shown.length ? 'region' : null, 'aria-label': shown.length ? bell.texts.get('toasts') : null});
  }

  /** Close one, and show the next ones. */
  function drop(toast: Toast) {
    close(toast);
    update();
  }

  function close(toast: Toast, isQuick?: boolean) {
    const place = shown.indexOf(toast);
    const hadFocus = toast.node.contains(document.activeElement);
    if (place < 0) {
      return;
    }
    toast.halt();
    shown.splice(place, 1);
    foldAway(toast.node, !isQuick && !isHidden());
    if (hadFocus) {
      // The focus must not fall back to the top of the page.
      (shown.length ? shown[shown.length - 1]!.closer : bell.button).focus();
    }
    if (!shown.length) {
      pause(false);
    }
  }

  function clear() {
    waiting = [];
    each(shown.slice(), (toast) => close(toast));
    update();
  }

  moreButton.hidden = true;
  node.onmouseenter = () => pause(true);
  node.onmouseleave = pauseWhileFocused;
  node.addEventListener('focus', () => pause(true), true);
  node.addEventListener('blur', () => setTimeout(pauseWhileFocused, 0), true);
  node.onkeydown = (event) => {
    if (isEscape(event)) {
      clear();
    }
  };
  return {node: node, shown: shown, show: show, pause: pause, update: update, clear: clear};
}
