/** Initials in the place of an icon. */

import { contains } from './objects';
import { withoutDirections } from './text';

/** Icons of types that people cause. */
const PERSONAL = ['comment', 'like', 'user', 'users'];

export function isPersonal(icon: string): boolean {
  return contains(PERSONAL, icon);
}

/** Return the first letters of the first and the last word of a name; '' where it begins with none. */
export function initials(name: string): string {
  const words = withoutDirections(name)
    .replace(/[()[\]"'.,]/g, ' ')
    .split(/\s+/)
    .filter((word) => !!word);
  const last = words.length > 1 ? words[words.length - 1]! : '';
  return (firstOf(words[0] || '') + firstOf(last)).toUpperCase();
}

/** A character beyond the first 65,536 is two in a string. */
function firstOf(word: string): string {
  return (/^[\ud800-\udbff][\udc00-\udfff]|^[^\u0000-/:-@[-`{-\u00bf\ud800-\udfff]/.exec(word) || [''])[0];
}

/** Return the colour of a name: dark enough for white letters (4.5 : 1) whatever the hue. */
export function colourOf(name: string): string {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) % 3600;
  return 'hsl(' + (hash % 24) * 15 + ', 45%, 32%)';
}
