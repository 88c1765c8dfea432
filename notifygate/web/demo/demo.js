/* The demo: logs in, publishes, and brings its parts together. ES5. */
(function () {
  'use strict';

  var demo = window.demo;
  var READY_MS = 50;

  /** A key to publish with, and what there is to choose from; null before the log-in. */
  demo.session = null;

  function $(id) {
    return document.getElementById(id);
  }

  function send(method, path, headers, body, done) {
    var request = new XMLHttpRequest();
    var name;
    request.open(method, path);
    request.setRequestHeader('Content-Type', 'application/json');
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
      done(0, {}, request);
    };
    request.send(body === null ? null : JSON.stringify(body));
  }

  function logIn(done) {
    send('POST', '/demo/login', {}, {person: 'alice'}, function (status, answer) {
      if (status === 200) {
        demo.session = answer;
        done();
      } else {
        demo.say('The gateway can’t be reached: trying again.', 'bad');
        setTimeout(logIn, 1000, done);
      }
    });
  }

  /** Return those of the two whom a list of audiences includes. Of topics the gateway alone knows. */
  demo.recipientsOf = function (audiences) {
    var roles = {alice: 'role:support', bob: 'role:engineering'};
    return demo.PEOPLE.filter(function (person) {
      return ['all', 'user:' + person, roles[person]].some(function (audience) {
        return audiences.indexOf(audience) >= 0;
      });
    });
  };

  /** Publish, and expect it on the screens of those who get it. `done(status, answer, isReplay)`. */
  demo.publish = function (values, idempotencyKey, done) {
    var headers = {Authorization: 'Bearer ' + demo.session.key};
    if (idempotencyKey) {
      headers['Idempotency-Key'] = idempotencyKey;
    }
    send('POST', '/v1/notifications', headers, values, function (status, answer, request) {
      var isReplay = request.getResponseHeader('Idempotency-Replayed') === 'true';
      if (status === 201 && !isReplay) {
        withoutMuted(values.type, demo.recipientsOf(answer.to), function (people) {
          demo.expectArrival(answer.id, people);
        });
      }
      if (status === 401) { // the key of a demo that was left open
        logIn(function () {
          demo.publish(values, idempotencyKey, done);
        });
      } else {
        done(status, answer, isReplay);
      }
    });
  };

  /** Call back with those of some people who have not muted a type in their settings. */
  function withoutMuted(type, people, done) {
    var left = people.length;
    var found = [];
    people.forEach(function (person) {
      var token = demo.device(person) && demo.device(person).session.token;
      send('GET', '/v1/inbox/preferences', {Authorization: 'Bearer ' + token}, null, function (status, answer) {
        var mine = (answer.types || {})[type || 'general'];
        if (!mine || !mine.muted) {
          found.push(person);
        }
        left -= 1;
        if (!left) {
          done(found);
        }
      });
    });
  }

  function restart() {
    $('restart').disabled = true;
    demo.say('The gateway restarts: every open request ends.', '');
    send('POST', '/demo/restart', {}, {}, function (status, answer) {
      $('restart').disabled = false;
      if (status !== 202) {
        demo.say(answer.detail || 'The gateway can’t be restarted from here.', 'bad');
      }
    });
  }

  /** Give the inboxes something to show, the first time. */
  function publishFirst() {
    var left = demo.FIRST.slice();
    function next() {
      var values = left.shift();
      if (values) {
        send('POST', '/v1/notifications', {
          Authorization: 'Bearer ' + demo.session.key, 'Idempotency-Key': 'demo-' + left.length
        }, values, next);
      }
    }
    next();
  }

  /** The bells open as soon as they are there. */
  function openBells(waiting) {
    var left = waiting.filter(function (person) {
      var device = demo.device(person);
      if (device && device.client.counts) {
        device.openBell();
        return false;
      }
      return true;
    });
    if (left.length) {
      setTimeout(openBells, READY_MS, left);
    } else {
      publishFirst();
    }
  }

  function dress() {
    var theme = $('theme').value;
    if (theme === 'auto') {
      document.documentElement.removeAttribute('data-theme');
    } else {
      document.documentElement.setAttribute('data-theme', theme);
    }
    demo.eachDevice(function (device) {
      device.dress({theme: theme, language: $('language').value});
    });
  }

  $('restart').onclick = restart;
  $('language').onchange = dress;
  $('theme').onchange = dress;
  logIn(function () {
    Object.keys(demo.session.types).forEach(function (type) {
      var option = document.createElement('option');
      option.value = type;
      $('types').appendChild(option);
    });
    demo.fillForm(demo.EXAMPLES[0].values);
    openBells(demo.PEOPLE);
  });
})();
