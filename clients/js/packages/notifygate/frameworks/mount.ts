/** Mounting a bell, or its list or its settings, in an element of a framework. */

import type Notifygate from 'notifygate';
import type NotifygateBell from 'notifygate/bell';
import type { BellOptions } from './adapter';

export interface MountedBell {
  /** Change options. Those that a bell reads once, and those that are left out now, cost another bell. */
  update(options: BellOptions): void;
  unmount(): void;
}

/** The waits before the code of the bell is loaded again after a failure: 1, 2, 4 … 180 s. */
const MAX_WAIT_SECONDS = 180;

const READ_ONCE = ['view', 'portal', 'language', 'strings', 'toastPosition'];

/**
 * Mount a bell in an element. Its code is loaded now, so that it stays out of the bundle that a page begins with.
 * `ready` gets each bell that is made.
 */
export function mountBell(
  node: Element,
  client: Notifygate,
  options: BellOptions,
  ready?: (bell: NotifygateBell) => void
): MountedBell {
  let newest = options;
  let Bell: typeof NotifygateBell | undefined;
  let bell: NotifygateBell | undefined;
  let isUnmounted = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // The bell observes the client by itself: this makes it poll for as long as the bell is there.
  const unsubscribe = client.subscribe(() => {});

  function make(): void {
    bell = new Bell!(node, { ...newest, client });
    ready?.(bell);
  }

  async function load(failures: number): Promise<void> {
    try {
      Bell = (await import('notifygate/bell')).default;
    } catch {
      // The browser reports it. Most often the network is away for a while.
      const waitSeconds = Math.min(MAX_WAIT_SECONDS, 2 ** failures);
      if (!isUnmounted) timer = setTimeout(() => void load(failures + 1), waitSeconds * 1000);
      return;
    }
    if (!isUnmounted) make();
  }

  void load(0);
  return {
    update(next) {
      const changed = difference(newest, next);
      newest = next;
      if (!bell || !changed) return;
      if (Object.entries(changed).some(([name, value]) => value === undefined || READ_ONCE.includes(name))) {
        bell.destroy();
        make();
      } else {
        bell.set(changed);
      }
    },
    unmount() {
      isUnmounted = true;
      clearTimeout(timer);
      bell?.destroy();
      unsubscribe();
    }
  };
}

/** Return the options that are other ones now, undefined for those that are left out; null if none is. */
function difference(before: BellOptions, after: BellOptions): BellOptions | null {
  const names = Object.keys({ ...before, ...after }) as (keyof BellOptions)[];
  const changed = names.filter((name) => !isSame(name, before[name], after[name]));
  return changed.length ? Object.fromEntries(changed.map((name) => [name, after[name]])) : null;
}

/** A rendering may make another object of the same texts, which must not cost another bell each time. */
function isSame(name: keyof BellOptions, one: unknown, other: unknown): boolean {
  return one === other || (name === 'strings' && JSON.stringify(one) === JSON.stringify(other));
}
