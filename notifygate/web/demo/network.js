/*
 * The network of one device of the demo, which can be cut and slowed down: it takes the place of XMLHttpRequest, before
 * the client is loaded, and passes requests on. What the gateway does is real. ES5.
 */
(function () {
  'use strict';

  var Real = window.XMLHttpRequest;
  /** A GPRS link: seconds for a round trip, bytes in a second. */
  var SLOW = {roundTrip: 1.2, bytesPerSecond: 4000};
  var DONE = 4;

  var mode = 'on';
  var open = [];

  function Request() {
    this.real = new Real();
    this.readyState = 0;
    this.status = 0;
    this.responseText = '';
    this.timeout = 0;
  }

  Request.prototype.open = function (method, url) {
    this.real.open(method, url);
    this.readyState = 1;
  };

  Request.prototype.setRequestHeader = function (name, value) {
    this.real.setRequestHeader(name, value);
  };

  Request.prototype.getResponseHeader = function (name) {
    return this.real.getResponseHeader(name);
  };

  Request.prototype.send = function (body) {
    var request = this;
    open.push(request);
    request.real.timeout = request.timeout;
    request.real.onreadystatechange = function () {
      if (request.real.readyState === DONE && request.real.status) {
        later(delay(request.real.responseText.length), request, function () {
          request.finish(request.real.status, request.real.responseText);
        });
      } else if (request.real.readyState === DONE) {
        request.finish(0, '');
      }
    };
    later(delay(body ? body.length : 0), request, function () {
      if (mode === 'cut') {
        request.finish(0, '');
      } else {
        request.real.send(body);
      }
    });
  };

  Request.prototype.abort = function () {
    this.finish(0, '');
  };

  /** Once: what comes after the end of a request is dropped. */
  Request.prototype.finish = function (status, text) {
    if (open.indexOf(this) < 0) {
      return;
    }
    open.splice(open.indexOf(this), 1);
    this.real.onreadystatechange = null;
    if (!status) {
      this.real.abort();
    }
    this.status = status;
    this.responseText = text;
    this.readyState = DONE;
    if (this.onreadystatechange) {
      this.onreadystatechange();
    }
    if (status && this.onload) {
      this.onload();
    }
    if (!status && this.onerror) {
      this.onerror();
    }
  };

  function delay(bytes) {
    return mode === 'slow' ? SLOW.roundTrip / 2 + bytes / SLOW.bytesPerSecond : 0;
  }

  function later(seconds, request, work) {
    function run() {
      if (open.indexOf(request) >= 0) {
        work();
      }
    }
    if (seconds) {
      setTimeout(run, seconds * 1000);
    } else {
      run();
    }
  }

  Object.defineProperty(window.navigator, 'onLine', {
    configurable: true,
    get: function () {
      return mode !== 'cut';
    }
  });

  window.XMLHttpRequest = Request;
  window.demoNetwork = {
    /** 'on', 'slow' or 'cut'. When it is cut, what is on its way is lost in both directions. */
    set: function (wanted) {
      var wasCut = mode === 'cut';
      mode = wanted;
      if (mode === 'cut') {
        open.slice().forEach(function (request) {
          request.finish(0, '');
        });
      }
      if (wasCut !== (mode === 'cut')) {
        window.dispatchEvent(new Event(wasCut ? 'online' : 'offline'));
      }
    }
  };
})();
