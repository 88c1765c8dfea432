/** The count in front of the page's title. */

export const MAX_BADGE = 99;

/** The count in front of the page's title, whatever the page does to its title meanwhile. */
export class TitleCount {
  plain: string | null;
  written: string | null;

  constructor() {
    this.plain = null;
    this.written = null;
  }

  show(count: number) {
    if (this.written === null || document.title !== this.written) {
      this.plain = document.title; // the page has set it
    }
    this.written = (count ? '(' + badgeText(count) + ') ' : '') + this.plain;
    if (document.title !== this.written) {
      document.title = this.written;
    }
    this.written = document.title; // browsers trim and squeeze white space
  }

  destroy() {
    if (this.written !== null && document.title === this.written) {
      document.title = this.plain!;
    }
  }
}

export function badgeText(count: number) {
  return count > MAX_BADGE ? MAX_BADGE + '+' : String(count);
}
