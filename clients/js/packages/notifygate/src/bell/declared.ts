/** Bells that a page asks for with `data-notifygate-bell`, without a script of its own. */

import { NotifygateBell } from './bell';
import { el } from './dom';
import { dictionary, each } from './objects';
import type Notifygate from '../../types/index';
import type Bell from '../../types/notifygate-bell';

/** Load the style sheet that lies beside this script, unless the page has linked it. */
export function addStyles(script: Element | null) {
  const match = script && /^(.*\/)?notifygate-bell(?:\.[0-9a-f]{8,})?\.js(?:[?#].*)?$/.exec(script.getAttribute('src') || '');
  if (match && !script.hasAttribute('data-no-css') && !document.querySelector('link[href*="notifygate-bell"]')) {
    document.head.appendChild(el('link', '', {rel: 'stylesheet', href: (match[1] || '') + 'notifygate-bell.css'}));
  }
}

/**
 * Get a token from the page's own server: plain text, or JSON with a `token`. The result has as much of a promise
 * as the client needs: engines of 2014 have none.
 */
function tokenFrom(url: string): Notifygate.Options['getToken'] {
  return function () {
    return {
      then: function (done: (token: string) => void, failed: (error: object) => void) {
        const request = new XMLHttpRequest();
        request.open('GET', url);
        request.setRequestHeader('Accept', 'application/json, text/plain');
        request.onload = function () {
          if (request.status === 200) {
            done(tokenIn(request.responseText));
          } else if (request.status === 401 || request.status === 403) {
            done(''); // no user is logged in: there is nothing to wait for
          } else {
            failed({status: request.status});
          }
        };
        request.onerror = function () {
          failed({status: 0});
        };
        request.send();
      }
    } as PromiseLike<string>;
  };
}

function tokenIn(text: string) {
  let token = text;
  try {
    token = JSON.parse(text).token || text;
  } catch (error) {
    // It is the token itself.
  }
  return String(token).trim();
}

/** Options that an attribute of the same name gives, with hyphens. */
const ATTRIBUTES = ['url', 'token', 'language', 'dir', 'theme', 'view', 'toast-position', 'inbox-url'];

/** Make the bells that the page asks for by `data-notifygate-bell`; each element gets it as `notifygateBell`. */
export function makeDeclared() {
  const clients = dictionary<Notifygate>();
  each(document.querySelectorAll<HTMLElement>('[data-notifygate-bell]'), function (node) {
    const options: Bell.Options & Record<string, unknown> = {};
    each(ATTRIBUTES, function (name) {
      if (node.hasAttribute('data-' + name)) {
        options[name.replace(/-./, (part) => part.charAt(1).toUpperCase())] = node.getAttribute('data-' + name);
      }
    });
    if (node.hasAttribute('data-token-url')) {
      options.getToken = tokenFrom(node.getAttribute('data-token-url')!);
    }
    if (!node.notifygateBell) {
      // Two headers of one page, for narrow and wide windows, show one inbox: with two clients its news would come twice.
      const whose = ['url', 'token', 'token-url'].map((name) => node.getAttribute('data-' + name)).join(' ');
      options.client = clients[whose];
      const bell = (node.notifygateBell = new NotifygateBell(node, options));
      bell.ownsClient = true;
      clients[whose] = bell.client;
    }
  });
}
