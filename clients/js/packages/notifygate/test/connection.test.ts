/** The state of the client in words. */

import { expect, it } from 'vitest';
import type { NotifygateBell } from '../src/bell/bell';
import { connection } from '../src/bell/connection';
import { Texts } from '../src/bell/text';

const error = { status: 502, code: '', detail: '', retry: 0 };

function words(state: object, secondsAgo = 0): unknown[] {
  const texts = new Texts('en', null);
  const bell = { client: { state }, stateSince: Date.now() - secondsAgo * 1000, texts } as unknown as NotifygateBell;
  const { text, isBad, canRetry, isOver } = connection(bell);
  return [text.split('. ')[0], text.match(/\d+ s/)?.[0] ?? '', isBad, canRetry, isOver];
}

it.each([
  ['all is well', { mode: 'long', retry: 0 }, 0, ['', '', false, false, false]],
  ['offline', { mode: 'offline', retry: 180 }, 0, ['You’re offline', '', false, false, false]],
  ['waiting', { mode: 'waiting', retry: 90, error }, 0, ['Can’t reach the server', '90 s', true, true, false]],
  ['waiting since a while', { mode: 'waiting', retry: 90, error }, 30, ['Can’t reach the server', '60 s', true, true, false]],
  ['trying now', { mode: 'waiting', retry: 90, error }, 95, ['Can’t reach the server', '', true, false, false]],
  ['ended', { mode: 'stopped', retry: 0, error }, 0, ['Your session has ended', '', true, false, true]],
  ['stopped by the page', { mode: 'stopped', retry: 0, error: null }, 0, ['', '', false, false, false]]
])('%s', (_what, state, secondsAgo, expected) => {
  expect(words(state, secondsAgo)).toEqual(expected);
});
