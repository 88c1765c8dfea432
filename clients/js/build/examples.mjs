/**
 * Builds the examples with the packages as they are built: `node build/examples.mjs FOLDER`, into FOLDER/<name>/.
 *
 * React's is there twice: as it goes to production, and as in development, where StrictMode mounts everything twice.
 */

import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { ROOT } from './places.mjs';

const EXAMPLES = join(ROOT, 'examples');
const DEVELOPMENT = { define: { 'process.env.NODE_ENV': '"development"' }, build: { minify: false } };

const target = resolve(process.argv[2]);

async function buildExample(name, folder = name, more = {}) {
  const root = join(EXAMPLES, name);
  await build({
    ...more,
    root,
    configFile: join(root, 'vite.config.mjs'),
    logLevel: 'warn',
    build: { ...more.build, outDir: join(target, folder), emptyOutDir: true }
  });
}

for (const entry of await readdir(EXAMPLES, { withFileTypes: true })) {
  if (!entry.isDirectory()) continue;
  if (entry.name === 'angular') {
    const ngc = join(ROOT, 'node_modules/@angular/compiler-cli/bundles/src/bin/ngc.js');
    const { status } = spawnSync(process.execPath, [ngc, '--project', join(EXAMPLES, 'angular')], { stdio: 'inherit' });
    if (status !== 0) throw new Error(`ngc ended with ${status}`);
  }
  await buildExample(entry.name);
}
await buildExample('react', 'react-development', DEVELOPMENT);
