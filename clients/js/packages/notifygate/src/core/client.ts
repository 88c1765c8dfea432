/** The client: the object that a page uses. */

import type Api from '../../types/index';
import { browser } from './browser';
import type { Core } from './core';
import { diagnose } from './diagnosis';
import { list, put, reach } from './inbox';
import { start, stop } from './life';
import { change, type Operation } from './mutations';
import { poll, report } from './poller';
import { preferences } from './preferences';
import { send } from './requests';
import { EMPTY, refresh, subscribe } from './store';

const DEFAULT_HOLD_SECONDS = 55;

function makeCore(client: Api, options: Api.Options): Core {
  const platform = options.platform || browser;
  client.cursor = client.counts = null;
  client.state = { requests: 0, bytes: 0, notModified: 0, error: null } as Partial<Api.State> as Api.State;
  return {
    client: client,
    options: options,
    ownPlatform: platform,
    tabId: platform.random() + '',
    baseUrl: (options.url || '').replace(/\/$/, ''),
    longestHold: options.wait! >= 0 ? options.wait! : DEFAULT_HOLD_SECONDS,
    ownState: client.state,
    token: options.token,
    user: null,
    handlers: {},
    items: {},
    confirmed: {},
    newest: '',
    oldest: '',
    path: {},
    guard: {},
    resets: 0,
    joins: 0,
    failures: 0,
    preferencesSent: 0,
    preferencesTagFrom: 0,
    isLeader: false,
    snapshot: EMPTY,
    listeners: []
  } as Partial<Core> as Core;
}

export function Notifygate(this: Api, options: Api.Options): void {
  const self = this;
  const core = makeCore(self, options);
  report(core, 'stopped');

  function byIds(operation: Operation): Api['markRead'] {
    return (given, done) => {
      const ids = ([] as string[]).concat(given);
      change(core, operation, ids, { op: operation, ids: ids }, done);
    };
  }

  function upTo(operation: Operation): Api['markAllRead'] {
    return (given, done) => {
      const cursor = given || self.cursor;
      const ids = cursor === self.cursor ? Object.keys(core.items) : [];
      change(core, operation, ids, { op: operation, up_to: cursor }, done);
    };
  }

  function topic(method: string): Api['follow'] {
    return (name, done) => {
      send(core, method, 'inbox/topics/' + encodeURIComponent(name), 'following', null, done);
    };
  }

  self.on = function (event, handler) {
    core.handlers[event] = (core.handlers[event] || []).concat(handler);
    return self;
  };
  self.off = function (event, handler) {
    core.handlers[event] = (core.handlers[event] || []).filter((one) => one !== handler);
    return self;
  };
  self.start = function () {
    core.isStartedByStore = false;
    start(core);
    return self;
  };
  self.stop = function () {
    stop(core);
    return self;
  };
  self.poll = function () {
    poll(core, true);
    return self;
  };
  self.items = () => list(core).slice();

  self.subscribe = (listener) => subscribe(core, listener);
  self.getSnapshot = () => core.snapshot;
  self.getServerSnapshot = () => EMPTY;

  self.markRead = byIds('read');
  self.markUnread = byIds('unread');
  self.dismiss = byIds('dismiss');
  self.markSeen = (ids, done) => (ids ? byIds : upTo)('seen')(ids as string, done);
  self.markAllRead = upTo('read');
  self.dismissAll = upTo('dismiss');

  self.history = function (query, done) {
    let path = 'inbox/history?_=' + self.cursor;
    for (const name in query) {
      const value = query[name as 'before'];
      if (value) path += '&' + name + '=' + value;
    }
    send(core, 'GET', path, 'notifications', null, (error, page: Api.Page) => {
      if (!error) {
        page.notifications.forEach((item) => put(core, core.items[item.id] || item));
        reach(core, query && query.before, page);
        refresh(core);
      }
      done(error, page);
    });
  };
  self.follow = topic('PUT');
  self.unfollow = topic('DELETE');
  self.topics = (done) => {
    send(core, 'GET', 'inbox/topics?_=' + self.cursor, 'topics', null, done);
  };
  self.preferences = (types, done) => preferences(core, types, done);
  self.diagnose = (done) => diagnose(core, done);
}
