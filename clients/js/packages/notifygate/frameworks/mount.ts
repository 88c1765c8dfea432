/** Mounting a bell, or its list or its settings, in an element of a framework. */

import type Notifygate from 'notifygate';
import type NotifygateBell from 'notifygate/bell';
import type { BellOptions } from './adapter';

export interface MountedBell {
  /** Change options. Those that a bell reads once, and those that are left out now, cost another bell. */
  update(options: BellOptions): void;
  unmount(): void;
}

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
  /** A bell writes attributes on its element, and gives back what was there: for the custom element these are no options. */
  let isBusy = false;
  // The bell observes the client by itself: this makes it poll for as long as the bell is there.
  const unsubscribe = client.subscribe(() => {});

  function make(): void {
    isBusy = true;
    bell = new Bell!(node, { ...newest, client });
    isBusy = false;
    ready?.(bell);
  }

  function destroy(): void {
    isBusy = true;
    bell?.destroy();
    isBusy = false;
  }

  void import('notifygate/bell').then((module) => {
    if (isUnmounted) return;
    Bell = module.default;
    make();
  });
  return {
    update(next) {
      if (isBusy) return;
      const changed = difference(newest, next);
      newest = next;
      if (!bell || !changed) return;
      if (Object.entries(changed).some(([name, value]) => value === undefined || READ_ONCE.includes(name))) {
        destroy();
        make();
      } else {
        bell.set(changed);
      }
    },
    unmount() {
      isUnmounted = true;
      destroy();
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
