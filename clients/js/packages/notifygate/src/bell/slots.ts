/** Parts that the page may render. */

import type Notifygate from '../../types/index';
import type Bell from '../../types/notifygate-bell';
import type { NotifygateBell } from './bell';
import { append, empty } from './dom';

type Name = Exclude<keyof Bell.Render, 'release'>;
type Render = (first: Notifygate.Notification | Bell.Part, part?: Bell.Part) => Bell.Rendered;

export class Slot {
  bell: NotifygateBell;
  name: Name;
  holder: HTMLElement;
  /** Draws the bell's own content. */
  drawOwn: () => void;
  /** The result of the page's function; undefined: the bell's own is shown; false: nothing was drawn yet. */
  shown: Bell.Rendered | false;

  constructor(bell: NotifygateBell, name: Name, holder: HTMLElement, drawOwn: () => void) {
    this.bell = bell;
    this.name = name;
    this.holder = holder;
    this.drawOwn = drawOwn;
    this.shown = false;
  }

  /** Return the node that the page's function made; null: it made none. */
  node(): Node | null {
    return this.shown && typeof this.shown === 'object' ? this.shown : null;
  }

  isOwn(): boolean {
    return this.shown === undefined;
  }

  /** Call the page's function, and replace the content with its result. */
  show(item?: Notifygate.Notification): void {
    const made = this.render(item);
    if (made === this.shown) return;
    this.release();
    this.shown = made;
    empty(this.holder);
    if (made === undefined) this.drawOwn();
    else append(this.holder, made);
    this.holder.hidden = made === null;
  }

  render(item?: Notifygate.Notification): Bell.Rendered {
    const work = (this.bell.options.render || {})[this.name] as Render | undefined;
    if (!work) return undefined;
    const part: Bell.Part = { bell: this.bell, node: this.node() };
    try {
      return item ? work(item, part) : work(part);
    } catch (error) {
      // The error is reported, and the bell shows its own content.
      setTimeout(() => {
        throw error;
      }, 0);
      return undefined;
    }
  }

  /** Call the page's `release` with its node, which is no longer used. */
  release(): void {
    const done = (this.bell.options.render || {}).release;
    const node = this.node();
    if (done && node) done(node);
    this.shown = false;
  }
}
