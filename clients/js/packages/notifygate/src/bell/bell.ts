/** The bell: it joins the parts, decides what is presented how, and follows links. */

import ImportedClient from 'notifygate';
import type Notifygate from '../../types/index';
import type Bell from '../../types/notifygate-bell';
import { Announcer } from './announcer';
import { Desktop, VISIBLE_KEY, store } from './desktop';
import { Dismissals, MAX_IDS } from './dismissals';
import { closest, el, icon, isHidden, remove, setAttribute, setText, toggleClass } from './dom';
import { ICONS, ICON_ALIASES } from './icons';
import { Items } from './items';
import { Modals } from './modals';
import { DISPLAYS, timeOf } from './notification';
import { contains, copy, dictionary, each, own } from './objects';
import { DEFAULTS } from './options';
import { Panel } from './panel';
import { PreferenceStore } from './preference_store';
import { STRINGS } from './strings';
import { Texts } from './text';
import { MAX_BADGE, TitleCount, badgeText } from './title_count';
import { Toasts } from './toasts';
import { isSafeUrl, originOf } from './urls';

type Options = Bell.Options;
type Notification = Notifygate.Notification;

/** Above this many arrivals in one answer, a screen reader is told the number only. */
const MAX_ANNOUNCED = 3;

/** A same-tab link is followed when the gateway knows that it was read, but never later than this. */
const FOLLOW_LINK_MS = 400;

const REFRESH_TIMES_MS = 30000;

/** What is older than this when a page opens is no news, even if this browser hasn't seen it. */
const PAGE_CHANGE_MS = 30000;

/** Every bell of the page, oldest first. */
const bells = [];

/** A bell in an element of the page, or in the one that a selector finds. */
export class NotifygateBell {
  static strings = STRINGS;
  static icons = ICONS;
  static isSafeUrl = isSafeUrl;

  root: HTMLElement;
  options: Required<Options>;
  texts: Texts;
  items: Items;
  seenTold: Record<string, boolean>;
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
  toasts: Toasts;
  hadClass: string;
  listeners: any;
  refreshTimer: any;
  stateTimer: any;
  handlers: any;
  stateSince: any;
  newestAtStart: string;
  swingTimer: any;
  typesMet: Record<string, unknown>;

  constructor(target, options?: any) {
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
    /** Ids that the gateway was told were seen. */
    this.seenTold = dictionary();
    /** Whether the first snapshot has come. */
    this.isReady = false;
    this.isOpen = false;
    this.isDestroyed = false;
    this.ownsClient = !this.options.client;
    this.client = this.options.client || makeClient(this.options);
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
  setTheme(theme) {
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
    function closeOutside(event) {
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
        bell.markSeen();
      }
    });
    this.on(window, 'resize', function () {
      bell.place();
    });
    this.on(window, 'scroll', function (event) {
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

  on(target, name, handler) {
    target.addEventListener(name, handler, true);
    this.listeners.push([target, name, handler]);
  }

  connect() {
    const bell = this;
    // Not `reset`: the snapshot follows at once, and a list that is empty in between would lose its place.
    this.handlers = {
      notifications: function (items, info) {
        bell.take(items, info || {});
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
    this.newestAtStart = this.items.newest();
    this.preferenceStore.load();
  }

  /** Take in what an answer told; what is news is presented. */
  take(items: Notification[], info) {
    const bell = this;
    const wasReady = this.isReady;
    if (info.snapshot) {
      this.items.last = null;
      this.items.reach(items, info.has_more === undefined || info.has_more);
    }
    if (!wasReady && info.snapshot) {
      this.begin();
    }
    this.update();
    if (wasReady && info.snapshot) {
      this.preferenceStore.load(); // a reset is also what follows from a change of them, here or on another device
    }
    if (this.isSpeaker()) {
      this.preferenceStore.whenKnown(function () {
        if (wasReady) {
          bell.present((info.added || []).filter(function (item) {
            return bell.isNews(item, !!info.snapshot);
          }));
        }
        if (info.snapshot) {
          bell.insist(items);
        }
      });
    }
    this.markSeen();
  }

  /** A reload is no way around a critical one. */
  insist(items: Notification[]) {
    const bell = this;
    each(items, function (item) {
      if (item.priority === 'critical' && !item.read_at && bell.displayOf(item) === 'modal') {
        bell.modals.add(item);
      }
    });
  }

  /** Of several bells with one client, the first one announces and shows toasts and dialogs. */
  isSpeaker() {
    const client = this.client;
    return bells.filter(function (bell) {
      return bell.client === client;
    })[0] === this;
  }

  /** Return whether something that was not known before deserves to be presented. */
  isNews(item: Notification, isFromSnapshot) {
    // The client also reports what came since this browser last looked: too old, except between two pages of a site.
    const isRecent = item.id > this.newestAtStart || Date.now() - timeOf(item) < PAGE_CHANGE_MS;
    // A type that is no longer muted comes back with all that was published meanwhile.
    return !item.read_at && isRecent && !(isFromSnapshot && this.preferenceStore.wasMuted(item));
  }

  /** Show news: announced, as a toast, as a dialog, on the desktop, each as it should be. */
  present(items: Notification[]) {
    const bell = this;
    let loud;
    const sorted = items.slice().sort(function (a, b) {
      return a.id < b.id ? -1 : 1;
    });
    if (!sorted.length) {
      return;
    }
    if (!isHidden()) {
      store(VISIBLE_KEY, String(Date.now()));
    }
    this.panel.list.noteNews(sorted.length);
    loud = sorted.filter(function (item) {
      return bell.displayOf(item) !== 'none';
    });
    this.announce(loud);
    if (loud.length) {
      this.swing();
    }
    each(sorted, function (item) {
      const display = bell.displayOf(item);
      if (display === 'modal') {
        bell.modals.add(item);
      } else if (display === 'browser' && isHidden() && bell.desktop.permission() === 'granted' && bell.state().leader !== false) {
        bell.desktop.show(item);
      } else if (contains(['toast', 'browser'], display) && bell.options.toasts && !isHidden() && !bell.isOpen) {
        bell.toasts.show(item);
      }
    });
  }

  announce(items: Notification[]) {
    const texts = this.texts;
    const critical = items.filter(function (item) {
      return item.priority === 'critical';
    });
    const others = items.filter(function (item) {
      return item.priority !== 'critical';
    });
    if (critical.length) {
      this.announcer.say(critical.map(function (item) {
        return texts.get('announceCritical', {title: item.title});
      }).join('. '), true);
    }
    if (others.length > MAX_ANNOUNCED) {
      this.announcer.say(texts.get('news', {n: others.length}));
    } else if (others.length) {
      this.announcer.say(others.map(function (item) {
        return texts.get(item.sender ? 'announceFrom' : 'announce', {sender: item.sender, title: item.title});
      }).join('. '));
    }
  }

  swing() {
    const button = this.button;
    clearTimeout(this.swingTimer);
    toggleClass(button, 'ngb-swing', true);
    this.swingTimer = setTimeout(function () {
      toggleClass(button, 'ngb-swing', false);
    }, 900);
  }

  state(): Partial<Notifygate.State> {
    return this.client.state || {};
  }

  // What is known of types, and how a notification is shown.
  typeOf(type) {
    return own(this.options.types, type) || {};
  }

  typeTitle(type) {
    const words = String(type).replace(/[._-]+/g, ' ');
    return this.typeOf(type).title || words.charAt(0).toUpperCase() + words.slice(1);
  }

  preferenceOf(type) {
    return own(this.preferenceStore.types, type) || {};
  }

  /** Every type that the page, the recipient's preferences or a notification names, by title. */
  knownTypes() {
    const bell = this;
    const names = copy(dictionary(), this.options.types, this.preferenceStore.types, this.typesMet);
    each(this.items.list, function (item) {
      names[item.type] = true;
    });
    // A type stays in the settings when it is muted and its notifications have left the list.
    this.typesMet = names;
    return Object.keys(names).sort(function (a, b) {
      const one = bell.typeTitle(a).toLowerCase();
      const other = bell.typeTitle(b).toLowerCase();
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

  iconPath(name) {
    const key = own(ICON_ALIASES, name) || name;
    return own(this.options.icons, name) || own(ICONS, key) || null;
  }

  /**
   * Return whether a picture may be loaded: only from an origin in `iconOrigins`. Any other would learn who reads what,
   * and on the page's own origin a publisher could have every recipient's browser request any path with its cookies.
   */
  allowsPicture(url) {
    return /^https:/i.test(url) && isSafeUrl(url) && contains(this.options.iconOrigins, originOf(url));
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
      this.markSeen();
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

  /** Mark one as read or unread. The client shows it at once and takes it back when the gateway refuses. */
  setRead(item: Notification, isRead, done?: any) {
    if (!!item.read_at === isRead) {
      if (done) {
        done(null);
      }
      return;
    }
    this.client[isRead ? 'markRead' : 'markUnread']([item.id], this.orComplain(done));
    this.update();
  }

  /** Make the callback of a change: it says so where the gateway refused. */
  orComplain(done?: any) {
    const bell = this;
    return function (error) {
      if (error && !bell.isDestroyed) {
        bell.panel.complain(bell.texts.get('failed'));
      }
      bell.update();
      if (done) {
        done(error);
      }
    };
  }

  /** Everything up to what the user was shown is read; what came after that cursor isn't touched. */
  markAllRead() {
    const bell = this;
    if (!this.unread()) {
      return;
    }
    this.client.markAllRead(this.client.cursor, this.orComplain(function (error) {
      if (!error) {
        bell.announcer.say(bell.texts.get('allRead'));
      }
    }));
    this.update();
  }

  /** Tell the gateway what the user can see, each once. */
  markSeen() {
    const bell = this;
    let ids;
    if (!this.isOpen || isHidden() || !this.isReady) {
      return;
    }
    ids = this.items.list.filter(function (item) {
      return !item.seen_at && !item.read_at && bell.seenTold[item.id] !== true && !bell.dismissals.hides(item);
    }).slice(0, MAX_IDS).map(function (item) {
      return item.id;
    });
    if (ids.length) {
      each(ids, function (id: string) {
        bell.seenTold[id] = true;
      });
      this.client.markSeen(ids);
    }
  }

  dismiss(id: string) {
    this.dismissals.dismiss(id);
    this.announcer.say(this.texts.get('dismissed', {n: this.dismissals.pending.ids.length}));
  }

  clearAll() {
    this.dismissals.clear();
    this.announcer.say(this.texts.get('cleared'));
    this.panel.undoButton.focus();
  }

  /** Note that one was opened: it is read then. Returns false if the page wants to handle it itself. */
  opened(item: Notification, done?: any) {
    const handled = this.options.onOpen ? this.options.onOpen(item) : undefined;
    this.setRead(this.items.get(item.id) || item, true, done);
    return handled;
  }

  /** Follow a notification's link, after a click on it or in its name. */
  follow(item: Notification, link, event, onOpen?: any) {
    const isElsewhere = link.target === '_blank' || event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0;
    let hasGone = false;
    const isRead = !!(this.items.get(item.id) || item).read_at;
    function go() {
      if (!hasGone) {
        hasGone = true;
        window.location.assign(link.href);
      }
    }
    if (event.currentTarget !== link && event.target !== link) {
      link.click(); // the card was clicked: the browser knows best how to follow its link
      return;
    }
    if (onOpen) {
      onOpen();
    }
    if (isElsewhere || isRead) {
      if (this.opened(item) === false) {
        event.preventDefault();
      }
      return;
    }
    event.preventDefault();
    // Leaving the page would cut off the request that marks it as read.
    if (this.opened(item, go) === false) {
      hasGone = true;
    } else {
      setTimeout(go, FOLLOW_LINK_MS);
    }
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
    if (this.options.titleCount && this.isSpeaker()) {
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
    each([this.swingTimer, this.panel.complaintTimer], clearTimeout);
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

function makeClient(options) {
  const Client = ImportedClient || (window as any).Notifygate;
  if (!Client) {
    throw new Error('NotifygateBell: load notifygate.js before the bell is made.');
  }
  return new Client(copy({url: options.url}, options.getToken ? {getToken: options.getToken} : {token: options.token},
    options.clientOptions));
}
