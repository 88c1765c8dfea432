/** The topics that the recipient follows or could follow, as a store. Read again after each reset: another device changed them. */

import type Notifygate from 'notifygate';
import type { Failure, Result, Store, TopicsResult } from './adapter';
import { loadedStore } from './loaded_store';
import { perClient } from './per_client';

type Topic = Notifygate.Topic;

/** Return the store of a client. */
export const topicsOf = perClient<Store<TopicsResult>>((client) => {
  /** What the gateway has. */
  let saved: readonly Topic[] = [];
  /** Changes that it does not have yet, oldest first. */
  let pending: readonly Topic[] = [];
  let isLoaded = false;
  const store = loadedStore(client, { topics: saved, follow, unfollow }, load);

  function show(error: Failure | null): Failure | null {
    store.settle({ topics: merged([...saved, ...pending]) }, error);
    return error;
  }

  function load(): Promise<Failure | null> {
    return new Promise((resolve) => {
      client.topics((error, answer) => {
        if (!error) {
          isLoaded = true;
          saved = answer!.topics;
        }
        resolve(show(error));
      });
    });
  }

  function send({ topic, following }: Topic): Promise<Failure | null> {
    return new Promise((resolve) => client[following ? 'follow' : 'unfollow'](topic, resolve));
  }

  function change(wanted: Topic): Promise<Result<Topic>> {
    pending = [...pending, wanted];
    store.change({ topics: merged([...saved, ...pending]) });
    return store.inTurn(async () => {
      const error = (isLoaded ? null : await load()) ?? (await send(wanted));
      pending = pending.filter((one) => one !== wanted);
      if (!error) saved = merged([...saved, wanted]);
      show(error);
      return { data: error ? null : wanted, error };
    });
  }

  function follow(topic: string): Promise<Result<Topic>> {
    return change({ topic, following: true });
  }

  function unfollow(topic: string): Promise<Result<Topic>> {
    return change({ topic, following: false });
  }

  client.on('reset', () => {
    if (isLoaded) void store.inTurn(load);
  });
  return store;
});

/** Return topics by name, each as it stands last. */
function merged(topics: readonly Topic[]): readonly Topic[] {
  const last = new Map(topics.map((one) => [one.topic, one]));
  return [...last.values()].sort((one, other) => (one.topic < other.topic ? -1 : 1));
}
