/** What screen readers say. */

import { el, remove } from './dom';
import { withoutDirections } from './text';

/** Two live regions: one that waits its turn and one that interrupts. */
export class Announcer {
  polite: HTMLElement;
  assertive: HTMLElement;
  node: HTMLElement;
  timers: Record<string, number>;

  constructor() {
    this.polite = el('div', 'ngb-hidden', {role: 'status', 'aria-live': 'polite', 'aria-atomic': 'true'});
    this.assertive = el('div', 'ngb-hidden', {role: 'alert', 'aria-live': 'assertive', 'aria-atomic': 'true'});
    this.node = el('div', 'ngb ngb-announcer', null, [this.polite, this.assertive]);
    this.timers = {};
  }

  say(text: string, urgently?: boolean) {
    const region = urgently ? this.assertive : this.polite;
    const timers = this.timers;
    const name = urgently ? 'assertive' : 'polite';
    clearTimeout(timers[name]);
    region.textContent = '';
    // A region that is emptied and filled at once is not read again when the text is the same.
    timers[name] = setTimeout(function () {
      region.textContent = withoutDirections(text);
    }, 60);
  }

  destroy() {
    clearTimeout(this.timers.polite);
    clearTimeout(this.timers.assertive);
    remove(this.node);
  }
}
