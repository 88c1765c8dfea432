/** Changes by the user, which show at once and are undone when the gateway refuses them; and handlers of events. */

import { beforeEach, describe, expect, it } from 'vitest';
import { answerOf, FakeBrowser, type FakeTab } from './fake_browser';
import { notification } from './fake_platform';

let browser: FakeBrowser;
let tab: FakeTab;
/** What was reported of notifications, newest last. */
let reported: { items: unknown; optimistic: boolean }[];

beforeEach(() => {
  browser = new FakeBrowser();
  tab = browser.open();
  tab.last.answer(200, answerOf({ notifications: [notification('1')], unread: 1, unseen: 1 }));
  reported = [];
  tab.client.on('notifications', (items, info) => reported.push({ items, optimistic: info.optimistic }));
});

it('a change shows at once, and the count waits for the gateway', () => {
  tab.client.markRead('1');
  expect(tab.client.items()[0]!.read_at).toBeTruthy();
  expect(reported.map((one) => one.optimistic)).toEqual([true]);
  expect(tab.client.counts).toEqual({ unread: 1, unseen: 1 });
  tab.last.answer(200, { changed: 1, unread: 0, unseen: 0 });
  expect(tab.client.counts).toEqual({ unread: 0, unseen: 0 });
});

it.each(['markRead', 'markUnread', 'markSeen', 'dismiss', 'markAllRead', 'dismissAll'] as const)(
  '%s is undone when it is refused',
  (method) => {
    const before = tab.client.items();
    const results: unknown[] = [];
    tab.client[method](method.includes('All') ? null! : '1', (error) => results.push(error!.status));
    tab.last.answer(403, {});
    expect(results).toEqual([403]);
    expect(tab.client.items()).toEqual(before);
    expect(reported.at(-1)!.items).toEqual(before);
    expect(tab.client.counts).toEqual({ unread: 1, unseen: 1 });
  }
);

it('undoing keeps what the gateway has reported meanwhile', () => {
  const hold = tab.last;
  tab.client.markUnread('1');
  const refused = tab.last;
  const read = notification('1', { read_at: 'then', seen_at: 'then' });
  hold.answer(200, answerOf({ notifications: [read], cursor: 'c2' }));
  refused.answer(403, {});
  expect(tab.client.items()).toEqual([read]);
  expect(tab.client.counts).toEqual({ unread: 0, unseen: 0 });
});

it('a notification that left the inbox meanwhile does not come back when its dismissal fails', () => {
  const hold = tab.last;
  tab.client.dismiss('1');
  const lost = tab.last;
  hold.answer(200, answerOf({ removed: ['1'], cursor: 'c2' }));
  lost.answer(0);
  expect(tab.client.items()).toEqual([]);
});

it.each([
  [['markRead', 'markUnread'], [0, 1]],
  [['markRead', 'markUnread'], [1, 0]],
  [['markRead', 'markRead'], [0, 1]],
  [['markSeen', 'markRead'], [0, 1]],
  [['markRead', 'dismiss'], [0, 1]],
  [['markRead', 'dismiss'], [1, 0]]
] as const)('%s that both fail leave what the gateway has, in whatever order: %s', (methods, order) => {
  const before = tab.client.items();
  const sent = methods.map((method) => {
    tab.client[method]('1');
    return tab.last;
  });
  for (const place of order) sent[place]!.answer(0);
  expect(tab.client.items()).toEqual(before);
});

it('a change that fails does not take back one that succeeded', () => {
  tab.client.markRead('1');
  tab.last.answer(200, { changed: 1, unread: 0, unseen: 0 });
  tab.client.markUnread('1');
  tab.last.answer(503);
  expect(tab.client.items()[0]!.read_at).toBeTruthy();
});

it('a change up to a cursor leaves what came later', () => {
  const shown = tab.client.cursor;
  tab.last.answer(200, answerOf({ notifications: [notification('2')], unread: 2, unseen: 2, cursor: 'c2' }));
  tab.client.markAllRead(shown);
  expect(tab.last.body).toEqual({ op: 'read', up_to: 'c1' });
  expect(tab.client.items().map((item) => item.read_at)).toEqual([null, null]);
  tab.client.markAllRead(null);
  expect(tab.last.body).toEqual({ op: 'read', up_to: 'c2' });
  expect(tab.client.items().every((item) => item.read_at)).toBe(true);
});

describe('a list that goes further back', () => {
  const ids = () => tab.client.items().map((item) => item.id);

  beforeEach(() => {
    const notifications = ['9', '8'].map((id) => notification(id));
    tab.last.answer(200, answerOf({ notifications, reset: true, has_more: true, cursor: 'c2' }));
    browser.pass(0.3);
    const old = notification('1', { seen_at: 'then', read_at: 'then' });
    tab.last.answer(200, answerOf({ notifications: [old, notification('7')], cursor: 'c3' }));
    browser.pass(0.3);
  });

  it('has no gap before an old one that was changed on another device, in any tab', () => {
    expect(ids()).toEqual(['9', '8', '7']); // 7 is new: the clock of its machine is slow
    const other = browser.open();
    expect(other.client.items()).toEqual(tab.client.items());
    expect(other.client.getSnapshot().hasMore).toBe(true);
  });

  it('goes on from its end', () => {
    tab.client.history({ before: '8' }, () => undefined);
    const notifications = ['6', '5'].map((id) => notification(id));
    tab.last.answer(200, { notifications, has_more: true });
    expect(ids()).toEqual(['9', '8', '7', '6', '5']);
    tab.client.history({ before: '5' }, () => undefined);
    tab.last.answer(200, { notifications: [notification('1')], has_more: false });
    expect(ids()).toEqual(['9', '8', '7', '6', '5', '1']);
    expect(tab.client.items().at(-1)!.read_at).toBe('then');
    expect(tab.client.getSnapshot().hasMore).toBe(false);
  });

  it('does not end where a page was read beyond it', () => {
    tab.client.history({ before: '2' }, () => undefined);
    tab.last.answer(200, { notifications: [], has_more: false });
    expect(tab.client.getSnapshot().hasMore).toBe(true);
    tab.client.history(null, () => undefined);
    tab.last.answer(200, { notifications: [notification('9')], has_more: true });
    expect(ids()).toEqual(['9', '8', '7']);
    expect(tab.client.getSnapshot().hasMore).toBe(true);
  });
});

it('a handler that throws stops neither the others nor the polls', () => {
  const counts: number[] = [];
  tab.client.on('counts', () => {
    throw new Error('bad handler');
  });
  tab.client.on('counts', (one) => counts.push(one.unread));
  for (const unread of [2, 3]) {
    tab.last.answer(200, answerOf({ notifications: [notification(`${unread}`)], unread, cursor: `c${unread}` }));
    // It is reported to the page, from a timer.
    expect(() => browser.pass(0)).toThrow('bad handler');
    browser.pass(0.3);
  }
  expect(counts).toEqual([2, 3]);
  expect(tab.waits).toEqual([0, 55, 55, 55]);
});

it('what is old is not new because all that was known has left the inbox', () => {
  tab.client.dismiss('1');
  tab.last.answer(200, { changed: 1, unread: 0, unseen: 0 });
  tab.polls.at(-1)!.answer(200, answerOf({ removed: ['1'], cursor: 'c2' }));
  browser.pass(0.3);
  const [older, newer] = ['0', '2'].map((id) => notification(id));
  tab.last.answer(200, answerOf({ notifications: [newer, older], reset: true, cursor: 'c3' }));
  expect(tab.added).toEqual(['Title 2']);
});

it('news of a burst are taken together, in order', () => {
  const notifications = ['3', '2'].map((id) => notification(id));
  tab.last.answer(200, answerOf({ notifications: [notification('1'), ...notifications.reverse()], cursor: 'c2' }));
  expect(tab.requests).toHaveLength(2);
  browser.pass(0.3);
  expect(tab.requests).toHaveLength(3);
  expect(tab.added).toEqual(['Title 2', 'Title 3']);
});
