/** The menu of the panel: one at a time, below the button that opened it. */

import type { NotifygateBell } from './bell';
import { closest, el, empty, icon, iconButton, isEscape, keyName, makeButton, setAttribute, setAttributes } from './dom';
import { ICONS } from './icons';
import { each } from './objects';

export interface Entry {
  label: string;
  icon: string;
  work(): void;
}

/** Make a button that opens the menu of the panel with the present entries. */
export function menuButton(bell: NotifygateBell, className: string, entries: () => Entry[]): HTMLElement {
  const button = iconButton(ICONS.dots, bell.texts.get('menu'), className, () => bell.panel.menu.toggle(button, entries()));
  setAttributes(button, { 'aria-haspopup': 'menu', 'aria-expanded': false });
  return button;
}

export class Menu {
  node: HTMLElement;
  button: HTMLElement | null = null;

  constructor() {
    this.node = el('div', 'ngb-menu', { role: 'menu' });
    this.node.hidden = true;
    this.node.onkeydown = (event) => this.onKey(event);
  }

  /** Open the menu; the same button closes it. */
  toggle(button: HTMLElement, entries: Entry[]): void {
    const isSame = this.button === button;
    this.close();
    if (isSame) return;
    this.button = button;
    setAttribute(button, 'aria-expanded', true);
    setAttribute(this.node, 'aria-label', button.getAttribute('aria-label'));
    each(entries, (entry) => {
      const choose = () => {
        this.close(true);
        entry.work();
      };
      const name = [icon(entry.icon), entry.label];
      this.node.appendChild(makeButton('ngb-menu-entry', name, choose, { role: 'menuitem', tabindex: -1 }));
    });
    this.node.hidden = false;
    this.place(button);
    this.focus(0);
  }

  /** Below the button where there is room, else above it, at its outer edge. */
  place(button: HTMLElement): void {
    const around = (this.node.offsetParent || document.documentElement).getBoundingClientRect();
    const box = button.getBoundingClientRect();
    const isRtl = !!closest(this.node, 'ngb-rtl', document);
    const height = this.node.offsetHeight;
    const bottom = Math.min(around.bottom, window.innerHeight);
    const top = box.bottom + height > bottom && box.top - height > around.top ? box.top - height : box.bottom;
    const style = this.node.style;
    style.top = top - around.top + 'px';
    style[isRtl ? 'left' : 'right'] = Math.max(4, isRtl ? box.left - around.left : around.right - box.right) + 'px';
    style[isRtl ? 'right' : 'left'] = 'auto';
  }

  focus(place: number): void {
    const entries = this.node.children;
    (entries[(place + entries.length) % entries.length] as HTMLElement).focus();
  }

  onKey(event: KeyboardEvent): void {
    const entries = this.node.children;
    let at = 0;
    each(entries, (entry, place) => {
      if (entry === document.activeElement) at = place;
    });
    const places: Record<string, number> = { Down: at + 1, Up: at - 1, Home: 0, End: -1 };
    const place = places[keyName(event)];
    if (place !== undefined) {
      this.focus(place);
    } else if (event.key === 'Tab' || isEscape(event)) {
      this.close(true);
      if (event.key === 'Tab') return; // the browser goes on from the button
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  close(returnFocus?: boolean): void {
    const button = this.button;
    if (!button) return;
    this.button = null;
    this.node.hidden = true;
    empty(this.node);
    setAttribute(button, 'aria-expanded', false);
    if (returnFocus) button.focus();
  }
}
