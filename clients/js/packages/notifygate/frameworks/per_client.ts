/** Values that belong to a client. */

import type Notifygate from 'notifygate';

/** Return what `make` makes of a client: once for each client, so that it may be a dependency of effects. */
export function perClient<T>(make: (client: Notifygate) => T): (client: Notifygate) => T {
  const made = new WeakMap<Notifygate, T>();
  return (client) => {
    if (!made.has(client)) made.set(client, make(client));
    return made.get(client)!;
  };
}
