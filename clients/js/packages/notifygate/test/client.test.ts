/** The client without a window: on a platform of its own. What depends on a browser or a gateway is in tests/browser. */

import { beforeEach, describe, expect, it } from 'vitest';
import Client from '../src/core/index';
import type Notifygate from '../types/index';
import { FakePlatform, notification } from './fake_platform';

const TOKEN = `x.${Buffer.from('{"sub": "anna"}').toString('base64url')}.y`;

function answer(fields: object = {}): object {
  const poll = { after: 15, wait: 55 };
  return { notifications: [], removed: [], unread: 0, unseen: 0, cursor: 'c1', has_more: false, poll, ...fields };
}

let platform: FakePlatform;
let client: Notifygate;

beforeEach(() => {
  platform = new FakePlatform();
  client = new (Client as unknown as typeof Notifygate)({ token: TOKEN, platform });
});

it('polls for a snapshot, then holds from its cursor with its tag', () => {
  client.start();
  expect(platform.last.url).toBe('/v1/inbox');
  expect(platform.last.headers.Authorization).toBe(`Bearer ${TOKEN}`);
  platform.last.answer(200, answer({ notifications: [notification('1')], unread: 1, unseen: 1 }), { ETag: '"e"' });
  expect(platform.last.url).toBe('/v1/inbox?cursor=c1&wait=55');
  expect(platform.last.headers['If-None-Match']).toBe('"e"');
  expect(client.items()).toHaveLength(1);
});

it('shows a change at once, and takes it back when it is refused', () => {
  client.start();
  platform.last.answer(200, answer({ notifications: [notification('1')], unread: 1, unseen: 1 }));
  client.markRead('1');
  expect(client.items()[0]!.read_at).toBeTruthy();
  expect(platform.last.body).toEqual({ op: 'read', ids: ['1'] });
  platform.last.answer(403, { code: 'forbidden' });
  expect(client.items()[0]!.read_at).toBe(null);
});

it('asks for preferences with the tag of the newest answer, not of one that was overtaken', () => {
  client.preferences(null);
  const overtaken = platform.last;
  client.preferences({});
  platform.last.answer(200, { types: {} }, { ETag: '"new"' });
  overtaken.answer(200, { types: {} }, { ETag: '"old"' });
  client.preferences({});
  expect(platform.last.headers['If-Match']).toBe('"new"');
});

it('an answer to an earlier question for a token does not stop a client that was started since', () => {
  const questions: ((token: string) => void)[] = [];
  client = new (Client as unknown as typeof Notifygate)({ getToken: (done) => void questions.push(done), platform });
  client.start();
  client.start();
  expect(questions).toHaveLength(2);
  questions[0]!('');
  questions[1]!(TOKEN);
  expect(platform.last.url).toBe('/v1/inbox');
  expect(client.state.error).toBe(null);
});

describe('poll', () => {
  const nothing = () => undefined;

  it('ends the wait after an error', () => {
    client.start();
    platform.last.answer(500, {});
    client.poll();
    expect(platform.requests).toHaveLength(2);
    platform.last.answer(200, answer());
    platform.pass(1);
    expect(platform.requests).toHaveLength(3); // the hold: nothing is left of the wait
  });

  it('tries although the browser reports to be offline', () => {
    platform.isConnected = false;
    client.start();
    expect(client.state.mode).toBe('offline');
    client.poll();
    expect(platform.last.url).toBe('/v1/inbox');
  });

  it('waits as long as Retry-After demands', () => {
    client.start();
    platform.last.answer(503, {}, { 'Retry-After': '300' });
    client.poll();
    platform.pass(299);
    expect(platform.requests).toHaveLength(1);
  });

  it('leaves a poll that is on its way', () => {
    client.start();
    platform.last.answer(200, answer());
    client.poll();
    expect(platform.requests).toHaveLength(2);
    expect(platform.last.isAborted).toBe(false);
  });

  it('does not start a client that does not run', () => {
    client.poll();
    expect(platform.requests).toHaveLength(0);
    expect(client.state.mode).toBe('stopped');
  });

  it('leaves a client with its subscribers: it stops when the last one has left', () => {
    const unsubscribe = client.subscribe(nothing);
    platform.last.answer(500, {});
    client.poll();
    platform.last.answer(200, answer());
    unsubscribe();
    platform.pass(2);
    expect(client.state.mode).toBe('stopped');
    expect(platform.last.isAborted).toBe(true);
  });
});

it('names the cursor in what it reads, so that no response from before it is repeated by the cache of a browser', () => {
  client.start();
  expect(platform.last.url).toBe('/v1/inbox');
  platform.last.answer(200, answer());
  const urls = [
    () => client.topics(() => undefined),
    () => client.preferences(null, () => undefined),
    () => client.history({ before: '5', limit: 2 }, () => undefined)
  ].map((read) => {
    read();
    return platform.last.url;
  });
  expect(urls).toEqual([
    `/v1/inbox/topics?_=${client.cursor}`,
    `/v1/inbox/preferences?_=${client.cursor}`,
    `/v1/inbox/history?_=${client.cursor}&before=5&limit=2`
  ]);
});

it('reads the topics', () => {
  const answers: unknown[] = [];
  client.topics((error, page) => answers.push(error, page));
  platform.last.answer(200, { topics: [{ topic: 'deploys', following: true }] });
  expect(answers).toEqual([null, { topics: [{ topic: 'deploys', following: true }] }]);
});

it.each([
  ['history', (done: any) => client.history(null, done)],
  ['topics', (done: any) => client.topics(done)],
  ['follow', (done: any) => client.follow('deploys', done)],
  ['preferences', (done: any) => client.preferences(null, done)],
  ['markRead', (done: any) => client.markRead('1', done)],
  ['markAllRead', (done: any) => client.markAllRead(null, done)],
  ['diagnose', (done: any) => client.diagnose(done)]
])('JSON that is not an answer of the gateway is an error: %s', (_what, call) => {
  for (const body of [{ error: 'Log in to the network' }, 'a text', null]) {
    const errors: (Notifygate.Failure | null)[] = [];
    call((error: Notifygate.Failure | null) => errors.push(error));
    platform.last.answer(200, body as object);
    expect(errors).toMatchObject([{ status: 200 }]);
    expect(client.counts).toBe(null);
  }
});

it('backs off further with each error, and begins anew after two answers', () => {
  client.start();
  const rests = [1, 2, 3, 4].map(() => {
    platform.last.answer(500, {});
    const rest = client.state.retry;
    platform.pass(rest);
    return rest;
  });
  expect(rests).toEqual([0.5, 1, 2, 4]);
  platform.last.answer(200, answer());
  expect(client.state.error).toBe(null);
  platform.last.answer(304);
  platform.last.answer(500, {});
  expect(client.state.retry).toBe(0.5);
});

it('talks to other tabs in words that every version knows', () => {
  client.start();
  platform.last.answer(200, answer());
  const batch = platform.posted.filter((message) => message.answer)[0];
  expect(Object.keys(batch).sort()).toEqual(['answer', 'cursor', 'fresh', 'from', 'prev', 'whole']);
  platform.channel!.onmessage!({ data: { hello: 1, from: 'another tab' } });
  const reply = platform.posted[platform.posted.length - 1];
  expect(reply).toMatchObject({ to: 'another tab', whole: true, cursor: 'c1', state: { mode: 'long' } });
});

it('asks the other tabs for everything only when it has missed a batch', () => {
  platform.takeLock = () => true; // another tab has it
  const resets: unknown[] = [];
  client.on('reset', () => resets.push(1));
  client.start();
  const hear = (data: object) => platform.channel!.onmessage!({ data: { from: 'the leader', ...data } });
  const batch = { answer: answer({ cursor: 'c2' }), whole: false, fresh: false, prev: 'c1', cursor: 'c2' };
  const hellos = () => platform.posted.filter((message) => message.hello).length;
  hear({ ...batch, answer: answer(), whole: true, prev: null, cursor: 'c1' });
  const before = hellos();
  hear(batch);
  hear({ ...batch, from: 'a tab that has lost the lead' });
  expect(hellos()).toBe(before);
  hear({ ...batch, answer: answer({ cursor: 'c9' }), prev: 'c8', cursor: 'c9' });
  expect(hellos()).toBe(before + 1);
  expect(resets).toEqual([]);
});

describe('the store', () => {
  const nothing = () => undefined;

  it('is empty on a server, and makes no request', () => {
    expect(client.getServerSnapshot()).toEqual({
      notifications: [], unread: 0, unseen: 0, hasMore: false, status: 'pending', error: null
    });
    expect(client.getSnapshot()).toBe(client.getServerSnapshot());
    expect(platform.requests).toHaveLength(0);
  });

  it('starts with the first subscriber and stops a second after the last', () => {
    const leave = [client.subscribe(nothing), client.subscribe(nothing)];
    expect(platform.requests).toHaveLength(1);
    leave[0]!();
    platform.pass(5);
    expect(platform.last.isAborted).toBe(false);
    leave[1]!();
    platform.pass(0.9);
    expect(platform.last.isAborted).toBe(false);
    platform.pass(0.2);
    expect(platform.last.isAborted).toBe(true);
    expect(client.state.mode).toBe('stopped');
  });

  it('goes on without a request when a subscriber leaves and another one comes', () => {
    client.subscribe(nothing)();
    platform.pass(0.5);
    client.subscribe(nothing);
    platform.pass(5);
    expect(platform.requests).toHaveLength(1);
    expect(platform.last.isAborted).toBe(false);
  });

  it('does not stop a client that the page itself has started', () => {
    client.start();
    client.subscribe(nothing)();
    platform.pass(5);
    expect(platform.last.isAborted).toBe(false);
  });

  it('does not stop a client that the page has started after the last subscriber left', () => {
    client.subscribe(nothing)();
    client.start();
    platform.pass(5);
    expect(platform.last.isAborted).toBe(false);
  });

  it('goes on polling after a subscriber that throws, and calls the others', () => {
    let calls = 0;
    client.subscribe(() => {
      throw new Error('bad subscriber');
    });
    client.subscribe(() => {
      calls++;
    });
    platform.last.answer(200, answer({ unread: 1, unseen: 1 }));
    expect(calls).toBe(1);
    expect(platform.last.url).toBe('/v1/inbox?cursor=c1&wait=55');
    // It is reported to the page, from a timer.
    expect(() => platform.pass(0)).toThrow('bad subscriber');
  });

  it('has one snapshot until something changes', () => {
    let calls = 0;
    client.subscribe(() => {
      calls++;
    });
    platform.last.answer(200, answer({ notifications: [notification('1')], unread: 1, unseen: 1, has_more: true }));
    const snapshot = client.getSnapshot();
    expect(snapshot).toMatchObject({ unread: 1, unseen: 1, hasMore: true, status: 'success', error: null });
    expect(snapshot.notifications).toHaveLength(1);
    expect(Object.isFrozen(snapshot)).toBe(true);
    const before = calls;
    platform.last.answer(304);
    expect(client.getSnapshot()).toBe(snapshot);
    expect(calls).toBe(before);
    client.markRead('1');
    expect(client.getSnapshot()).not.toBe(snapshot);
    expect(calls).toBe(before + 1);
  });

  it('reports an error while nothing is known', () => {
    client.subscribe(nothing);
    platform.last.answer(503, { code: 'unavailable' });
    expect(client.getSnapshot()).toMatchObject({ status: 'error', error: { status: 503 } });
  });
});
