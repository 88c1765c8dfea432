/** Announcements for screen readers. */

import { el } from './dom';
import { withoutDirections } from './text';

export interface Announcer {
  node: HTMLElement;
  say(text: string, urgently?: boolean): void;
}

/** Make two live regions: a polite one, which waits, and an assertive one, which interrupts. */
export function makeAnnouncer(): Announcer {
  const regions = [makeRegion('status', 'polite'), makeRegion('alert', 'assertive')];
  const timers: number[] = [];
  return {
    node: el('div', 'ngb ngb-announcer', null, regions),
    say: function (text, urgently) {
      const place = urgently ? 1 : 0;
      clearTimeout(timers[place]);
      regions[place]!.textContent = '';
      // A region that is emptied and filled at once is not read again when the text is the same.
      timers[place] = setTimeout(() => {
        regions[place]!.textContent = withoutDirections(text);
      }, 60);
    }
  };
}

function makeRegion(role: string, how: string) {
  return el('div', 'ngb-hidden', {role: role, 'aria-live': how, 'aria-atomic': true});
}
