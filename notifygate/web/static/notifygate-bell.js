/*!
 * notifygate-bell.js: a bell with notifications for any web page. Needs notifygate.js and notifygate-bell.css.
 *
 * In a page:
 *   <div data-notifygate-bell data-token-url="/my/notification-token"></div>
 *   <script src="/static/notifygate/notifygate.js" defer></script>
 *   <script src="/static/notifygate/notifygate-bell.js" defer></script>
 *
 * From a script:
 *   var bell = new NotifygateBell('#bell', {getToken: function (done) { … done(token); }});
 *   bell.open(); bell.close(); bell.toggle(); bell.showSettings(); bell.destroy(); bell.client
 *
 * Options (all of them are explained in docs/bell.md):
 *   client                     a Notifygate that is there already; without it one is made of the next three
 *   url, token, getToken       where the gateway is ('' = here), and how to get the recipient's token
 *   clientOptions              further options for the client that is made
 *   language, strings          'en' or 'de' (default: the page's), and strings that replace or add to the table
 *   dir, theme                 'ltr' | 'rtl' | 'auto'; 'light' | 'dark' | 'auto'
 *   types                      what the page knows of types: {'deploy.finished': {title, icon, display, mandatory}}
 *   icons, iconOrigins         further icons (SVG path data, 24 x 24, stroked); origins that icon URLs may come from
 *   toasts, toastSeconds, toastPosition    true; 6; 'top-right' | 'top-left' | 'bottom-right' | 'bottom-left'
 *   titleCount                 true: the count goes before the page's title
 *   pageSize, undoSeconds      30 older notifications a page; 6 seconds to undo a dismissal
 *   onOpen                     function (notification) called when one is opened; return false to keep the bell
 *                              from following action_url
 *
 * ES5 by hand: no build step, no dependency, and nothing newer than old browsers have. What comes from the gateway
 * reaches the page through textContent only, and the bell sets no style attribute and no inline handler, so that it
 * works under `Content-Security-Policy: default-src 'self'`.
 */
(function (root, factory) {
  'use strict';
  if (typeof define === 'function' && define.amd) {
    define(['./notifygate'], factory);
  } else if (typeof module === 'object' && module.exports) {
    module.exports = factory(require('./notifygate.js'));
  } else {
    root.NotifygateBell = factory(root.Notifygate);
  }
})(typeof self !== 'undefined' ? self : this, function (importedClient) {
  'use strict';

  // ---------------------------------------------------------------------------------------------- constants

  var MAX_TOASTS = 3;
  var TOAST_SECONDS = 6;
  /** An urgent toast stays this many times as long. */
  var URGENT_TOAST_FACTOR = 2;
  var UNDO_SECONDS = 6;
  var PAGE_SIZE = 30;
  var MAX_BADGE = 99;
  /** How near to its end the list loads what is older, in pixels. */
  var LOAD_AHEAD_PX = 320;
  /** Pages that are loaded by themselves to find unread ones, before a button is offered instead. */
  var MAX_PAGES_UNASKED = 8;
  /** Above this many arrivals in one answer, a screen reader is told the number only. */
  var MAX_ANNOUNCED = 3;
  /** A same-tab link is followed when the gateway knows that it was read, but never later than this. */
  var FOLLOW_LINK_MS = 400;
  /** A hidden tab waits this long for a visible one to say that it shows the notification itself. */
  var DESKTOP_DELAY_MS = 1200;
  /** The gateway takes at most so many ids in one request (PROTOCOL section 4). */
  var MAX_IDS = 500;
  var REFRESH_TIMES_MS = 30000;
  /** For so long what was dismissed stays hidden though the client may still have it. */
  var KEEP_HIDDEN_MS = 10000;
  /** What is older than this when a page opens is no news, even if this browser hasn't seen it. */
  var PAGE_CHANGE_MS = 30000;

  var DISPLAYS = ['none', 'badge', 'toast', 'modal', 'browser'];
  var PRIORITIES = ['low', 'normal', 'high', 'critical'];

  var VISIBLE_KEY = 'notifygate-bell.visible';

  // ------------------------------------------------------------------------------------------------ strings

  /**
   * Every text. `{name}` is filled in. An array holds the form for one and the form for any other number; a function
   * gets the number and returns the text, for languages with more forms.
   */
  var STRINGS = {
    en: {
      heading: 'Notifications',
      bell: 'Notifications',
      bellUnread: ['Notifications, {n} unread', 'Notifications, {n} unread'],
      bellMany: 'Notifications, more than {n} unread',
      all: 'All',
      unread: 'Unread',
      filter: 'Show',
      markAllRead: 'Mark all as read',
      clearAll: 'Clear all',
      settings: 'Settings',
      close: 'Close',
      back: 'Back',
      markRead: 'Mark as read',
      markUnread: 'Mark as unread',
      dismiss: 'Dismiss',
      more: 'Show more',
      less: 'Show less',
      undo: 'Undo',
      dismissed: ['Notification dismissed', '{n} notifications dismissed'],
      cleared: 'All notifications cleared',
      restored: 'Restored',
      allRead: 'All marked as read',
      emptyAll: 'You’re all caught up',
      emptyAllHint: 'New notifications will appear here.',
      emptyUnread: 'Nothing unread',
      emptyUnreadHint: 'Everything here has been read.',
      loading: 'Loading notifications…',
      loadOlder: 'Load older notifications',
      loadingOlder: 'Loading older notifications…',
      end: 'That’s everything',
      historyFailed: 'Older notifications could not be loaded.',
      news: ['{n} new notification', '{n} new notifications'],
      offline: 'You’re offline. Notifications continue when the connection is back.',
      retrying: 'Can’t reach the server. Trying again in {n} s.',
      retryingNow: 'Can’t reach the server. Trying again…',
      retry: 'Try now',
      unauthorized: 'Your session has ended. Sign in again to get notifications.',
      failed: 'That could not be saved. Nothing was changed.',
      announce: 'New notification: {title}',
      announceFrom: 'New notification from {sender}: {title}',
      announceCritical: 'Critical notification: {title}',
      unreadMark: 'Unread',
      high: 'High priority',
      critical: 'Critical',
      acknowledge: 'Acknowledge',
      acknowledgeOpen: 'Acknowledge and open',
      acknowledging: 'Saving…',
      acknowledgeFailed: 'Your acknowledgement could not be saved.',
      acknowledgeRetry: 'Try again',
      later: 'Close for now',
      ofMany: '{i} of {n}',
      toasts: 'New notifications',
      moreToasts: ['{n} more', '{n} more'],
      settingsHeading: 'Notification settings',
      settingsTypes: 'What you get',
      settingsTypesHint: 'Choose how each kind of notification reaches you.',
      settingsEmpty: 'There are no kinds of notifications to set up yet.',
      settingsFailed: 'The settings could not be loaded.',
      settingsSaveFailed: 'This setting could not be saved.',
      receive: 'Receive “{type}”',
      displayOf: 'How “{type}” is shown',
      mandatory: 'Always on',
      muted: 'Muted',
      displayDefault: 'Automatic',
      displayNone: 'Quietly in the list',
      displayBadge: 'Badge only',
      displayToast: 'Pop-up',
      displayModal: 'Dialog',
      displayBrowser: 'Desktop notification',
      desktop: 'Desktop notifications',
      desktopHint: 'For when this page is in the background.',
      desktopAllow: 'Allow',
      desktopGranted: 'Allowed in this browser.',
      desktopDenied: 'Blocked in this browser’s settings.',
      now: 'just now',
      minutes: '{n} min ago',
      hours: '{n} h ago',
      yesterday: 'yesterday',
      days: '{n} days ago'
    },
    de: {
      heading: 'Benachrichtigungen',
      bell: 'Benachrichtigungen',
      bellUnread: ['Benachrichtigungen, {n} ungelesen', 'Benachrichtigungen, {n} ungelesen'],
      bellMany: 'Benachrichtigungen, mehr als {n} ungelesen',
      all: 'Alle',
      unread: 'Ungelesen',
      filter: 'Anzeigen',
      markAllRead: 'Alle als gelesen markieren',
      clearAll: 'Alle entfernen',
      settings: 'Einstellungen',
      close: 'Schließen',
      back: 'Zurück',
      markRead: 'Als gelesen markieren',
      markUnread: 'Als ungelesen markieren',
      dismiss: 'Entfernen',
      more: 'Mehr anzeigen',
      less: 'Weniger anzeigen',
      undo: 'Rückgängig',
      dismissed: ['Benachrichtigung entfernt', '{n} Benachrichtigungen entfernt'],
      cleared: 'Alle Benachrichtigungen entfernt',
      restored: 'Wiederhergestellt',
      allRead: 'Alle als gelesen markiert',
      emptyAll: 'Alles erledigt',
      emptyAllHint: 'Neue Benachrichtigungen erscheinen hier.',
      emptyUnread: 'Nichts ungelesen',
      emptyUnreadHint: 'Hier ist alles gelesen.',
      loading: 'Benachrichtigungen werden geladen …',
      loadOlder: 'Ältere Benachrichtigungen laden',
      loadingOlder: 'Ältere Benachrichtigungen werden geladen …',
      end: 'Das ist alles',
      historyFailed: 'Ältere Benachrichtigungen konnten nicht geladen werden.',
      news: ['{n} neue Benachrichtigung', '{n} neue Benachrichtigungen'],
      offline: 'Keine Verbindung. Sobald sie zurück ist, geht es weiter.',
      retrying: 'Der Server ist nicht erreichbar. Neuer Versuch in {n} s.',
      retryingNow: 'Der Server ist nicht erreichbar. Neuer Versuch …',
      retry: 'Jetzt versuchen',
      unauthorized: 'Ihre Sitzung ist abgelaufen. Melden Sie sich neu an, um Benachrichtigungen zu erhalten.',
      failed: 'Das konnte nicht gespeichert werden. Es wurde nichts geändert.',
      announce: 'Neue Benachrichtigung: {title}',
      announceFrom: 'Neue Benachrichtigung von {sender}: {title}',
      announceCritical: 'Kritische Benachrichtigung: {title}',
      unreadMark: 'Ungelesen',
      high: 'Hohe Priorität',
      critical: 'Kritisch',
      acknowledge: 'Bestätigen',
      acknowledgeOpen: 'Bestätigen und öffnen',
      acknowledging: 'Wird gespeichert …',
      acknowledgeFailed: 'Ihre Bestätigung konnte nicht gespeichert werden.',
      acknowledgeRetry: 'Erneut versuchen',
      later: 'Vorerst schließen',
      ofMany: '{i} von {n}',
      toasts: 'Neue Benachrichtigungen',
      moreToasts: ['{n} weitere', '{n} weitere'],
      settingsHeading: 'Einstellungen',
      settingsTypes: 'Was Sie erhalten',
      settingsTypesHint: 'Wählen Sie, wie jede Art von Benachrichtigung Sie erreicht.',
      settingsEmpty: 'Es gibt noch keine Arten von Benachrichtigungen.',
      settingsFailed: 'Die Einstellungen konnten nicht geladen werden.',
      settingsSaveFailed: 'Diese Einstellung konnte nicht gespeichert werden.',
      receive: '„{type}“ erhalten',
      displayOf: 'Wie „{type}“ angezeigt wird',
      mandatory: 'Immer an',
      muted: 'Stumm',
      displayDefault: 'Automatisch',
      displayNone: 'Still in der Liste',
      displayBadge: 'Nur Zähler',
      displayToast: 'Einblendung',
      displayModal: 'Dialog',
      displayBrowser: 'Desktop-Benachrichtigung',
      desktop: 'Desktop-Benachrichtigungen',
      desktopHint: 'Für die Zeit, in der diese Seite im Hintergrund ist.',
      desktopAllow: 'Erlauben',
      desktopGranted: 'In diesem Browser erlaubt.',
      desktopDenied: 'In den Einstellungen dieses Browsers blockiert.',
      now: 'gerade eben',
      minutes: 'vor {n} Min.',
      hours: 'vor {n} Std.',
      yesterday: 'gestern',
      days: 'vor {n} Tagen'
    }
  };

  // -------------------------------------------------------------------------------------------------- icons

  /** Path data in a box of 24 x 24, drawn as a stroke. The names are what `icon` and the first word of `type` say. */
  var ICONS = {
    bell: 'M6 9a6 6 0 0 1 12 0c0 5 1.5 6.5 2.5 7.5h-17C4.5 15.5 6 14 6 9M10 20a2.2 2.2 0 0 0 4 0',
    comment: 'M20.5 12a8 8 0 0 1-11.7 7.1L4 20.5l1.4-4.6A8 8 0 1 1 20.5 12',
    like: 'M12 20s-7.5-4.6-8.7-9.6A4.6 4.6 0 0 1 12 7.3a4.6 4.6 0 0 1 8.7 3.1C19.5 15.4 12 20 12 20z',
    star: 'M12 3.8l2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8z',
    user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.6-3.6 3.7-5.5 7.5-5.5s6.9 1.9 7.5 5.5',
    users: 'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.5-3.3 3.2-5 6.5-5s6 1.7 6.5 5' +
      'M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.9c2 .6 3.2 2.2 3.5 4.6',
    mail: 'M3.5 6.5a1 1 0 0 1 1-1h15a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1h-15a1 1 0 0 1-1-1zM4 7l8 6 8-6',
    calendar: 'M4 7a1.5 1.5 0 0 1 1.5-1.5h13A1.5 1.5 0 0 1 20 7v11.5a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 ' +
      '1.5 0 0 1 4 18.5zM4 10h16M8.5 3.5v4M15.5 3.5v4',
    deploy: 'M12 14.5L9.5 12c.8-4.2 3.8-7.5 10-8-.5 6.2-3.8 9.2-8 10M9.5 12H5.2l2.3-3.5 3-.7M12 14.5v4.3' +
      'l3.5-2.3.7-3M6 16.5c-1.5.6-2 3.5-2 3.5s2.9-.5 3.5-2',
    build: 'M14.5 6.5a4 4 0 0 0-5.3 4.9L4 16.6V20h3.4l5.2-5.2a4 4 0 0 0 4.9-5.3L15 12l-3-3z',
    package: 'M12 3.5l7.5 4v9L12 20.5l-7.5-4v-9zM4.8 7.7L12 11.5l7.2-3.8M12 11.5v9M8.2 5.6l7.3 3.9',
    billing: 'M3.5 7a1.5 1.5 0 0 1 1.5-1.5h14A1.5 1.5 0 0 1 20.5 7v10a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5' +
      ' 0 0 1 3.5 17zM3.5 10h17M7 14.5h3.5',
    security: 'M12 3.5l7 2.5v5.5c0 4.5-3 7.6-7 9-4-1.4-7-4.5-7-9V6zM9 12l2.2 2.2L15.2 10',
    lock: 'M6 11.5A1.5 1.5 0 0 1 7.5 10h9a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5' +
      ' 0 0 1 6 18.5zM8.5 10V7.5a3.5 3.5 0 0 1 7 0V10M12 14v2.5',
    server: 'M4 5.5a1 1 0 0 1 1-1h14a1 1 0 0 1 1 1v4a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1zM4 14.5a1 1 0 0 1 1-1h14a1 1 0 0 ' +
      '1 1 1v4a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1zM7.5 7.5h.01M7.5 16.5h.01',
    cloud: 'M7 18.5a4.3 4.3 0 0 1-.5-8.6 6 6 0 0 1 11.6 1.6 3.6 3.6 0 0 1-.6 7z',
    backup: 'M5 6.5c0-1.7 3.1-3 7-3s7 1.3 7 3-3.1 3-7 3-7-1.3-7-3zM5 6.5v11c0 1.7 3.1 3 7 3s7-1.3 7-3v-11M5 12c0 ' +
      '1.7 3.1 3 7 3s7-1.3 7-3',
    bug: 'M8.5 9.5a3.5 3.5 0 0 1 7 0v5a3.5 3.5 0 0 1-7 0zM12 11.5V18M9 6.5L7.5 5M15 6.5L16.5 5M8.5 ' +
      '10.5L5 9M15.5 10.5L19 9M8.5 13.5h-4M15.5 13.5h4M8.7 16L6 18.5M15.3 16l2.7 2.5',
    file: 'M6 4.5a1 1 0 0 1 1-1h7l4 4v12a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1zM13.5 3.5V8H18M9 12.5h6M9 16h6',
    download: 'M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4.5 19.5h15',
    clock: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2',
    flag: 'M6 20.5v-16c4-2 7.5 2 12 0v9c-4.5 2-8-2-12 0',
    tag: 'M4 5a1 1 0 0 1 1-1h6.5l8.5 8.5-7.5 7.5L4 11.5zM8 8h.01',
    news: 'M4 5.5a1 1 0 0 1 1-1h11a1 1 0 0 1 1 1v12a2 2 0 0 0 2 2H6a2 2 0 0 1-2-2zM17 9.5h2.5a.5.5 0 0 1 .5.5v7.5' +
      'M7.5 8.5h6M7.5 12h6M7.5 15.5h3.5',
    chart: 'M4.5 4.5v15h15M8.5 15.5v-4M12.5 15.5v-8M16.5 15.5v-6',
    phone: 'M8 3.5h8a1 1 0 0 1 1 1v15a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1v-15a1 1 0 0 1 1-1zM11 17.5h2',
    link: 'M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1',
    info: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 11v5M12 8h.01',
    success: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM8.3 12.3l2.5 2.5 5-5.3',
    warning: 'M12 4.5l8.5 15h-17zM12 10v4.5M12 17h.01',
    error: 'M8.5 3.5h7l5 5v7l-5 5h-7l-5-5v-7zM12 8v5M12 16h.01',
    // What the bell itself draws.
    check: 'M5 12.5l4.5 4.5L19 7.5',
    checks: 'M2.5 12.5l4.3 4.3L15 8.5M11 15.7l1.2 1.1L21 8.5',
    close: 'M6.5 6.5l11 11M17.5 6.5l-11 11',
    back: 'M14.5 6l-6 6 6 6',
    gear: 'M12 15.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM19 12a7 7 0 0 0-.1-1.3l2-1.5-2-3.4-2.3 1a7 7 0 0 ' +
      '0-2.2-1.3L14 3h-4l-.4 2.5a7 7 0 0 0-2.2 1.3l-2.3-1-2 3.4 2 1.5a7 7 0 0 0 0 2.6l-2 1.5 2 3.4 2.3-1a7 7 0 ' +
      '0 0 2.2 1.3L10 21h4l.4-2.5a7 7 0 0 0 2.2-1.3l2.3 1 2-3.4-2-1.5A7 7 0 0 0 19 12z',
    up: 'M12 19V5.5M6 11l6-6 6 6'
  };

  /** Other names for the same icons. */
  var ICON_ALIASES = {
    message: 'comment', chat: 'comment', mention: 'comment', heart: 'like', favorite: 'like', person: 'user',
    people: 'users', team: 'users', email: 'mail', event: 'calendar', release: 'deploy', rocket: 'deploy',
    ci: 'build', tool: 'build', order: 'package', shipping: 'package', payment: 'billing', invoice: 'billing',
    shield: 'security', login: 'lock', host: 'server', database: 'backup', storage: 'backup', issue: 'bug',
    document: 'file', report: 'chart', reminder: 'clock', newsletter: 'news', announcement: 'news', general: 'bell',
    device: 'phone', ok: 'success', done: 'success', alert: 'warning', alarm: 'error', failure: 'error'
  };

  // ------------------------------------------------------------------------------------------- small helpers

  var SVG = 'http://www.w3.org/2000/svg';
  var nextId = 0;

  function uid(name) {
    nextId += 1;
    return 'ngb-' + name + '-' + nextId;
  }

  /** Make an element: `el('div', 'ngb-x', {role: 'x'}, [children or text])`. Text goes in as text, never as markup. */
  function el(tag, className, attributes, children) {
    var node = document.createElement(tag);
    if (className) {
      node.className = className;
    }
    setAttributes(node, attributes);
    append(node, children);
    return node;
  }

  function setAttributes(node, attributes) {
    var name;
    for (name in attributes || {}) {
      if (attributes.hasOwnProperty(name)) {
        setAttribute(node, name, attributes[name]);
      }
    }
  }

  /** Set an attribute, or take it away with null or false; what is right already isn't touched. */
  function setAttribute(node, name, value) {
    if (value === null || value === false || value === undefined) {
      node.removeAttribute(name);
    } else if (node.getAttribute(name) !== String(value)) {
      node.setAttribute(name, String(value));
    }
  }

  function append(node, children) {
    var list = children === undefined || children === null ? [] : children instanceof Array ? children : [children];
    var i;
    for (i = 0; i < list.length; i++) {
      if (list[i]) {
        node.appendChild(typeof list[i] === 'string' ? document.createTextNode(withoutOverrides(list[i])) : list[i]);
      }
    }
    return node;
  }

  function setText(node, text) {
    var shown = withoutOverrides(text);
    if (node.textContent !== shown) {
      node.textContent = shown;
    }
  }

  /** Take away the characters that make text read backwards: "gpj.exe" must not look like "exe.jpg". */
  function withoutOverrides(text) {
    return String(text).replace(/[\u202d\u202e]/g, '');
  }

  function remove(node) {
    if (node && node.parentNode) {
      node.parentNode.removeChild(node);
    }
  }

  function empty(node) {
    while (node.firstChild) {
      node.removeChild(node.firstChild);
    }
  }

  /** Switch a class; classList is newer than some browsers we want. */
  function toggleClass(node, name, on) {
    var names = (' ' + node.className + ' ').replace(' ' + name + ' ', ' ').replace(/^\s+|\s+$/g, '');
    var wanted = on ? (names ? names + ' ' : '') + name : names;
    if (node.className !== wanted) {
      node.className = wanted;
    }
  }

  function hasClass(node, name) {
    return typeof node.className === 'string' && (' ' + node.className + ' ').indexOf(' ' + name + ' ') >= 0;
  }

  /** Find the element itself or the nearest one around it that has a class, up to and without `limit`. */
  function closest(node, name, limit) {
    while (node && node !== limit && node.nodeType === 1) {
      if (hasClass(node, name)) {
        return node;
      }
      node = node.parentNode;
    }
    return null;
  }

  function copy(target) {
    var i, name;
    for (i = 1; i < arguments.length; i++) {
      for (name in arguments[i] || {}) {
        if (Object.prototype.hasOwnProperty.call(arguments[i], name)) {
          target[name] = arguments[i][name];
        }
      }
    }
    return target;
  }

  /** Make an empty object to look things up in, by names from outside: even `__proto__` is only a name in it. */
  function dictionary() {
    return Object.create(null);
  }

  function contains(list, value) {
    return list.indexOf(value) >= 0;
  }

  function each(list, work) {
    var i;
    for (i = 0; i < list.length; i++) {
      work(list[i], i);
    }
  }

  function own(object, name) {
    return object && Object.prototype.hasOwnProperty.call(object, name) ? object[name] : undefined;
  }

  function icon(path, className) {
    var svg = document.createElementNS(SVG, 'svg');
    var line = document.createElementNS(SVG, 'path');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('class', 'ngb-svg' + (className ? ' ' + className : ''));
    svg.setAttribute('aria-hidden', 'true');
    svg.setAttribute('focusable', 'false');
    line.setAttribute('d', path);
    svg.appendChild(line);
    return svg;
  }

  /** Make a button that shows an icon and is named by its text. */
  function iconButton(path, label, className) {
    return el('button', 'ngb-icon-button' + (className ? ' ' + className : ''),
      {type: 'button', 'aria-label': label, title: label}, icon(path));
  }

  function isHidden() {
    return !!document.hidden;
  }

  function wantsLessMotion() {
    return !!(window.matchMedia && window.matchMedia('(prefers-reduced-motion: reduce)').matches);
  }

  function readStored(key) {
    try {
      return window.localStorage.getItem(key);
    } catch (error) {
      return null; // storage is switched off
    }
  }

  function store(key, value) {
    try {
      window.localStorage.setItem(key, value);
    } catch (error) {
      // Storage is full or switched off: at worst a desktop notification is shown beside a toast.
    }
  }

  function focusables(node) {
    var found = node.querySelectorAll('a[href], button, input, select, textarea, [tabindex]');
    var list = [];
    each(found, function (one) {
      if (!one.disabled && one.tabIndex >= 0 && (one.offsetWidth || one.offsetHeight)) {
        list.push(one);
      }
    });
    return list;
  }

  /** Take away the characters that turn the direction of text around, for texts that are put together from several. */
  function withoutDirections(text) {
    return String(text).replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
  }

  var SAFE_URL = /^(?:https?:\/\/[^\/?#\\\s]+|\/(?![\/\\]))[^\\\s\u0000-\u0020\u007f-\u009f]*$/i;

  /** Tell whether an `action_url` may be followed: http, https, or a path that begins with a single slash. */
  function isSafeUrl(url) {
    return typeof url === 'string' && url.length <= 2000 && SAFE_URL.test(url);
  }

  function isOwnOrigin(url) {
    var link = document.createElement('a');
    link.href = url;
    // An old Internet Explorer leaves the host empty for a path, and adds the port that everybody knows.
    return !link.host || (link.protocol === window.location.protocol &&
      link.host.replace(/:(80|443)$/, '') === window.location.host.replace(/:(80|443)$/, ''));
  }

  function originOf(url) {
    var match = /^(https?:\/\/[^\/?#]+)/i.exec(url);
    return match ? match[1].toLowerCase() : '';
  }

  // --------------------------------------------------------------------------------------------------- text

  /** The strings of one language, with what the page adds to them. */
  function Texts(language, own) {
    var short = String(language || 'en').toLowerCase();
    var table = STRINGS[short] || STRINGS[short.split('-')[0]] || STRINGS.en;
    this.language = language || 'en';
    this.table = copy({}, STRINGS.en, table, own);
  }

  /** Return the text of a name with its gaps filled in; `values.n` chooses between the forms for one and for many. */
  Texts.prototype.get = function (name, values) {
    var entry = this.table[name];
    var gaps = values || {};
    if (typeof entry === 'function') {
      entry = entry(gaps.n);
    }
    if (entry instanceof Array) {
      entry = entry[gaps.n === 1 ? 0 : 1];
    }
    return String(entry === undefined ? name : entry).replace(/\{(\w+)\}/g, function (whole, gap) {
      return gaps[gap] === undefined ? whole : String(gaps[gap]);
    });
  };

  Texts.prototype.relativeTime = function (time, now) {
    var seconds = Math.round((now - time) / 1000);
    var days = daysBetween(time, now);
    if (seconds < 60) {
      return this.get('now'); // a clock that is ahead counts as now, too
    }
    if (seconds < 3600) {
      return this.get('minutes', {n: Math.floor(seconds / 60)});
    }
    if (days === 0 || seconds < 6 * 3600) {
      return this.get('hours', {n: Math.floor(seconds / 3600)});
    }
    if (days === 1) {
      return this.get('yesterday');
    }
    if (days < 7) {
      return this.get('days', {n: days});
    }
    return this.format(time, new Date(time).getFullYear() === new Date(now).getFullYear() ?
      {day: 'numeric', month: 'short'} : {day: 'numeric', month: 'short', year: 'numeric'}, 'toLocaleDateString');
  };

  Texts.prototype.exactTime = function (time) {
    return this.format(time, {
      weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit',
      second: '2-digit'
    }, 'toLocaleString');
  };

  Texts.prototype.format = function (time, options, method) {
    var date = new Date(time);
    if (isNaN(date.getTime())) {
      return '';
    }
    try {
      return date[method](this.language, options);
    } catch (error) {
      return date[method](); // an engine without Intl, or a language tag that is none
    }
  };

  function daysBetween(time, now) {
    var then = new Date(time);
    var today = new Date(now);
    then.setHours(0, 0, 0, 0);
    today.setHours(0, 0, 0, 0);
    return Math.round((today - then) / 86400000);
  }

  // -------------------------------------------------------------------------------------------------- items

  /** The client's notifications, by id and in order, newest first, and how far back they are complete. */
  function Items() {
    this.list = [];
    this.byId = dictionary();
    /** The last one of the newest snapshot or page of history: older ones lie before it. */
    this.last = null;
    this.hasOlder = false;
  }

  /** Take over what the client has. */
  Items.prototype.refresh = function (list) {
    var byId = dictionary();
    each(list, function (item) {
      byId[item.id] = item;
    });
    this.list = list;
    this.byId = byId;
  };

  /** Note a snapshot or a page of history, newest first. */
  Items.prototype.reach = function (page, hasOlder) {
    this.last = page.length ? page[page.length - 1].id : this.last;
    this.hasOlder = hasOlder && this.last !== null;
  };

  /** Tell whether one lies beyond what was loaded: an old one that was changed on another device. */
  Items.prototype.isBeyond = function (item) {
    return this.hasOlder && item.id < this.last;
  };

  Items.prototype.get = function (id) {
    return own(this.byId, id);
  };

  Items.prototype.newest = function () {
    return this.list.length ? this.list[0].id : '';
  };

  function isUrgent(item) {
    return item.priority === 'high' || item.priority === 'critical';
  }

  function timeOf(item) {
    return Date.parse(item.created_at) || Date.now();
  }

  // ------------------------------------------------------------------------------- dismissing, with an undo

  /**
   * What was dismissed and can still be taken back. The gateway hears of it when the time to undo is over; until then
   * the notifications are only hidden.
   *
   * Singles add up to one undo; "clear all" is one of its own, with the cursor that the user was shown when they
   * pressed it, so that it takes nothing that came later.
   */
  function Dismissals(bell) {
    this.bell = bell;
    /** The batch that can be undone, null for none. */
    this.pending = null;
    /** Batches of which the gateway is being told, or was: an answer that is on its way may still hold them. */
    this.told = [];
    this.timer = null;
  }

  function Batch(upTo, newest, unread) {
    this.upTo = upTo;
    this.newest = newest;
    this.unread = unread;
    this.ids = [];
    this.isDone = false;
  }

  Batch.prototype.hides = function (item) {
    return this.upTo === null ? contains(this.ids, item.id) : item.id <= this.newest;
  };

  Dismissals.prototype.batches = function () {
    return this.pending ? this.told.concat(this.pending) : this.told;
  };

  Dismissals.prototype.hides = function (item) {
    return this.batches().some(function (batch) {
      return batch.hides(item);
    });
  };

  /** Tell whether everything older is hidden, too: then there is no need to load it. */
  Dismissals.prototype.hidesOlder = function () {
    return this.batches().some(function (batch) {
      return batch.upTo !== null;
    });
  };

  /** How many unread ones are hidden that the gateway still counts. */
  Dismissals.prototype.hiddenUnread = function () {
    var items = this.bell.items;
    return this.batches().reduce(function (sum, batch) {
      if (batch.isDone) {
        return sum;
      }
      return sum + (batch.upTo !== null ? batch.unread : batch.ids.filter(function (id) {
        return items.get(id) && !items.get(id).read_at;
      }).length);
    }, 0);
  };

  Dismissals.prototype.dismiss = function (id) {
    if (this.pending && this.pending.upTo !== null) {
      this.commit();
    }
    this.pending = this.pending || new Batch(null, '', 0);
    if (!contains(this.pending.ids, id)) {
      this.pending.ids.push(id);
    }
    this.wait();
  };

  Dismissals.prototype.clear = function () {
    this.commit();
    this.pending = new Batch(this.bell.client.cursor, this.bell.items.newest(), this.bell.unread());
    this.wait();
  };

  Dismissals.prototype.wait = function () {
    var dismissals = this;
    clearTimeout(this.timer);
    this.timer = setTimeout(function () {
      dismissals.commit();
    }, this.bell.options.undoSeconds * 1000);
    this.bell.update();
  };

  Dismissals.prototype.undo = function () {
    clearTimeout(this.timer);
    this.pending = null;
    this.bell.announcer.say(this.bell.texts.get('restored'));
    this.bell.update();
  };

  /** Tell the gateway; from here on it can't be taken back. */
  Dismissals.prototype.commit = function () {
    var dismissals = this;
    var bell = this.bell;
    var batch = this.pending;
    clearTimeout(this.timer);
    this.pending = null;
    if (!batch) {
      return;
    }
    this.told.push(batch);
    function forget() {
      dismissals.told.splice(dismissals.told.indexOf(batch), 1);
      bell.update();
    }
    function done(error) {
      batch.isDone = true;
      if (error) {
        forget();
        bell.panel.complain(bell.texts.get('failed'));
      } else {
        // They leave the client with the next poll; until then they would flash up.
        setTimeout(forget, KEEP_HIDDEN_MS);
      }
      bell.update();
    }
    if (batch.upTo === null) {
      inParts(batch.ids, function (some, next) {
        bell.client.dismiss(some, next);
      }, done);
    } else {
      bell.client.dismissAll(batch.upTo, done);
    }
    bell.update();
  };

  /** Call `work(part, next)` for parts of a list that one request can take, one after the other. */
  function inParts(list, work, done) {
    function step(error) {
      var part = list.slice(0, MAX_IDS);
      list = list.slice(MAX_IDS);
      if (error || !part.length) {
        done(error || null);
      } else {
        work(part, step);
      }
    }
    step(null);
  }

  // --------------------------------------------------------------------------- screen readers and the title

  /** Two live regions: one that waits its turn and one that interrupts. */
  function Announcer() {
    this.polite = el('div', 'ngb-hidden', {role: 'status', 'aria-live': 'polite', 'aria-atomic': 'true'});
    this.assertive = el('div', 'ngb-hidden', {role: 'alert', 'aria-live': 'assertive', 'aria-atomic': 'true'});
    this.node = el('div', 'ngb ngb-announcer', null, [this.polite, this.assertive]);
    this.timers = {};
  }

  Announcer.prototype.say = function (text, urgently) {
    var region = urgently ? this.assertive : this.polite;
    var timers = this.timers;
    var name = urgently ? 'assertive' : 'polite';
    clearTimeout(timers[name]);
    region.textContent = '';
    // A region that is emptied and filled at once is not read again when the text is the same.
    timers[name] = setTimeout(function () {
      region.textContent = withoutDirections(text);
    }, 60);
  };

  Announcer.prototype.destroy = function () {
    clearTimeout(this.timers.polite);
    clearTimeout(this.timers.assertive);
    remove(this.node);
  };

  /** The count in front of the page's title, whatever the page does to its title meanwhile. */
  function TitleCount() {
    this.plain = null;
    this.written = null;
  }

  TitleCount.prototype.show = function (count) {
    if (this.written === null || document.title !== this.written) {
      this.plain = document.title; // the page has set it
    }
    this.written = (count ? '(' + badgeText(count) + ') ' : '') + this.plain;
    if (document.title !== this.written) {
      document.title = this.written;
    }
    this.written = document.title; // browsers trim and squeeze white space
  };

  TitleCount.prototype.destroy = function () {
    if (this.written !== null && document.title === this.written) {
      document.title = this.plain;
    }
  };

  function badgeText(count) {
    return count > MAX_BADGE ? MAX_BADGE + '+' : String(count);
  }

  // -------------------------------------------------------------------------------- what all looks share

  /** Put the icon of a notification into its circle; a picture only from where the page allows it. */
  function fillIcon(bell, node, item) {
    var given = item.icon || bell.typeOf(item.type).icon || '';
    var path = bell.iconPath(given);
    var picture;
    empty(node);
    if (!path && bell.allowsPicture(given)) {
      // Before src: the request goes out when that is set, and must not carry cookies.
      picture = el('img', 'ngb-picture', {alt: '', crossorigin: 'anonymous', referrerpolicy: 'no-referrer', src: given});
      picture.onerror = function () {
        empty(node);
        node.appendChild(icon(ICONS.bell));
      };
      node.appendChild(picture);
    } else if (!path && isPictograph(given)) {
      node.appendChild(el('span', 'ngb-emoji', null, given));
    } else {
      node.appendChild(icon(path || bell.iconPath(item.type) || bell.iconPath(item.type.split(/[._-]/)[0]) ||
        (isUrgent(item) ? ICONS.warning : ICONS.bell)));
    }
    if (isUrgent(item)) {
      node.appendChild(el('span', 'ngb-urgent-mark', null, '!'));
    }
  }

  /** An emoji as an icon's name: short, and nothing of it is ASCII. */
  function isPictograph(name) {
    return name.length > 0 && name.length <= 11 && /^[^\u0000-\u2000]+$/.test(name);
  }

  function priorityOf(item) {
    return contains(PRIORITIES, item.priority) ? item.priority : 'normal';
  }

  /** Return the words for an urgent priority, '' for others: what is not urgent must not stand out. */
  function priorityLabel(bell, item) {
    return isUrgent(item) ? bell.texts.get(item.priority) : '';
  }

  function timeNode(className) {
    return el('time', className);
  }

  function showTime(bell, node, item, now) {
    var time = timeOf(item);
    setText(node, bell.texts.relativeTime(time, now));
    setAttribute(node, 'datetime', item.created_at);
    setAttribute(node, 'title', bell.texts.exactTime(time));
  }

  /** Make a link that opens a notification; the click is the bell's, so that it can be marked read first. */
  function linkTo(bell, item, className, label, onOpen) {
    var link = el('a', className, {href: item.action_url, dir: 'auto'}, label);
    if (!isOwnOrigin(item.action_url)) {
      setAttributes(link, {target: '_blank', rel: 'noopener noreferrer'});
    }
    link.onclick = function (event) {
      event.stopPropagation();
      bell.follow(item, link, event, onOpen);
    };
    return link;
  }

  // -------------------------------------------------------------------------------------------------- cards

  function Card(bell, list, item) {
    var card = this;
    this.bell = bell;
    this.list = list;
    this.id = item.id;
    this.item = null;
    this.isExpanded = false;
    this.isMeasured = false;
    this.icon = el('span', 'ngb-icon', {'aria-hidden': 'true'});
    this.sender = el('span', 'ngb-sender', {dir: 'auto'});
    this.priority = el('span', 'ngb-priority');
    this.time = timeNode('ngb-time');
    this.unread = el('span', 'ngb-hidden', null, bell.texts.get('unreadMark'));
    this.title = el('h3', 'ngb-title', {id: uid('title')});
    this.body = el('p', 'ngb-body', {id: uid('body'), dir: 'auto'});
    this.more = el('button', 'ngb-more', {type: 'button', 'aria-expanded': 'false'}, bell.texts.get('more'));
    this.more.hidden = true;
    this.toggle = iconButton(ICONS.check, '', 'ngb-toggle');
    this.dismiss = iconButton(ICONS.close, bell.texts.get('dismiss'), 'ngb-dismiss');
    this.node = el('article', 'ngb-card', {tabindex: '-1', 'aria-labelledby': this.title.id}, [
      this.icon,
      el('div', 'ngb-main', null, [
        el('div', 'ngb-meta', null, [this.sender, this.priority, this.time]),
        this.title, this.body, this.more
      ]),
      el('span', 'ngb-dot', null, this.unread),
      el('div', 'ngb-actions', null, [this.toggle, this.dismiss])
    ]);
    this.node.onclick = function (event) {
      if (!isOnControl(event.target, card.node) && !hasSelection(card.node)) {
        card.open(event);
      }
    };
    this.more.onclick = function () {
      card.expand(!card.isExpanded);
    };
    this.toggle.onclick = function () {
      list.keepFocusNear(card);
      bell.setRead(card.item, !card.item.read_at);
    };
    this.dismiss.onclick = function () {
      list.keepFocusNear(card);
      bell.dismiss(card.id);
    };
    this.show(item, Date.now());
  }

  function isOnControl(node, limit) {
    while (node && node !== limit) {
      if (node.nodeName === 'BUTTON' || node.nodeName === 'A') {
        return true;
      }
      node = node.parentNode;
    }
    return false;
  }

  /** Tell whether text in this node is selected: then a click was the end of a selection. */
  function hasSelection(node) {
    var selection = window.getSelection && window.getSelection();
    return !!selection && !selection.isCollapsed && node.contains(selection.anchorNode);
  }

  Card.prototype.show = function (item, now) {
    var texts = this.bell.texts;
    var priority = priorityOf(item);
    var isRead = !!item.read_at;
    var label;
    if (!this.item) {
      this.fill(item);
    }
    this.item = item;
    if (this.isRead !== isRead) {
      this.isRead = isRead;
      toggleClass(this.node, 'ngb-unread', !isRead);
      toggleClass(this.node, 'ngb-low', priority === 'low');
      toggleClass(this.node, 'ngb-high', priority === 'high');
      toggleClass(this.node, 'ngb-critical', priority === 'critical');
      setText(this.unread, isRead ? '' : texts.get('unreadMark'));
      label = texts.get(isRead ? 'markUnread' : 'markRead');
      setAttributes(this.toggle, {'aria-label': label, title: label});
      empty(this.toggle);
      this.toggle.appendChild(icon(isRead ? ICONS.mail : ICONS.check));
    }
    showTime(this.bell, this.time, item, now);
  };

  /** Write what never changes: a notification is immutable once it is published. */
  Card.prototype.fill = function (item) {
    var card = this;
    fillIcon(this.bell, this.icon, item);
    setText(this.sender, item.sender || this.bell.typeTitle(item.type));
    setText(this.priority, priorityLabel(this.bell, item));
    this.link = null;
    if (isSafeUrl(item.action_url)) {
      this.link = linkTo(this.bell, item, 'ngb-link', item.title, function () {
        card.list.keepInView(card.id);
      });
      this.title.appendChild(this.link);
    } else {
      setAttribute(this.title, 'dir', 'auto');
      setText(this.title, item.title || '');
    }
    setText(this.body, item.body || '');
    this.body.hidden = !item.body;
    setAttribute(this.node, 'aria-describedby', item.body ? this.body.id : null);
  };

  /** Offer the whole text where the preview cuts it. Only possible while the card is to be seen. */
  Card.prototype.measure = function () {
    if (!this.isMeasured && this.body.clientHeight) {
      this.isMeasured = true;
      this.more.hidden = this.body.scrollHeight <= this.body.clientHeight + 2;
    }
  };

  Card.prototype.expand = function (on) {
    this.isExpanded = on;
    toggleClass(this.node, 'ngb-expanded', on);
    setAttribute(this.more, 'aria-expanded', on);
    setText(this.more, this.bell.texts.get(on ? 'less' : 'more'));
  };

  /** Open: follow the link, or show the whole text; either way it is read then. */
  Card.prototype.open = function (event) {
    this.list.keepInView(this.id);
    if (this.link) {
      this.bell.follow(this.item, this.link, event);
      return;
    }
    if (!this.more.hidden) {
      this.expand(!this.isExpanded);
    }
    this.bell.opened(this.item);
  };

  Card.prototype.setCurrent = function (isCurrent) {
    var place = isCurrent ? '0' : '-1';
    setAttribute(this.node, 'tabindex', place);
    each([this.link, this.more, this.toggle, this.dismiss], function (control) {
      if (control) {
        setAttribute(control, 'tabindex', place);
      }
    });
  };

  // --------------------------------------------------------------------------------------------------- list

  /** The cards: filter, keyboard, history. One card is the current one; Tab goes through its controls only. */
  function List(bell) {
    var list = this;
    var texts = bell.texts;
    this.bell = bell;
    this.cards = dictionary();
    this.shown = [];
    this.filter = 'all';
    /** Ids that were read while only unread ones are shown: they stay until the filter is changed. */
    this.kept = dictionary();
    this.current = null;
    this.pagesUnasked = 0;
    this.isLoadingOlder = false;
    this.hasFailed = false;
    this.newAbove = 0;

    this.feed = el('div', 'ngb-feed');
    this.skeleton = el('div', 'ngb-skeleton', null, [
      el('p', 'ngb-hidden', null, texts.get('loading')), skeletonCard(), skeletonCard(), skeletonCard()
    ]);
    this.emptyTitle = el('p', 'ngb-empty-title');
    this.emptyHint = el('p', 'ngb-empty-hint');
    this.empty = el('div', 'ngb-empty', null, [
      el('span', 'ngb-empty-icon', {'aria-hidden': 'true'}, icon(ICONS.bell)), this.emptyTitle, this.emptyHint
    ]);
    this.older = el('button', 'ngb-older', {type: 'button'}, texts.get('loadOlder'));
    this.end = el('p', 'ngb-end');
    this.foot = el('div', 'ngb-foot', null, [this.end, this.older]);
    // In the order of tabbing a scrolled area has to be reachable; its current card is, so it needs no place itself.
    this.scroller = el('div', 'ngb-scroller', null, [this.skeleton, this.empty, this.feed, this.foot]);
    this.pill = el('button', 'ngb-pill', {type: 'button'});
    this.pill.hidden = true;
    this.node = el('div', 'ngb-list', null, [this.pill, this.scroller]);

    this.older.onclick = function () {
      list.pagesUnasked = 0;
      list.loadOlder();
    };
    this.pill.onclick = function () {
      list.scroller.scrollTop = 0;
      list.showPill(0);
      if (list.shown.length) {
        list.focusCard(list.shown[0]);
      }
    };
    this.scroller.onscroll = function () {
      if (list.scroller.scrollTop < 8) {
        list.showPill(0);
      }
      list.loadIfNear();
    };
    this.feed.onkeydown = function (event) {
      list.onKey(event);
    };
    this.feed.addEventListener('focus', function (event) {
      var card = closest(event.target, 'ngb-card', list.feed);
      if (card) {
        list.setCurrent(card.getAttribute('data-id'));
      }
    }, true);
  }

  function skeletonCard() {
    return el('div', 'ngb-bone', {'aria-hidden': 'true'}, [
      el('span', 'ngb-bone-icon'),
      el('span', 'ngb-bone-lines', null, [el('span', 'ngb-bone-line'), el('span', 'ngb-bone-line'),
        el('span', 'ngb-bone-line')])
    ]);
  }

  List.prototype.setFilter = function (filter) {
    this.filter = filter;
    this.kept = dictionary();
    this.pagesUnasked = 0;
    this.scroller.scrollTop = 0;
    this.showPill(0);
    this.update();
  };

  List.prototype.keepInView = function (id) {
    this.kept[id] = true;
  };

  List.prototype.wants = function (item) {
    return !this.bell.dismissals.hides(item) && !this.bell.items.isBeyond(item) &&
      (this.filter === 'all' || !item.read_at || this.kept[item.id] === true);
  };

  List.prototype.update = function () {
    var list = this;
    var now = Date.now();
    var hadFocus = this.feed.contains(document.activeElement);
    var anchor = this.anchor();
    var items = this.bell.items.list.filter(function (item) {
      return list.wants(item);
    });
    var oldPlace = this.shown.indexOf(this.current);
    var wanted = dictionary();
    var ids = items.map(function (item) {
      wanted[item.id] = true;
      return item.id;
    });
    each(this.shown, function (id) {
      if (!wanted[id]) {
        list.drop(id);
      }
    });
    this.place(items, now);
    this.shown = ids;
    if (!wanted[this.current]) {
      this.setCurrent(ids.length ? ids[Math.min(Math.max(oldPlace, 0), ids.length - 1)] : null);
      if (hadFocus || this.awaitsFocus) {
        this.focus();
      }
    } else {
      this.setCurrent(this.current);
    }
    this.awaitsFocus = false;
    this.restore(anchor);
    this.updateStates();
    if (this.bell.isOpen) {
      this.measure();
      this.loadIfNear();
    }
  };

  /** Bring the cards into the page in the order of the items, touching only what is out of place. */
  List.prototype.place = function (items, now) {
    var list = this;
    var next = this.feed.firstChild;
    // A feed without articles is none.
    setAttributes(this.feed, {role: items.length ? 'feed' : null,
      'aria-label': items.length ? this.bell.texts.get('heading') : null});
    each(items, function (item, place) {
      var card = own(list.cards, item.id);
      if (!card) {
        card = list.cards[item.id] = new Card(list.bell, list, item);
        card.node.setAttribute('data-id', item.id);
      }
      card.show(item, now);
      setAttribute(card.node, 'aria-posinset', place + 1);
      setAttribute(card.node, 'aria-setsize', list.bell.items.hasOlder ? -1 : items.length);
      while (next && hasClass(next, 'ngb-leaving')) {
        next = next.nextSibling;
      }
      if (next === card.node) {
        next = next.nextSibling;
      } else {
        list.feed.insertBefore(card.node, next);
      }
    });
  };

  /** Take a card away; where motion is wanted it folds up first. */
  List.prototype.drop = function (id) {
    var node = this.cards[id].node;
    delete this.cards[id];
    if (!this.bell.isOpen || wantsLessMotion() || !node.offsetHeight) {
      remove(node);
      return;
    }
    node.removeAttribute('data-id');
    setAttribute(node, 'role', 'presentation');
    setAttribute(node, 'aria-hidden', 'true');
    setAttribute(node, 'tabindex', null);
    each(focusables(node), function (control) {
      control.tabIndex = -1;
    });
    node.style.height = node.offsetHeight + 'px';
    toggleClass(node, 'ngb-leaving', true);
    window.getComputedStyle(node).height; // makes the browser see the height before it shrinks
    node.style.height = '0px';
    setTimeout(function () {
      remove(node);
    }, 220);
  };

  /** Note which card is at the top of what is seen, so that cards above it don't push it away. */
  List.prototype.anchor = function () {
    var top = this.scroller.scrollTop;
    var i, node;
    if (top < 8) {
      return null;
    }
    for (i = 0; i < this.shown.length; i++) {
      node = this.cards[this.shown[i]].node;
      if (node.offsetTop + node.offsetHeight > top) {
        return {id: this.shown[i], distance: node.offsetTop - top};
      }
    }
    return null;
  };

  List.prototype.restore = function (anchor) {
    var card = anchor && own(this.cards, anchor.id);
    if (card) {
      this.scroller.scrollTop = card.node.offsetTop - anchor.distance;
    }
  };

  /** Say that new ones came above what is seen. */
  List.prototype.noteNews = function (count) {
    if (this.bell.isOpen && this.scroller.scrollTop >= 8) {
      this.showPill(this.newAbove + count);
    }
  };

  List.prototype.showPill = function (count) {
    this.newAbove = count;
    this.pill.hidden = !count;
    if (count) {
      empty(this.pill);
      append(this.pill, [icon(ICONS.up), this.bell.texts.get('news', {n: count})]);
    }
  };

  List.prototype.updateStates = function () {
    var bell = this.bell;
    var texts = bell.texts;
    var isEmpty = bell.isReady && !this.shown.length;
    var isSearching = isEmpty && this.mayLoad() && !this.hasFailed;
    this.skeleton.hidden = bell.isReady && !isSearching;
    this.empty.hidden = !isEmpty || isSearching || this.hasFailed;
    setText(this.emptyTitle, texts.get(this.filter === 'all' ? 'emptyAll' : 'emptyUnread'));
    setText(this.emptyHint, texts.get(this.filter === 'all' ? 'emptyAllHint' : 'emptyUnreadHint'));
    setAttribute(this.feed, 'aria-busy', !bell.isReady || this.isLoadingOlder ? 'true' : null);
    this.older.hidden = !bell.isReady || !this.mayLoad() || this.isLoadingOlder;
    setText(this.older, texts.get(this.hasFailed ? 'acknowledgeRetry' : 'loadOlder'));
    setText(this.end, this.isLoadingOlder ? texts.get('loadingOlder') :
      this.hasFailed ? texts.get('historyFailed') :
        this.shown.length > 5 && !this.mayLoad() ? texts.get('end') : '');
    this.end.hidden = !this.end.textContent || isSearching;
    this.foot.hidden = this.end.hidden && this.older.hidden;
  };

  List.prototype.measure = function () {
    var list = this;
    each(this.shown, function (id) {
      list.cards[id].measure();
    });
  };

  /** Tell whether there is anything older that this filter could show. */
  List.prototype.mayLoad = function () {
    var bell = this.bell;
    var unread;
    if (!bell.items.hasOlder || bell.dismissals.hidesOlder()) {
      return false;
    }
    if (this.filter === 'all') {
      return true;
    }
    unread = bell.items.list.filter(function (item) {
      return !item.read_at && !bell.items.isBeyond(item);
    }).length;
    return unread < bell.counts().unread;
  };

  List.prototype.loadIfNear = function () {
    var rest = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
    if (!this.bell.isOpen || !this.scroller.clientHeight || rest > LOAD_AHEAD_PX || this.hasFailed) {
      return;
    }
    if (this.filter === 'unread' && this.pagesUnasked >= MAX_PAGES_UNASKED) {
      return;
    }
    this.loadOlder();
  };

  List.prototype.loadOlder = function () {
    var list = this;
    var bell = this.bell;
    var items = bell.items;
    var last = items.last;
    if (this.isLoadingOlder || !bell.isReady || !this.mayLoad() || last === null) {
      return;
    }
    this.isLoadingOlder = true;
    this.hasFailed = false;
    this.pagesUnasked += 1;
    this.updateStates();
    bell.client.history({before: last, limit: bell.options.pageSize}, function (error, page) {
      list.isLoadingOlder = false;
      if (bell.isDestroyed) {
        return;
      }
      if (items.last === last) { // else a snapshot came in between, and this page belongs to nothing
        if (error && error.status === 404) {
          items.hasOlder = false; // the place it should go on from isn't known any more
        } else if (error) {
          list.hasFailed = true;
        } else {
          items.reach(page.notifications, !!page.has_more && page.notifications.length > 0);
        }
      }
      bell.update();
    });
  };

  List.prototype.setCurrent = function (id) {
    var list = this;
    this.current = id;
    each(this.shown, function (one) {
      list.cards[one].setCurrent(one === id);
    });
  };

  List.prototype.focus = function () {
    if (this.current !== null && own(this.cards, this.current)) {
      this.focusCard(this.current);
    } else {
      this.bell.panel.focusFrame();
    }
  };

  List.prototype.focusCard = function (id) {
    this.setCurrent(id);
    this.cards[id].node.focus();
  };

  /** Before a card goes away under the user's hands: the one that takes its place gets the focus. */
  List.prototype.keepFocusNear = function (card) {
    this.current = card.id;
    this.awaitsFocus = true;
  };

  List.prototype.onKey = function (event) {
    var node = closest(event.target, 'ngb-card', this.feed);
    var id = node && node.getAttribute('data-id');
    var place = this.shown.indexOf(id);
    var last = this.shown.length - 1;
    var steps = {ArrowDown: place + 1, Down: place + 1, ArrowUp: place - 1, Up: place - 1, PageDown: place + 5,
      PageUp: place - 5, Home: 0, End: last};
    if (place < 0 || event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    if (own(steps, event.key) !== undefined) {
      event.preventDefault();
      this.focusCard(this.shown[Math.min(Math.max(steps[event.key], 0), last)]);
      if (place === last) {
        this.loadIfNear();
      }
    } else if (event.target === node && (event.key === 'Enter' || event.key === ' ' || event.key === 'Spacebar')) {
      event.preventDefault();
      this.cards[id].open(event);
    } else if (event.target === node && (event.key === 'Delete' || event.key === 'Del' || event.key === 'Backspace')) {
      event.preventDefault();
      this.keepFocusNear(this.cards[id]);
      this.bell.dismiss(id);
    }
  };

  // ----------------------------------------------------------------------------------------------- settings

  /** The second page of the panel: what is muted, how each type is shown, and the browser's permission. */
  function SettingsView(bell) {
    var view = this;
    var texts = bell.texts;
    this.bell = bell;
    this.rows = dictionary();
    this.back = iconButton(ICONS.back, texts.get('back'), 'ngb-back');
    this.heading = el('h2', 'ngb-heading', {id: uid('settings'), tabindex: '-1'}, texts.get('settingsHeading'));
    this.note = el('p', 'ngb-note', {role: 'status'});
    this.note.hidden = true;
    this.types = el('ul', 'ngb-types');
    this.typesEmpty = el('p', 'ngb-hint', null, texts.get('settingsEmpty'));
    this.desktopState = el('p', 'ngb-hint');
    this.allow = el('button', 'ngb-allow', {type: 'button'}, texts.get('desktopAllow'));
    this.desktop = el('section', 'ngb-desktop', null, [
      el('div', 'ngb-desktop-text', null, [
        el('h3', 'ngb-subheading', {id: uid('desktop')}, texts.get('desktop')), this.desktopState
      ]),
      this.allow
    ]);
    this.allow.setAttribute('aria-label', texts.get('desktopAllow') + ': ' + texts.get('desktop'));
    this.node = el('div', 'ngb-settings', null, [
      el('div', 'ngb-header', null, [this.back, this.heading]),
      el('div', 'ngb-settings-body', null, [
        this.note,
        this.desktop,
        el('h3', 'ngb-subheading', null, texts.get('settingsTypes')),
        el('p', 'ngb-hint', null, texts.get('settingsTypesHint')),
        this.types, this.typesEmpty
      ])
    ]);
    this.back.onclick = function () {
      bell.panel.show('list');
    };
    this.allow.onclick = function () {
      bell.desktop.ask(function () {
        view.update();
        if (view.allow.hidden) {
          view.heading.focus();
        }
      });
    };
  }

  SettingsView.prototype.update = function () {
    var view = this;
    var names = this.bell.knownTypes();
    var permission = this.bell.desktop.permission();
    each(names, function (name) {
      if (!own(view.rows, name)) {
        view.rows[name] = new SettingsRow(view.bell, view, name);
      }
      view.rows[name].update();
      if (view.types.children[names.indexOf(name)] !== view.rows[name].node) {
        view.types.insertBefore(view.rows[name].node, view.types.children[names.indexOf(name)] || null);
      }
    });
    this.types.hidden = !names.length;
    this.typesEmpty.hidden = !!names.length;
    this.desktop.hidden = permission === 'none';
    this.allow.hidden = permission !== 'default';
    setText(this.desktopState, this.bell.texts.get(permission === 'granted' ? 'desktopGranted' :
      permission === 'denied' ? 'desktopDenied' : 'desktopHint'));
  };

  SettingsView.prototype.say = function (text) {
    setText(this.note, text || '');
    this.note.hidden = !text;
  };

  function SettingsRow(bell, view, type) {
    var row = this;
    var texts = bell.texts;
    var title = bell.typeTitle(type);
    var known = bell.typeOf(type);
    this.bell = bell;
    this.type = type;
    this.receive = el('button', 'ngb-switch', {type: 'button', role: 'switch',
      'aria-label': texts.get('receive', {type: title})}, el('span', 'ngb-switch-knob'));
    this.display = el('select', 'ngb-select', {'aria-label': texts.get('displayOf', {type: title})}, [
      el('option', '', {value: ''}, texts.get('displayDefault')),
      el('option', '', {value: 'toast'}, texts.get('displayToast')),
      el('option', '', {value: 'browser'}, texts.get('displayBrowser')),
      el('option', '', {value: 'modal'}, texts.get('displayModal')),
      el('option', '', {value: 'badge'}, texts.get('displayBadge')),
      el('option', '', {value: 'none'}, texts.get('displayNone'))
    ]);
    this.state = el('span', 'ngb-type-state');
    this.node = el('li', 'ngb-type', null, [
      el('span', 'ngb-icon', {'aria-hidden': 'true'}, icon(bell.iconPath(known.icon || '') || bell.iconPath(type) ||
        bell.iconPath(type.split(/[._-]/)[0]) || ICONS.bell)),
      el('div', 'ngb-type-text', null, [el('span', 'ngb-type-title', {dir: 'auto'}, title), this.state]),
      this.display, this.receive
    ]);
    this.receive.onclick = function () {
      if (!known.mandatory) {
        row.save({muted: !bell.preferenceOf(type).muted}, view);
      }
    };
    this.display.onchange = function () {
      row.save({display: row.display.value || null}, view);
    };
  }

  SettingsRow.prototype.update = function () {
    var preference = this.bell.preferenceOf(this.type);
    var isMandatory = !!this.bell.typeOf(this.type).mandatory;
    var isMuted = !!preference.muted && !isMandatory;
    setAttributes(this.receive, {'aria-checked': isMuted ? 'false' : 'true', 'aria-disabled': isMandatory || null});
    setText(this.state, isMandatory ? this.bell.texts.get('mandatory') : isMuted ? this.bell.texts.get('muted') : '');
    this.display.disabled = isMuted;
    this.display.value = contains(DISPLAYS, preference.display) ? preference.display : '';
    toggleClass(this.node, 'ngb-muted', isMuted);
  };

  SettingsRow.prototype.save = function (change, view) {
    var bell = this.bell;
    view.say('');
    bell.preferenceStore.change(this.type, change, function (error) {
      if (error) {
        view.say(bell.texts.get('settingsSaveFailed'));
      }
    });
    if (change.display === 'browser' && bell.desktop.permission() === 'default') {
      view.allow.focus(); // what is missing now; the permission itself is asked for by a click only
    }
  };

  /**
   * The recipient's preferences: read at the start and after each reset, written one change at a time on top of what
   * the gateway has, so that two devices don't undo each other's.
   */
  function PreferenceStore(bell) {
    this.bell = bell;
    /** What the gateway has, null before it was asked. */
    this.saved = null;
    /** The same with the changes that are on their way. */
    this.types = {};
    this.changes = [];
    /** When each type that was muted was switched on again, in milliseconds. */
    this.unmutedAt = dictionary();
    /** Reads that are on their way, and what waits for the last of them. */
    this.reads = 0;
    this.waiting = [];
  }

  /** Do something when it is known how the recipient wants things shown, or that this can't be found out. */
  PreferenceStore.prototype.whenKnown = function (work) {
    if (this.reads) {
      this.waiting.push(work);
    } else {
      work();
    }
  };

  /** Return whether a notification was published while its type was muted. */
  PreferenceStore.prototype.wasMuted = function (item) {
    return timeOf(item) < (own(this.unmutedAt, item.type) || 0);
  };

  PreferenceStore.prototype.take = function (preferences) {
    var types = (preferences && preferences.types) || {};
    this.saved = types;
    each(this.changes, function (one) {
      types = withChange(types, one.type, one.change);
    });
    this.show(types);
  };

  PreferenceStore.prototype.show = function (types) {
    var self = this;
    each(Object.keys(this.types), function (type) {
      if (self.types[type].muted && !(own(types, type) || {}).muted) {
        self.unmutedAt[type] = Date.now();
      }
    });
    this.types = types;
    this.bell.panel.settings.update();
  };

  PreferenceStore.prototype.load = function () {
    var self = this;
    var panel = this.bell.panel;
    if (this.changes.length) {
      return; // the answer to the last of them says the same; one read meanwhile would be outdated at once
    }
    this.reads += 1;
    this.bell.client.preferences(null, function (error, preferences) {
      if (self.bell.isDestroyed) {
        return;
      }
      self.reads -= 1;
      if (!error && !self.changes.length) {
        self.take(preferences);
      }
      if (!self.reads) {
        each(self.waiting.splice(0), function (work) {
          work();
        });
      }
      panel.settings.say(error && !self.saved ? self.bell.texts.get('settingsFailed') : '');
    });
  };

  PreferenceStore.prototype.change = function (type, change, done) {
    this.changes.push({type: type, change: change, done: done});
    this.show(withChange(this.types, type, change));
    if (this.changes.length === 1) {
      this.write(0);
    }
  };

  /** Write the oldest change; after a 412, or before anything was read, read first. */
  PreferenceStore.prototype.write = function (tries) {
    var self = this;
    var client = this.bell.client;
    var first = this.changes[0];
    function finish(error, preferences) {
      if (self.bell.isDestroyed) {
        return;
      }
      self.changes.shift();
      self.take(preferences || {types: self.saved || {}});
      first.done(error || null);
      if (self.changes.length) {
        self.write(0);
      }
    }
    function put() {
      var wanted = withChange(self.saved, first.type, first.change);
      client.preferences(wanted, function (error, answer) {
        if (error && error.status === 412 && tries < 3) {
          self.saved = null;
          self.write(tries + 1);
        } else {
          finish(error, error ? null : answer && answer.types ? answer : {types: wanted});
        }
      });
    }
    if (this.saved) {
      put();
      return;
    }
    client.preferences(null, function (error, preferences) {
      if (error) {
        finish(error, null);
      } else {
        self.saved = preferences.types || {};
        put();
      }
    });
  };

  function withChange(types, type, change) {
    var result = copy(dictionary(), types);
    var entry = copy({}, own(types, type), change);
    if (!entry.display) {
      delete entry.display;
    }
    if (entry.muted || entry.display) {
      result[type] = entry;
    } else {
      delete result[type];
    }
    return result;
  }

  // -------------------------------------------------------------------------------------------------- panel

  function Panel(bell) {
    var panel = this;
    var texts = bell.texts;
    this.bell = bell;
    this.view = 'list';
    this.list = new List(bell);
    this.settings = new SettingsView(bell);

    this.heading = el('h2', 'ngb-heading', {id: uid('heading')}, texts.get('heading'));
    this.readAll = iconButton(ICONS.checks, texts.get('markAllRead'), 'ngb-read-all');
    this.gear = iconButton(ICONS.gear, texts.get('settings'), 'ngb-gear');
    this.closer = iconButton(ICONS.close, texts.get('close'), 'ngb-closer');
    this.all = el('button', 'ngb-filter', {type: 'button'}, texts.get('all'));
    this.unreadCount = el('span', 'ngb-filter-count');
    this.unread = el('button', 'ngb-filter', {type: 'button'}, [texts.get('unread'), this.unreadCount]);
    this.clearAll = el('button', 'ngb-clear', {type: 'button'}, texts.get('clearAll'));
    this.stripText = el('span', 'ngb-strip-text');
    this.retry = el('button', 'ngb-strip-action', {type: 'button'}, texts.get('retry'));
    this.strip = el('div', 'ngb-strip', {role: 'status'}, [el('span', 'ngb-strip-dot', {'aria-hidden': 'true'}),
      this.stripText, this.retry]);
    this.undoText = el('span', 'ngb-undo-text');
    this.undoButton = el('button', 'ngb-undo-button', {type: 'button'}, texts.get('undo'));
    this.undoBar = el('div', 'ngb-undo', null, [this.undoText, this.undoButton]);
    this.undoBar.hidden = true;

    this.listView = el('div', 'ngb-view', null, [
      el('div', 'ngb-header', null, [this.heading, this.readAll, this.gear, this.closer]),
      el('div', 'ngb-toolbar', null, [
        el('div', 'ngb-filters', {role: 'group', 'aria-label': texts.get('filter')}, [this.all, this.unread]),
        this.clearAll
      ]),
      this.strip, this.list.node
    ]);
    this.settings.node.hidden = true;
    this.node = el('div', 'ngb-panel', {id: uid('panel'), role: 'dialog', 'aria-labelledby': this.heading.id,
      tabindex: '-1'}, [this.listView, this.settings.node, this.undoBar]);
    this.node.hidden = true;
    this.listen();

    this.all.onclick = function () {
      panel.setFilter('all');
    };
    this.unread.onclick = function () {
      panel.setFilter('unread');
    };
  }

  Panel.prototype.listen = function () {
    var panel = this;
    var bell = this.bell;
    this.readAll.onclick = function () {
      bell.markAllRead();
    };
    this.gear.onclick = function () {
      panel.show('settings');
    };
    this.closer.onclick = function () {
      bell.close();
    };
    this.clearAll.onclick = function () {
      bell.clearAll();
    };
    this.retry.onclick = function () {
      bell.retry();
    };
    this.undoButton.onclick = function () {
      panel.undo();
    };
    this.node.onkeydown = function (event) {
      if (event.key === 'Escape' || event.key === 'Esc') {
        event.stopPropagation();
        if (panel.view === 'settings') {
          panel.show('list');
        } else {
          bell.close();
        }
      } else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === 'z' && bell.dismissals.pending) {
        event.preventDefault();
        panel.undo();
      }
    };
  };

  Panel.prototype.undo = function () {
    var pending = this.bell.dismissals.pending;
    var first = pending && pending.upTo === null ? pending.ids[0] : null;
    this.bell.dismissals.undo();
    if (first !== null && own(this.list.cards, first)) {
      this.list.focusCard(first);
    } else {
      this.list.focus();
    }
  };

  Panel.prototype.setFilter = function (filter) {
    this.list.setFilter(filter);
    this.update();
  };

  Panel.prototype.show = function (view) {
    var was = this.view;
    this.view = view;
    this.listView.hidden = view !== 'list';
    this.settings.node.hidden = view !== 'settings';
    setAttribute(this.node, 'aria-labelledby', view === 'list' ? this.heading.id : this.settings.heading.id);
    if (view === 'settings') {
      this.bell.preferenceStore.load();
      this.settings.update();
      this.settings.heading.focus();
    } else {
      this.list.update();
      if (was === 'settings') {
        this.gear.focus();
      }
    }
  };

  Panel.prototype.update = function () {
    var bell = this.bell;
    var texts = bell.texts;
    var unread = bell.unread();
    var pending = bell.dismissals.pending;
    setAttribute(this.all, 'aria-pressed', this.list.filter === 'all');
    setAttribute(this.unread, 'aria-pressed', this.list.filter === 'unread');
    setText(this.unreadCount, unread ? badgeText(unread) : '');
    this.unreadCount.hidden = !unread;
    setAttribute(this.readAll, 'aria-disabled', unread ? null : 'true');
    this.list.update();
    this.clearAll.hidden = !this.list.shown.length || this.list.filter !== 'all';
    if (!pending && this.undoBar.contains(document.activeElement)) {
      this.list.focus(); // the focus must not fall back to the top of the page
    }
    this.undoBar.hidden = !pending;
    if (pending) {
      setText(this.undoText, pending.upTo === null ? texts.get('dismissed', {n: pending.ids.length}) : texts.get('cleared'));
    }
    if (this.view === 'settings') {
      this.settings.update();
    }
    this.showState();
  };

  /** Say what is wrong with the connection and what is being done about it; nothing while all is well. */
  Panel.prototype.showState = function () {
    var state = this.bell.connection();
    var text = this.complaint || state.text;
    toggleClass(this.strip, 'ngb-strip-bad', !!this.complaint || state.isBad);
    setText(this.stripText, text);
    this.strip.hidden = !text;
    this.retry.hidden = !!this.complaint || !state.canRetry;
    this.list.skeleton.hidden = this.list.skeleton.hidden || (!this.bell.isReady && state.isOver);
  };

  /** Show that something the user did was refused, for a while. */
  Panel.prototype.complain = function (text) {
    var panel = this;
    clearTimeout(this.complaintTimer);
    this.complaint = text;
    this.complaintTimer = setTimeout(function () {
      panel.complaint = null;
      panel.showState();
    }, 8000);
    this.showState();
  };

  Panel.prototype.focusFrame = function () {
    this.node.focus();
  };

  /**
   * Put the panel below the bell where it fits, else above it; its width is CSS's. Fixed, so that an ancestor with
   * hidden overflow can't cut it; measured once more, because an ancestor with a transform moves what is fixed.
   */
  Panel.prototype.place = function () {
    var style = this.node.style;
    var width = document.documentElement.clientWidth;
    var height = window.innerHeight;
    var bell = this.bell.button.getBoundingClientRect();
    var margin = 12;
    var size, left, top, below, real;
    each(['left', 'top', 'right', 'bottom', 'maxHeight'], function (name) {
      style[name] = '';
    });
    if (width <= 560) {
      return; // a sheet over the whole window, as the CSS says
    }
    size = this.node.getBoundingClientRect().width;
    below = height - bell.bottom - margin - 8;
    left = this.bell.isRtl() ? bell.left : bell.right - size;
    left = Math.max(margin, Math.min(left, width - size - margin));
    style.left = left + 'px';
    style.right = 'auto';
    if (below >= 320 || below >= bell.top) {
      top = bell.bottom + 8;
      style.maxHeight = Math.max(below, 160) + 'px';
      style.top = top + 'px';
    } else {
      style.maxHeight = bell.top - margin - 8 + 'px';
      top = Math.max(margin, bell.top - 8 - this.node.getBoundingClientRect().height);
      style.top = top + 'px';
    }
    real = this.node.getBoundingClientRect();
    if (Math.abs(real.left - left) > 1 || Math.abs(real.top - top) > 1) {
      style.left = 2 * left - real.left + 'px';
      style.top = 2 * top - real.top + 'px';
    }
  };

  // ------------------------------------------------------------------------------------------------- toasts

  /** The stack of toasts. The newest is at the top; of more than MAX_TOASTS the least urgent, oldest one is evicted. */
  function Toasts(bell) {
    var toasts = this;
    this.bell = bell;
    /** Oldest first. */
    this.shown = [];
    /** Notifications that arrived while the stack was full and paused, oldest first. */
    this.waiting = [];
    /** How many were evicted since the stack was empty. */
    this.evicted = 0;
    this.isPaused = false;
    this.stack = el('div', 'ngb-toast-stack');
    this.moreButton = el('button', 'ngb-toast-more', {type: 'button'});
    this.node = el('div', 'ngb ngb-toasts ngb-' + bell.options.toastPosition, null, [this.stack, this.moreButton]);
    this.moreButton.hidden = true;
    this.moreButton.onclick = function () {
      bell.open(true);
    };
    this.node.onmouseenter = function () {
      toasts.pause(true);
    };
    this.node.onmouseleave = function () {
      toasts.pause(toasts.node.contains(document.activeElement));
    };
    this.node.addEventListener('focus', function () {
      toasts.pause(true);
    }, true);
    this.node.addEventListener('blur', function () {
      setTimeout(function () {
        toasts.pause(toasts.node.contains(document.activeElement));
      }, 0);
    }, true);
    this.node.onkeydown = function (event) {
      if (event.key === 'Escape' || event.key === 'Esc') {
        toasts.clear();
      }
    };
  }

  Toasts.prototype.show = function (item) {
    if (this.isPaused && this.shown.length >= MAX_TOASTS) {
      this.waiting.push(item); // nothing moves under the user's pointer
    } else {
      this.add(item);
    }
    this.update();
  };

  Toasts.prototype.add = function (item) {
    var victim = this.shown.length < MAX_TOASTS ? null : this.leastUrgent();
    if (victim && urgencyOf(victim.item) > urgencyOf(item)) {
      this.evicted += 1; // all that are shown matter more
      return;
    }
    if (victim) {
      this.close(victim, true);
      this.evicted += 1;
    }
    this.shown.push(new Toast(this, item));
    each(this.shown, function (toast) {
      if (!toast.toasts.isPaused && !toast.isRunning) {
        toast.run();
      }
    });
  };

  /** Return the toast of the lowest priority, the oldest of several. */
  Toasts.prototype.leastUrgent = function () {
    return this.shown.reduce(function (least, toast) {
      return urgencyOf(toast.item) < urgencyOf(least.item) ? toast : least;
    });
  };

  function urgencyOf(item) {
    return PRIORITIES.indexOf(priorityOf(item));
  }

  Toasts.prototype.pause = function (on) {
    var toasts = this;
    if (this.isPaused === on) {
      return;
    }
    this.isPaused = on;
    toggleClass(this.node, 'ngb-paused', on);
    each(this.shown, function (toast) {
      toast[on ? 'halt' : 'run']();
    });
    if (!on) {
      each(this.waiting.splice(0), function (item) {
        toasts.add(item);
      });
      this.update();
    }
  };

  /** Drop toasts of what was read, dismissed or taken back meanwhile. */
  Toasts.prototype.update = function () {
    var toasts = this;
    var bell = this.bell;
    var more;
    function isOver(item) {
      var now = bell.items.get(item.id);
      return !now || !!now.read_at || bell.dismissals.hides(now);
    }
    each(this.shown.slice(), function (toast) {
      if (isOver(toast.item)) {
        toasts.close(toast);
      } else {
        showTime(bell, toast.time, toast.item, Date.now());
      }
    });
    this.waiting = this.waiting.filter(function (item) {
      return !isOver(item);
    });
    if (!this.shown.length) {
      this.evicted = 0;
    }
    more = this.evicted + this.waiting.length;
    this.moreButton.hidden = !more;
    setText(this.moreButton, more ? bell.texts.get('moreToasts', {n: more}) : '');
    setAttributes(this.node, {role: this.shown.length ? 'region' : null,
      'aria-label': this.shown.length ? bell.texts.get('toasts') : null});
  };

  Toasts.prototype.close = function (toast, isQuick) {
    var place = this.shown.indexOf(toast);
    var hadFocus = toast.node.contains(document.activeElement);
    if (place < 0) {
      return;
    }
    toast.halt();
    this.shown.splice(place, 1);
    if (isQuick || wantsLessMotion() || isHidden()) {
      remove(toast.node);
    } else {
      setAttribute(toast.node, 'aria-hidden', 'true');
      each(focusables(toast.node), function (control) {
        control.tabIndex = -1;
      });
      toast.node.style.height = toast.node.offsetHeight + 'px';
      window.getComputedStyle(toast.node).height; // makes the browser see the height before it shrinks
      toggleClass(toast.node, 'ngb-leaving', true);
      toast.node.style.height = '0px';
      setTimeout(function () {
        remove(toast.node);
      }, 240);
    }
    if (hadFocus) {
      // The focus must not fall back to the top of the page.
      (this.shown.length ? this.shown[this.shown.length - 1].closer : this.bell.button).focus();
    }
    if (!this.shown.length) {
      this.pause(false);
    }
  };

  Toasts.prototype.clear = function () {
    var toasts = this;
    this.waiting = [];
    each(this.shown.slice(), function (toast) {
      toasts.close(toast);
    });
    this.update();
  };

  function Toast(toasts, item) {
    var toast = this;
    var bell = toasts.bell;
    var hasLink = isSafeUrl(item.action_url);
    var urgency = isUrgent(item) ? URGENT_TOAST_FACTOR : 1;
    var image = el('span', 'ngb-icon', {'aria-hidden': 'true'});
    var priority = priorityOf(item);
    this.toasts = toasts;
    this.item = item;
    this.leftMs = bell.options.toastSeconds * 1000 * urgency;
    this.isRunning = false;
    this.time = timeNode('ngb-time');
    this.closer = iconButton(ICONS.close, bell.texts.get('close'), 'ngb-toast-close');
    this.bar = el('span', 'ngb-toast-bar', {'aria-hidden': 'true'});
    this.bar.style.animationDuration = this.leftMs + 'ms';
    fillIcon(bell, image, item);
    this.link = hasLink ? linkTo(bell, item, 'ngb-link', item.title, function () {
      toasts.close(toast);
      toasts.update();
    }) : el('button', 'ngb-link', {type: 'button', dir: 'auto'}, item.title);
    this.node = el('div', 'ngb-toast ngb-' + priority, null, [
      image,
      el('div', 'ngb-main', null, [
        el('div', 'ngb-meta', null, [
          el('span', 'ngb-sender', {dir: 'auto'}, item.sender || bell.typeTitle(item.type)),
          isUrgent(item) ? el('span', 'ngb-priority', null, priorityLabel(bell, item)) : null, this.time
        ]),
        el('p', 'ngb-title', null, this.link),
        item.body ? el('p', 'ngb-body', {dir: 'auto'}, item.body) : null
      ]),
      this.closer, this.bar
    ]);
    if (!hasLink) {
      this.link.onclick = function (event) {
        event.stopPropagation();
        toast.openInBell();
      };
    }
    this.node.onclick = function (event) {
      if (!isOnControl(event.target, toast.node) && !hasSelection(toast.node)) {
        toast.link.click();
      }
    };
    this.closer.onclick = function () {
      toasts.close(toast);
      toasts.update();
    };
    toasts.stack.insertBefore(this.node, toasts.stack.firstChild);
  }

  /** One without a link leads to its card, where the whole text is. */
  Toast.prototype.openInBell = function () {
    var bell = this.toasts.bell;
    bell.open(true);
    bell.panel.setFilter('all');
    if (own(bell.panel.list.cards, this.item.id)) {
      bell.panel.list.focusCard(this.item.id);
      bell.panel.list.cards[this.item.id].open();
    }
  };

  Toast.prototype.run = function () {
    var toast = this;
    this.isRunning = true;
    this.since = Date.now();
    this.timer = setTimeout(function () {
      toast.toasts.close(toast);
      toast.toasts.update();
    }, this.leftMs);
  };

  Toast.prototype.halt = function () {
    clearTimeout(this.timer);
    if (this.isRunning) {
      this.isRunning = false;
      // Enough to be read on after a pause, however little was left.
      this.leftMs = Math.max(this.leftMs - (Date.now() - this.since), 1500);
    }
  };

  // ------------------------------------------------------------------------------------------------- modals

  /** Dialogs, one after the other. A critical notification stays until it is acknowledged, that is: read. */
  function Modals(bell) {
    this.bell = bell;
    this.queue = [];
    /** Ids that the user put off after the gateway couldn't be told. */
    this.putOff = dictionary();
    this.done = 0;
    this.dialog = null;
  }

  Modals.prototype.add = function (item) {
    if (!contains(this.queue, item.id) && this.putOff[item.id] !== true) {
      this.queue.push(item.id);
      this.update();
    }
  };

  /** Drop what was acknowledged on another device, and show the next one where one waits. */
  Modals.prototype.update = function () {
    var modals = this;
    var bell = this.bell;
    this.queue = this.queue.filter(function (id) {
      var item = bell.items.get(id);
      var isAsking = modals.dialog && modals.dialog.isBusy && modals.dialog.item.id === id;
      return isAsking || (item && !item.read_at && !bell.dismissals.hides(item) && modals.putOff[id] !== true);
    });
    // While the gateway is being told, the client counts it as read already; the dialog waits for the answer.
    if (this.dialog && !this.dialog.isBusy && !contains(this.queue, this.dialog.item.id)) {
      this.dialog.close(this.queue.length > 0);
      this.dialog = null;
      this.done += 1;
    }
    if (!this.dialog && this.queue.length && !isHidden()) {
      this.dialog = new Dialog(this, bell.items.get(this.queue[0]));
    }
    if (!this.queue.length) {
      this.done = 0;
    }
    if (this.dialog) {
      this.dialog.count(this.done + 1, this.done + this.queue.length);
    }
    toggleClass(document.documentElement, 'ngb-locked', !!this.dialog);
  };

  Modals.prototype.destroy = function () {
    if (this.dialog) {
      this.dialog.close();
    }
    toggleClass(document.documentElement, 'ngb-locked', false);
  };

  function Dialog(modals, item) {
    var bell = modals.bell;
    var texts = bell.texts;
    var titleId = uid('modal-title');
    var bodyId = uid('modal-body');
    var image = el('span', 'ngb-icon', {'aria-hidden': 'true'});
    var time = timeNode('ngb-time');
    var priority = priorityOf(item);
    this.modals = modals;
    this.item = item;
    this.isCritical = priority === 'critical';
    // Whatever had the focus gets it back when the last dialog is closed.
    this.returnTo = modals.returnTo || document.activeElement;
    modals.returnTo = this.returnTo;
    fillIcon(bell, image, item);
    showTime(bell, time, item, Date.now());
    this.place = el('span', 'ngb-modal-count');
    this.body = item.body ? el('div', 'ngb-modal-body', {id: bodyId, dir: 'auto'}, item.body) : null;
    this.note = el('p', 'ngb-modal-note', {role: 'alert'});
    this.acknowledge = el('button', 'ngb-primary', {type: 'button'}, texts.get('acknowledge'));
    this.open = isSafeUrl(item.action_url) ?
      linkTo(bell, item, 'ngb-secondary', texts.get('acknowledgeOpen')) : null;
    this.later = el('button', 'ngb-secondary', {type: 'button'}, texts.get('later'));
    this.later.hidden = true;
    this.box = el('div', 'ngb-modal ngb-' + priority, {role: this.isCritical ? 'alertdialog' : 'dialog',
      'aria-modal': 'true', 'aria-labelledby': titleId, 'aria-describedby': item.body ? bodyId : null, tabindex: '-1'}, [
      el('div', 'ngb-modal-head', null, [
        image,
        el('div', 'ngb-meta', null, [
          el('span', 'ngb-sender', {dir: 'auto'}, item.sender || bell.typeTitle(item.type)),
          isUrgent(item) ? el('span', 'ngb-priority', null, priorityLabel(bell, item)) : null, time
        ]),
        this.place
      ]),
      el('h2', 'ngb-modal-title', {id: titleId, dir: 'auto'}, item.title),
      this.body, this.note,
      el('div', 'ngb-modal-actions', null, [this.later, this.open, this.acknowledge])
    ]);
    this.node = el('div', 'ngb ngb-overlay', null, this.box);
    this.listen();
    bell.dress(this.node);
    document.body.appendChild(this.node);
    if (this.body && this.body.scrollHeight > this.body.clientHeight) {
      this.body.tabIndex = 0; // a long text is scrolled, and the keyboard has to get there
    }
    this.acknowledge.focus();
  }

  Dialog.prototype.listen = function () {
    var dialog = this;
    this.acknowledge.onclick = function () {
      dialog.confirm();
    };
    this.later.onclick = function () {
      dialog.modals.putOff[dialog.item.id] = true;
      dialog.modals.update();
    };
    this.node.onclick = function (event) {
      if (event.target === dialog.node) {
        dialog.refuse();
      }
    };
    this.node.onkeydown = function (event) {
      if (event.key === 'Tab') {
        dialog.keepFocus(event);
      } else if (event.key === 'Escape' || event.key === 'Esc') {
        event.stopPropagation();
        dialog.refuse();
      }
    };
    this.onFocus = function (event) {
      if (!dialog.node.contains(event.target)) {
        dialog.acknowledge.focus();
      }
    };
    document.addEventListener('focus', this.onFocus, true);
  };

  /** Escape, or a click beside it: enough for a dialog that was only asked for, not for a critical notification. */
  Dialog.prototype.refuse = function () {
    var box = this.box;
    if (!this.isCritical) {
      this.confirm();
      return;
    }
    this.acknowledge.focus();
    toggleClass(box, 'ngb-nudge', true);
    setTimeout(function () {
      toggleClass(box, 'ngb-nudge', false);
    }, 400);
  };

  Dialog.prototype.confirm = function () {
    var dialog = this;
    var bell = this.modals.bell;
    if (this.isBusy) {
      return;
    }
    this.isBusy = true;
    setText(this.note, '');
    setText(this.acknowledge, bell.texts.get('acknowledging'));
    setAttribute(this.acknowledge, 'aria-disabled', 'true');
    bell.client.markRead([this.item.id], function (error) {
      dialog.isBusy = false;
      setAttribute(dialog.acknowledge, 'aria-disabled', null);
      if (error) {
        setText(dialog.acknowledge, bell.texts.get('acknowledgeRetry'));
        setText(dialog.note, bell.texts.get('acknowledgeFailed'));
        dialog.later.hidden = false;
      }
      bell.update();
    });
  };

  Dialog.prototype.count = function (place, all) {
    setText(this.place, all > 1 ? this.modals.bell.texts.get('ofMany', {i: place, n: all}) : '');
  };

  Dialog.prototype.keepFocus = function (event) {
    var stops = focusables(this.box);
    var first = stops[0];
    var last = stops[stops.length - 1];
    var at = document.activeElement;
    if (event.shiftKey && (at === first || at === this.box)) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && at === last) {
      event.preventDefault();
      first.focus();
    }
  };

  Dialog.prototype.close = function (isFollowed) {
    document.removeEventListener('focus', this.onFocus, true);
    remove(this.node);
    if (!isFollowed) {
      this.modals.returnTo = null;
      if (this.returnTo && this.returnTo.focus && document.documentElement.contains(this.returnTo)) {
        this.returnTo.focus();
      }
    }
  };

  // ---------------------------------------------------------------------------------- desktop notifications

  /** The browser's own notifications, for when no tab with the bell is to be seen. */
  function Desktop(bell) {
    this.bell = bell;
    this.open = dictionary();
  }

  Desktop.prototype.permission = function () {
    return window.Notification && window.Notification.requestPermission ? window.Notification.permission : 'none';
  };

  /** Ask for permission; only ever called by a click. */
  Desktop.prototype.ask = function (done) {
    var answer;
    if (this.permission() === 'none') {
      return;
    }
    // Old browsers know only the callback, new ones may know only the promise; `done` may be called twice.
    answer = window.Notification.requestPermission(done);
    if (answer && answer.then) {
      answer.then(done, done);
    }
  };

  Desktop.prototype.show = function (item) {
    var desktop = this;
    setTimeout(function () {
      var seen = Number(readStored(VISIBLE_KEY)) || 0;
      var now = desktop.bell.items.get(item.id);
      if (now && !now.read_at && isHidden() && Date.now() - seen > 2 * DESKTOP_DELAY_MS) {
        desktop.display(item);
      }
    }, DESKTOP_DELAY_MS);
  };

  Desktop.prototype.display = function (item) {
    var desktop = this;
    var bell = this.bell;
    var shown;
    try {
      // The tag keeps two tabs from showing the same one twice.
      shown = new window.Notification(withoutDirections(item.title), {body: withoutDirections(item.body || ''),
        tag: 'notifygate-' + item.id, lang: bell.texts.language, dir: 'auto', requireInteraction: isUrgent(item)});
    } catch (error) {
      return; // Android's Chrome allows them to service workers only: the badge has to do
    }
    this.open[item.id] = shown;
    shown.onclick = function () {
      window.focus();
      shown.close();
      bell.open();
    };
    shown.onclose = function () {
      delete desktop.open[item.id];
    };
  };

  /** Close those of what was read or has left the inbox meanwhile. */
  Desktop.prototype.update = function () {
    var desktop = this;
    each(Object.keys(this.open), function (id) {
      var item = desktop.bell.items.get(id);
      if (!item || item.read_at) {
        desktop.open[id].close();
      }
    });
  };

  // --------------------------------------------------------------------------------------------------- bell

  var DEFAULTS = {
    client: null, url: '', token: null, getToken: null, clientOptions: null,
    language: '', strings: null, dir: 'auto', theme: 'auto',
    types: {}, icons: {}, iconOrigins: [],
    toasts: true, toastSeconds: TOAST_SECONDS, toastPosition: 'top-right',
    titleCount: true, pageSize: PAGE_SIZE, undoSeconds: UNDO_SECONDS, onOpen: null
  };

  /** Every bell of the page, oldest first. */
  var bells = [];

  /** Make a bell in an element of the page (or the one that a selector finds). See the top of this file. */
  function NotifygateBell(target, options) {
    if (!(this instanceof NotifygateBell)) {
      return new NotifygateBell(target, options);
    }
    this.root = typeof target === 'string' ? document.querySelector(target) : target;
    if (!this.root || this.root.nodeType !== 1) {
      throw new Error('NotifygateBell: there is no element ' + target + ' in this page.');
    }
    this.options = copy({}, DEFAULTS, options);
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

  function makeClient(options) {
    var Client = importedClient || window.Notifygate;
    if (!Client) {
      throw new Error('NotifygateBell: load notifygate.js before the bell is made.');
    }
    return new Client(copy({url: options.url}, options.getToken ? {getToken: options.getToken} : {token: options.token},
      options.clientOptions));
  }

  NotifygateBell.prototype.build = function () {
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
  };

  /** Give one of the bell's outermost elements the language, direction and theme. */
  NotifygateBell.prototype.dress = function (node) {
    var direction = this.isRtl() ? 'rtl' : 'ltr';
    setAttribute(node, 'lang', this.texts.language);
    setAttribute(node, 'dir', direction);
    toggleClass(node, 'ngb-rtl', direction === 'rtl');
    toggleClass(node, 'ngb-light', this.options.theme === 'light');
    toggleClass(node, 'ngb-dark', this.options.theme === 'dark');
  };

  NotifygateBell.prototype.isRtl = function () {
    var dir = this.options.dir;
    return (dir === 'rtl' || dir === 'ltr' ? dir :
      window.getComputedStyle(this.root.parentNode || document.body).direction) === 'rtl';
  };

  /** Change the theme: 'light', 'dark' or 'auto' (what the system says). */
  NotifygateBell.prototype.setTheme = function (theme) {
    this.options.theme = theme;
    this.dress(this.root);
    this.dress(this.toasts.node);
    if (this.modals.dialog) {
      this.dress(this.modals.dialog.node);
    }
  };

  NotifygateBell.prototype.listen = function () {
    var bell = this;
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
      var node = event.target;
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
  };

  NotifygateBell.prototype.on = function (target, name, handler) {
    target.addEventListener(name, handler, true);
    this.listeners.push([target, name, handler]);
  };

  NotifygateBell.prototype.connect = function () {
    var bell = this;
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
    each(Object.keys(this.handlers), function (name) {
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
  };

  /** What is there when the first snapshot has come is no news. */
  NotifygateBell.prototype.begin = function () {
    this.isReady = true;
    this.update();
    this.newestAtStart = this.items.newest();
    this.preferenceStore.load();
  };

  /** Take in what an answer told; what is news is presented. */
  NotifygateBell.prototype.take = function (items, info) {
    var bell = this;
    var wasReady = this.isReady;
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
  };

  /** A reload is no way around a critical one. */
  NotifygateBell.prototype.insist = function (items) {
    var bell = this;
    each(items, function (item) {
      if (item.priority === 'critical' && !item.read_at && bell.displayOf(item) === 'modal') {
        bell.modals.add(item);
      }
    });
  };

  /** Of several bells with one client, the first one announces and shows toasts and dialogs. */
  NotifygateBell.prototype.isSpeaker = function () {
    var client = this.client;
    return bells.filter(function (bell) {
      return bell.client === client;
    })[0] === this;
  };

  /** Return whether something that was not known before deserves to be presented. */
  NotifygateBell.prototype.isNews = function (item, isFromSnapshot) {
    // The client also reports what came since this browser last looked: too old, except between two pages of a site.
    var isRecent = item.id > this.newestAtStart || Date.now() - timeOf(item) < PAGE_CHANGE_MS;
    // A type that is no longer muted comes back with all that was published meanwhile.
    return !item.read_at && isRecent && !(isFromSnapshot && this.preferenceStore.wasMuted(item));
  };

  /** Show news: announced, as a toast, as a dialog, on the desktop, each as it should be. */
  NotifygateBell.prototype.present = function (items) {
    var bell = this;
    var loud;
    var sorted = items.slice().sort(function (a, b) {
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
      var display = bell.displayOf(item);
      if (display === 'modal') {
        bell.modals.add(item);
      } else if (display === 'browser' && isHidden() && bell.desktop.permission() === 'granted' && bell.state().leader !== false) {
        bell.desktop.show(item);
      } else if (contains(['toast', 'browser'], display) && bell.options.toasts && !isHidden() && !bell.isOpen) {
        bell.toasts.show(item);
      }
    });
  };

  NotifygateBell.prototype.announce = function (items) {
    var texts = this.texts;
    var critical = items.filter(function (item) {
      return item.priority === 'critical';
    });
    var others = items.filter(function (item) {
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
  };

  NotifygateBell.prototype.swing = function () {
    var button = this.button;
    clearTimeout(this.swingTimer);
    toggleClass(button, 'ngb-swing', true);
    this.swingTimer = setTimeout(function () {
      toggleClass(button, 'ngb-swing', false);
    }, 900);
  };

  NotifygateBell.prototype.state = function () {
    return this.client.state || {};
  };

  // What is known of types, and how a notification is shown.

  NotifygateBell.prototype.typeOf = function (type) {
    return own(this.options.types, type) || {};
  };

  NotifygateBell.prototype.typeTitle = function (type) {
    var words = String(type).replace(/[._-]+/g, ' ');
    return this.typeOf(type).title || words.charAt(0).toUpperCase() + words.slice(1);
  };

  NotifygateBell.prototype.preferenceOf = function (type) {
    return own(this.preferenceStore.types, type) || {};
  };

  /** Every type that the page, the recipient's preferences or a notification names, by title. */
  NotifygateBell.prototype.knownTypes = function () {
    var bell = this;
    var names = copy(dictionary(), this.options.types, this.preferenceStore.types, this.typesMet);
    each(this.items.list, function (item) {
      names[item.type] = true;
    });
    // A type stays in the settings when it is muted and its notifications have left the list.
    this.typesMet = names;
    return Object.keys(names).sort(function (a, b) {
      var one = bell.typeTitle(a).toLowerCase();
      var other = bell.typeTitle(b).toLowerCase();
      return one < other ? -1 : one > other ? 1 : 0;
    });
  };

  /**
   * How a notification is shown: as its recipient wishes; else a critical one as a dialog; else as is advised for its
   * type; else by its priority.
   */
  NotifygateBell.prototype.displayOf = function (item) {
    var wish = this.preferenceOf(item.type).display;
    var advice = item.display || this.typeOf(item.type).display;
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
  };

  NotifygateBell.prototype.iconPath = function (name) {
    var key = own(ICON_ALIASES, name) || name;
    return own(this.options.icons, name) || own(ICONS, key) || null;
  };

  /**
   * Return whether a picture may be loaded: only from an origin in `iconOrigins`. Any other would learn who reads what,
   * and on the page's own origin a publisher could have every recipient's browser request any path with its cookies.
   */
  NotifygateBell.prototype.allowsPicture = function (url) {
    return /^https:/i.test(url) && isSafeUrl(url) && contains(this.options.iconOrigins, originOf(url));
  };

  // What the user does.

  /** Open the panel; with `focusCard` the current card gets the focus, else the panel as a whole. */
  NotifygateBell.prototype.open = function (focusCard) {
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
  };

  /** Close the panel; the focus goes back to the bell unless the user has put it elsewhere. */
  NotifygateBell.prototype.close = function (leaveFocus) {
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
  };

  NotifygateBell.prototype.toggle = function (focusCard) {
    if (this.isOpen) {
      this.close();
    } else {
      this.open(focusCard);
    }
  };

  NotifygateBell.prototype.showSettings = function () {
    this.open();
    this.panel.show('settings');
  };

  NotifygateBell.prototype.place = function () {
    if (this.isOpen) {
      this.panel.place();
    }
  };

  /** Mark one as read or unread. The client shows it at once and takes it back when the gateway refuses. */
  NotifygateBell.prototype.setRead = function (item, isRead, done) {
    if (!!item.read_at === isRead) {
      if (done) {
        done(null);
      }
      return;
    }
    this.client[isRead ? 'markRead' : 'markUnread']([item.id], this.orComplain(done));
    this.update();
  };

  /** Make the callback of a change: it says so where the gateway refused. */
  NotifygateBell.prototype.orComplain = function (done) {
    var bell = this;
    return function (error) {
      if (error && !bell.isDestroyed) {
        bell.panel.complain(bell.texts.get('failed'));
      }
      bell.update();
      if (done) {
        done(error);
      }
    };
  };

  /** Everything up to what the user was shown is read; what came after that cursor isn't touched. */
  NotifygateBell.prototype.markAllRead = function () {
    var bell = this;
    if (!this.unread()) {
      return;
    }
    this.client.markAllRead(this.client.cursor, this.orComplain(function (error) {
      if (!error) {
        bell.announcer.say(bell.texts.get('allRead'));
      }
    }));
    this.update();
  };

  /** Tell the gateway what the user can see, each once. */
  NotifygateBell.prototype.markSeen = function () {
    var bell = this;
    var ids;
    if (!this.isOpen || isHidden() || !this.isReady) {
      return;
    }
    ids = this.items.list.filter(function (item) {
      return !item.seen_at && !item.read_at && bell.seenTold[item.id] !== true && !bell.dismissals.hides(item);
    }).slice(0, MAX_IDS).map(function (item) {
      return item.id;
    });
    if (ids.length) {
      each(ids, function (id) {
        bell.seenTold[id] = true;
      });
      this.client.markSeen(ids);
    }
  };

  NotifygateBell.prototype.dismiss = function (id) {
    this.dismissals.dismiss(id);
    this.announcer.say(this.texts.get('dismissed', {n: this.dismissals.pending.ids.length}));
  };

  NotifygateBell.prototype.clearAll = function () {
    this.dismissals.clear();
    this.announcer.say(this.texts.get('cleared'));
    this.panel.undoButton.focus();
  };

  /** Note that one was opened: it is read then. Returns false if the page wants to handle it itself. */
  NotifygateBell.prototype.opened = function (item, done) {
    var handled = this.options.onOpen ? this.options.onOpen(item) : undefined;
    this.setRead(this.items.get(item.id) || item, true, done);
    return handled;
  };

  /** Follow a notification's link, after a click on it or in its name. */
  NotifygateBell.prototype.follow = function (item, link, event, onOpen) {
    var isElsewhere = link.target === '_blank' || event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0;
    var hasGone = false;
    var isRead = !!(this.items.get(item.id) || item).read_at;
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
  };

  /** Try again now instead of when the client would. */
  NotifygateBell.prototype.retry = function () {
    this.client.start(); // on one that runs: poll now
  };

  // What is shown.

  NotifygateBell.prototype.counts = function () {
    return this.client.counts || {unread: 0, unseen: 0};
  };

  /** The number of unread ones, without those that were dismissed and can still be taken back. */
  NotifygateBell.prototype.unread = function () {
    return Math.max(0, this.counts().unread - this.dismissals.hiddenUnread());
  };

  NotifygateBell.prototype.update = function () {
    var unread;
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
  };

  /** Put the client's state into words: `{text, isBad, canRetry, isOver}`, no text while all is well. */
  NotifygateBell.prototype.connection = function () {
    var state = this.state();
    var texts = this.texts;
    // `retry` counts from when the client said so.
    var seconds = Math.ceil((state.retry || 0) - (Date.now() - (this.stateSince || Date.now())) / 1000);
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
  };

  /** Take the bell out of the page and leave the element as it was. */
  NotifygateBell.prototype.destroy = function () {
    var bell = this;
    if (this.isDestroyed) {
      return;
    }
    this.dismissals.commit();
    this.isDestroyed = true;
    bells.splice(bells.indexOf(this), 1);
    each(Object.keys(this.handlers), function (name) {
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
  };

  NotifygateBell.strings = STRINGS;
  NotifygateBell.icons = ICONS;
  NotifygateBell.isSafeUrl = isSafeUrl;

  // ------------------------------------------------------------------------------------ without any script

  /** Load the style sheet that lies beside this script, unless the page has linked it. */
  function addStyles(script) {
    var match = script && /^(.*\/)?notifygate-bell(?:\.[0-9a-f]{8,})?\.js(?:[?#].*)?$/.exec(script.getAttribute('src') || '');
    if (match && !script.hasAttribute('data-no-css') && !document.querySelector('link[href*="notifygate-bell"]')) {
      document.head.appendChild(el('link', '', {rel: 'stylesheet', href: (match[1] || '') + 'notifygate-bell.css'}));
    }
  }

  /**
   * Get a token from the page's own server: plain text, or JSON with a `token`. What is returned is as much of a
   * promise as the client needs, which has to work where there are none.
   */
  function tokenFrom(url) {
    return function () {
      return {
        then: function (done, failed) {
          var request = new XMLHttpRequest();
          request.open('GET', url);
          request.setRequestHeader('Accept', 'application/json, text/plain');
          request.onload = function () {
            if (request.status === 200) {
              done(tokenIn(request.responseText));
            } else if (request.status === 401 || request.status === 403) {
              done(''); // nobody is logged in: there is nothing to wait for
            } else {
              failed({status: request.status});
            }
          };
          request.onerror = function () {
            failed({status: 0});
          };
          request.send();
        }
      };
    };
  }

  function tokenIn(text) {
    var token = text;
    try {
      token = JSON.parse(text).token || text;
    } catch (error) {
      // It is the token itself.
    }
    return String(token).replace(/^\s+|\s+$/g, '');
  }

  /** Make the bells that the page asks for by `data-notifygate-bell`; each element gets it as `notifygateBell`. */
  function makeDeclared() {
    each(document.querySelectorAll('[data-notifygate-bell]'), function (node) {
      var options = {};
      each(['url', 'token', 'language', 'dir', 'theme'], function (name) {
        if (node.hasAttribute('data-' + name)) {
          options[name] = node.getAttribute('data-' + name);
        }
      });
      if (node.hasAttribute('data-token-url')) {
        options.getToken = tokenFrom(node.getAttribute('data-token-url'));
      }
      if (node.hasAttribute('data-toast-position')) {
        options.toastPosition = node.getAttribute('data-toast-position');
      }
      if (!node.notifygateBell) {
        node.notifygateBell = new NotifygateBell(node, options);
      }
    });
  }

  if (typeof document !== 'undefined') {
    addStyles(document.currentScript);
    if (document.readyState === 'complete') {
      makeDeclared();
    } else {
      // Not at once: deferred scripts, of which the client may be one, have all run by then.
      document.addEventListener('DOMContentLoaded', makeDeclared);
    }
  }

  return NotifygateBell;
});
