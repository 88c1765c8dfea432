/** Addresses in texts. */

import { el, setAttributes } from './dom';
import { isOwnOrigin, isSafeUrl } from './urls';

export interface Piece {
  text: string;
  isLink: boolean;
}

/** Up to a space, a quote, a bracket, or a character that turns the direction of text around. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"\u201c-\u201e\u00ab\u00bb\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/gi;

/** Return an address without the punctuation after it, and without the end of a parenthesis that was opened before it. */
function withoutEnd(address: string): string {
  let found = address;
  for (;;) {
    const last = found.slice(-1);
    const isOpened = last === ')' && found.split('(').length >= found.split(')').length;
    if (!/[.,;:!?'\u2019*_~)\]}]/.test(last) || isOpened) return found;
    found = found.slice(0, -1);
  }
}

/** Split a text into addresses and the texts between them. One with a user name could show another host: it is not a link. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  text.replace(ADDRESS, (whole: string, place: number) => {
    const address = withoutEnd(whole);
    if (isSafeUrl(address) && !/^\w+:\/\/[^/?#]*@/.test(address)) {
      if (place > at) found.push({ text: text.slice(at, place), isLink: false });
      found.push({ text: address, isLink: true });
      at = place + address.length;
    }
    return whole;
  });
  if (at < text.length) found.push({ text: text.slice(at), isLink: false });
  return found;
}

export function openElsewhere(link: HTMLElement, url: string): void {
  if (!isOwnOrigin(url)) setAttributes(link, { target: '_blank', rel: 'noopener noreferrer' });
}

/** Return a text as nodes, in which addresses are links. */
export function linked(text: string): (string | HTMLElement)[] {
  return pieces(text).map((piece) => {
    if (!piece.isLink) return piece.text;
    const link = el('a', 'ngb-url', { href: piece.text }, piece.text);
    openElsewhere(link, piece.text);
    return link;
  });
}
