/** Ids that are not in the order of the log: of one millisecond, or by the clocks of several machines. */

import { expect, it, vi } from 'vitest';
import { actionsOf } from '../frameworks/adapter';
import type { NotifygateBell } from '../src/bell/bell';
import { Items } from '../src/bell/items';
import { List } from '../src/bell/list';
import { answerOf, FakeBrowser } from './fake_browser';
import { notification } from './fake_platform';

vi.mock('notifygate', () => import('../src/core/index'));

/** Newest first; 1 and 2 were made by a machine whose clock is slow. */
const LOG = ['9', '1', '8', '7', '2', '6', '5', '4', '3', '0'];
const NEWEST_FIRST = [...LOG].sort().reverse();

/** Open a tab whose first snapshot has the newest ones of the log. */
function openWith(count: number) {
  const tab = new FakeBrowser().open();
  const notifications = LOG.slice(0, count).map((id) => notification(id));
  tab.last.answer(200, answerOf({ notifications, has_more: true }));
  return tab;
}

it('the bell shows all of a snapshot whose last one has not the smallest id', () => {
  const { client } = openWith(3);
  const items = new Items();
  items.list = client.items();
  items.reach(['9', '1', '8'].map((id) => notification(id)), true);
  const bell = { items, dismissals: { hides: () => false } } as unknown as NotifygateBell;
  const list = { bell, filter: { matches: () => true }, kept: {} } as unknown as List;
  const shown = items.list.filter((item) => List.prototype.wants.call(list, item));
  expect(shown.map((item) => item.id)).toEqual(['9', '8', '1']);
});

it('fetchMore goes on where a page after the smallest id has nothing new', async () => {
  const tab = openWith(2);
  tab.request = (_method, url, _headers, _body, _timeoutMs, done) => {
    const query = new URL(url, 'http://gateway').searchParams;
    const at = LOG.indexOf(query.get('before')!) + 1;
    const end = at + Number(query.get('limit'));
    const page = { notifications: LOG.slice(at, end).map((id) => notification(id)), has_more: end < LOG.length };
    done({ status: 200, responseText: JSON.stringify(page), getResponseHeader: () => null });
    return { abort: () => undefined };
  };
  const { fetchMore } = actionsOf(tab.client);
  for (let pages = 0; pages < 4; pages++) await fetchMore(2);
  expect(tab.client.items().map((item) => item.id)).toEqual(NEWEST_FIRST);
  expect(tab.client.getSnapshot().hasMore).toBe(false);
});
