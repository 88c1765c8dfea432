/** What "archive all" hides until the time to undo it is over. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { NotifygateBell } from '../src/bell/bell';
import { Dismissals } from '../src/bell/dismissals';
import { Items } from '../src/bell/items';
import { notification } from './fake_platform';

const NEWEST = '01a1fc5f-e2be-7333-8000-000000000000';
const SAME_MILLISECOND = '01a1fc5f-e2be-7222-8000-000000000000';

let dismissals: Dismissals;

beforeEach(() => {
  vi.useFakeTimers();
  const items = new Items();
  items.list = [NEWEST, SAME_MILLISECOND, '01a1fc5f-0000-7000'].map((id) => notification(id));
  const bell = { items, client: { cursor: 'c1' }, options: { undoSeconds: 5 }, unread: () => 2, update: () => {} };
  dismissals = new Dismissals(bell as unknown as NotifygateBell);
  dismissals.clear();
});

afterEach(() => {
  vi.useRealTimers();
});

it.each([
  [NEWEST, true],
  [SAME_MILLISECOND, true],
  ['01a1fc5f-0000-7000', true],
  ['01a1fc5e-0000-7000', true], // not loaded
  ['01a1fc5f-e2be-7111-8000-000000000000', false], // came later, though its id sorts before the newest
  ['01a1fc5f-e2be-7444-8000-000000000000', false],
  ['01a1fc5f-e2bf-7000-8000-000000000000', false]
])('%s: %s', (id, isHidden) => {
  expect(dismissals.hides(notification(id))).toBe(isHidden);
});
