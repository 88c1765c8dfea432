/** The bell: it joins the parts, opens and closes, and shows what the client reports. */

import ImportedClient from 'notifygate';
import type Notifygate from '../../types/index';
import type Bell from '../../types/notifygate-bell';
import { Announcer } from './announcer';
import { Catalogue } from './catalogue';
import { Desktop } from './desktop';
import { Dismissals } from './dismissals';
import { closest, el, icon, isHidden, remove, setAttribute, setText, toggleClass } from './dom';
import { ICONS } from './icons';
import { Items } from './items';
import { Modals } from './modals';
import { copy, dictionary, each } from './objects';
import { DEFAULTS } from './options';
import { Panel } from './panel';
import { PreferenceStore } from './preference_store';
import { Presenter, bells } from './presenter';
import { Reader } from './reader';
import { STRINGS } from './strings';
import { Texts } from './text';
import { MAX_BADGE, TitleCount, badgeText } from './title_count';
import { Toasts } from './toasts';
import { isSafeUrl } from './urls';

type Options = Bell.Options;

const REFRESH_TIMES_MS = 30000;

/** A bell in an element of the page, or in the one that a selector finds. */
export class NotifygateBell {
  static strings = STRINGS;
  static icons = ICONS;
  static isSafeUrl = isSafeUrl;

  root: HTMLElement;
  options: Required<Options>;
  texts: Texts;
  items: Items;
  isReady: boolean;
  isOpen: boolean;
  isDestroyed: boolean;
  ownsClient: any;
  client: Notifygate;
  preferenceStore: PreferenceStore;
  dismissals: Dismissals;
  announcer: Announcer;
  title: TitleCount;
  desktop: Desktop;
  modals: Modals;
  count: HTMLElement;
  button: HTMLButtonElement;
  panel: Panel;
  catalogue: Catalogue;
  presenter: Presenter;
  reader: Reader;
  toasts: Toasts;
  hadClass: string;
  listeners: [EventTarget, string, EventListener][];
  refreshTimer: any;
  stateTimer: any;
  handlers: any;
  stateSince: any;

  constructor(target: any, options?: any) {
    if (!(this instanceof NotifygateBell)) {
      return new NotifygateBell(target, options);
    }
    this.root = typeof target === 'string' ? document.querySelector(target) : target;
    if (!this.root || this.root.nodeType !== 1) {
      throw new Error('NotifygateBell: there is no element ' + target + ' in this page.');
    }
    this.options = copy({}, DEFAULTS, options) as unknown as Required<Options>;
    this.texts = new Texts(this.options.language || document.documentElement.lang ||
      window.navigator.language, this.options.strings);
    this.items = new Items();
    /** Whether the first snapshot has come. */
    this.isReady = false;
    this.isOpen = false;
    this.isDestroyed = false;
    this.ownsClient = !this.options.client;
    this.client = this.options.client || makeClient(this.options);
    this.catalogue = new Catalogue(this);
    this.presenter = new Presenter(this);
    this.reader = new Reader(this);
    this.preferenceStore = new PreferenceStore(this);
    this.dismissals = new Dismissals(this);
    this.announcer = new Announcer();
    this.title = new TitleCount();
    this.desktop = new Desktop(this);
    this.modals = new Modals(this);
    bells.push(this);
    this.build();
    this.listen();
    this.update();
    this.connect();
  }

  build() {
    this.count = el('span', 'ngb-count', {'aria-hidden': 'true'});
    this.button = el('button', 'ngb-button', {type: 'button', 'aria-haspopup': 'dialog', 'aria-expanded': 'false'},
      [icon(ICONS.bell, 'ngb-bell'), this.count]);
    this.panel = new Panel(this);
    this.toasts = new Toasts(this);
    this.button.setAttribute('aria-controls', this.panel.node.id);
    this.hadClass = this.root.className;
    toggleClass(this.root, 'ngb', true);
    toggleClass(this.root, 'ngb-root', true);
    this.root.appendChild(this.button);
    this.root.appendChild(this.panel.node);
    document.body.appendChild(this.toasts.node);
    document.body.appendChild(this.announcer.node);
    this.dress(this.root);
    this.dress(this.toasts.node);
    setAttribute(this.announcer.node, 'lang', this.texts.language);
  }

  /** Give one of the bell's outermost elements the language, direction and theme. */
  dress(node: HTMLElement) {
    const direction = this.isRtl() ? 'rtl' : 'ltr';
    setAttribute(node, 'lang', this.texts.language);
    setAttribute(node, 'dir', direction);
    toggleClass(node, 'ngb-rtl', direction === 'rtl');
    toggleClass(node, 'ngb-light', this.options.theme === 'light');
    toggleClass(node, 'ngb-dark', this.options.theme === 'dark');
  }

  isRtl() {
    const dir = this.options.dir;
    return (dir === 'rtl' || dir === 'ltr' ? dir :
      window.getComputedStyle(this.root.parentElement || document.body).direction) === 'rtl';
  }

  /** Change the theme: 'light', 'dark' or 'auto' (what the system says). */
  setTheme(theme: 'light' | 'dark' | 'auto') {
    this.options.theme = theme;
    this.dress(this.root);
    this.dress(this.toasts.node);
    if (this.modals.dialog) {
      this.dress(this.modals.dialog.node);
    }
  }

  listen() {
    const bell = this;
    this.listeners = [];
    this.button.onclick = function (event) {
      // A click that a key made has no count; then the first card gets the focus at once.
      bell.toggle(event.detail === 0);
    };
    this.button.onkeydown = function (event) {
      if ((event.key === 'ArrowDown' || event.key === 'Down') && !event.altKey && !event.ctrlKey) {
        event.preventDefault();
        bell.open(true);
      } else if ((event.key === 'Escape' || event.key === 'Esc') && bell.isOpen) {
        bell.close();
      }
    };
    function closeOutside(event: any) {
      const node = event.target;
      if (bell.isOpen && node !== document && node !== window && !bell.root.contains(node) &&
          document.documentElement.contains(node) && !closest(node, 'ngb-overlay', document.body) &&
          !bell.toasts.node.contains(node)) {
        bell.close(true);
      }
    }
    this.on(document, 'mousedown', closeOutside);
    this.on(document, 'touchstart', closeOutside);
    this.on(document, 'focus', closeOutside);
    this.on(document, 'visibilitychange', function () {
      bell.toasts.pause(isHidden());
      bell.modals.update();
      if (!isHidden()) {
        bell.desktop.update();
        bell.reader.markSeen();
      }
    });
    this.on(window, 'resize', function () {
      bell.place();
    });
    this.on(window, 'scroll', function (event: any) {
      if (!bell.panel.node.contains(event.target)) { // measuring moves what is scrolled in the panel itself
        bell.place();
      }
    });
    this.on(window, 'pagehide', function () {
      bell.dismissals.commit(); // who leaves the page can't undo any more
    });
    this.refreshTimer = setInterval(function () {
      if (!isHidden() && (bell.isOpen || bell.toasts.shown.length)) {
        bell.update();
      }
    }, REFRESH_TIMES_MS);
    this.stateTimer = setInterval(function () {
      if (bell.isOpen) {
        bell.panel.showState(); // it counts the seconds to the next try
      }
    }, 1000);
  }

  on(target: any, name: string, handler: any) {
    target.addEventListener(name, handler, true);
    this.listeners.push([target, name, handler]);
  }

  connect() {
    const bell = this;
    // Not `reset`: the snapshot follows at once, and a list that is empty in between would lose its place.
    this.handlers = {
      notifications: function (items: any, info: any) {
        bell.presenter.take(items, info || {});
      },
      removed: function () {
        bell.update();
      },
      counts: function () {
        bell.update();
      },
      state: function () {
        bell.stateSince = Date.now();
        bell.panel.showState();
      }
    };
    each(Object.keys(this.handlers) as (keyof Notifygate.Events)[], function (name) {
      bell.client.on(name, bell.handlers[name]);
    });
    if (this.client.cursor) {
      // The page's own client was there before: what it has told already comes from its memory.
      this.isReady = true;
      this.items.reach(this.client.items(), true);
      this.begin();
    }
    if (this.ownsClient) {
      this.client.start();
    }
  }

  /** What is there when the first snapshot has come is no news. */
  begin() {
    this.isReady = true;
    this.update();
    this.presenter.newestAtStart = this.items.newest();
    this.preferenceStore.load();
  }

  state(): Partial<Notifygate.State> {
    return this.client.state || {};
  }

  // What the user does.
  /** Open the panel; with `focusCard` the current card gets the focus, else the panel as a whole. */
  open(focusCard?: any) {
    if (!this.isOpen) {
      this.isOpen = true;
      this.panel.node.hidden = false;
      setAttribute(this.button, 'aria-expanded', 'true');
      toggleClass(this.root, 'ngb-open', true);
      this.panel.show('list');
      this.panel.update();
      this.place();
      this.panel.list.measure();
      this.panel.list.loadIfNear();
      this.toasts.clear();
      this.reader.markSeen();
    }
    if (focusCard === true) {
      this.panel.list.focus();
    } else {
      this.panel.focusFrame();
    }
  }

  /** Close the panel; the focus goes back to the bell unless the user has put it elsewhere. */
  close(leaveFocus?: any) {
    if (!this.isOpen) {
      return;
    }
    this.isOpen = false;
    this.panel.node.hidden = true;
    setAttribute(this.button, 'aria-expanded', 'false');
    toggleClass(this.root, 'ngb-open', false);
    this.panel.list.kept = dictionary();
    this.panel.list.showPill(0);
    this.panel.list.scroller.scrollTop = 0;
    this.update();
    if (leaveFocus !== true) {
      this.button.focus();
    }
  }

  toggle(focusCard?: any) {
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

  place() {
    if (this.isOpen) {
      this.panel.place();
    }
  }

  dismiss(id: string) {
    this.dismissals.dismiss(id);
    this.announcer.say(this.texts.get('dismissed', {n: this.dismissals.pending!.ids.length}));
  }

  clearAll() {
    this.dismissals.clear();
    this.announcer.say(this.texts.get('cleared'));
    this.panel.undoButton.focus();
  }

  /** Try again now instead of when the client would. */
  retry() {
    this.client.start(); // on one that runs: poll now
  }

  // What is shown.
  counts() {
    return this.client.counts || {unread: 0, unseen: 0};
  }

  /** The number of unread ones, without those that were dismissed and can still be taken back. */
  unread() {
    return Math.max(0, this.counts().unread - this.dismissals.hiddenUnread());
  }

  update() {
    let unread;
    if (this.isDestroyed) {
      return;
    }
    this.items.refresh(this.client.items());
    unread = this.unread();
    setText(this.count, unread ? badgeText(unread) : '');
    this.count.hidden = !unread;
    toggleClass(this.button, 'ngb-news', unread > 0);
    setAttribute(this.button, 'aria-label', !unread ? this.texts.get('bell') :
      unread > MAX_BADGE ? this.texts.get('bellMany', {n: MAX_BADGE}) : this.texts.get('bellUnread', {n: unread}));
    if (this.options.titleCount && this.presenter.isSpeaker()) {
      this.title.show(unread);
    }
    this.panel.update();
    this.toasts.update();
    this.modals.update();
    this.desktop.update();
  }

  /** Put the client's state into words: `{text, isBad, canRetry, isOver}`, no text while all is well. */
  connection() {
    const state = this.state();
    const texts = this.texts;
    // `retry` counts from when the client said so.
    const seconds = Math.ceil((state.retry || 0) - (Date.now() - (this.stateSince || Date.now())) / 1000);
    if (state.mode === 'offline') {
      return {text: texts.get('offline'), isBad: false, canRetry: false, isOver: false};
    }
    if (state.mode === 'waiting') {
      return {text: seconds > 0 ? texts.get('retrying', {n: seconds}) : texts.get('retryingNow'), isBad: true,
        canRetry: seconds > 1, isOver: false};
    }
    if (state.mode === 'stopped' && state.error) {
      return {text: texts.get('unauthorized'), isBad: true, canRetry: false, isOver: true};
    }
    return {text: '', isBad: false, canRetry: false, isOver: false};
  }

  /** Take the bell out of the page and leave the element as it was. */
  destroy() {
    const bell = this;
    if (this.isDestroyed) {
      return;
    }
    this.dismissals.commit();
    this.isDestroyed = true;
    bells.splice(bells.indexOf(this), 1);
    each(Object.keys(this.handlers) as (keyof Notifygate.Events)[], function (name) {
      if (bell.client.off) {
        bell.client.off(name, bell.handlers[name]);
      }
    });
    if (this.ownsClient) {
      this.client.stop();
    }
    each(this.listeners, function (one) {
      one[0].removeEventListener(one[1], one[2], true);
    });
    each([this.refreshTimer, this.stateTimer], clearInterval);
    each([this.presenter.swingTimer, this.panel.complaintTimer], clearTimeout);
    each(this.toasts.shown.slice(), function (toast) {
      toast.halt();
    });
    this.modals.destroy();
    this.announcer.destroy();
    this.title.destroy();
    remove(this.toasts.node);
    remove(this.button);
    remove(this.panel.node);
    this.root.className = this.hadClass;
  }
}

function makeClient(options: any) {
  const Client = ImportedClient || (window as any).Notifygate;
  if (!Client) {
    throw new Error('NotifygateBell: load notifygate.js before the bell is made.');
  }
  return new Client(copy({url: options.url}, options.getToken ? {getToken: options.getToken} : {token: options.token},
    options.clientOptions));
}
