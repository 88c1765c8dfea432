/** Values that the tabs of one recipient in one browser share: the cursor, the lease, the measured path. */

import type { Core } from './core';
import { parse } from './json';

/**
 * Read, write or (null) remove a value. Where storage is full, the old value is removed: as it stands, the lease of a tab
 * that hangs would depose each successor. Without sharing, and where storage is forbidden, nothing happens.
 */
export function stored(core: Core, name: string, value?: unknown): any {
  try {
    if (!core.isShared) return;
    const storage = core.ownPlatform.storage();
    const key = core.key + name;
    if (value === undefined) return parse(storage.getItem(key));
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch (error) {
    if (value) stored(core, name, null);
  }
}
