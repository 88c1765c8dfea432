/** The platform of a window. It touches no global before it is used, so that a server may make a client. */

import type { Channel, Platform, PlatformEvents, Reply } from './platform';

/** What `lib: ES5, DOM` doesn't know, or an old browser doesn't have. */
interface Engine {
  navigator: {
    locks?: { request(name: string, options: object, taken: (lock: unknown) => unknown): PromiseLike<unknown> };
  };
  BroadcastChannel?: new (name: string) => Channel;
  fetch?: unknown;
}

export const browser: Platform = {
  now() {
    return Date.now();
  },
  random() {
    return Math.random();
  },
  setTimer(work, milliseconds) {
    return setTimeout(work, milliseconds);
  },
  clearTimer(timer) {
    clearTimeout(timer as number);
  },
  request(method, url, headers, body, timeoutMs, done) {
    const event = window.event;
    // Of a page that is left the browser may end an XMLHttpRequest before it is sent.
    if (event && event.type === 'pagehide' && (window as unknown as Engine).fetch) {
      fetch(url, { method: method, headers: headers, body: body, keepalive: true }).then(
        (reply) =>
          reply.text().then((text) => {
            done({ status: reply.status, responseText: text, getResponseHeader: (name) => reply.headers.get(name) });
          }),
        () => done({ status: 0, responseText: '' } as Reply)
      );
      return { abort: () => undefined };
    }
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    xhr.timeout = timeoutMs;
    for (const name in headers) xhr.setRequestHeader(name, headers[name]!);
    xhr.onreadystatechange = function () {
      if (xhr.readyState > 3) done(xhr);
    };
    xhr.send(body);
    return xhr;
  },
  decodeBase64(text) {
    return atob(text);
  },
  isVisible() {
    return !document.hidden;
  },
  isOnline() {
    return navigator.onLine !== false;
  },
  storage() {
    return localStorage;
  },
  openChannel(name) {
    try {
      return new (window as unknown as Engine).BroadcastChannel!(name);
    } catch (error) {
      return null; // there is none, or the browser denies it, as Firefox does where it denies storage
    }
  },
  takeLock(name, steal, taken, lost) {
    const locks = (navigator as Engine['navigator']).locks;
    if (locks) {
      locks
        .request(name, steal ? { steal: true } : { ifAvailable: true }, function (lock) {
          // The lock is held until the promise that is returned is resolved.
          return lock && { then: taken };
        })
        .then(null, lost);
    }
    return !!locks;
  },
  listen(events: PlatformEvents) {
    function stored(event: StorageEvent): void {
      if (event.key) events.stored(event.key, event.newValue);
    }
    function each(how: 'addEventListener' | 'removeEventListener'): void {
      document[how]('visibilitychange', events.wake);
      window[how]('online', events.wake);
      window[how]('offline', events.wake);
      window[how]('pagehide', events.hide);
      window[how]('storage', stored as EventListener);
    }
    each('addEventListener');
    return function () {
      each('removeEventListener');
    };
  }
};
