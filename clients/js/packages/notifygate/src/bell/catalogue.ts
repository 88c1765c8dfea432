/** What is known of types, and how a notification is shown. */

import type Notifygate from '../../types/index';
import type { NotifygateBell } from './bell';
import { ICONS, ICON_ALIASES } from './icons';
import { DISPLAYS } from './notification';
import { contains, copy, dictionary, each, own } from './objects';
import { isSafeUrl, originOf } from './urls';

type Notification = Notifygate.Notification;

export class Catalogue {
  bell: NotifygateBell;
  typesMet: Record<string, unknown>;

  constructor(bell: NotifygateBell) {
    this.bell = bell;
  }

  typeOf(type: string) {
    return own(this.bell.options.types, type) || {};
  }

  typeTitle(type: string) {
    const words = String(type).replace(/[._-]+/g, ' ');
    return this.typeOf(type).title || words.charAt(0).toUpperCase() + words.slice(1);
  }

  preferenceOf(type: string) {
    return own(this.bell.preferenceStore.types, type) || {};
  }

  /** Every type that the page, the recipient's preferences or a notification names, by title. */
  knownTypes() {
    const self = this;
    const names = copy(dictionary(), this.bell.options.types, this.bell.preferenceStore.types, this.typesMet);
    each(this.bell.items.list, function (item) {
      names[item.type] = true;
    });
    // A type stays in the settings when it is muted and its notifications have left the list.
    this.typesMet = names;
    return Object.keys(names).sort(function (a, b) {
      const one = self.typeTitle(a).toLowerCase();
      const other = self.typeTitle(b).toLowerCase();
      return one < other ? -1 : one > other ? 1 : 0;
    });
  }

  /**
   * How a notification is shown: as its recipient wishes; else a critical one as a dialog; else as is advised for its
   * type; else by its priority.
   */
  displayOf(item: Notification) {
    const wish = this.preferenceOf(item.type).display;
    const advice = this.typeOf(item.type).display;
    if (contains(DISPLAYS, wish)) {
      return wish;
    }
    if (item.priority === 'critical') {
      return 'modal';
    }
    if (contains(DISPLAYS, advice)) {
      return advice;
    }
    return item.priority === 'low' ? 'badge' : 'toast';
  }

  iconPath(name: string) {
    const key = own(ICON_ALIASES, name) || name;
    return own(this.bell.options.icons, name) || own(ICONS, key) || null;
  }

  /**
   * Return whether a picture may be loaded: only from an origin in `iconOrigins`. Any other would learn who reads what,
   * and on the page's own origin a publisher could have every recipient's browser request any path with its cookies.
   */
  allowsPicture(url: string) {
    return /^https:/i.test(url) && isSafeUrl(url) && contains(this.bell.options.iconOrigins, originOf(url));
  }
}
