/* The demo page: who one is, the bell, a form to publish with, what the client is doing, and the curl line. ES5. */
(function () {
  'use strict';

  var STORED = 'notifygate-demo';
  var FIELDS = ['to', 'type', 'title', 'body', 'priority', 'sender', 'icon', 'action_url', 'data', 'ttl'];
  var MODES = {
    connecting: 'Connecting', long: 'Long poll', short: 'Short poll', hidden: 'Hidden: once a minute',
    offline: 'Offline', waiting: 'Waiting to retry', stopped: 'Stopped'
  };
  var INITIALS = {alice: 'AM', bob: 'BO', admin: 'DW'};

  var session = null;
  var client = null;
  var bell = null;
  var modeSince = 0;
  var lastCommand = null;

  function $(id) {
    return document.getElementById(id);
  }

  function each(list, work) {
    Array.prototype.forEach.call(list, work);
  }

  function stored(name, value) {
    try {
      if (value === undefined) {
        return window.sessionStorage.getItem(STORED + '.' + name);
      }
      window.sessionStorage.setItem(STORED + '.' + name, value);
    } catch (error) {
      // Without storage one logs in again after a reload.
    }
    return null;
  }

  function send(method, path, headers, body, done) {
    var request = new XMLHttpRequest();
    var name;
    request.open(method, path);
    for (name in headers) {
      if (headers.hasOwnProperty(name)) {
        request.setRequestHeader(name, headers[name]);
      }
    }
    request.onload = function () {
      var answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch (error) {
        // A proxy's page, or nothing.
      }
      done(request.status, answer, request);
    };
    request.onerror = function () {
      done(0, {});
    };
    request.send(body);
  }

  // ------------------------------------------------------------------------------------------------- who one is

  function logIn(person, done) {
    send('POST', '/demo/login', {'Content-Type': 'application/json'}, JSON.stringify({person: person}),
      function (status, answer) {
        if (status === 200) {
          session = answer;
        }
        done(status === 200, status);
      });
  }

  function enter(person) {
    $('login-message').className = 'login-hint';
    logIn(person, function (ok) {
      if (!ok) {
        $('login-message').textContent = 'That didn’t work: the gateway can’t be reached.';
        $('login-message').className = 'login-hint bad';
        showLogin();
        return;
      }
      stored('person', person);
      $('login').hidden = true;
      $('app').hidden = false;
      showMe();
      begin();
    });
  }

  function showLogin() {
    $('app').hidden = true;
    $('login').hidden = false;
  }

  function showMe() {
    $('me-name').textContent = session.name;
    $('me-job').textContent = session.job;
    $('me-avatar').textContent = INITIALS[session.recipient];
    $('me-avatar').className = 'avatar avatar-' + session.recipient;
    fillList('types', Object.keys(session.types));
    fillList('icons', Object.keys(window.NotifygateBell.icons));
    fillForm(EXAMPLES[0].make());
  }

  function fillList(id, values) {
    $(id).textContent = '';
    values.forEach(function (value) {
      var option = document.createElement('option');
      option.value = value;
      $(id).appendChild(option);
    });
  }

  function leave() {
    bell.destroy();
    client.stop();
    bell = client = null;
    stored('person', '');
    showLogin();
    $('people').querySelector('button').focus();
  }

  // --------------------------------------------------------------------------------------- the client and the bell

  function begin() {
    var first = session.token;
    client = new window.Notifygate({
      getToken: function (done) {
        if (first) {
          done(first);
          first = null;
        } else {
          logIn(session.recipient, function (ok) {
            done(ok ? session.token : 0);
          });
        }
      }
    });
    client.on('state', function (state) {
      modeSince = Date.now();
      showState(state);
    });
    makeBell();
    client.start();
    showTopics();
  }

  function makeBell() {
    bell = new window.NotifygateBell($('bell'), {
      client: client,
      types: session.types,
      language: $('language').value,
      theme: $('theme').value
    });
  }

  function setTheme(theme) {
    if (theme === 'auto') {
      document.documentElement.removeAttribute('data-theme');
    } else {
      document.documentElement.setAttribute('data-theme', theme);
    }
    if (bell) {
      bell.setTheme(theme);
    }
  }

  // ------------------------------------------------------------------------------------------------- the live line

  function showState(state) {
    $('live-mode').textContent = MODES[state.mode] || state.mode;
    $('live-pulse').setAttribute('data-mode', state.mode);
    $('live-limit').textContent = state.limit ? state.limit + ' s' : 'none found';
    $('live-requests').textContent = state.requests || 0;
    $('live-bytes').textContent = bytes(state.bytes || 0);
    $('live-not-modified').textContent = state.notModified || 0;
    $('live-leader').textContent = state.leader ? 'polls for all' : 'listens to another';
    showHold();
  }

  /** A hold that is on its way fills up; after an error, the time to the next try runs out. */
  function showHold() {
    var state = client ? client.state : {};
    var passed = (Date.now() - modeSince) / 1000;
    var isHeld = state.mode === 'long' && state.hold > 0;
    var isWaiting = !isHeld && state.retry > 0;
    $('live-progress').hidden = !isHeld;
    if (isHeld) {
      passed = Math.min(passed, state.hold);
      $('live-hold').textContent = Math.floor(passed) + ' of ' + state.hold + ' s';
      $('live-progress').value = passed / state.hold;
    } else if (isWaiting) {
      $('live-hold').textContent = 'next in ' + Math.max(0, Math.ceil(state.retry - passed)) + ' s';
    } else {
      $('live-hold').textContent = '–';
    }
  }

  function bytes(count) {
    return count < 1000 ? count + ' B' : count < 1000000 ? (count / 1000).toFixed(1) + ' kB' :
      (count / 1000000).toFixed(1) + ' MB';
  }

  // ------------------------------------------------------------------------------------------------------- topics

  function showTopics() {
    var list = $('topics');
    send('GET', '/v1/inbox/topics', {Authorization: 'Bearer ' + session.token}, null, function (status, answer) {
      list.textContent = '';
      (answer.topics || []).forEach(function (one) {
        var button = document.createElement('button');
        var item = document.createElement('li');
        button.type = 'button';
        button.className = 'topic';
        button.textContent = one.topic;
        button.setAttribute('aria-pressed', String(one.following));
        button.onclick = function () {
          var follows = button.getAttribute('aria-pressed') === 'true';
          client[follows ? 'unfollow' : 'follow'](one.topic, function (failed, now) {
            if (!failed) {
              button.setAttribute('aria-pressed', String(now.following));
            }
          });
        };
        item.appendChild(button);
        list.appendChild(item);
      });
    });
  }

  // ----------------------------------------------------------------------------------------------------- examples

  function me() {
    return 'user:' + session.recipient;
  }

  var EXAMPLES = [
    {name: 'Comment', make: function () {
      return {to: me(), type: 'comment', sender: 'Chiara Rossi', title: 'Chiara replied to “Quarterly roadmap”',
        body: 'I moved the migration to October so that we have two quiet weeks before the freeze. Could you look at ' +
          'the dependencies and tell me whether the dates still hold for your team?', action_url: '/demo#roadmap'};
    }},
    {name: 'Deployment', make: function () {
      return {to: me(), type: 'deploy', sender: 'Deployments', title: 'web-frontend 4.12.0 is live',
        body: '12 changes, no failed checks. The rollout took 4 min 20 s.'};
    }},
    {name: 'Invoice', make: function () {
      return {to: me(), type: 'billing', sender: 'Billing', title: 'Invoice 2026-0117 is ready',
        body: '€ 1,240.00, due on 30 November.', action_url: '/demo#invoice'};
    }},
    {name: 'Meeting', make: function () {
      return {to: me(), type: 'calendar', sender: 'Calendar', title: 'Stand-up in 10 minutes',
        body: 'Room 4, or the usual link.', ttl: '600'};
    }},
    {name: 'Newsletter (low)', make: function () {
      return {to: 'all', type: 'newsletter', sender: 'Product news', title: 'What’s new in November',
        body: 'Saved filters, faster search and a calmer inbox.', priority: 'low'};
    }},
    {name: 'Sign-in (high)', make: function () {
      return {to: me(), type: 'security', sender: 'Sign-in protection', title: 'New sign-in from Lisbon, Portugal',
        body: 'Firefox on Linux. If this wasn’t you, change your password now.', priority: 'high',
        action_url: '/demo#security'};
    }},
    {name: 'Incident (critical)', make: function () {
      return {to: 'all', type: 'incident', sender: 'Monitoring', title: 'The primary database is down',
        body: 'No heartbeat from db-1 for 60 seconds. Fail-over to db-2 has begun; writes are paused until it is done.' +
          '\n\nPlease stop all deployments.', priority: 'critical', action_url: '/demo#incident'};
    }}
  ];

  function showExamples() {
    EXAMPLES.forEach(function (example) {
      addExample(example.name, 'example', function () {
        fillForm(example.make());
        $('publish').focus();
      });
    });
    addExample('Send ten at once', 'example many', sendTen);
  }

  function addExample(name, className, onClick) {
    var button = document.createElement('button');
    button.type = 'button';
    button.className = className;
    button.textContent = name;
    button.onclick = onClick;
    $('examples').appendChild(button);
  }

  function sendTen() {
    var left = 10;
    var failed = 0;
    var i;
    function sent(status) {
      left -= 1;
      failed += status === 201 ? 0 : 1;
      if (!left) {
        say(failed ? failed + ' of 10 were refused.' : 'Ten published.', failed ? 'bad' : 'good');
      }
    }
    for (i = 0; i < 10; i++) {
      post(withoutEmpty(EXAMPLES[i % 4].make()), '', sent);
    }
  }

  // ------------------------------------------------------------------------------------------------------ publish

  function fillForm(values) {
    FIELDS.forEach(function (name) {
      if (name !== 'priority') {
        $('form').elements[name].value = values[name] || '';
      }
    });
    each(document.querySelectorAll('input[name="priority"]'), function (radio) {
      radio.checked = radio.value === (values.priority || '');
    });
    $('idempotency').value = '';
    showProblems([]);
    say('');
  }

  function withoutEmpty(values) {
    var result = {};
    FIELDS.forEach(function (name) {
      if (values[name] !== undefined && values[name] !== '') {
        result[name] = name === 'ttl' && /^\d+$/.test(values[name]) ? Number(values[name]) : values[name];
      }
    });
    return result;
  }

  /** Read the form; what isn't filled in is left out, so that the gateway's defaults apply. Null: it can't be sent. */
  function readForm() {
    var form = $('form').elements;
    var values = {};
    var audiences;
    var checked = document.querySelector('input[name="priority"]:checked');
    FIELDS.forEach(function (name) {
      values[name] = name === 'priority' ? (checked ? checked.value : '') : form[name].value;
    });
    audiences = values.to.split(',').map(function (one) {
      return one.replace(/^\s+|\s+$/g, '');
    }).filter(Boolean);
    values.to = audiences.length > 1 ? audiences : audiences[0] || '';
    values = withoutEmpty(values);
    if (values.data) {
      try {
        values.data = JSON.parse(values.data);
      } catch (error) {
        showProblems([{field: 'data', message: 'is not JSON'}]);
        return null;
      }
    }
    return values;
  }

  function post(values, idempotencyKey, done) {
    var headers = {Authorization: 'Bearer ' + session.key, 'Content-Type': 'application/json'};
    if (idempotencyKey) {
      headers['Idempotency-Key'] = idempotencyKey;
    }
    send('POST', '/v1/notifications', headers, JSON.stringify(values), done);
  }

  function publish() {
    var values = readForm();
    var idempotencyKey = $('idempotency').value;
    if (!values) {
      return;
    }
    $('publish').disabled = true;
    showCommand(values, idempotencyKey);
    post(values, idempotencyKey, function (status, answer, request) {
      var isReplay = request && request.getResponseHeader('Idempotency-Replayed') === 'true';
      $('publish').disabled = false;
      showProblems(status === 400 ? answer.errors || [] : []);
      if (status === 201) {
        say(isReplay ? 'Published before; nothing was sent twice.' : 'Published.', 'good');
      } else if (status === 401) {
        renew();
      } else {
        say(answer.detail || answer.title || 'The gateway can’t be reached.', 'bad');
      }
    });
  }

  /** The key of a demo that was left open has expired. */
  function renew() {
    logIn(session.recipient, function (ok) {
      say(ok ? 'The key had expired; there is a new one now. Publish again.' : 'The gateway can’t be reached.', 'bad');
    });
  }

  function say(text, kind) {
    $('outcome').textContent = text;
    $('outcome').className = 'outcome ' + (kind || '');
  }

  function showProblems(problems) {
    each(document.querySelectorAll('.problem'), function (node) {
      node.parentNode.removeChild(node);
    });
    each(document.querySelectorAll('[aria-invalid]'), function (node) {
      node.removeAttribute('aria-invalid');
    });
    problems.forEach(function (problem, place) {
      var input = $(problem.field.split('.')[0]);
      var text;
      if (!input || !input.form) {
        return;
      }
      text = document.createElement('p');
      text.className = 'problem';
      text.textContent = problem.message;
      input.setAttribute('aria-invalid', 'true');
      input.parentNode.appendChild(text);
      if (place === 0) {
        $('more').open = $('more').open || $('more').contains(input);
        input.focus();
      }
    });
  }

  // --------------------------------------------------------------------------------------------------------- curl

  function quoted(text) {
    return '\'' + text.replace(/'/g, '\'\\\'\'') + '\'';
  }

  function command(values, idempotencyKey, key) {
    return 'KEY=' + key + '\n' + ['curl -fsS', window.location.origin + '/v1/notifications',
      '-H "Authorization: Bearer $KEY"', '-H "Content-Type: application/json"']
      .concat(idempotencyKey ? ['-H ' + quoted('Idempotency-Key: ' + idempotencyKey)] : [])
      .concat(['-d ' + quoted(JSON.stringify(values, null, 2))]).join(' \\\n  ') + '\n';
  }

  function showCommand(values, idempotencyKey) {
    lastCommand = command(values, idempotencyKey, session.key);
    // Not for whoever looks over a shoulder or at a screenshot; what is copied has it whole.
    $('curl').textContent = command(values, idempotencyKey, session.key.slice(0, 9) + '…');
    $('curl-hint').textContent = 'What is copied holds the whole key; it expires within the hour.';
  }

  function copyCommand() {
    var button = $('copy');
    var area;
    if (!lastCommand) {
      return;
    }
    area = document.createElement('textarea');
    area.value = lastCommand;
    area.className = 'visually-hidden';
    document.body.appendChild(area);
    area.select();
    button.textContent = document.execCommand('copy') ? 'Copied' : 'Not allowed';
    document.body.removeChild(area);
    button.focus();
    setTimeout(function () {
      button.textContent = 'Copy';
    }, 2000);
  }

  // -------------------------------------------------------------------------------------------------------- begin

  each(document.querySelectorAll('.person'), function (button) {
    button.onclick = function () {
      enter(button.getAttribute('data-person'));
    };
  });
  showExamples();
  $('form').onsubmit = function (event) {
    event.preventDefault();
    publish();
  };
  $('clear').onclick = function () {
    fillForm({});
    $('to').focus();
  };
  $('copy').onclick = copyCommand;
  $('log-out').onclick = leave;
  $('language').onchange = function () {
    bell.destroy();
    makeBell();
  };
  $('theme').onchange = function () {
    setTheme($('theme').value);
  };
  setInterval(function () {
    if (client && !document.hidden) {
      showHold();
    }
  }, 250);

  if (stored('person')) {
    enter(stored('person'));
  } else {
    showLogin();
  }
})();
