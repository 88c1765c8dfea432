/* Runs in PhantomJS: opens pages, and does with them what requests to its port ask for. See phantom.py. ES5. */
'use strict';

var system = require('system');
var webpage = require('webpage');

var pages = {};
var errors = [];
var count = 0;

var operations = {
  open: function (wanted, answer) {
    var page = webpage.create();
    var name = 'page' + (count += 1);
    page.viewportSize = {width: wanted.width, height: wanted.height};
    page.onError = function (message) {
      errors.push(message);
    };
    page.onConsoleMessage = function (message) {
      errors.push(message);
    };
    pages[name] = page;
    page.open(wanted.url, function (status) {
      answer({name: name, status: status});
    });
  },
  evaluate: function (wanted, answer) {
    answer(pages[wanted.page].evaluate(function (script) {
      return window.eval('(' + script + ')');
    }, wanted.script));
  },
  /** With the mouse, where the middle of the first such element is. */
  click: function (wanted, answer) {
    var page = pages[wanted.page];
    var place = page.evaluate(function (selector) {
      var box = document.querySelector(selector).getBoundingClientRect();
      return {x: box.left + box.width / 2, y: box.top + box.height / 2};
    }, wanted.selector);
    page.sendEvent('mousemove', place.x, place.y);
    page.sendEvent('click', place.x, place.y);
    answer(null);
  },
  picture: function (wanted, answer) {
    answer(pages[wanted.page].renderBase64('PNG'));
  },
  close: function (wanted, answer) {
    pages[wanted.page].close();
    delete pages[wanted.page];
    answer(null);
  },
  /** Close all pages; answer with the errors since this was asked for last. */
  reset: function (wanted, answer) {
    Object.keys(pages).forEach(function (name) {
      operations.close({page: name}, function () {});
    });
    answer(errors.splice(0));
  }
};

var isListening = require('webserver').create().listen('127.0.0.1:' + system.args[1], function (request, response) {
  var wanted = JSON.parse(request.post);
  operations[wanted.operation](wanted, function (result) {
    response.statusCode = 200;
    response.setHeader('Content-Type', 'application/json');
    response.write(JSON.stringify({result: result === undefined ? null : result}));
    response.close();
  });
});
if (!isListening) {
  system.stderr.writeLine('the port ' + system.args[1] + ' is taken');
  phantom.exit(1);
}
