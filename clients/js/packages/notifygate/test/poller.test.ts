/** The cycle of polls on paths that allow no long holds, lose ETags, keep answers back or fail now and then. */

import { beforeEach, describe, expect, it } from 'vitest';
import { answerOf, FakeBrowser, FakeTab, tokenOf } from './fake_browser';
import { notification } from './fake_platform';

const HOUR = 3600;

let browser: FakeBrowser;
let tab: FakeTab;

/** Open a tab and answer its first poll, so that the next one is held. */
function openHolding(options: object = {}): void {
  tab = browser.open(options);
  tab.last.answer(200, answerOf());
}

/** End the held poll at an age; return for how long the next one that may be held asks. A poll in between is answered. */
function endHoldAt(age: number, status: number): number {
  browser.pass(age);
  tab.last.answer(status);
  if (tab.waits.at(-1) === 0) tab.last.answer(304);
  return tab.waits.at(-1)!;
}

beforeEach(() => {
  browser = new FakeBrowser();
});

describe('the longest hold', () => {
  beforeEach(() => openHolding());

  it.each([[408, 502], [504, 524], [0, 0]])('is learned from two that die at one age: %s and %s', (first, second) => {
    expect(endHoldAt(20, first)).toBe(55);
    expect(endHoldAt(20.5, second)).toBe(14);
    expect(tab.client.state.limit).toBe(14);
    expect(tab.errors).toEqual([]);
  });

  it('is not limited by holds that end without news', () => {
    for (const count of [1, 2]) {
      expect(endHoldAt(53, 304)).toBe(55);
      expect(tab.client.state.notModified).toBe(count);
    }
    expect(new Set(tab.modes)).toEqual(new Set(['connecting', 'long']));
    expect(tab.client.state.limit).toBe(0);
  });

  it('is remembered for a day, also by the next page', () => {
    endHoldAt(10, 504);
    expect(endHoldAt(10, 504)).toBe(7);
    tab.close();
    openHolding();
    expect(tab.waits.at(-1)).toBe(7);
    browser.pass(25 * HOUR);
    tab.last.answer(304);
    tab.last.answer(304);
    expect(tab.waits.at(-1)).toBe(55);
  });

  it('grows again on a path that got better', () => {
    endHoldAt(10, 504);
    endHoldAt(10, 504);
    browser.time += HOUR * 1000;
    const asked = [];
    while (tab.client.state.limit && asked.length < 12) {
      const hold = tab.waits.at(-1)!;
      asked.push(hold);
      endHoldAt(hold * 0.95, 304);
    }
    expect(asked.length).toBeLessThan(12);
    expect(tab.waits.at(-1)).toBe(55);
  });

  it('is none where even short ones die: it polls at the interval of the gateway', () => {
    endHoldAt(2, 504);
    browser.pass(2);
    tab.last.answer(504);
    tab.last.answer(304, null, { 'Poll-Interval': '20' });
    expect(tab.client.state).toMatchObject({ mode: 'short', limit: 1, retry: 20 });
    browser.pass(19.9);
    expect(tab.waits).toEqual([0, 55, 0, 55, 0]);
    browser.pass(0.2);
    tab.last.answer(200, answerOf({ notifications: [notification('1')], cursor: 'c2' }), { 'Poll-Interval': '20' });
    browser.pass(20);
    expect(tab.waits).toEqual([0, 55, 0, 55, 0, 0, 0]);
    expect(tab.added).toEqual(['Title 1']);
    expect(tab.errors).toEqual([]);
  });

  it('is not limited by a gateway that goes away in a hold', () => {
    for (let i = 0; i < 3; i++) {
      browser.pass(10);
      tab.last.answer(0);
      tab.last.answer(502);
      expect(tab.client.state.mode).toBe('waiting');
      browser.pass(tab.client.state.retry);
      tab.last.answer(304);
      expect(tab.waits.at(-1)).toBe(55);
      expect(tab.client.state.error).toBe(null);
    }
  });

  it('is not limited by one that was never answered, which is given up', () => {
    const held = tab.last;
    browser.pass(65);
    expect(held.isAborted).toBe(false);
    browser.pass(10);
    expect(held.isAborted).toBe(true);
    tab.last.answer(304);
    expect(tab.waits.at(-1)).toBe(55);
    expect(tab.errors).toEqual([]);
  });

  it('is not limited by the sleep of the device, which makes one poll', () => {
    for (let i = 0; i < 3; i++) {
      const count = tab.polls.length;
      browser.time += 8 * HOUR * 1000;
      browser.pass(2);
      tab.last.answer(304);
      expect(tab.waits.at(-1)).toBe(55);
      expect(tab.polls.length - count).toBeLessThanOrEqual(2);
    }
    expect(tab.errors).toEqual([]);
  });
});

describe('after answers', () => {
  it('lost ETags cost bytes and nothing else', () => {
    openHolding();
    browser.pass(53);
    tab.last.answer(200, answerOf());
    expect(tab.last.headers['If-None-Match']).toBe(undefined);
    expect(tab.waits).toEqual([0, 55, 55]);
    expect(tab.client.state.notModified).toBe(0);
    expect(tab.added).toEqual([]);
  });

  it('one that is not JSON is an error, and not an empty inbox', () => {
    tab = browser.open();
    tab.last.answer(200, null);
    expect(tab.client.state).toMatchObject({ mode: 'waiting', error: { status: 200 } });
    expect(tab.client.counts).toBe(null);
  });

  it('a failed poll is followed by one that is answered at once', () => {
    openHolding();
    for (const status of [500, 500, 304]) {
      browser.pass(tab.client.state.retry);
      tab.last.answer(status);
    }
    expect(tab.waits).toEqual([0, 55, 0, 0, 55]);
    expect(tab.errors).toHaveLength(2);
    expect(tab.client.state.error).toBe(null);
  });

  it('Retry-After is obeyed, whatever happens', () => {
    tab = browser.open();
    tab.last.answer(503, {}, { 'Retry-After': '300' });
    expect(tab.client.state).toMatchObject({ mode: 'waiting', retry: 300, error: { status: 503 } });
    browser.pass(299);
    tab.client.start();
    tab.show(true);
    expect(tab.requests).toHaveLength(1);
    browser.pass(2);
    expect(tab.requests).toHaveLength(2);
  });

  it.each([
    ['3600', {}],
    ['Wed, 21 Oct 2026 08:28:00 GMT', { Date: 'Wed, 21 Oct 2026 07:28:00 GMT' }]
  ])('Retry-After: %s is an hour', (given, headers) => {
    tab = browser.open();
    tab.last.answer(503, {}, { 'Retry-After': given, ...headers });
    expect(tab.client.state.retry).toBe(HOUR);
    browser.pass(HOUR - 1);
    expect(tab.requests).toHaveLength(1);
    browser.pass(2);
    expect(tab.requests).toHaveLength(2);
  });

  it('a month of Retry-After needs no more than a timer a day', () => {
    tab = browser.open();
    tab.last.answer(503, {}, { 'Retry-After': `${30 * 24 * HOUR}` });
    for (let days = 0; days < 2; days++) {
      // A browser's timer of more than 24.8 days is over at once.
      for (const timer of tab.timers) expect(timer.at - browser.time).toBeLessThan(2 ** 31);
      browser.pass(24 * HOUR);
      expect(tab.requests).toHaveLength(1);
    }
  });

  it.each([{}, { 'Retry-After': '2' }])('an error does not end the polls if the clock is set back then: %o', (headers) => {
    tab = browser.open();
    tab.last.answer(503, {}, headers);
    browser.time -= 24 * HOUR * 1000;
    for (const timer of tab.timers) timer.at -= 24 * HOUR * 1000; // timers don't follow the clock
    browser.pass(3);
    expect(tab.requests).toHaveLength(2);
  });

  it.each([
    [200, { status: 'please log in' }],
    [304, null]
  ])('%s without a snapshot is an error', (status, body) => {
    tab = browser.open();
    tab.last.answer(status, body);
    expect(tab.client.state).toMatchObject({ mode: 'waiting', error: { status } });
    expect(tab.requests).toHaveLength(1);
    browser.pass(tab.client.state.retry);
    tab.last.answer(200, answerOf());
    expect(tab.client.state.error).toBe(null);
  });

  it('a client that waits polls at once when it is started again', () => {
    tab = browser.open();
    tab.last.answer(500);
    expect(tab.client.state.mode).toBe('waiting');
    tab.client.start();
    expect(tab.requests).toHaveLength(2);
  });

  it('five to one cursor make the client drop it', () => {
    openHolding({ wait: 0 });
    browser.pass(15);
    tab.last.answer(200, answerOf({ notifications: [notification('1')], cursor: 'c2' }));
    browser.pass(15);
    for (let i = 0; i < 5; i++) tab.last.answer(200, answerOf({ cursor: 'c2', has_more: true }));
    expect(tab.errors.map((error) => error.code)).toEqual(['loop']);
    browser.pass(tab.client.state.retry);
    expect(tab.last.url).toBe('/v1/inbox');
    tab.last.answer(200, answerOf({ notifications: [notification('1')], cursor: 'c2' }));
    expect(tab.added).toEqual(['Title 1']);
    expect(tab.resets).toBe(1);
  });

  it('a gateway that answers every hold with a reset is not asked without end', () => {
    openHolding();
    for (let i = 0; i < 9 && tab.client.state.mode !== 'short'; i++) {
      tab.last.answer(200, answerOf({ reset: true, cursor: `r${i}` }));
      browser.pass(0.2);
    }
    expect(tab.client.state).toMatchObject({ mode: 'short', retry: 15 });
    expect(tab.waits).toEqual([0, ...Array(5).fill(55)]);
  });

  it('resets and changes that are known already do not end the holding', () => {
    openHolding();
    tab.last.answer(200, answerOf({ notifications: [notification('1')], cursor: 'c2', unread: 1 }));
    browser.pass(0.2);
    tab.client.dismiss('1');
    tab.last.answer(200, { changed: 1, unread: 0, unseen: 0 });
    tab.polls.at(-1)!.answer(200, answerOf({ removed: ['1'], cursor: 'c3' }));
    for (const cursor of ['c4', 'c5', 'c6']) {
      browser.pass(0.2);
      tab.polls.at(-1)!.answer(200, answerOf({ reset: true, cursor }));
    }
    browser.pass(0.2);
    expect(tab.modes).not.toContain('short');
    expect(tab.waits).toEqual([0, 55, 55, 55, 55, 55, 55]);
    expect(tab.added).toEqual(['Title 1']);
    expect(tab.resets).toBe(3);
  });

  it('a hidden tab polls once a minute, and at once when it is seen', () => {
    openHolding();
    tab.isShown = false;
    tab.last.answer(304);
    expect(tab.client.state).toMatchObject({ mode: 'hidden', retry: 60 });
    browser.pass(59);
    expect(tab.waits).toEqual([0, 55]);
    browser.pass(2);
    expect(tab.waits).toEqual([0, 55, 0]);
    tab.last.answer(304);
    tab.show(true);
    expect(tab.waits).toEqual([0, 55, 0, 55]);
  });

  it('a browser that reports to be offline is tried every three minutes, and not believed after a success', () => {
    openHolding();
    tab.isConnected = false;
    tab.last.answer(0);
    browser.pass(2);
    expect(tab.client.state.mode).toBe('offline');
    const before = tab.polls.length;
    browser.pass(175);
    expect(tab.polls.length).toBe(before);
    browser.pass(6);
    expect(tab.polls.length).toBe(before + 1);
    tab.last.answer(304);
    expect(tab.client.state.mode).toBe('long');
    tab.last.answer(200, answerOf({ cursor: 'c2', notifications: [notification('1')] }));
    browser.pass(1);
    expect(tab.client.state.mode).toBe('long');
    tab.last.answer(0); // now it is true
    browser.pass(2);
    expect(tab.client.state.mode).toBe('offline');
  });

  it('a stopped client is quiet, and can start again at its cursor', () => {
    openHolding();
    tab.client.stop();
    browser.pass(HOUR);
    expect(tab.requests).toHaveLength(2);
    expect(tab.last.isAborted).toBe(true);
    expect(tab.client.state).toMatchObject({ mode: 'stopped', error: null });
    tab.client.start();
    expect(tab.last.url).toBe('/v1/inbox?cursor=c1&wait=55');
    expect(tab.events).toBeTruthy();
  });
});

describe('the next page', () => {
  it('gets what came between as new and the rest as a snapshot', () => {
    openHolding();
    tab.close();
    tab = browser.open();
    tab.last.answer(200, answerOf({ notifications: [notification('2'), notification('1')], cursor: 'c3' }));
    expect(tab.last.url).toBe('/v1/inbox?cursor=c1&wait=55');
    tab.last.answer(200, answerOf({ notifications: [notification('2')], cursor: 'c3' }));
    expect(tab.added).toEqual(['Title 2']);
    expect(tab.client.items()).toHaveLength(2);
  });

  it('repeats what a page was handling when it crashed: the cursor is stored afterwards', () => {
    openHolding();
    const stored: (string | undefined)[] = [];
    tab.client.on('notifications', () => stored.push(browser.values['notifygate::anna:cursor']));
    tab.last.answer(200, answerOf({ notifications: [notification('1')], cursor: 'c2' }));
    expect(stored).toEqual(['"c1"']);
    expect(browser.values['notifygate::anna:cursor']).toBe('"c2"');
  });
});

describe('tokens', () => {
  /** Wait until the promises are settled. */
  const settled = () => new Promise((done) => setTimeout(done));

  /** Open a tab that is given these tokens, one after the other. */
  function openWith(...tokens: (string | null)[]): number[] {
    const asked: number[] = [];
    tab = browser.open({
      token: undefined,
      getToken: (done) => {
        asked.push(1);
        done(tokens.shift()!);
      }
    });
    return asked;
  }

  it.each(['in a poll', 'in a hold'])('one that is refused %s is replaced, and no error is reported', (when) => {
    const asked = openWith(tokenOf('anna'), tokenOf('anna'));
    if (when === 'in a hold') tab.last.answer(200, answerOf());
    const { url } = tab.last;
    tab.last.answer(401, {});
    expect(tab.last.url).toBe(url);
    expect(asked).toHaveLength(2);
    expect(tab.errors).toEqual([]);
  });

  it.each([
    ['is refused too', [tokenOf('anna'), tokenOf('anna')], 2],
    ['is empty', [tokenOf('anna'), ''], 1],
    ['is of another recipient', [tokenOf('anna'), tokenOf('bob')], 1],
    ['was none in the first place', [null], 0]
  ])('the client stops when a new one %s', (_what, tokens, polls) => {
    openWith(...tokens, tokenOf('anna'));
    for (const request of tab.requests) request.answer(401, {});
    expect(tab.client.state).toMatchObject({ mode: 'stopped', error: { status: 401 } });
    browser.pass(HOUR);
    expect(tab.polls).toHaveLength(polls);
  });

  describe.each(['at the start', 'in a hold'])('getToken %s', (when) => {
    let isGood: boolean;

    /** Open a tab whose `getToken` does this from now on, until `isGood`. */
    function openWithout(getToken: () => void): void {
      isGood = when === 'in a hold';
      tab = new FakeTab(browser, { token: undefined, getToken: () => (isGood ? tokenOf('anna') : getToken()) });
      browser.tabs.push(tab);
      tab.client.start();
      if (!isGood) return;
      tab.last.answer(200, answerOf());
      isGood = false;
      tab.last.answer(401, {});
    }

    /** Expect that there is a token the next time that it is asked for, and that the client polls then. */
    function expectNext(): void {
      const count = tab.requests.length;
      expect(tab.errors.map((error) => error.status)).toEqual([0]);
      isGood = true;
      browser.pass(tab.client.state.retry);
      expect(tab.requests).toHaveLength(count + 1);
      tab.last.answer(200, answerOf());
      // No hold has died.
      expect(tab.waits.at(-1)).toBe(55);
      expect(JSON.parse(browser.values['notifygate::anna:path']!).death).toBe(undefined);
    }

    it('may throw', () => {
      openWithout(() => {
        throw new Error('bad getToken');
      });
      // It is reported to the page, from a timer.
      expect(() => browser.pass(0)).toThrow('bad getToken');
      expectNext();
    });

    it('may give no answer for a minute', () => {
      openWithout(() => undefined);
      browser.pass(59);
      expect(tab.errors).toEqual([]);
      browser.pass(1);
      expectNext();
    });

    it('may get the page of a login, which is no token', () => {
      openWithout(() => '<!doctype html>\n<title>Log in</title>');
      expect(tab.client.state).toMatchObject({ mode: 'stopped', error: { status: 401 } });
    });
  });

  it('one may come in a promise, and a rejected one is tried again', async () => {
    let tries = 0;
    tab = browser.open({
      token: undefined,
      getToken: () => (tries++ ? Promise.resolve(tokenOf('anna')) : Promise.reject(new Error('no network')))
    });
    await settled();
    expect(tab.errors.map((error) => error.status)).toEqual([0]);
    const { mode, retry } = tab.client.state;
    expect([mode, retry]).toEqual(['waiting', expect.closeTo(0.5, 2)]);
    browser.pass(retry);
    await settled();
    expect(tab.last.url).toBe('/v1/inbox');
  });
});

describe('the diagnosis', () => {
  it.each([
    ['a good path', { rtt: 0.25, hold: 1, buffered: false, etag: true }, [[200, { held: 1 }, 1.25]]],
    ['a path that keeps answers back', { rtt: 0.25, hold: 1, buffered: true, etag: true }, [[200, { held: 1 }, 3]]],
    ['a path that loses ETags', { rtt: 0.25, hold: 1, buffered: false, etag: false }, [[200, { held: 1 }, 1]]],
    ['a path that cuts holds', { rtt: 0.25, hold: 1, buffered: false, etag: true }, [[504, {}, 1.5], [200, { held: 1 }, 1]]]
  ] as const)('of %s', (_what, expected, probes) => {
    openHolding({ wait: 3 });
    const reports: unknown[] = [];
    tab.client.diagnose((error, report) => reports.push(error, report));
    browser.pass(0.25);
    tab.last.answer(200, { unread: 0, unseen: 0 }, { ETag: '"e"' });
    expect(tab.last.headers['If-None-Match']).toBe('"e"');
    if (expected.etag) tab.last.answer(304);
    else tab.last.answer(200, { unread: 0, unseen: 0 });
    const asked = probes.map(([status, body, seconds]) => {
      const { url } = tab.last;
      browser.pass(seconds);
      tab.last.answer(status, body);
      return url;
    });
    expect(asked).toEqual(['/v1/probe?hold=3', '/v1/probe?hold=1'].slice(0, probes.length));
    expect(reports).toEqual([null, expected]);
  });
});
