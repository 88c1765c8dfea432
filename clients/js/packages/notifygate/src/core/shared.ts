/** Values that the tabs of one recipient in one browser share: the cursor, the lease, the measured path. */

import type { Core } from './core';
import { parse } from './json';

/** Read, write or (null) remove a value. Without sharing, and where storage is full or forbidden, nothing happens. */
export function stored(core: Core, name: string, value?: unknown): any {
  try {
    if (!core.isShared) return;
    const storage = core.platform.storage();
    const key = core.key + name;
    if (value === undefined) return parse(storage.getItem(key));
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch (error) {
    // Each tab is on its own then.
  }
}
