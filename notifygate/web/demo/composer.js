/* The form that publishes, the curl line that does the same, and what it did. ES5. */
(function () {
  'use strict';

  var demo = window.demo;
  var FIELDS = ['to', 'type', 'title', 'body', 'priority', 'sender', 'icon', 'action_url', 'data', 'ttl'];
  var MORE = 'the key’s whole text is only in what is copied; it expires within the hour.';

  var lastCommand = null;
  /** What was published last: when, and to whom. */
  var last = null;

  function $(id) {
    return document.getElementById(id);
  }

  function each(list, work) {
    Array.prototype.forEach.call(list, work);
  }

  demo.fillForm = function (values) {
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
    showCommand();
  };

  function withoutEmpty(values) {
    var result = {};
    FIELDS.forEach(function (name) {
      if (values[name] !== undefined && values[name] !== '') {
        result[name] = name === 'ttl' && /^\d+$/.test(values[name]) ? Number(values[name]) : values[name];
      }
    });
    return result;
  }

  /** Read the form; what isn't filled in is left out, so that the gateway's defaults apply. Throws on what is no JSON. */
  function readForm() {
    var form = $('form').elements;
    var checked = document.querySelector('input[name="priority"]:checked');
    var values = {};
    var audiences;
    FIELDS.forEach(function (name) {
      values[name] = name === 'priority' ? (checked ? checked.value : '') : form[name].value;
    });
    audiences = values.to.split(',').map(function (one) {
      return one.replace(/^\s+|\s+$/g, '');
    }).filter(Boolean);
    values.to = audiences.length > 1 ? audiences : audiences[0] || '';
    values = withoutEmpty(values);
    if (values.data) {
      values.data = JSON.parse(values.data);
    }
    return values;
  }

  function publish() {
    var idempotencyKey = $('idempotency').value;
    var values;
    try {
      values = readForm();
    } catch (error) {
      showProblems([{field: 'data', message: 'is not JSON'}]);
      return;
    }
    $('publish').disabled = true;
    demo.publish(values, idempotencyKey, function (status, answer, isReplay) {
      $('publish').disabled = false;
      showProblems(status === 400 ? answer.errors || [] : []);
      if (status === 201) {
        last = {id: answer.id, at: Date.now(), people: demo.recipientsOf(answer.to)};
        say(isReplay ? 'Published before; nothing was sent twice.' : 'Published.', 'good');
        demo.showEffects();
      } else {
        say(answer.detail || answer.title || 'The gateway can’t be reached.', 'bad');
      }
    });
  }

  /** One after the other, as one program would. */
  function sendTen() {
    var failed = 0;
    function send(number) {
      if (number > 10) {
        say(failed ? failed + ' of 10 were refused.' : 'Ten published.', failed ? 'bad' : 'good');
        return;
      }
      demo.publish({to: 'all', type: 'comment', sender: 'Load test', title: 'Number ' + number + ' of 10'}, '',
        function (status) {
          failed += status === 201 ? 0 : 1;
          send(number + 1);
        });
    }
    send(1);
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

  function quoted(text) {
    return '\'' + text.replace(/'/g, '\'\\\'\'') + '\'';
  }

  function command(values, idempotencyKey, key) {
    return 'KEY=' + key + '\n' + ['curl -fsS', window.location.origin + '/v1/notifications',
      '-H "Authorization: Bearer $KEY"', '-H "Content-Type: application/json"']
      .concat(idempotencyKey ? ['-H ' + quoted('Idempotency-Key: ' + idempotencyKey)] : [])
      .concat(['-d ' + quoted(JSON.stringify(values, null, 2))]).join(' \\\n  ') + '\n';
  }

  /** Write what the form stands for; while it is no JSON, what it stood for. */
  function showCommand() {
    var values;
    if (!demo.session) {
      return;
    }
    try {
      values = readForm();
    } catch (error) {
      return;
    }
    lastCommand = command(values, $('idempotency').value, demo.session.key);
    // Not for whoever looks over a shoulder or at a screenshot; what is copied has it whole.
    $('curl').textContent = command(values, $('idempotency').value, demo.session.key.slice(0, 9) + '…');
    $('curl-hint').textContent = 'Paste it into a terminal: ' + MORE;
  }

  demo.showCommand = showCommand;

  function copyCommand() {
    var button = $('copy');
    var area = document.createElement('textarea');
    area.value = lastCommand || '';
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

  /** Say on whose screen the last one is, and after what time. */
  demo.showEffects = function () {
    var lines = [];
    if (last) {
      lines = demo.PEOPLE.map(function (person) {
        var device = demo.device(person);
        var name = person === 'bob' ? 'Bob' : 'Alice';
        var at = device && device.firstAt[last.id];
        return last.people.indexOf(person) < 0 ? name + ' is not addressed.' : at ?
          'On ' + name + '’s screen ' + (Math.max(0, at - last.at) / 1000).toFixed(2) + ' s after the answer.' :
          'On its way to ' + name + '.';
      });
    }
    if (lines.length && $('effects').getAttribute('data-lines') !== lines.join()) {
      $('effects').setAttribute('data-lines', lines.join());
      $('effects').textContent = '';
      lines.forEach(function (line) {
        var item = document.createElement('li');
        item.textContent = line;
        $('effects').appendChild(item);
      });
    }
  };

  demo.EXAMPLES.forEach(function (example) {
    var button = document.createElement('button');
    button.type = 'button';
    button.className = 'example';
    button.textContent = example.name;
    button.onclick = function () {
      demo.fillForm(example.values);
      say('');
      $('publish').focus();
    };
    $('examples').appendChild(button);
  });
  $('form').onsubmit = function (event) {
    event.preventDefault();
    publish();
  };
  $('form').oninput = showCommand;
  $('form').onchange = showCommand;
  $('ten').onclick = sendTen;
  $('copy').onclick = copyCommand;
  demo.say = say;
})();
