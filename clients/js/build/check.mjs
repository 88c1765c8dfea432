/**
 * Checks the clients: `node build/check.mjs`. Types, unit tests, and the files that are committed: they are what the
 * sources give, and no larger than they may be.
 */

import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT, TARGET } from './places.mjs';

/** Bytes as they are served, compressed with gzip -9. */
const BUDGETS = {
  'notifygate.js': 5_610,
  'notifygate-bell.js': 21_000,
  'notifygate-bell.de.js': 1_690,
  'notifygate-bell.css': 6_550
};

const failures = [];

function run(what, ...argv) {
  const { status } = spawnSync(process.execPath, argv, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) failures.push(what);
}

function tool(path) {
  return join(ROOT, 'node_modules', path);
}

async function compare() {
  const folder = await mkdtemp(join(tmpdir(), 'notifygate-client-'));
  try {
    run('the build', 'build/main.mjs', folder);
    for (const name of await readdir(folder)) {
      const [built, committed] = await Promise.all([readFile(join(folder, name)), readFile(join(TARGET, name))]);
      if (!built.equals(committed)) failures.push(`${name} is not what the sources give: run make client`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function weigh() {
  for (const [name, most] of Object.entries(BUDGETS)) {
    const bytes = gzipSync(await readFile(join(TARGET, name)), { level: 9 }).length;
    console.log(`${name}: ${bytes} of ${most} bytes`);
    if (bytes > most) failures.push(`${name} has ${bytes} bytes, the most is ${most}`);
  }
}

run('the types', tool('typescript/bin/tsc'), '--project', 'tsconfig.json');
// A test only fails for being slow when it hangs: the machine may be busy.
run('the unit tests', tool('vitest/vitest.mjs'), 'run', '--testTimeout=60000');
await compare();
await weigh();
for (const failure of failures) console.error(`FAILED: ${failure}`);
process.exitCode = failures.length ? 1 : 0;
