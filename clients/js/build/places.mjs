/** Where things are. */

import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace, clients/js. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const SOURCES = join(ROOT, 'packages/notifygate');
/** What the gateway serves. */
export const TARGET = resolve(ROOT, '../../notifygate/web/static');
