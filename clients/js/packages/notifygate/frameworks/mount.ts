/** Mounting a bell, or its list or its settings, in an element of a framework. */

import type Notifygate from 'notifygate';
import type NotifygateBell from 'notifygate/bell';
import type { BellOptions } from './adapter';

export interface MountedBell {
  /** Change options. Those that a bell reads once cost another bell. */
  update(options: BellOptions): void;
  unmount(): void;
}

const READ_ONCE = ['view', 'portal', 'language', 'strings'];

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
  // The bell observes the client by itself: this makes it poll for as long as the bell is there.
  const unsubscribe = client.subscribe(() => {});

  function make(): void {
    bell = new Bell!(node, { ...newest, client });
    ready?.(bell);
  }

  void import('notifygate/bell').then((module) => {
    if (isUnmounted) return;
    Bell = module.default;
    make();
  });
  return {
    update(next) {
      const changed = difference(newest, next);
      newest = next;
      if (!bell || !changed) return;
      if (READ_ONCE.some((name) => name in changed)) {
        bell.destroy();
        make();
      } else {
        bell.set(changed);
      }
    },
    unmount() {
      isUnmounted = true;
      bell?.destroy();
      unsubscribe();
    }
  };
}

/** Return the options that are other ones now, null if none is. */
function difference(before: BellOptions, after: BellOptions): BellOptions | null {
  const changed = Object.entries(after).filter(([name, value]) => before[name as keyof BellOptions] !== value);
  return changed.length ? Object.fromEntries(changed) : null;
}
