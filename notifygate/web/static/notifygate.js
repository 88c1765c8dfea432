/*! notifygate.js, MIT licence. Notifications over plain HTTP, for any browser that knows ES5. More in index.d.ts.

  new Notifygate({url: 'https://gate.example', getToken: function (done) { done(jwt); }})
    .on('notifications', function (items, info) { toast(info.added); }).start();

  Options: url, token or getToken (calls done, or returns a token or a promise), user (default: the token's sub),
    wait (longest hold, 55 s), share (false: poll for this tab alone, keep no cursor).
  Events: notifications(items, {snapshot, has_more, added, optimistic}), removed(ids), counts({unread, unseen}), reset(),
    state(client.state), error({status, code, detail, retry}).
  Methods: on, off, start (again: poll now), stop, items; with done(error, answer) last: markRead, markUnread, markSeen,
    dismiss (ids), markAllRead, dismissAll (cursor), history({before, limit}), follow, unfollow (topic),
    preferences(types or null), diagnose().

  A snapshot comes first, then what is new since this browser stopped. ETags and 304s only save bytes. */
(function (factory) {
  if (typeof module === 'object' && module.exports) module.exports = factory();
  else if (typeof define === 'function' && define.amd) define(factory);
  else self.Notifygate = factory();
}(function () {
'use strict';

// Seconds
var BACK_OFF = 180, HIDDEN = 60, SHORTEST_HOLD = 5, GRACE = 15;
// Milliseconds
var PAUSE = 200, BEAT = 1500, STALE = 4500, TRY_LONGER = 18e5, DAY = 864e5;

function now() { return Date.now(); }

function parse(text) {
  try { return JSON.parse(text); } catch (e) { return null; }
}

function subject(token) {
  try { return parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).sub; } catch (e) { return ''; }
}

function failure(status, answer) {
  return { status: status, code: answer.code || '', detail: answer.detail || '', retry: 0 };
}

return function Notifygate(options) {
  var self = this, handlers = {}, id = Math.random() + '', locks = navigator.locks;
  var url = (options.url || '').replace(/\/$/, ''), longest = options.wait >= 0 ? options.wait : 55;
  var token = options.token, user, key, shared, channel, release, running, joined, leading, beat, timer;
  var items = {}, cursor, resume, etag, synced, fresh, more, takes = 0, flight, version, loop = {};
  var path = {}, hold = 0, suspect, offered, failures = 0, blocked, wanted, resets = 0;
  var state = self.state = { mode: 'stopped', requests: 0, bytes: 0, notModified: 0 };

  self.cursor = self.counts = null;

  // Reads, writes or (null) removes what tabs share.
  function stored(name, value) {
    try {
      if (!shared) return;
      name = key + name;
      if (value === undefined) return parse(localStorage.getItem(name));
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify(value));
    } catch (e) { /* full */ }
  }

  function emit(event, a, b) {
    (handlers[event] || []).forEach(function (handler) {
      try { handler(a, b); } catch (e) { setTimeout(function () { throw e; }); }
    });
  }

  function tell(mode, retry) {
    state.mode = mode;
    state.leader = !!leading;
    state.hold = flight ? hold : 0;
    state.limit = path.wait || 0;
    state.retry = retry || 0;
    if (leading) post({ state: state });
    emit('state', self.state = state);
  }

  function count(answer) {
    var counts = { unread: answer.unread, unseen: answer.unseen };
    if (JSON.stringify(counts) === JSON.stringify(self.counts)) return;
    emit('counts', self.counts = counts);
    return 1;
  }

  function withToken(use) {
    var made, given = 0;
    function give(value) {
      if (given++) return;
      // nobody else's into these tabs
      token = value && joined && !options.user && subject(value) !== user ? '' : value;
      use();
    }
    if (token || !options.getToken) return use();
    made = options.getToken(give);
    if (made) made.then ? made.then(give, function () { give(0); }) : give(made);
  }

  // Calls done(error, answer, xhr).
  function request(method, where, body, done, seconds, name, value) {
    var handle = {}, renewed = 0;
    withToken(attempt);
    return handle;

    function attempt() {
      if (handle.cut) return;
      var xhr = handle.xhr = new XMLHttpRequest();
      function finish(status) {
        var answer = parse(status && xhr.responseText), good = status === 304 || status === 200 && answer;
        if (done && !handle.cut) done(good ? null : failure(status, answer || {}), answer || {}, xhr);
      }
      if (!token) return finish(token === 0 ? 0 : 401);
      xhr.open(method, url + '/v1/' + where);
      xhr.timeout = (seconds + GRACE || GRACE) * 1000;
      handle.due = now() + xhr.timeout;
      xhr.setRequestHeader('Authorization', 'Bearer ' + token);
      if (body) xhr.setRequestHeader('Content-Type', 'application/json');
      if (value) xhr.setRequestHeader(name, value);
      xhr.onreadystatechange = function () {
        if (xhr.readyState < 4) return;
        state.bytes += xhr.responseText.length;
        if (xhr.status !== 401 || renewed++ || !options.getToken) return finish(xhr.status);
        token = null;
        withToken(attempt);
      };
      state.requests++;
      xhr.send(body && JSON.stringify(body));
    }
  }

  function cut() {
    clearTimeout(timer);
    if (!flight) return;
    flight.cut = 1;
    if (flight.xhr) flight.xhr.abort();
    flight = null;
  }

  function longestHold() {
    if (now() > path.until) path = {};
    var most = path.wait ? Math.min(longest, now() < path.again ? path.wait : path.wait + 7) : longest;
    return most < SHORTEST_HOLD ? 0 : most;
  }

  // A hold died at this age, the next poll did not. Twice: a limit.
  function learn(age) {
    if (Math.abs(age - path.death) < 1 + age / 10) {
      path.wait = Math.max(1, Math.floor(age * 0.7));
      path.until = now() + DAY;
    }
    path.death = age;
    path.again = now() + TRY_LONGER;
  }

  function survived(age) {
    if (age > path.death * 1.1) path.death = null;
    if (age > path.wait + 1) {
      path.wait = Math.floor(age);
      path.again = 0;
    }
    if (age > 0.8 * longest) path = {};
  }

  function rest(mode, seconds) {
    timer = setTimeout(poll, seconds * 1000);
    tell(mode, seconds);
  }

  function poll() {
    var sent = cursor, began = now();
    clearTimeout(timer);
    if (!running || flight) return;
    if (!joined) return join();
    if (!leading) return;
    if (began < blocked) return rest('waiting', (blocked - began) / 1000);
    if (navigator.onLine === false) return rest('offline', BACK_OFF);
    hold = !sent || more || suspect || document.hidden ? 0 : longestHold();
    flight = request('GET', 'inbox' + (sent ? '?cursor=' + sent + '&wait=' + hold : ''), null, answered, hold,
      'If-None-Match', sent && etag);
    tell(hold ? 'long' : state.mode);

    function answered(error, answer, xhr) {
      var age = (now() - began) / 1000, after, news;
      flight = null;
      if (!ours()) return leave();
      if (error) {
        if (!hold || age < 1 || !/^(0|408|502|504|524)$/.test(error.status)) return fail(error, xhr);
        // Too long a hold, or has the gateway gone? The next poll tells. Sleep says nothing.
        suspect = age > hold + 2 * GRACE ? 0 : Math.min(age, hold);
        return poll();
      }
      if (sent !== loop.cursor || now() - loop.at > 500) loop = { cursor: sent, at: now(), answers: 0 };
      if (++loop.answers > 4) {
        forget();
        return fail(failure(200, { code: 'loop' }), xhr);
      }
      if (suspect > 0) learn(suspect);
      else if (hold) survived(age);
      stored('path', path);
      if (!suspect) failures = 0;
      state.error = suspect = more = null;
      if (answer.cursor) {
        offered = answer.poll.wait;
        etag = xhr.getResponseHeader('ETag');
        news = deliver(sent, answer);
      } else state.notModified++;
      fresh = fresh && (more || !sent);
      if (!leading || flight) return; // a handler's doing
      after = +xhr.getResponseHeader('Poll-Interval') || 15;
      if (more) poll();
      else if (news && hold) timer = setTimeout(poll, PAUSE);
      else if (document.hidden) rest('hidden', Math.max(HIDDEN, after));
      // Ended early: the gateway stops, or is full.
      else if (!longestHold() || hold && age < 0.8 * Math.min(hold, offered || hold)) rest('short', after);
      else poll();
    }
  }

  function fail(error, xhr) {
    suspect = -1; // no hold
    state.error = error;
    if (error.code === 'invalid-cursor') forget();
    if (error.status === 401) quit();
    else {
      var again = error.status && +xhr.getResponseHeader('Retry-After') || 0;
      blocked = now() + again * 1000;
      rest('waiting', error.retry = Math.max(again, Math.random() * Math.min(BACK_OFF, Math.pow(2, failures++))));
    }
    emit('error', error);
  }

  function forget() {
    cursor = resume = null;
    stored('cursor', null);
  }

  // Tabs are told first, the cursor is stored last: a crash repeats rather than loses.
  function deliver(sent, answer) {
    var whole = !sent || answer.reset, news, told = {
      answer: answer, whole: whole, fresh: fresh, prev: sent, cursor: resume || answer.cursor
    };
    if (resume) fresh = 1;
    resume = null;
    more = !whole && answer.has_more;
    post(told);
    news = take(told);
    if (leading) stored('cursor', told.cursor);
    return news;
  }

  function take(told) {
    var known = items, newest = Object.keys(items).sort().pop() || '', answer = told.answer, whole = told.whole;
    var changed = [], added = [], gone = answer.removed, news, first = !synced;
    synced = ++takes;
    resets = answer.reset ? resets + 1 : 0;
    news = whole ? resets < 5 : told.cursor !== told.prev && gone.length + answer.notifications.length;
    cursor = told.cursor;
    self.cursor = answer.cursor;
    if (whole) {
      items = {};
      wanted = 0;
      if (!first) emit('reset');
    }
    answer.notifications.forEach(function (item) {
      var old = known[item.id], differs = JSON.stringify(old) !== JSON.stringify(item);
      items[item.id] = item;
      if (differs || whole || told.fresh) changed.push(item);
      if ((!old || told.fresh) && !item.seen_at && !item.read_at && (!whole || !first && item.id > newest)) {
        added.push(item);
      }
    });
    gone.forEach(function (one) { delete items[one]; });
    show(changed, gone, whole, added, answer.has_more);
    return count(answer) || news;
  }

  function show(list, gone, whole, added, has_more) {
    if (whole || list.length) {
      emit('notifications', list, { snapshot: !!whole, has_more: !!has_more, added: added || [], optimistic: !added });
    }
    if (gone.length) emit('removed', gone);
  }

  function post(message) {
    message.from = id;
    if (channel) return channel.postMessage(message);
    stored('message', message);
    stored('message', null);
  }

  function receive(message) {
    if (!joined || !message || message.from === id || message.to && message.to !== id) return;
    if (leading) return message.hello && synced && post({
      to: message.from, state: state, whole: 1, cursor: cursor, answer: {
        notifications: self.items(), removed: [], unread: self.counts.unread, unseen: self.counts.unseen,
        cursor: self.cursor, has_more: true
      }
    });
    if (message.answer) {
      if (message.whole ? wanted || !message.to : synced && message.prev === cursor) take(message);
      else if (!message.whole) hello();
    }
    if (message.state) {
      message.state.leader = false;
      emit('state', self.state = message.state);
    }
  }

  function hello() { post({ hello: wanted = 1 }); }

  function ours() {
    var lease = stored('lease');
    return !lease || lease.id === id;
  }

  function writeLease() { stored('lease', { id: id, at: now(), visible: !document.hidden }); }

  function lead() {
    if (!joined || leading) return;
    leading = 1;
    writeLease();
    path = stored('path') || {};
    resume = !synced && stored('cursor');
    failures = suspect = more = etag = 0;
    poll();
  }

  function leave() {
    cut();
    if (!leading) return;
    if (ours()) stored('lease', null);
    if (release) release();
    leading = release = 0;
    tell(state.mode);
  }

  // The lease tells who leads; the lock, or else the last to write the lease, decides.
  function tick() {
    var lease = stored('lease'), visible = !document.hidden;
    clearTimeout(beat);
    if (!joined) return;
    beat = setTimeout(tick, BEAT);
    if (!shared) lead();
    if (leading) {
      if (!ours()) return leave();
      writeLease();
      if (flight && now() > flight.due) flight.xhr.abort(); // slept
      return;
    }
    if (!synced) hello();
    if (lease && Math.abs(now() - lease.at) < (visible ? STALE : STALE * 30) && lease.visible >= visible) return;
    if (locks) {
      locks.request(key, lease ? { steal: true } : { ifAvailable: true }, function (lock) {
        if (!lock || !joined) return;
        lead();
        return { then: function (done) { release = done; } };
      }).then(null, leave); // stolen
    } else {
      writeLease();
      setTimeout(function () { if (ours()) lead(); }, 100 + Math.random() * 100);
    }
  }

  function listen(how) {
    document[how]('visibilitychange', wake);
    window[how]('online', wake);
    window[how]('offline', wake);
    window[how]('pagehide', hide);
    window[how]('storage', overheard);
  }

  function wake() {
    tick();
    if (!document.hidden) cut();
    poll();
  }

  function hide() {
    leave();
    synced = 0;
  }

  function overheard(e) {
    if (e.key === key + 'message') receive(parse(e.newValue));
    if (e.key === key + 'lease' && !e.newValue) tick();
  }

  function join() {
    withToken(function () {
      if (!running || joined) return;
      if (!token) return fail(failure(token === 0 ? 0 : 401, {}));
      user = options.user || subject(token);
      key = 'notifygate:' + url + ':' + user + ':';
      shared = user && options.share !== false;
      joined = 1;
      if (shared && window.BroadcastChannel) {
        channel = new BroadcastChannel(key);
        channel.onmessage = function (e) { receive(e.data); };
      }
      tick();
    });
  }

  self.stop = quit;

  function quit() {
    leave();
    running = joined = 0;
    clearTimeout(beat);
    listen('removeEventListener');
    if (channel) channel.close();
    channel = 0;
    tell('stopped');
    return self;
  }

  self.start = function () {
    if (!running) {
      running = 1;
      state.error = null;
      listen('addEventListener');
      tell('connecting');
    }
    poll();
    return self;
  };

  self.on = function (event, handler) {
    (handlers[event] = handlers[event] || []).push(handler);
    return self;
  };

  self.off = function (event, handler) {
    handlers[event] = (handlers[event] || []).filter(function (one) { return one !== handler; });
    return self;
  };

  self.items = function () {
    return Object.keys(items).sort().reverse().map(function (one) { return items[one]; });
  };

  // Shown at once, undone when refused.
  function change(op, ids, upTo, done) {
    var body = { op: op }, undo = [], made = [], gone = [], before = takes, time = new Date().toISOString();
    if (ids !== 0) body.ids = ids = [].concat(ids);
    else {
      body.up_to = upTo || self.cursor;
      ids = body.up_to === self.cursor ? Object.keys(items) : [];
    }
    ids.forEach(function (one) {
      var old = items[one], item = parse(JSON.stringify(old));
      if (!old) return;
      undo.push(old);
      if (op === 'dismiss') {
        gone.push(one);
        delete items[one];
        return;
      }
      item.seen_at = item.seen_at || time;
      if (op !== 'seen') item.read_at = op === 'read' ? item.read_at || time : null;
      made.push(items[one] = item);
    });
    show(made, gone);
    request('POST', 'inbox/state', body, function (error, answer) {
      if (!error && before === takes) count(answer);
      if (error) show(undo.filter(function (old, i) { return items[old.id] === made[i] && (items[old.id] = old); }), []);
      if (done) done(error, answer);
    });
  }

  self.markRead = function (ids, done) { change('read', ids, 0, done); };
  self.markUnread = function (ids, done) { change('unread', ids, 0, done); };
  self.markSeen = function (ids, done) { change('seen', ids || 0, 0, done); };
  self.dismiss = function (ids, done) { change('dismiss', ids, 0, done); };
  self.markAllRead = function (upTo, done) { change('read', 0, upTo, done); };
  self.dismissAll = function (upTo, done) { change('dismiss', 0, upTo, done); };

  self.history = function (query, done) {
    var where = 'inbox/history?', name;
    for (name in query) if (query[name]) where += '&' + name + '=' + query[name];
    request('GET', where, null, function (error, page) {
      if (!error) page.notifications.forEach(function (item) { items[item.id] = items[item.id] || item; });
      done(error, page);
    });
  };

  function topic(method) {
    return function (name, done) { request(method, 'inbox/topics/' + encodeURIComponent(name), null, done); };
  }

  self.follow = topic('PUT');
  self.unfollow = topic('DELETE');

  self.preferences = function (types, done) {
    request(types ? 'PUT' : 'GET', 'inbox/preferences', types && { types: types }, function (error, answer, xhr) {
      if (!error) version = xhr.getResponseHeader('ETag');
      if (done) done(error, answer);
    }, 0, 'If-Match', types && version);
  };

  self.diagnose = function (done) {
    var report = {}, began = now();
    request('GET', 'inbox/unread', null, function (error, answer, xhr) {
      if (error) return done(error);
      report.rtt = (now() - began) / 1000;
      request('GET', 'inbox/unread', null, function (error, answer) {
        report.etag = !error && !('unread' in answer);
        (function measure(seconds) {
          began = now();
          request('GET', 'probe?hold=' + seconds, null, function (error, answer) {
            var age = (now() - began) / 1000;
            if (error && seconds > 1) return measure(Math.floor(Math.min(seconds, age + 1) * 0.7));
            report.hold = answer.held || 0;
            report.buffered = !error && age - report.hold - report.rtt > 1;
            done(null, report);
          }, seconds);
        }(longest || 55));
      }, 0, 'If-None-Match', xhr.getResponseHeader('ETag'));
    });
  };
};
}));
