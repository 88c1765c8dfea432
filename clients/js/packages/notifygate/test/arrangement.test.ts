/** Which heading stands above which card, and which notifications are one card. */

import { expect, it } from 'vitest';
import { arrange, newestSeen, sectionOf, sendersOf, type Arrangement, type Row } from '../src/bell/arrangement';
import type Notifygate from '../types/index';
import { notification } from './fake_platform';

const NOON = new Date(2026, 4, 20, 12).getTime();

function item(id: string, fields: Partial<Notifygate.Notification> = {}): Notifygate.Notification {
  return notification(id, { created_at: new Date(NOON).toISOString(), type: 'comment', sender: 'Bob', ...fields });
}

function rows(items: Notifygate.Notification[], how: Partial<Arrangement> = {}): Row[] {
  return arrange(items, { now: NOON, seenUpTo: null, keyOf: () => null, isGroupOpen: () => false, ...how });
}

const byType = (one: Notifygate.Notification): string => one.type;

it.each([
  ['a minute ago', -60_000, 'sectionToday'],
  ['this morning', -11.9 * 3_600_000, 'sectionToday'],
  ['yesterday, 13 hours ago', -13 * 3_600_000, 'sectionYesterday'],
  ['the day before yesterday', -37 * 3_600_000, 'sectionEarlier'],
  ['by a clock that is ahead', 3_600_000, 'sectionToday']
])('the heading goes by the calendar: %s', (_what, ms, section) => {
  expect(sectionOf(item('1', { created_at: new Date(NOON + ms).toISOString() }), NOON, null)).toBe(section);
});

it('what is newer than all that was seen stands apart, whatever its day', () => {
  const found = rows([item('3'), item('2', { created_at: new Date(NOON - 864e5).toISOString() }), item('1')], { seenUpTo: '1' });
  expect(found.map((row) => row.section)).toEqual(['sectionNew', 'sectionNew', 'sectionToday']);
});

it('nothing stands apart where nothing or everything was seen', () => {
  const seen = { seen_at: 'then' };
  expect(newestSeen([])).toBe(null);
  expect(newestSeen([item('2'), item('1')])).toBe(null);
  expect(newestSeen([item('2', seen), item('1', seen)])).toBe(null);
  expect(newestSeen([item('3'), item('2', seen), item('1')])).toBe('2');
});

it('a closed group is one card, where its newest one is', () => {
  const found = rows([item('5'), item('4', { type: 'deploy' }), item('3'), item('2', { sender: 'Eve' })], { keyOf: byType });
  expect(found.map((row) => row.item.id)).toEqual(['5', '4']);
  expect(found[0]!.group.map((one) => one.id)).toEqual(['5', '3', '2']);
  expect(found.map((row) => row.others)).toEqual([2, 0]);
  expect(sendersOf(found[0]!.group)).toEqual(['Bob', 'Eve']);
});

it('an open group is all its cards, one after the other', () => {
  const found = rows([item('5'), item('4', { type: 'deploy' }), item('3')], { keyOf: byType, isGroupOpen: (key) => key === 'comment' });
  expect(found.map((row) => row.item.id)).toEqual(['5', '3', '4']);
  expect(found.map((row) => row.group.length)).toEqual([1, 1, 1]);
  expect(found.map((row) => row.others)).toEqual([1, 0, 0]);
});

it('an urgent one is in no group, and no group crosses a heading', () => {
  const found = rows([item('4'), item('3', { priority: 'high' }), item('2'), item('1')], { keyOf: byType, seenUpTo: '2' });
  expect(found.map((row) => row.group.length)).toEqual([1, 1, 2]);
});

it('keys that are names of object properties are keys', () => {
  const found = rows([item('2', { type: '__proto__' }), item('1', { type: '__proto__' })], { keyOf: byType });
  expect(found).toHaveLength(1);
  expect(rows([item('2', { type: 'constructor' })], { keyOf: byType })).toHaveLength(1);
});
