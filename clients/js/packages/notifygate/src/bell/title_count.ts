/** The count in front of the page's title. */

export const MAX_BADGE = 99;

/** The count in front of the page's title, whatever the page does to its title meanwhile. */
export class TitleCount {
  plain: string;
  /** undefined: nothing was written. */
  written: string | undefined;

  show(count: number) {
    if (document.title !== this.written) {
      this.plain = document.title; // the page has set it
    }
    this.written = (count ? '(' + badgeText(count) + ') ' : '') + this.plain;
    if (document.title !== this.written) {
      document.title = this.written;
    }
    this.written = document.title; // browsers trim and squeeze white space
  }

  /** Give the page its own title back, if a count was written. */
  clear() {
    if (document.title === this.written) {
      document.title = this.plain;
    }
    this.written = undefined;
  }
}

export function badgeText(count: number) {
  return count > MAX_BADGE ? MAX_BADGE + '+' : String(count);
}
