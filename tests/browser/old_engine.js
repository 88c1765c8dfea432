/*
 * Runs the client in MuJS, an engine that knows ES5 and nothing else: no window, no timers, no requests. Prints what the
 * client asks for and what it shows then, a JSON value a line. ES5.
 */
'use strict';

var clock = 0;
var timers = [];
var requests = [];
var stored = {};

var platform = {
  now: function () {
    return clock;
  },
  random: Math.random,
  setTimer: function (work, milliseconds) {
    var timer = {at: clock + milliseconds, work: work};
    timers.push(timer);
    return timer;
  },
  clearTimer: function (timer) {
    timers = timers.filter(function (one) {
      return one !== timer;
    });
  },
  request: function (method, url, headers, body, timeoutMs, done) {
    requests.push(done);
    print(JSON.stringify([method, url, headers['If-None-Match'] || '', JSON.parse(body)]));
    return {abort: function () {}};
  },
  // Not in this engine; without it the client does not share its polls, which has nobody to share them with.
  decodeBase64: function () {
    throw new Error('no base64');
  },
  isVisible: function () {
    return true;
  },
  isOnline: function () {
    return true;
  },
  storage: function () {
    return {
      getItem: function (name) { return stored.hasOwnProperty(name) ? stored[name] : null; },
      setItem: function (name, value) { stored[name] = value; },
      removeItem: function (name) { delete stored[name]; }
    };
  },
  openChannel: function () {
    return null;
  },
  takeLock: function () {
    return false;
  },
  listen: function () {
    return function () {};
  }
};

/** Answer the newest request with counts and notifications by title: true for one that was read. */
function answer(unread, titles) {
  var notifications = Object.keys(titles || {}).map(function (title) {
    return {id: title, title: title, seen_at: null, read_at: titles[title] ? 'then' : null};
  });
  var body = {notifications: notifications, removed: [], unread: unread, unseen: unread, cursor: 'c' + requests.length,
    has_more: false, poll: {after: 15, wait: 55}};
  requests[requests.length - 1]({status: 200, responseText: JSON.stringify(body), getResponseHeader: function (name) {
    return name === 'ETag' ? '"tag"' : null;
  }});
}

/** Let time pass until the client has asked for something. */
function awaitRequest() {
  var count = requests.length;
  var next;
  while (requests.length === count) {
    next = timers.reduce(function (first, timer) {
      return timer.at < first.at ? timer : first;
    });
    platform.clearTimer(next);
    clock = next.at;
    next.work();
  }
}

function show() {
  var snapshot = client.getSnapshot();
  var titles = snapshot.notifications.map(function (one) {
    return one.title + (one.read_at ? ' read' : '');
  });
  print(JSON.stringify([snapshot.status, snapshot.unread, titles]));
}

var client;
load(scriptArgs[0]);
client = new Notifygate({token: 'a token', user: 'anna', platform: platform});
client.subscribe(function () {});
show();
awaitRequest();
answer(1, {first: false});
show();
answer(2, {second: false});
show();
client.markRead('first');
show();
answer(1);
show();
client.stop();
