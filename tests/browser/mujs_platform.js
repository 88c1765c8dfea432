/*
 * Runs the client in MuJS, an engine that knows ES5 and nothing else: no window, no timers, no requests. Each line of
 * standard output is a JSON object for mujs.py. What it wants is in a file, since the engine reads short lines only, and
 * each line of standard input says that it is there. ES5.
 */
'use strict';

var clock = 0;
var timers = [];
var requests = {};
var count = 0;
var stored = {};
var reported = [];

function say(message) {
  print(JSON.stringify(message));
}

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
    var id = 'request' + (count += 1);
    requests[id] = done;
    say({request: id, method: method, url: url, headers: headers, body: body});
    return {abort: function () {
      delete requests[id];
      done({status: 0, responseText: '', getResponseHeader: function () { return null; }});
    }};
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

/** Let time pass until the next timer, and run it. */
function runTimer() {
  var next = timers.reduce(function (first, timer) {
    return !first || timer.at < first.at ? timer : first;
  }, null);
  if (next) {
    platform.clearTimer(next);
    clock = next.at;
    next.work();
  }
}

var operations = {
  start: function (wanted) {
    client = new Notifygate({token: wanted.token, user: wanted.user, platform: platform});
    client.subscribe(function () {});
  },
  answer: function (wanted) {
    var done = requests[wanted.request];
    delete requests[wanted.request];
    if (done) {
      done({status: wanted.status, responseText: wanted.body, getResponseHeader: function (name) {
        var value = wanted.headers[name.toLowerCase()];
        return value === undefined ? null : value;
      }});
    }
  },
  timer: runTimer,
  read: function (wanted) {
    client.markRead(wanted.id, function (error) {
      say({done: error ? error.code : null});
    });
  },
  snapshot: function () {
    say({snapshot: client.getSnapshot()});
  },
  stop: function () {
    client.stop();
  }
};

var client;
load(scriptArgs[0]);
while (readline()) {
  var wanted = JSON.parse(read(scriptArgs[1]));
  operations[wanted.operation](wanted);
  say({ready: true});
}
