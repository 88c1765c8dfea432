/*
 * The two screens: what their clients do, in plain words; buttons that break their network; and a ledger that holds what
 * was published against what arrived. ES5.
 */
(function () {
  'use strict';

  var demo = window.demo = window.demo || {};
  var REFRESH_MS = 250;
  /** Ids that were published to each person since the page was opened. */
  var published = {alice: [], bob: []};

  demo.PEOPLE = ['alice', 'bob'];

  /** The device in a person's frame; null while it is loading. */
  demo.device = function (person) {
    var frame = document.querySelector('[data-person=' + person + '] iframe');
    try {
      return frame.contentWindow.demoDevice || null;
    } catch (error) {
      return null; // an error page of the browser's
    }
  };

  demo.eachDevice = function (work) {
    demo.PEOPLE.forEach(function (person) {
      if (demo.device(person)) {
        work(demo.device(person), person);
      }
    });
  };

  /** Note that something was published to these people. */
  demo.expectArrival = function (id, people) {
    people.forEach(function (person) {
      published[person].push(id);
    });
    refresh();
  };

  function part(person, name) {
    return document.querySelector('[data-person=' + person + '] [data-part=' + name + ']');
  }

  function setText(node, text) {
    if (node.textContent !== text) { // a status is read out when it is written
      node.textContent = text;
    }
  }

  function doing(device) {
    var state = device.client.state;
    var seconds = Math.floor(device.secondsInState());
    var left = Math.max(0, Math.ceil((state.retry || 0) - device.secondsInState()));
    var words = {
      connecting: 'Connecting',
      long: state.hold ? 'Waiting for news: one request is open, ' + seconds + ' of at most ' + state.hold + ' s' :
        'Asking for news',
      short: 'Asks again in ' + left + ' s: this path allows no long requests',
      hidden: 'In the background: asks once a minute',
      offline: 'Offline',
      waiting: 'No answer: tries again ' + (left ? 'in ' + left + ' s' : 'now'),
      stopped: 'Stopped'
    };
    return words[state.mode] || state.mode;
  }

  function figures(device) {
    var state = device.client.state;
    return (state.requests || 0) + ' requests, ' + ((state.bytes || 0) / 1000).toFixed(1) + ' kB so far' +
      (state.limit ? '. Something on the way ends requests after about ' + state.limit + ' s, so they are shorter' : '');
  }

  /** Hold what was published against what arrived. */
  function ledger(device, ids) {
    var arrived = ids.filter(function (id) { return device.arrivals[id]; }).length;
    var twice = ids.filter(function (id) { return device.arrivals[id] > 1; }).length;
    var missing = ids.length - arrived;
    if (!ids.length) {
      return {text: 'Nothing published yet', kind: ''};
    }
    if (missing) {
      return {text: ids.length + ' published, ' + arrived + ' arrived, ' + missing + ' on the way', kind: 'waiting'};
    }
    return {text: ids.length + ' published, ' + arrived + ' arrived: none missing, ' + (twice || 'none') + ' twice',
      kind: twice ? 'bad' : 'good'};
  }

  function refresh() {
    demo.eachDevice(function (device, person) {
      var found = ledger(device, published[person]);
      setText(part(person, 'doing'), doing(device) + '. ' + figures(device) + '.');
      part(person, 'doing').setAttribute('data-mode', device.client.state.mode);
      setText(part(person, 'ledger'), found.text);
      part(person, 'ledger').className = 'ledger ' + found.kind;
    });
    if (demo.showEffects) {
      demo.showEffects();
    }
  }

  /** A pressed button is what the network is like now; pressed once more, it is on again. */
  function setUpBreakers(person) {
    var buttons = document.querySelectorAll('[data-person=' + person + '] [data-network]');
    Array.prototype.forEach.call(buttons, function (button) {
      button.onclick = function () {
        var isOn = button.getAttribute('aria-pressed') === 'true';
        Array.prototype.forEach.call(buttons, function (other) {
          other.setAttribute('aria-pressed', String(other === button && !isOn));
        });
        demo.device(person).setNetwork(isOn ? 'on' : button.getAttribute('data-network'));
        refresh();
      };
    });
  }

  demo.PEOPLE.forEach(setUpBreakers);
  setInterval(refresh, REFRESH_MS);
})();
