import { expect, it } from 'vitest';
import { list, merge, type Answer, type Batch, type InboxState } from '../src/core/inbox';
import { notification } from './fake_platform';

function batch(answer: Partial<Answer>, rest: Partial<Batch> = {}): Batch {
  return {
    answer: { notifications: [], removed: [], unread: 0, unseen: 0, cursor: 'c2', ...answer },
    whole: false,
    fresh: false,
    prev: 'c1',
    cursor: 'c2',
    ...rest
  };
}

function emptyInbox(): InboxState {
  return { items: {}, sorted: null, confirmed: {}, newest: '', oldest: '' };
}

function inboxWith(...ids: string[]): InboxState {
  const inbox = emptyInbox();
  merge(inbox, batch({ notifications: ids.map((id) => notification(id)) }, { whole: true }), true);
  return inbox;
}

function ids(items: readonly { id: string }[]): string[] {
  return items.map((item) => item.id);
}

it('is sorted, newest first, and the same list until something changes', () => {
  const inbox = inboxWith('1', '3', '2');
  expect(ids(list(inbox))).toEqual(['3', '2', '1']);
  expect(list(inbox)).toBe(list(inbox));
});

it('reports nothing of the first snapshot as added', () => {
  const inbox = emptyInbox();
  const merged = merge(inbox, batch({ notifications: [notification('1')] }, { whole: true }), true);
  expect(ids(merged.changed)).toEqual(['1']);
  expect(merged.added).toEqual([]);
});

it('reports of a reset as added what is newer than all that was known', () => {
  const merged = merge(
    inboxWith('2', '3'),
    batch({ notifications: [notification('4'), notification('3'), notification('1')], reset: true }, { whole: true }),
    false
  );
  expect(ids(merged.added)).toEqual(['4']);
});

it('reports a change once, and not as added', () => {
  const inbox = inboxWith('1');
  const read = batch({ notifications: [notification('1', { read_at: 'now' })] });
  expect(ids(merge(inbox, read, false).changed)).toEqual(['1']);
  expect(merge(inbox, read, false).changed).toEqual([]);
  expect(merge(inbox, read, false).added).toEqual([]);
});

it('reports nothing as added that was seen or read elsewhere', () => {
  const items = [notification('1', { read_at: 'now' }), notification('2', { seen_at: 'now' }), notification('3')];
  expect(ids(merge(inboxWith(), batch({ notifications: items }), false).added)).toEqual(['3']);
});

it('reports all that came since this browser last looked, though the snapshot had it', () => {
  const merged = merge(inboxWith('1'), batch({ notifications: [notification('1')] }, { fresh: true }), false);
  expect(ids(merged.added)).toEqual(['1']);
});

it('drops what was removed', () => {
  const inbox = inboxWith('1', '2');
  merge(inbox, batch({ removed: ['1'] }), false);
  expect(ids(list(inbox))).toEqual(['2']);
});
