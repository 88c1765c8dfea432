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

export class Catalogue {
  bell: NotifygateBell;
  typesMet: Record<string, unknown>;

  constructor(bell: NotifygateBell) {
    this.bell = bell;
  }

  typeOf(type: string) {
    return own(this.bell.options.types, type) || {} as Bell.Type;
  }

  typeTitle(type: string) {
    const words = String(type).replace(/[._-]+/g, ' ');
    return this.typeOf(type).title || capitalized(words);
  }

  preferenceOf(type: string) {
    return own(this.bell.preferenceStore.types, type) || {};
  }

  /** Every type that the page, the recipient's preferences or a notification names, by title. */
  knownTypes() {
    const names = copy(dictionary(), this.bell.options.types, this.bell.preferenceStore.types, this.typesMet);
    each(this.bell.items.list, (item) => {
      names[item.type] = true;
    });
    // A type stays in the settings when it is muted and its notifications have left the list.
    this.typesMet = names;
    return Object.keys(names).sort((a, b) => {
      const one = this.typeTitle(a).toLowerCase();
      const other = this.typeTitle(b).toLowerCase();
      return one < other ? -1 : one > other ? 1 : 0;
    });
  }

  /**
   * How a notification is shown: as its recipient wishes; else a critical one as a dialog; else as is advised for its
   * type; else by its priority.
   */
  displayOf(item: Notification) {
    const wish = this.preferenceOf(item.type).display;
    return contains(DISPLAYS, wish) ? wish : item.priority === 'critical' ? 'modal' : this.usualDisplay(item.type, item.priority);
  }

  /** How notifications of a type are shown for which neither their recipient nor a critical priority decides. */
  usualDisplay(type: string, priority?: string) {
    const advice = this.typeOf(type).display;
    return contains(DISPLAYS, advice!) ? advice! : priority === 'low' ? 'badge' : 'toast';
  }

  iconPath(name: string) {
    return own(this.bell.options.icons, name) || own(ICONS, own(ICON_ALIASES, name) || name) || null;
  }

  /** Return the name of the icon that the name of a type gives: all of it, or its first word; '' for none. */
  iconOf(type: string) {
    const name = [type, type.split(/[._-]/)[0]!].filter((one) => {
      return this.iconPath(one);
    })[0] || '';
    return own(ICON_ALIASES, name) || name;
  }

  /** Return whether a sender's initials are shown in the place of an icon. */
  hasFace(item: Notification) {
    const known = this.typeOf(item.type);
    return known.face !== undefined ? known.face : !item.icon && !known.icon && isPersonal(this.iconOf(item.type));
  }

  /**
   * Return whether a picture may be loaded: only from an origin in `iconOrigins`. Any other could record the readers of
   * a notification, and on the page's own origin a publisher could have every recipient's browser request any path with
   * its cookies.
   */
  allowsPicture(url: string) {
    return /^https:/i.test(url) && isSafeUrl(url) && contains(this.bell.options.iconOrigins, originOf(url));
  }
}
