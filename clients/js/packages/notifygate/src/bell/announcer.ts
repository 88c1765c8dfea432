/** Announcements for screen readers. */

import { el } from './dom';
import { withoutDirections } from './text';

/** A live region. */
interface Region {
  node: HTMLElement;
  timer: number | undefined;
}

function makeRegion(role: string, how: string): Region {
  return { node: el('div', 'ngb-hidden', { role: role, 'aria-live': how, 'aria-atomic': true }), timer: undefined };
}

/** Two live regions: a polite one, which waits, and an assertive one, which interrupts. */
export class Announcer {
  polite = makeRegion('status', 'polite');
  assertive = makeRegion('alert', 'assertive');
  node = el('div', 'ngb ngb-announcer', null, [this.polite.node, this.assertive.node]);

  say(text: string, urgently?: boolean) {
    const region = urgently ? this.assertive : this.polite;
    clearTimeout(region.timer);
    region.node.textContent = '';
    // A region that is emptied and filled at once is not read again when the text is the same.
    region.timer = setTimeout(() => {
      region.node.textContent = withoutDirections(text);
    }, 60);
  }
}
