/** One poll per browser: tabs elect one that polls, get its answers, and take its place when it closes or hangs. */

import { describe, expect, it } from 'vitest';
import { answerOf, FakeBrowser, tokenOf, type FakeTab } from './fake_browser';
import { notification } from './fake_platform';

/** Answer the poll of the tab that polls with notifications, numbered from 1. */
function publish(browser: FakeBrowser, number: number, ...more: number[]): void {
  const numbers = [number, ...more];
  const last = numbers[numbers.length - 1]!;
  const notifications = numbers.map((one) => notification(String(one), { title: `news ${one}` }));
  browser.leader.last.answer(200, answerOf({ notifications, unread: last, unseen: last, cursor: `c${last}` }), { ETag: '"e"' });
  browser.pass(0.5);
}

/** Open tabs of one browser; the gateway has answered their first poll. */
function openTabs(browser: FakeBrowser, count: number): FakeTab[] {
  const tabs = Array.from({ length: count }, () => browser.open());
  browser.leader.last.answer(200, answerOf({ cursor: 'c0' }));
  browser.pass(2);
  return tabs;
}

function titles(tab: FakeTab): string[] {
  return tab.client.items().map((item) => item.title);
}

describe.each([
  ['with locks and channels', true],
  ['with localStorage alone', false]
])('tabs %s', (_how, isNew) => {
  it('one of eight polls, and all get its answers', () => {
    const browser = new FakeBrowser(isNew);
    const tabs = openTabs(browser, 8);
    publish(browser, 1);
    publish(browser, 2, 3);
    expect(tabs.flatMap((tab) => tab.waits)).toEqual([0, 55, 55, 55]);
    for (const tab of tabs) {
      expect(tab.added).toEqual(['news 1', 'news 2', 'news 3']);
      expect(tab.client.counts).toEqual({ unread: 3, unseen: 3 });
      expect(tab.client.state.mode).toBe('long');
    }
  });

  it('one that opens later gets everything from the others', () => {
    const browser = new FakeBrowser(isNew);
    const [first] = openTabs(browser, 1);
    publish(browser, 1);
    const sent = first!.requests.length;
    const second = browser.open();
    expect(titles(second)).toEqual(['news 1']);
    expect(second.client.counts).toEqual({ unread: 1, unseen: 1 });
    expect(second.requests).toHaveLength(0);
    expect(first!.requests).toHaveLength(sent);
    publish(browser, 2);
    expect(second.added).toEqual(['news 2']);
  });

  it('one that was stopped meanwhile gets what the others have', () => {
    const browser = new FakeBrowser(isNew);
    const [, other] = openTabs(browser, 2);
    publish(browser, 1);
    other!.client.stop();
    publish(browser, 2);
    other!.client.start();
    browser.pass(0.5);
    expect(titles(other!)).toEqual(['news 2', 'news 1']);
    expect(other!.client.counts).toEqual({ unread: 2, unseen: 2 });
    expect(other!.added).toEqual(['news 1', 'news 2']);
    publish(browser, 3);
    expect(titles(other!)).toHaveLength(3);
  });

  it('one that was stopped and has missed nothing is left as it is', () => {
    const browser = new FakeBrowser(isNew);
    const [, other] = openTabs(browser, 2);
    publish(browser, 1);
    other!.client.stop();
    other!.client.start();
    browser.pass(4);
    expect(other!.resets).toBe(0);
    publish(browser, 2);
    expect(other!.added).toEqual(['news 1', 'news 2']);
  });

  it('one that comes back from the page cache reports what no other page has', () => {
    const browser = new FakeBrowser(isNew);
    const [tab] = openTabs(browser, 1);
    tab!.close();
    const next = browser.open();
    next.last.answer(200, answerOf({ cursor: 'c0' }));
    publish(browser, 1);
    expect(next.added).toEqual(['news 1']);
    next.close();
    browser.tabs.push(tab!);
    browser.pass(2);
    const [first, second] = ['1', '2'].map((id) => notification(id));
    expect(tab!.last.url).toBe('/v1/inbox?_=c1');
    tab!.last.answer(200, answerOf({ notifications: [second!, first!], cursor: 'c2' }));
    expect(tab!.last.url).toBe('/v1/inbox?cursor=c1&wait=55');
    tab!.last.answer(200, answerOf({ notifications: [second!], cursor: 'c2' }));
    expect(tab!.added).toEqual(['Title 2']);
    expect(tab!.client.items()).toHaveLength(2);
  });

  it('one that was open already reports once what a new page has found', () => {
    const browser = new FakeBrowser(isNew);
    const [closed, hidden] = openTabs(browser, 2);
    hidden!.isShown = false;
    closed!.close();
    browser.pass(0.1);
    const next = browser.open();
    browser.pass(2);
    expect(browser.leader).toBe(next);
    const news = notification('1');
    next.last.answer(200, answerOf({ notifications: [news], cursor: 'c1' }));
    browser.pass(0.5);
    next.last.answer(200, answerOf({ notifications: [news], cursor: 'c1' }));
    browser.pass(0.5);
    expect(hidden!.added).toEqual(['Title 1']);
  });

  it('one that closes is replaced at its cursor', () => {
    const browser = new FakeBrowser(isNew);
    const [closed, ...others] = openTabs(browser, 3);
    publish(browser, 1);
    expect(browser.leader).toBe(closed);
    closed!.close();
    browser.pass(2);
    expect(browser.leader.polls.map((poll) => poll.url)).toEqual(['/v1/inbox?cursor=c1&wait=55']);
    publish(browser, 2);
    for (const tab of others) {
      expect(tab.added).toEqual(['news 1', 'news 2']);
      expect(tab.resets).toBe(0);
    }
  });

  it('one that is closed does not begin to poll again', () => {
    const browser = new FakeBrowser(isNew);
    const [tab] = openTabs(browser, 1) as [FakeTab];
    const before = tab.polls.length;
    tab.events!.hide();
    tab.show(false); // as Chromium reports of a page that is closed
    browser.pass(0.3);
    expect(tab.polls.length).toBe(before);
    tab.show(true);
    browser.pass(0.3);
    expect(browser.leader).toBe(tab);
    expect(tab.last.isAborted).toBe(false);
  });

  it('one that hangs is replaced, and steps down when it is back', () => {
    const browser = new FakeBrowser(isNew);
    const [hanging, other] = openTabs(browser, 2);
    const slept = hanging!.last;
    hanging!.isHanging = true;
    browser.pass(7);
    expect(other!.client.state.leader).toBe(true);
    other!.last.answer(200, answerOf({ notifications: [notification('1')], cursor: 'c1' }));
    browser.pass(1);
    hanging!.isHanging = false;
    slept.answer(200, answerOf({ cursor: 'of the past' }));
    browser.pass(2);
    expect(browser.leader).toBe(other);
    expect(browser.values['notifygate::anna:cursor']).toBe('"c1"');
    for (const tab of [hanging!, other!]) expect(tab.added).toEqual(['Title 1']);
  });

  it('one that hung gets what the others sent to it meanwhile', () => {
    const browser = new FakeBrowser(isNew);
    const [hanging, other] = openTabs(browser, 2);
    hanging!.isHanging = hanging!.isReachable = true;
    browser.pass(7);
    other!.last.answer(200, answerOf({ notifications: [notification('1')], cursor: 'c1' }));
    browser.pass(0.5);
    hanging!.isHanging = false;
    browser.pass(3);
    expect(browser.leader).toBe(other);
    for (const tab of [hanging!, other!]) expect(tab.added).toEqual(['Title 1']);
  });

  it('one that is seen takes over from one that is not', () => {
    const browser = new FakeBrowser(isNew);
    const [hidden, seen] = openTabs(browser, 2);
    hidden!.show(false);
    browser.pass(4);
    expect(browser.leader).toBe(seen);
    expect(hidden!.polls.every((poll) => poll === hidden!.polls[0] || poll.isAborted)).toBe(true);
    publish(browser, 1);
    expect(titles(hidden!)).toEqual(['news 1']);
  });

  it('one that is to poll now polls in the place of one that waits after an error', () => {
    const browser = new FakeBrowser(isNew);
    const [leader, other] = openTabs(browser, 2);
    for (let i = 0; i < 9; i++) {
      leader!.last.answer(500, {});
      browser.pass(leader!.client.state.retry && i < 8 ? leader!.client.state.retry : 0.1);
    }
    expect(other!.client.state).toMatchObject({ mode: 'waiting', error: { status: 500 } });
    other!.client.poll();
    browser.pass(2);
    expect(browser.leader).toBe(other);
    expect(other!.last.url).toBe('/v1/inbox?cursor=c0&wait=55');
    publish(browser, 1);
    for (const tab of [leader!, other!]) expect(tab.added).toEqual(['news 1']);
  });

  it('one that leads goes on where a full storage keeps the lease of another one', () => {
    const browser = new FakeBrowser(isNew);
    const [leader, other] = openTabs(browser, 2);
    browser.isFull = true;
    leader!.isHanging = true;
    browser.pass(20);
    expect(other!.client.state).toMatchObject({ leader: true, mode: 'long' });
    expect(other!.polls).toHaveLength(1);
    expect(other!.last.isAborted).toBe(false);
  });

  it('what is done in one shows in all', () => {
    const browser = new FakeBrowser(isNew);
    const [leader, other] = openTabs(browser, 2);
    publish(browser, 1);
    other!.client.markRead('1');
    const read = [notification('1', { read_at: 'now', seen_at: 'now' })];
    other!.last.answer(200, { changed: 1, unread: 0, unseen: 0 });
    leader!.last.answer(200, answerOf({ notifications: read, cursor: 'c2' }));
    browser.pass(0.5);
    for (const tab of [leader!, other!]) {
      expect(tab.client.items()[0]!.read_at).toBeTruthy();
      expect(tab.client.counts).toEqual({ unread: 0, unseen: 0 });
      expect(tab.added).toEqual(['news 1']);
    }
  });
});

it('a tab that has lost the lead handles no answer', () => {
  const browser = new FakeBrowser();
  const [tab] = openTabs(browser, 1);
  browser.values['notifygate::anna:lease'] = JSON.stringify({ id: 'another', at: browser.time, visible: true });
  tab!.last.answer(200, answerOf({ notifications: [notification('1')], cursor: 'c1' }));
  expect(tab!.client.state.leader).toBe(false);
  expect(tab!.client.items()).toEqual([]);
  expect(browser.values['notifygate::anna:cursor']).toBe('"c0"');
});

it('a tab leads where the browser denies it the locks', () => {
  const browser = new FakeBrowser();
  browser.takeLock = (_name, tab, _steal, _taken, lost) => {
    tab.setTimer(lost, 0);
    return true;
  };
  const tab = browser.open();
  browser.pass(1);
  expect(browser.leader).toBe(tab);
  expect(tab.last.url).toBe('/v1/inbox');
});

it('two recipients of one browser share nothing', () => {
  const browser = new FakeBrowser();
  const tabs = ['anna', 'bob'].map((name) => browser.open({ token: tokenOf(name) }));
  expect(browser.leaders).toHaveLength(2);
  tabs.forEach((tab, place) => {
    tab.last.answer(200, answerOf({ cursor: `c${place}` }));
    tab.last.answer(200, answerOf({ notifications: [notification('1', { title: `for ${place}` })], cursor: `d${place}` }));
    browser.pass(1);
  });
  expect(tabs.map((tab) => tab.added)).toEqual([['for 0'], ['for 1']]);
});

it('the storage holds neither tokens nor notifications', () => {
  const browser = new FakeBrowser(false);
  openTabs(browser, 2);
  browser.leader.last.answer(200, answerOf({ notifications: [notification('1', { title: 'private' })], cursor: 'c1' }));
  // The messages between the tabs are removed as soon as they are sent.
  expect(Object.keys(browser.values).sort()).toEqual(['cursor', 'lease', 'path'].map((name) => `notifygate::anna:${name}`));
  const text = JSON.stringify(browser.values);
  expect(text).not.toContain('private');
  expect(text).not.toContain(tokenOf('anna').split('.')[1]);
});

it('a client that does not share polls alone and stores nothing', () => {
  const browser = new FakeBrowser();
  const tabs = [browser.open({ share: false }), browser.open({ share: false })];
  expect(browser.leaders).toHaveLength(2);
  tabs.forEach((tab) => tab.last.answer(200, answerOf()));
  expect(tabs.map((tab) => tab.waits)).toEqual([[0, 55], [0, 55]]);
  expect(browser.values).toEqual({});
});
