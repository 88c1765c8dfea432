/* One recipient's page: a client and a bell. The demo shows two of them side by side and asks `window.demoDevice`. ES5. */
(function () {
  'use strict';

  var person = /[?&]as=bob\b/.test(window.location.search) ? 'bob' : 'alice';
  var isFramed = window.parent !== window;
  var client;
  var bell;
  var session = null;
  /** How often each notification arrived as new, and when it did first, by id. */
  var arrivals = {};
  var firstAt = {};
  var stateSince = Date.now();

  function $(id) {
    return document.getElementById(id);
  }

  function logIn(done) {
    var request = new XMLHttpRequest();
    request.open('POST', '/demo/login');
    request.setRequestHeader('Content-Type', 'application/json');
    request.onload = function () {
      session = request.status === 200 ? JSON.parse(request.responseText) : session;
      done(request.status === 200);
    };
    request.onerror = function () {
      done(false);
    };
    request.send(JSON.stringify({person: person}));
  }

  /** A promise that is as much of one as the client needs: it tries again later when this fails. */
  function getToken() {
    return {then: function (done, failed) {
      logIn(function (isDone) {
        if (isDone) {
          done(session.token);
        } else {
          failed();
        }
      });
    }};
  }

  function note(items) {
    items.forEach(function (item) {
      arrivals[item.id] = (arrivals[item.id] || 0) + 1;
      firstAt[item.id] = firstAt[item.id] || Date.now();
    });
  }

  function makeBell(options) {
    if (bell) {
      bell.destroy();
    }
    bell = new window.NotifygateBell($('bell'), {
      client: client,
      types: session.types,
      language: options.language || 'en',
      theme: options.theme || 'auto',
      titleCount: !isFramed,
      onOpen: function (notification) {
        if (notification.action_url) {
          $('place').textContent = 'Your page opens ' + notification.action_url + '.';
          bell.close();
        }
        return false;
      }
    });
  }

  function begin() {
    $('name').textContent = session.name;
    $('job').textContent = session.job;
    $('avatar').textContent = session.initials;
    $('avatar').className = 'avatar avatar-' + person;
    $('main').setAttribute('aria-label', session.name);
    document.title = session.name + ' – notifygate demo';
    client = new window.Notifygate({user: person, getToken: getToken});
    client.on('notifications', function (items, info) {
      // What was there when the page was opened has arrived, too.
      note(info.snapshot ? items.filter(function (item) { return !arrivals[item.id]; }) : info.added);
    });
    client.on('state', function () {
      stateSince = Date.now();
    });
    makeBell({});
    client.start();
    window.demoDevice = {
      person: person,
      client: client,
      arrivals: arrivals,
      firstAt: firstAt,
      session: session,
      setNetwork: window.demoNetwork.set,
      /** Seconds since the client began to do what it does. */
      secondsInState: function () {
        return (Date.now() - stateSince) / 1000;
      },
      openBell: function () {
        bell.open();
      },
      /** `theme` is 'auto', 'light' or 'dark'; a language needs another bell. */
      dress: function (options) {
        var wasOpen = $('bell').className.indexOf('ngb-open') >= 0;
        if (options.theme === 'auto') {
          document.documentElement.removeAttribute('data-theme');
        } else {
          document.documentElement.setAttribute('data-theme', options.theme);
        }
        makeBell(options);
        if (wasOpen) {
          bell.open();
        }
      }
    };
  }

  function enter() {
    logIn(function (isDone) {
      if (isDone) {
        begin();
      } else {
        setTimeout(enter, 1000);
      }
    });
  }

  enter();
})();
