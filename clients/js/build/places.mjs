/** Where things are. */

import { readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace, clients/js. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const SOURCES = join(ROOT, 'packages/notifygate');
/** The languages of the bell beside English, each built as a script of its own. */
export const LANGUAGES = readdirSync(join(SOURCES, 'src/languages')).map((name) => basename(name, '.ts'));
/** What the gateway serves. */
export const TARGET = resolve(ROOT, '../../notifygate/web/static');
/** npm's program, of the Node.js that runs this: the wheel's own bin/npm doesn't find its modules. */
export const NPM = resolve(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
