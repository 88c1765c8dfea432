/**
 * Checks what npm would get: `node build/check_packages.mjs`. Builds and packs the packages, reads the archives as
 * publint and as TypeScript's module resolution do, checks the types of the examples, and loads everything on a server.
 */

import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { ANGULAR, buildPackages, PACKED, WRAPPERS } from './packages.mjs';
import { ROOT, SOURCES } from './places.mjs';

/** A wrapper stays thin: what is more belongs into the client or the bell, where everybody has it. */
const MOST_LINES = 150;
/** How TypeScript resolved modules before it read `exports`: TypeScript 6 has dropped it. */
const OLD_RESOLUTION = 'node10';

const failures = [];

function run(what, ...argv) {
  const { status } = spawnSync(process.execPath, argv, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) failures.push(what);
}

async function lint(file) {
  const data = await readFile(join(PACKED, file));
  const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  for (const message of messages) failures.push(`${file}, publint: ${formatMessage(message, pkg, { color: false })}`);
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(data)));
  // An ESM-only package can't be required by an old Node.js; Angular's all are.
  const isEsmOnly = pkg.type === 'module';
  for (const problem of analysis.problems) {
    if (problem.resolutionKind === OLD_RESOLUTION) continue;
    if (isEsmOnly && problem.kind === 'CJSResolvesToESM') continue;
    failures.push(`${file}, types: ${problem.kind} ${problem.entrypoint ?? ''} ${problem.resolutionKind ?? ''}`);
  }
  console.log(`${file}: ${Object.keys(analysis.entrypoints).length} entry points`);
}

async function weigh() {
  for (const file of [...WRAPPERS.map((name) => join(SOURCES, 'frameworks', `${name}.ts`)), join(ANGULAR, 'src/index.ts')]) {
    const lines = (await readFile(file, 'utf8')).split('\n').length - 1;
    if (lines > MOST_LINES) failures.push(`${file} has ${lines} lines, the most is ${MOST_LINES}`);
  }
}

await buildPackages();
for (const file of (await readdir(PACKED)).filter((name) => name.endsWith('.tgz'))) await lint(file);
run('the types of the examples', join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', 'examples/react');
run('loading on a server', 'build/check_server.mjs');
await weigh();
for (const failure of failures) console.error(`FAILED: ${failure}`);
process.exitCode = failures.length ? 1 : 0;
