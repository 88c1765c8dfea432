/** The files that the gateway serves: ES5 throughout, and loadable in every way. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'acorn';
import { expect, it } from 'vitest';
import { TARGET } from '../../../build/places.mjs';

const WEB = resolve(TARGET, '..');
const SCRIPTS = (readdirSync(WEB, { recursive: true }) as string[]).filter((path) => path.endsWith('.js'));

function isEs5(script: string): boolean {
  try {
    parse(script, { ecmaVersion: 5 });
    return true;
  } catch {
    return false;
  }
}

it.each(SCRIPTS)('%s is ES5', (path) => {
  expect(isEs5(readFileSync(join(WEB, path), 'utf8'))).toBe(true);
});

it('all scripts are found, and what is newer is refused', () => {
  expect(SCRIPTS.length).toBeGreaterThan(2);
  const newer = ['let a;', 'var f = () => 1;', 'var a = {b, c};', 'f(`a`);', 'for (var a of b) {}'];
  expect(newer.filter(isEs5)).toEqual([]);
});

function run(...argv: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return stdout;
}

const MODULES: [string, string, string][] = [
  ['notifygate', 'notifygate.js', 'function'],
  ['notifygate/notifygate-bell.js', 'notifygate-bell.js', 'function'],
  ['notifygate/notifygate-bell.de.js', 'notifygate-bell.de.js', 'object']
];

it.each(MODULES)('Node.js can require %s as npm would publish it', (path, _file, type) => {
  const folder = mkdtempSync(join(tmpdir(), 'notifygate-require-'));
  try {
    const { files } = JSON.parse(readFileSync(join(TARGET, 'package.json'), 'utf8'));
    for (const name of ['package.json', ...files]) cpSync(join(TARGET, name), join(folder, 'node_modules/notifygate', name));
    writeFileSync(join(folder, 'page.js'), `process.stdout.write(typeof require('${path}'));`);
    expect(run(join(folder, 'page.js'))).toBe(type);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each(MODULES)('a loader of AMD can define %s', (_path, name, type) => {
  const made: unknown[] = [];
  const define = (needs: unknown, make: unknown) => made.push(((make || needs) as any)(() => undefined));
  define.amd = {};
  new Function('define', 'module', readFileSync(join(TARGET, name), 'utf8'))(define);
  expect(made.map((one) => typeof one)).toEqual([type]);
});
