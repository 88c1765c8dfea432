/*! notifygate.js - notifications over plain HTTP, for any browser with ES5 and XMLHttpRequest. MIT licence.

    var client = new Notifygate({ url: 'https://gate.example', getToken: function (done) { done(jwt); } });
    client.on('notifications', function (items, info) { show(info.added); }).start();

  Options: url (default: this origin); token, or getToken(done), which may return the token or a promise instead;
    user (names the recipient in storage; default: the token's sub); wait (longest hold in s, 55; 0: short polls);
    share (false: poll for this tab alone and keep no cursor).
  Events: notifications(items, {snapshot, has_more, added, optimistic}), removed(ids), counts({unread, unseen}),
    reset(), state(client.state), error({status, code, detail, retry}); retry: seconds, 0 if it has given up.
  Methods: on, off, start (running already: poll now), stop, items(); then, with done(error, answer) as last argument:
    markRead, markUnread, dismiss, markSeen (ids); markAllRead, dismissAll (upTo: a cursor, default client.cursor);
    follow, unfollow (topic); topics(); preferences(types to set, or null); history({before, limit}); diagnose().

  A page begins with a snapshot and goes on where this browser stopped: info.added are those that are news. One tab
  polls for all. localStorage holds the cursor, the longest hold that the path survives and who polls; no token.
  304: If-None-Match is sent by hand with the last ETag; where a proxy or an old browser loses it, the cursor alone
  does the work. index.d.ts says the rest. */
(function (root, factory) {
  if (typeof module === 'object' && module.exports) module.exports = factory();
  else if (typeof define === 'function' && define.amd) define([], factory);
  else root.Notifygate = factory();
}(typeof self === 'undefined' ? this : self, function () {
  'use strict';

  // Seconds.
  var BACK_OFF = 180, HIDDEN = 60, SHORTEST_HOLD = 5, GRACE = 15, PAUSE = 0.2, DAY = 86400, TRY_LONGER = 1800;
  // Milliseconds: how often a tab looks after the lease, and when a leader counts as frozen. Timers of hidden tabs run
  // once a minute, so a hidden tab must not judge as quickly.
  var BEAT = 1500, STALE = 4500, STALE_HIDDEN = 150000;

  function now() { return new Date().getTime(); }

  function parse(text) {
    try { return JSON.parse(text); } catch (e) { return null; }
  }

  function subject(token) {
    try {
      var text = atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'));
      return JSON.parse(decodeURIComponent(escape(text))).sub;
    } catch (e) { return ''; }
  }

  function failure(status, problem, retry) {
    return { status: status, code: problem.code || '', detail: problem.detail || '', retry: retry || 0 };
  }

  return function Notifygate(options) {
    var self = this, handlers = {}, id = Math.random().toString(36).slice(2), locks = navigator.locks, store;
    var url = (options.url || '').replace(/\/$/, ''), longest = options.wait >= 0 ? options.wait : 55;
    var token = options.token, user, key, shared, channel, release, running, joined, leading, queued, beat, timer;
    var items = {}, cursor = null, resume, etag, synced, fresh, more, takes = 0, flight, version;
    var path = {}, hold = 0, suspect = 0, offered = 55, failures = 0, blocked = 0, loop = {};
    var stats = { requests: 0, bytes: 0, notModified: 0 };

    self.cursor = self.counts = null;
    self.state = { mode: 'stopped' };

    try {
      store = window.localStorage;
      store.setItem('notifygate', '');
      store.removeItem('notifygate');
    } catch (e) { store = null; }

    function read(name) { return store && parse(store.getItem(name)); }

    function write(name, value) {
      try { store.setItem(name, JSON.stringify(value)); } catch (e) { /* full, or none: it must do without */ }
    }

    // ---- Events ----

    function emit(event, a, b) {
      (handlers[event] || []).slice().forEach(function (handler) {
        // One bad handler must not keep the others, or the next poll, from their work.
        try { handler.call(self, a, b); } catch (e) { setTimeout(function () { throw e; }); }
      });
    }

    function tell(mode, retry, error) {
      self.state = {
        mode: mode, leader: !!leading, hold: flight ? hold : 0, limit: now() < path.until ? path.wait : 0,
        retry: retry || 0, requests: stats.requests, bytes: stats.bytes, notModified: stats.notModified,
        error: error || null
      };
      if (leading) post({ state: self.state });
      emit('state', self.state);
    }

    function count(answer) {
      var counts = self.counts;
      if (counts && counts.unread === answer.unread && counts.unseen === answer.unseen) return;
      emit('counts', self.counts = { unread: answer.unread, unseen: answer.unseen });
    }

    // ---- Requests ----

    function withToken(use) {
      var made, got = function (value) {
        if (!got) return;
        got = null;
        // Another's token would bring another's notifications into this one's tabs.
        token = value && joined && !options.user && subject(value) !== user ? '' : value;
        use();
      };
      if (token || !options.getToken) return use();
      function give(value) { if (got) got(value); }
      function refuse() { give(0); }
      try { made = options.getToken(give); } catch (e) { return refuse(); }
      if (made && made.then) made.then(give, refuse);
      else if (made || made === '') give(made);
    }

    // Calls done(status, answer, header) once; status 0: no answer. Waits for `seconds` and GRACE.
    function request(method, where, body, done, headers, seconds) {
      var xhr, over, renewed, limit = ((seconds || 0) + GRACE) * 1000, waiting = setTimeout(late, limit);

      function finish(status) {
        if (over) return;
        over = 1;
        clearTimeout(waiting);
        done(status, status && parse(xhr && xhr.responseText) || {}, function (name) {
          return status && xhr && xhr.getResponseHeader(name) || '';
        });
      }

      function late() {
        finish(0);
        if (xhr) xhr.abort();
      }

      function attempt() {
        withToken(function () {
          var used = token, name;
          if (over) return;
          if (!token) return finish(token === 0 ? 0 : 401);
          xhr = new XMLHttpRequest();
          xhr.open(method, url + '/v1' + where);
          xhr.setRequestHeader('Authorization', 'Bearer ' + token);
          if (body) xhr.setRequestHeader('Content-Type', 'application/json');
          for (name in headers) xhr.setRequestHeader(name, headers[name]);
          xhr.onreadystatechange = function () {
            if (xhr.readyState < 4 || over) return;
            stats.bytes += xhr.responseText.length;
            if (xhr.status !== 401 || renewed || !options.getToken) return finish(xhr.status);
            renewed = 1;
            if (token === used) token = null;
            attempt();
          };
          stats.requests++;
          xhr.send(body ? JSON.stringify(body) : null);
        });
      }

      attempt();
      return {
        due: now() + limit,
        late: late,
        cut: function () {
          over = 1;
          clearTimeout(waiting);
          if (xhr) xhr.abort();
        }
      };
    }

    function call(method, where, body, done, headers) {
      request(method, '/inbox' + where, body, function (status, answer, header) {
        if (status !== 200) return done && done(failure(status, answer));
        if (done) done(null, answer, header);
      }, headers);
    }

    // ---- How long a hold the path survives ----

    function longestHold() {
      var most = longest;
      if (now() < path.until) most = now() < path.again ? path.wait : Math.max(8, Math.ceil(path.wait * 1.5));
      most = Math.min(most, longest);
      return most < SHORTEST_HOLD ? 0 : most;
    }

    function savePath() { write('notifygate:' + url + ':path', path); }

    // A hold died at this age, and the path was fine otherwise. Twice at about the same: there is a limit.
    function learn(age) {
      if (Math.abs(age - path.death) < 1 + age / 10) {
        path.wait = Math.max(1, Math.floor(age * 0.7));
        path.until = now() + DAY * 1000;
      }
      path.death = age;
      path.again = now() + TRY_LONGER * 1000;
      savePath();
    }

    function survived(age) {
      if (age > path.death * 1.1 + 1) path.death = null;
      if (!(now() < path.until && age > path.wait + 1)) return;
      path.wait = Math.floor(age);
      path.again = 0;
      if (age > 0.8 * Math.min(longest, offered)) path = {};
      savePath();
    }

    // ---- Polling ----

    function rest(mode, seconds, error) {
      clearTimeout(timer);
      timer = setTimeout(poll, seconds * 1000);
      tell(mode, seconds, error);
    }

    function poll() {
      var sent = cursor, began = now();
      clearTimeout(timer);
      if (!running || flight) return;
      if (!joined) return join();
      if (!leading) return;
      if (began < blocked) return rest('waiting', (blocked - began) / 1000, self.state.error);
      if (navigator.onLine === false) return rest('offline', BACK_OFF);
      // What comes after a failure or a snapshot's page is wanted at once.
      hold = !sent || more || failures || suspect || document.hidden ? 0 : longestHold();
      flight = request('GET', '/inbox' + (sent ? '?cursor=' + encodeURIComponent(sent) + '&wait=' + hold : ''), null,
        function (status, answer, header) {
          flight = null;
          if (!ours()) return leave();
          answered(sent, (now() - began) / 1000, status, answer, header);
        }, sent && etag ? { 'If-None-Match': etag } : {}, hold);
      tell(hold && offered ? 'long' : document.hidden ? 'hidden' : longestHold() ? self.state.mode : 'short', 0,
        self.state.error);
    }

    function answered(sent, age, status, answer, header) {
      var after = +header('Poll-Interval') || 15, applied = /wait=(\d+)/.exec(header('Preference-Applied')), news;
      if (status !== 304 && !(status === 200 && answer.cursor && answer.notifications)) {
        if (hold && (!status || status === 408 || status === 502 || status === 504 || status === 524)) {
          // Not an error: something on the way allows no longer hold, or the gateway has gone. The next poll will tell.
          // One that nobody cut counts as if it had lasted as long as it should; after a laptop's sleep it says nothing.
          suspect = age > hold + 2 * GRACE ? 0 : Math.min(age, hold);
          failures = suspect ? 0 : 1;
          if (age > 1) return poll();
          return fail(status, answer, header, suspect);
        }
        return fail(status, answer, header);
      }
      if (sent !== loop.cursor || now() - loop.at > 500) loop = { cursor: sent, at: now(), answers: 0 };
      if (++loop.answers > 4) {
        forget();
        return fail(status, { code: 'loop' }, header);
      }
      if (status === 304) {
        stats.notModified++;
        if (hold && applied) offered = +applied[1];
      } else offered = answer.poll.wait;
      if (suspect) learn(suspect);
      else if (hold) survived(age);
      failures = suspect = more = 0;
      if (status === 200) {
        etag = header('ETag');
        news = deliver(sent, answer);
      }
      fresh = fresh && (more || !sent);
      if (!leading || flight) return; // a handler has called stop() or start()
      if (more) poll();
      else if (news && hold) timer = setTimeout(poll, PAUSE * 1000); // what comes in a burst is taken together
      else if (document.hidden) rest('hidden', Math.max(HIDDEN, after));
      else if (!longestHold()) rest('short', after);
      // A hold that ended before its time: the gateway is stopping, or has too many. It says when to come back.
      else if (hold && (!offered || age < 0.8 * Math.min(hold, offered))) rest('short', after);
      else poll();
    }

    function fail(status, problem, header, dead) {
      var again = header('Retry-After'), error;
      again = again && (+again || (Date.parse(again) - now()) / 1000) || 0;
      suspect = dead || 0;
      if (problem.code === 'invalid-cursor') forget();
      if (status === 401) {
        error = failure(status, problem);
        quit(error);
      } else {
        // Full jitter: what failed for all at once must not come back all at once.
        blocked = now() + again * 1000;
        again = Math.max(again, Math.random() * Math.min(BACK_OFF, Math.pow(2, failures++)));
        error = failure(status, problem, again);
        rest('waiting', again, error);
      }
      emit('error', error);
    }

    function forget() {
      cursor = resume = etag = null;
      if (shared) store.removeItem(key + 'cursor');
    }

    // ---- What an answer says ----

    // The others are told first and the cursor is stored last: a crash in between repeats, it doesn't lose.
    function deliver(sent, answer) {
      var news, told = { answer: answer, whole: !sent || answer.reset, prev: sent, cursor: answer.cursor };
      if (!sent && resume) {
        told.cursor = resume;
        fresh = 1;
      } else told.fresh = !told.whole && fresh;
      resume = null;
      more = !told.whole && answer.has_more;
      post(told);
      news = take(told);
      if (shared && leading) write(key + 'cursor', told.cursor);
      return news;
    }

    function take(told) {
      var known = items, newest = Object.keys(items).sort().pop() || '', answer = told.answer;
      var changed = [], added = [], news = answer.removed.length, first = !synced, whole = told.whole;
      takes++;
      synced = 1;
      cursor = told.cursor;
      if (!told.fresh || !answer.has_more) self.cursor = answer.cursor;
      if (whole) {
        items = {};
        if (!first) emit('reset');
      }
      answer.notifications.forEach(function (item) {
        var old = known[item.id], differs = !old || JSON.stringify(old) !== JSON.stringify(item);
        items[item.id] = item;
        if (differs) news = 1;
        if (differs || whole || told.fresh) changed.push(item);
        // Of a snapshot, only what is newer than everything that was known.
        if ((!old || told.fresh) && !item.seen_at && !item.read_at && (!whole || !first && item.id > newest)) {
          added.push(item);
        }
      });
      answer.removed.forEach(function (gone) { delete items[gone]; });
      if (whole || changed.length) {
        emit('notifications', changed, {
          snapshot: !!whole, has_more: !!answer.has_more, added: added, optimistic: false
        });
      }
      if (answer.removed.length) emit('removed', answer.removed);
      count(answer);
      return news;
    }

    // ---- One poll per browser ----

    function post(message) {
      message.from = id;
      var text = JSON.stringify(message);
      if (channel) channel.postMessage(text);
      else if (shared) {
        try {
          store.setItem(key + 'message', text);
          store.removeItem(key + 'message');
        } catch (e) { /* full: the others notice the gap and ask */ }
      }
    }

    function receive(message) {
      if (!joined || !message || message.from === id) return;
      if (message.hello) {
        if (leading && synced) {
          post({
            to: message.from, whole: 1, cursor: cursor, answer: {
              notifications: self.items(), removed: [], unread: self.counts.unread, unseen: self.counts.unseen,
              cursor: self.cursor, has_more: true
            }
          });
          post({ state: self.state });
        }
      } else if (leading || message.to && message.to !== id) return;
      else if (message.state) {
        self.state = message.state;
        self.state.leader = false;
        emit('state', self.state);
      } else if (message.whole || synced && message.prev === cursor) take(message);
      else hello(); // something was missed
    }

    function hello() { post({ hello: 1 }); }

    function ours() {
      var lease = shared && read(key + 'lease');
      return !lease || lease.id === id;
    }

    function writeLease() {
      if (shared) write(key + 'lease', { id: id, at: now(), visible: !document.hidden });
    }

    function lead() {
      if (!joined || leading) return;
      leading = 1;
      writeLease();
      path = read('notifygate:' + url + ':path') || {};
      if (!synced && shared) resume = read(key + 'cursor');
      failures = suspect = blocked = more = 0;
      etag = null;
      poll();
    }

    function leave() {
      clearTimeout(timer);
      if (flight) flight.cut();
      flight = null;
      if (leading && shared && ours()) store.removeItem(key + 'lease');
      leading = 0;
      if (release) release();
      release = null;
    }

    function lock(steal) {
      if (!steal && queued) return;
      if (!steal) queued = 1;
      locks.request(key + 'leader', { steal: !!steal }, function () {
        if (!steal) queued = 0;
        if (!joined) return;
        lead();
        return { then: function (done) { release = done; } };
      }).then(null, leave); // it was stolen
    }

    // The lease says who polls, whether their timers run and whether they are seen. Where there are Web Locks, these
    // decide, and a closed tab's place is taken at once; elsewhere the last to write the lease has it.
    function tick() {
      clearTimeout(beat);
      if (!joined) return;
      beat = setTimeout(tick, BEAT);
      if (!shared) lead();
      else if (!leading) {
        var lease = read(key + 'lease'), visible = !document.hidden;
        var frozen = lease && Math.abs(now() - lease.at) > (visible ? STALE : STALE_HIDDEN);
        if (frozen || lease && visible && !lease.visible || !lease && !locks) {
          if (locks) lock(true);
          else {
            writeLease();
            setTimeout(function () { if (ours()) lead(); }, 100 + Math.random() * 100);
          }
        } else if (locks) lock();
        if (!synced) hello();
        return;
      } else if (!ours()) return leave();
      writeLease();
      // A laptop that slept has missed the time-out.
      if (flight && now() > flight.due) flight.late();
    }

    // ---- Start and stop ----

    var LISTENERS = [
      [document, 'visibilitychange', function () {
        tick();
        if (!document.hidden) poll();
      }],
      [window, 'online', poll],
      [window, 'offline', function () {
        if (flight) flight.cut();
        flight = null;
        poll();
      }],
      [window, 'pagehide', leave],
      [document, 'freeze', leave],
      [window, 'pageshow', function () { if (joined && !leading) hello(); }],
      [window, 'storage', function (e) {
        if (!joined || !shared) return;
        if (e.key === key + 'message' && !channel) receive(parse(e.newValue));
        if (e.key === key + 'lease' && !e.newValue) tick();
      }]
    ];

    function listen(how) {
      LISTENERS.forEach(function (one) { one[0][how + 'EventListener'](one[1], one[2]); });
    }

    function join() {
      withToken(function () {
        if (!running || joined) return;
        if (!token) return fail(token === 0 ? 0 : 401, {}, String);
        user = options.user || subject(token);
        key = 'notifygate:' + url + ':' + user + ':';
        shared = store && user && options.share !== false;
        joined = 1;
        if (shared && window.BroadcastChannel) {
          channel = new BroadcastChannel(key);
          channel.onmessage = function (e) { receive(parse(e.data)); };
        }
        tick();
      });
    }

    function quit(error) {
      if (!running) return;
      leave();
      running = joined = 0;
      clearTimeout(beat);
      listen('remove');
      if (channel) channel.close();
      channel = null;
      tell('stopped', 0, error);
    }

    self.start = function () {
      if (!running) {
        running = 1;
        failures = 0;
        listen('add');
        tell('connecting');
      }
      poll();
      return self;
    };

    self.stop = function () {
      quit();
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

    // ---- State ----

    function show(list, gone) {
      if (list.length) emit('notifications', list, { snapshot: false, has_more: false, added: [], optimistic: true });
      if (gone.length) emit('removed', gone);
    }

    // Shown at once. Counts are the server's: they wait for its answer, and for the poll's if that was quicker.
    function change(op, ids, upTo, done) {
      var body = { op: op }, undo = [], made = [], gone = [], before = takes, time = new Date().toISOString();
      if (ids) body.ids = ids = [].concat(ids);
      else {
        body.up_to = upTo || self.cursor;
        ids = body.up_to === self.cursor ? Object.keys(items) : [];
      }
      ids.forEach(function (one) {
        var old = items[one], item = old && JSON.parse(JSON.stringify(old));
        if (!old) return;
        if (op === 'dismiss') {
          gone.push(one);
          delete items[one];
          item = undefined;
        } else {
          if (op === 'unread') item.read_at = null;
          else item.seen_at = old.seen_at || time;
          if (op === 'read') item.read_at = old.read_at || time;
          if (item.read_at === old.read_at && item.seen_at === old.seen_at) return;
          made.push(items[one] = item);
        }
        undo.push([old, item]);
      });
      show(made, gone);
      call('POST', '/state', body, function (error, answer) {
        if (error) {
          show(undo.filter(function (pair) { return items[pair[0].id] === pair[1]; }).map(function (pair) {
            return items[pair[0].id] = pair[0];
          }), []);
        } else if (before === takes) count(answer);
        if (done) done(error, answer);
      });
    }

    function byIds(op) {
      return function (ids, done) { change(op, ids, null, done); };
    }

    function all(op) {
      return function (upTo, done) {
        if (typeof upTo === 'function') done = upTo, upTo = null;
        change(op, null, upTo, done);
      };
    }

    self.markRead = byIds('read');
    self.markUnread = byIds('unread');
    self.markSeen = byIds('seen');
    self.dismiss = byIds('dismiss');
    self.markAllRead = all('read');
    self.dismissAll = all('dismiss');

    // ---- The rest of the inbox ----

    self.history = function (query, done) {
      var parts = Object.keys(query || {}).map(function (name) { return name + '=' + encodeURIComponent(query[name]); });
      call('GET', '/history?' + parts.join('&'), null, function (error, page) {
        if (page) page.notifications.forEach(function (item) { items[item.id] = items[item.id] || item; });
        done(error, page);
      });
    };

    self.topics = function (done) { call('GET', '/topics', null, done); };

    self.follow = function (topic, done) { call('PUT', '/topics/' + encodeURIComponent(topic), null, done); };

    self.unfollow = function (topic, done) { call('DELETE', '/topics/' + encodeURIComponent(topic), null, done); };

    self.preferences = function (types, done) {
      call(types ? 'PUT' : 'GET', '/preferences', types && { types: types }, function (error, answer, header) {
        if (answer) version = header('ETag');
        if (done) done(error, answer);
      }, types && version ? { 'If-Match': version } : {});
    };

    // Probes with ever shorter holds until one comes back; what is kept back longer than that is buffered.
    self.diagnose = function (done) {
      var report = { rtt: 0, hold: 0, buffered: false, etag: false };

      function probe(seconds, next) {
        var began = now();
        request('GET', '/probe?hold=' + seconds, null, function (status, answer) {
          next(status, answer, (now() - began) / 1000);
        }, {}, seconds);
      }

      function measure(seconds) {
        probe(seconds, function (status, answer, age) {
          if (status === 200) {
            report.hold = answer.held;
            report.buffered = age - answer.held - report.rtt > 1;
          } else if ((seconds = Math.floor(Math.min(seconds, age) * 0.7)) > 0) return measure(seconds);
          done(null, report);
        });
      }

      probe(0, function (status, answer, age) {
        if (status !== 200) return done(failure(status, answer));
        report.rtt = age;
        call('GET', '/unread', null, function (error, counts, header) {
          var tag = !error && header('ETag');
          if (!tag) return measure(longest || 55);
          request('GET', '/inbox/unread', null, function (code) {
            report.etag = code === 304;
            measure(longest || 55);
          }, { 'If-None-Match': tag });
        });
      });
    };
  };
}));
