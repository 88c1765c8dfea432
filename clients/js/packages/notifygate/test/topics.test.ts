import { expect, it } from 'vitest';
import type Notifygate from '../types/index';
import { topicsOf } from '../frameworks/topics';

const REFUSED: Notifygate.Failure = { status: 403, code: 'topic-forbidden', detail: '', retry: 0 };

/** A client whose gateway answers when it is told to: `asked` holds what was asked, oldest first. */
function fakeClient() {
  const asked: { what: string; answer: (error: Notifygate.Failure | null, answer?: any) => void }[] = [];
  let reset = () => {};
  const client = {
    on: (_event: string, handler: () => void) => void (reset = handler),
    subscribe: () => () => {},
    topics: (done: any) => asked.push({ what: 'list', answer: done }),
    follow: (topic: string, done: any) => asked.push({ what: `follow ${topic}`, answer: done }),
    unfollow: (topic: string, done: any) => asked.push({ what: `unfollow ${topic}`, answer: done })
  };

  /** Answer the oldest question, when it is there, and wait until the store has taken the answer. */
  async function answer(what: string, error: Notifygate.Failure | null, found: Record<string, boolean> = {}): Promise<void> {
    await turn();
    const one = asked.shift();
    expect(one?.what).toBe(what);
    const topics = Object.entries(found).map(([topic, following]) => ({ topic, following }));
    one!.answer(error, error ? undefined : { topics });
    await turn();
  }

  return { store: topicsOf(client as unknown as Notifygate), asked, answer, reset: () => reset() };
}

/** Let all promises that can settle do so. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function shown(store: ReturnType<typeof topicsOf>): Record<string, boolean> {
  return Object.fromEntries(store.getSnapshot().topics.map((one) => [one.topic, one.following]));
}

it('is loaded by its first subscriber, once', async () => {
  const { store, asked, answer } = fakeClient();
  expect(store.getSnapshot()).toMatchObject({ topics: [], status: 'pending', isLoading: true });
  store.subscribe(() => {});
  store.subscribe(() => {});
  await answer('list', null, { deploys: true, bills: false });
  expect(store.getSnapshot()).toMatchObject({ status: 'success', isLoading: false, error: null });
  expect(store.getSnapshot().topics.map((one) => one.topic)).toEqual(['bills', 'deploys']);
  expect(asked).toEqual([]);
});

it('shows a change at once, keeps it over a reset, and takes back what is refused', async () => {
  const { store, answer, reset } = fakeClient();
  store.subscribe(() => {});
  await answer('list', null, { deploys: false });
  const done = store.getSnapshot().follow('deploys');
  const other = store.getSnapshot().follow('releases');
  expect(shown(store)).toEqual({ deploys: true, releases: true });
  reset();
  await answer('follow deploys', REFUSED);
  expect(await done).toEqual({ data: null, error: REFUSED });
  expect(store.getSnapshot()).toMatchObject({ status: 'success', error: REFUSED });
  expect(shown(store)).toEqual({ deploys: false, releases: true });
  await answer('follow releases', null);
  expect(await other).toEqual({ data: { topic: 'releases', following: true }, error: null });
  await answer('list', null, { deploys: false, releases: true, secrets: true });
  expect(shown(store)).toEqual({ deploys: false, releases: true, secrets: true });
});

it('is read before the first change, which fails where that fails', async () => {
  const { store, asked, answer } = fakeClient();
  const first = store.getSnapshot().unfollow('deploys');
  await answer('list', REFUSED);
  expect(await first).toEqual({ data: null, error: REFUSED });
  expect(store.getSnapshot()).toMatchObject({ topics: [], status: 'error', error: REFUSED });
  const second = store.getSnapshot().unfollow('deploys');
  await answer('list', null, { deploys: true });
  expect(shown(store)).toEqual({ deploys: false });
  await answer('unfollow deploys', null);
  expect((await second).error).toBe(null);
  expect(asked).toEqual([]);
});
