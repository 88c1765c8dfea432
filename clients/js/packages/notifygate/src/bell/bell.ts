/** The bell: it joins the parts, opens and closes, and shows what the client reports. */

import ImportedClient from 'notifygate';
import type Notifygate from '../../types/index';
import type Bell from '../../types/notifygate-bell';
import { makeAnnouncer, type Announcer } from './announcer';
import { updateDesktop } from './desktop';
import { Dismissals } from './dismissals';
import { closest, el, icon, isEscape, isHidden, keyName, makeButton, remove, setAttribute, setAttributes, setText, toggleClass } from './dom';
import { loadIfNear } from './history';
import { ICONS } from './icons';
import { Items } from './items';
import { Modals } from './modals';
import { contains, copy, dictionary, each } from './objects';
import { DEFAULTS } from './options';
import { Panel } from './panel';
import { PAUSE_KEY, pause } from './pause';
import { placeBelow } from './position';
import { PreferenceStore } from './preference_store';
import { bells, isSpeaker, takeAnswer } from './presenter';
import { markSeen } from './reader';
import { STRINGS } from './strings';
import { Texts } from './text';
import { MAX_BADGE, TitleCount, badgeText } from './title_count';
import { makeToasts, type Toasts } from './toasts';
import { isSafeUrl } from './urls';

type Options = Bell.Options;

const REFRESH_TIMES_MS = 30000;

/** A bell, or the part of it that the option `view` names, in an element of the page. */
export class NotifygateBell {
  static strings = STRINGS;
  static icons = ICONS;
  static isSafeUrl = isSafeUrl;

  root: HTMLElement;
  options: Options & typeof DEFAULTS;
  texts: Texts;
  items: Items;
  /** Whether the first snapshot has come. */
  isReady: boolean;
  isOpen: boolean;
  isDestroyed?: boolean;
  ownsClient: boolean;
  client: Notifygate;
  preferenceStore: PreferenceStore;
  dismissals: Dismissals;
  announcer: Announcer;
  title: TitleCount;
  modals: Modals;
  count: HTMLElement;
  button: HTMLButtonElement;
  panel: Panel;
  /** Types that were in the list, by name. */
  typesMet: Record<string, unknown>;
  /** Ids that were sent to the gateway as seen. */
  seenIds: Record<string, boolean>;
  /** The browser's notifications that are shown, by id. */
  desktop: Record<string, globalThis.Notification>;
  /** The id of the newest notification of the first snapshot. */
  newestAtStart: string;
  toasts: Toasts;
  /** Where toasts and dialogs are put. */
  portal: Element;
  /** Around the panel, where it is not beside the bell. */
  layer: HTMLElement;
  /** Attributes of the element that are given back to it. */
  had: Record<string, string | null>;
  listeners: [EventTarget, string, EventListener][];
  timers: number[];
  handlers: Pick<Notifygate.Events, 'notifications' | 'removed' | 'counts' | 'state'>;
  stateSince: number;

  constructor(target: Element | string, options?: Options) {
    if (!(this instanceof NotifygateBell)) {
      return new NotifygateBell(target, options);
    }
    this.root = elementFor(target) as HTMLElement;
    this.options = copy({}, DEFAULTS, options) as Options & typeof DEFAULTS;
    this.texts = new Texts(this.options.language || document.documentElement.lang ||
      window.navigator.language, this.options.strings);
    this.items = new Items();
    this.isReady = this.isOpen = false;
    this.stateSince = Date.now();
    this.ownsClient = !this.options.client;
    this.client = this.options.client || makeClient(this.options);
    this.seenIds = dictionary();
    this.desktop = dictionary();
    this.preferenceStore = new PreferenceStore(this);
    this.dismissals = new Dismissals(this);
    this.announcer = makeAnnouncer();
    this.title = new TitleCount();
    this.modals = new Modals(this);
    this.build();
    bells.push(this);
    this.listen();
    this.connect();
    if (this.isInline() || this.options.open) {
      this.setOpen(true);
    }
  }

  /** Whether a part stands in the page, always open and without a button. */
  isInline() {
    return this.options.view !== 'bell';
  }

  /** Whether the list is there to be looked at. */
  showsList() {
    return this.isOpen && this.options.view !== 'preferences';
  }

  build() {
    const portal = this.options.portal;
    this.count = el('span', 'ngb-count', {'aria-hidden': 'true'});
    this.button = makeButton('ngb-button', [icon(ICONS.bell, 'ngb-bell'), this.count], (event) => {
      // A click that a key made has no count; then the first card gets the focus at once.
      this.toggle(event.detail === 0);
    }, {'aria-haspopup': 'dialog', 'aria-expanded': false});
    this.panel = new Panel(this);
    this.toasts = makeToasts(this);
    this.portal = portal ? elementFor(portal) : document.body;
    this.layer = portal && !this.isInline() ? el('div', 'ngb ngb-layer') : this.root;
    this.button.setAttribute('aria-controls', this.panel.node.id);
    this.had = {class: this.root.getAttribute('class'), lang: this.root.getAttribute('lang')};
    each(['ngb', this.isInline() ? 'ngb-inline' : 'ngb-root'], (name) => {
      toggleClass(this.root, name, true);
    });
    if (!this.isInline()) {
      this.root.appendChild(this.button);
    }
    this.layer.appendChild(this.panel.node);
    if (this.layer !== this.root) {
      this.portal.appendChild(this.layer);
    }
    this.portal.appendChild(this.toasts.node);
    this.portal.appendChild(this.announcer.node);
  }

  /**
   * Give one of the bell's outermost elements the language, direction and theme. `inner`: the part of it that gets the
   * attribute `dir`. The page's own element doesn't: there that is the page's, and an option of the custom element.
   */
  dress(node: HTMLElement, inner = node) {
    const direction = this.isRtl() ? 'rtl' : 'ltr';
    setAttribute(node, 'lang', this.texts.language);
    setAttribute(inner, 'dir', direction);
    each(['rtl', 'light', 'dark'], (name) => {
      toggleClass(node, 'ngb-' + name, contains([direction, this.options.theme!], name));
    });
  }

  dressAll() {
    const dialog = this.modals.dialog;
    this.dress(this.root, this.button);
    this.dress(this.layer, this.panel.node);
    this.dress(this.toasts.node);
    if (dialog) {
      this.dress(dialog.node);
    }
    setAttribute(this.announcer.node, 'lang', this.texts.language);
  }

  isRtl() {
    const dir = this.options.dir;
    return (dir === 'rtl' || dir === 'ltr' ? dir :
      window.getComputedStyle(this.root.parentElement || document.body).direction) === 'rtl';
  }

  /** Change the theme: 'light', 'dark' or 'auto' (the system's). */
  setTheme(theme: Bell.Theme) {
    this.set({theme: theme});
  }

  /** Change options. Those that are read once, when the bell is made, keep their effect. */
  set(options: Options) {
    const icons = this.iconOptions();
    copy(this.options, options);
    if (options.tabs && this.panel.makeTabs()) {
      this.panel.setFilter();
    }
    if (this.iconOptions() !== icons) {
      this.panel.list.redrawIcons();
    }
    if (options.inboxUrl !== undefined) {
      this.panel.footerSlot.release();
    }
    if (typeof options.open === 'boolean' && !this.isInline()) {
      this.setOpen(options.open);
    }
    this.update();
  }

  /** Return what icons depend on; a framework may pass the same in another object. */
  iconOptions() {
    const options = this.options;
    return JSON.stringify([options.types, options.icons, options.iconOrigins]);
  }

  listen() {
    this.listeners = [];
    this.button.onkeydown = (event) => {
      if (keyName(event) === 'Down' && !event.altKey && !event.ctrlKey) {
        event.preventDefault();
        this.open(true);
      } else if (isEscape(event) && this.isOpen) {
        this.close();
      }
    };
    const closeOutside = (event: Event) => {
      const node = event.target as HTMLElement;
      // In a shadow tree: the target is then its host.
      const path = event.composedPath ? event.composedPath() : [];
      const isIn = (around: Node) => around.contains(node) || contains(path, around);
      const menu = this.panel.menu;
      if (!(node instanceof Node) || !document.documentElement.contains(node)) {
        return; // the window, or what has left the page
      }
      if (menu.button && !isIn(menu.node) && !isIn(menu.button)) {
        menu.close();
      }
      if (this.isOpen && !this.isInline() && !isIn(this.root) && !isIn(this.panel.node) &&
          !closest(node, 'ngb-overlay', document.body) && !isIn(this.toasts.node)) {
        this.close(true);
      }
    };
    this.on(document, 'mousedown', closeOutside);
    this.on(document, 'touchstart', closeOutside);
    this.on(document, 'focus', closeOutside);
    this.on(document, 'visibilitychange', () => {
      this.toasts.pause(isHidden());
      this.update();
      markSeen(this);
    });
    this.on(window, 'resize', () => {
      this.place();
      this.panel.showCutFilters();
    });
    this.on(window, 'scroll', (event: Event) => {
      if (!this.panel.node.contains(event.target as Node)) { // measuring moves the scrolled parts of the panel itself
        this.place();
      }
    });
    this.on(window, 'storage', (event: Event) => {
      if ((event as StorageEvent).key === PAUSE_KEY) {
        this.panel.showState();
      }
    });
    this.on(window, 'pagehide', () => {
      this.dismissals.commit(); // a page that is left offers no undo
    });
    this.timers = [
      setInterval(() => {
        if (!isHidden() && (this.isOpen || this.toasts.shown.length)) {
          this.update();
        }
      }, REFRESH_TIMES_MS),
      setInterval(() => {
        if (this.isOpen) {
          this.panel.showState(); // it counts the seconds to the next try
        }
      }, 1000)
    ];
  }

  on(target: EventTarget, name: string, handler: EventListener) {
    target.addEventListener(name, handler, true);
    this.listeners.push([target, name, handler]);
  }

  connect() {
    const update = () => this.update();
    // Not `reset`: the snapshot follows at once, and a list that is empty in between would lose its place.
    this.handlers = {
      notifications: (items, info) => takeAnswer(this, items, info),
      removed: update,
      counts: update,
      state: () => {
        this.stateSince = Date.now();
        this.panel.showState();
      }
    };
    this.eachHandler('on');
    if (this.client.cursor) {
      // The page's own client has a snapshot already: its events are over, its notifications are in memory.
      this.items.reach(this.client.items(), this.client.getSnapshot().hasMore);
      this.begin();
      this.preferenceStore.load();
    }
    this.update();
    if (this.ownsClient) {
      this.client.start();
    }
  }

  eachHandler(how: 'on' | 'off') {
    each(Object.keys(this.handlers) as (keyof typeof this.handlers)[], (name) => {
      this.client[how](name, this.handlers[name]);
    });
  }

  /** Begin with the first snapshot: its notifications are not news. */
  begin() {
    this.isReady = true;
    this.items.list = this.client.items();
    if (this.isOpen) {
      this.panel.list.noteSeen();
    }
    this.newestAtStart = this.items.newest();
  }

  // Actions of the user.
  /** Open the panel; with `focusCard` the current card gets the focus, else the panel as a whole. */
  open(focusCard?: boolean) {
    if (!this.isOpen && !this.asks(true)) {
      this.setOpen(true);
    }
    if (!this.isOpen) {
      return;
    }
    if (focusCard === true) {
      this.panel.list.focus();
    } else {
      this.panel.node.focus();
    }
  }

  /** Close the panel; the focus goes back to the bell unless the user has put it elsewhere. */
  close(leaveFocus?: boolean) {
    if (!this.isOpen || this.isInline() || this.asks(false)) {
      return;
    }
    this.setOpen(false);
    if (leaveFocus !== true) {
      this.button.focus();
    }
  }

  /** Where the page decides whether the panel is open, ask it, and return true. */
  asks(isOpen: boolean) {
    const isControlled = typeof this.options.open === 'boolean';
    if (isControlled) {
      this.report(isOpen);
    }
    return isControlled;
  }

  report(isOpen: boolean) {
    if (this.options.onOpenChange) {
      this.options.onOpenChange(isOpen);
    }
  }

  setOpen(isOpen: boolean) {
    const panel = this.panel;
    if (this.isOpen === isOpen || this.isDestroyed) {
      return;
    }
    this.isOpen = isOpen;
    setAttribute(this.button, 'aria-expanded', isOpen);
    toggleClass(this.root, 'ngb-open', isOpen);
    panel.menu.close();
    if (isOpen) {
      panel.node.hidden = false;
      if (this.isReady) {
        panel.list.noteSeen();
      }
      panel.show('list');
      if (panel.view === 'settings') {
        panel.settings.load();
      }
      this.update();
      this.place();
      this.toasts.clear();
      markSeen(this);
    } else {
      panel.node.hidden = true;
      panel.list.rest();
      panel.list.seenUpTo = null;
      this.update();
    }
    if (typeof this.options.open !== 'boolean' && !this.isInline()) {
      this.report(isOpen);
    }
  }

  toggle(focusCard?: boolean) {
    if (this.isOpen) {
      this.close();
    } else {
      this.open(focusCard);
    }
  }

  showSettings() {
    this.open();
    this.panel.show('settings');
  }

  /** Show no toasts and no desktop notifications on this device for so many seconds; 0 ends the pause. */
  pausePopups(seconds: number) {
    pause(seconds);
    if (seconds > 0) {
      this.toasts.clear();
    }
    each(bells, (bell) => bell.panel.showState());
  }

  place() {
    if (this.isOpen && !this.isInline()) {
      placeBelow(this.panel.node, this.button, this.isRtl());
    } else {
      loadIfNear(this.panel.list); // the page itself may be scrolled
    }
  }

  dismiss(ids: string[]) {
    this.dismissals.dismiss(ids);
    this.announcer.say(this.texts.get('dismissed', {n: this.dismissals.pending!.ids.length}));
  }

  clearAll() {
    this.dismissals.clear();
    this.announcer.say(this.texts.get('cleared'));
    this.panel.undoButton.focus();
  }

  // Display.
  counts() {
    return this.client.counts || {unread: 0, unseen: 0};
  }

  /** The number of unread ones, without those that were dismissed and can still be taken back. */
  unread() {
    return Math.max(0, this.counts().unread - this.dismissals.hiddenUnread());
  }

  update() {
    if (this.isDestroyed) {
      return;
    }
    this.dressAll(); // the page's direction may have changed
    this.items.list = this.client.items();
    const unread = this.unread();
    setText(this.count, unread ? badgeText(unread) : '');
    this.count.hidden = !unread;
    toggleClass(this.button, 'ngb-news', unread > 0);
    setAttribute(this.button, 'aria-label', !unread ? this.texts.get('bell') :
      unread > MAX_BADGE ? this.texts.get('bellMany', {n: MAX_BADGE}) : this.texts.get('bellUnread', {n: unread}));
    // Bells of two clients would each take the other's count for a part of the title.
    if (bells.filter((bell) => bell.options.titleCount && isSpeaker(bell))[0] === this) {
      this.title.show(unread);
    } else {
      this.title.clear();
    }
    this.panel.update();
    this.toasts.update();
    this.modals.update();
    updateDesktop(this);
  }

  /** Take the bell out of the page and leave the element as it was. */
  destroy() {
    if (this.isDestroyed) {
      return;
    }
    this.dismissals.commit();
    this.isDestroyed = true;
    bells.splice(bells.indexOf(this), 1);
    this.eachHandler('off');
    if (this.ownsClient && !bells.some((bell) => bell.client === this.client)) {
      this.client.stop();
    }
    each(this.listeners, (one) => one[0].removeEventListener(one[1], one[2], true));
    each(this.timers, clearInterval);
    each(this.toasts.shown.slice(), (toast) => toast.halt());
    this.panel.release();
    this.modals.destroy();
    this.title.clear();
    each([this.announcer.node, this.toasts.node, this.button, this.panel.node], remove);
    if (this.layer !== this.root) {
      remove(this.layer);
    }
    setAttributes(this.root, this.had);
  }
}

function elementFor(target: unknown): Element {
  const found = typeof target === 'string' ? document.querySelector(target) : target as Element;
  if (!found || found.nodeType !== 1) {
    throw new Error('NotifygateBell: there is no element ' + target + ' in this page.');
  }
  return found;
}

function makeClient(options: Options): Notifygate {
  const Client = ImportedClient || (window as any).Notifygate;
  if (!Client) {
    throw new Error('NotifygateBell: load notifygate.js before the bell is made.');
  }
  return new Client(copy({
    url: options.url, getToken: options.getToken, token: options.getToken ? undefined : options.token
  }, options.clientOptions));
}
