/** Attributes of types, and how a notification is shown. */

import type Notifygate from '../../types/index';
import type Bell from '../../types/notifygate-bell';
import type { NotifygateBell } from './bell';
import { isPersonal } from './faces';
import { ICONS, ICON_ALIASES } from './icons';
import { DISPLAYS } from './notification';
import { contains, copy, dictionary, each, own } from './objects';
import { capitalized } from './text';
import { isSafeUrl, originOf } from './urls';

type Notification = Notifygate.Notification;

/** Return the attributes of a type that the page gives. */
export function typeOf(bell: NotifygateBell, type: string) {
  return own(bell.options.types, type) || {} as Bell.Type;
}

/** Return the name of a type for users. */
export function typeTitle(bell: NotifygateBell, type: string) {
  const words = String(type).replace(/[._-]+/g, ' ');
  return typeOf(bell, type).title || capitalized(words);
}

/** Return the recipient's preference for a type, {} where there is none. */
export function preferenceOf(bell: NotifygateBell, type: string) {
  return own(bell.preferenceStore.types, type) || {};
}

/** Every type that the page, the recipient's preferences or a notification names, by title. */
export function knownTypes(bell: NotifygateBell) {
  const names = copy(dictionary(), bell.options.types, bell.preferenceStore.types, bell.typesMet);
  each(bell.items.list, (item) => {
    names[item.type] = true;
  });
  // A type stays in the settings when it is muted and its notifications have left the list.
  bell.typesMet = names;
  return Object.keys(names).sort((a, b) => {
    const one = typeTitle(bell, a).toLowerCase();
    const other = typeTitle(bell, b).toLowerCase();
    return one < other ? -1 : one > other ? 1 : 0;
  });
}

/**
 * How a notification is shown: as its recipient wishes; else a critical one as a dialog; else as is advised for its
 * type; else by its priority.
 */
export function displayOf(bell: NotifygateBell, item: Notification) {
  const wish = preferenceOf(bell, item.type).display;
  return contains(DISPLAYS, wish) ? wish : item.priority === 'critical' ? 'modal' : usualDisplay(bell, item.type, item.priority);
}

/** How notifications of a type are shown for which neither their recipient nor a critical priority decides. */
export function usualDisplay(bell: NotifygateBell, type: string, priority?: string) {
  const advice = typeOf(bell, type).display;
  return contains(DISPLAYS, advice!) ? advice! : priority === 'low' ? 'badge' : 'toast';
}

/** Return the path data of an icon by its name or an alias, null where there is none. */
export function iconPath(bell: NotifygateBell, name: string) {
  return own(bell.options.icons, name) || own(ICONS, own(ICON_ALIASES, name) || name) || null;
}

/** Return the name of the icon that the name of a type gives: all of it, or its first word; '' for none. */
export function iconOf(bell: NotifygateBell, type: string) {
  const name = [type, type.split(/[._-]/)[0]!].filter((one) => iconPath(bell, one))[0] || '';
  return own(ICON_ALIASES, name) || name;
}

/** Return whether a sender's initials are shown in the place of an icon. */
export function hasFace(bell: NotifygateBell, item: Notification) {
  const known = typeOf(bell, item.type);
  return known.face !== undefined ? known.face : !item.icon && !known.icon && isPersonal(iconOf(bell, item.type));
}

/**
 * Return whether a picture may be loaded: only from an origin in `iconOrigins`. Any other could record the readers of
 * a notification, and on the page's own origin a publisher could have every recipient's browser request any path with
 * its cookies.
 */
export function allowsPicture(bell: NotifygateBell, url: string) {
  return /^https:/i.test(url) && isSafeUrl(url) && contains(bell.options.iconOrigins, originOf(url));
}
