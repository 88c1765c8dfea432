/**
 * Modules in TypeScript -> one file of ES5 that a browser, CommonJS and AMD can load.
 *
 * tsc emits the fewest helpers of the tools that emit ES5 at all, and its output runs in an engine without Symbol.
 * `npm run check` checks the types; here they are only dropped.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'acorn';
import { rollup } from 'rollup';
import { minify } from 'terser';
import ts from 'typescript';
import { SOURCES } from './places.mjs';

const COMPILER = {
  target: ts.ScriptTarget.ES5,
  ignoreDeprecations: '6.0',
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  newLine: ts.NewLineKind.LineFeed
};

const OUTPUT = {
  exports: 'default',
  interop: 'default',
  generatedCode: 'es5',
  esModule: false,
  freeze: false,
  strict: true
};

/** A plugin for Rollup. `@rollup/plugin-typescript` would bundle tslib, and take ten times as long. */
const typescript = {
  name: 'typescript',
  resolveId(source, importer) {
    const path = importer && source.startsWith('.') ? resolve(dirname(importer), `${source}.ts`) : null;
    return path && existsSync(path) ? path : null;
  },
  transform(code, path) {
    return path.endsWith('.ts') ? { code: ts.transpileModule(code, { compilerOptions: COMPILER }).outputText, map: null } : null;
  }
};

/**
 * Build a script and return its text. `external`: what is loaded apart, by the name that modules import it by.
 * `shorten`: names of properties, separated by spaces, that get shorter ones.
 */
export async function buildScript({ input, name, banner, external = {}, shorten }) {
  const bundle = await rollup({
    input,
    external: Object.keys(external),
    plugins: [typescript],
    onwarn(warning) {
      // Modules call each other's functions, and none calls one while it is loaded.
      if (warning.code !== 'CIRCULAR_DEPENDENCY') throw new Error(warning.message);
    }
  });
  const { output } = await bundle.generate({
    format: 'umd',
    name,
    globals: mapped(external, (one) => one.global),
    paths: mapped(external, (one) => one.file),
    ...OUTPUT
  });
  await bundle.close();
  return minified(output[0].code, banner, shorten);
}

function mapped(table, work) {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, work(value)]));
}

async function minified(code, banner, shorten) {
  const names = shorten.trim().split(/\s+/);
  for (const file of ['index.d.ts', 'notifygate-bell.d.ts']) {
    const types = await readFile(join(SOURCES, 'types', file), 'utf8');
    const known = names.filter((one) => new RegExp(`\\b${one}\\b`).test(types));
    if (known.length) throw new Error(`public names can't be shortened: ${known.join(', ')}`);
  }
  const { code: small } = await minify(code, {
    ecma: 5,
    safari10: true,
    compress: { passes: 3 },
    mangle: { properties: { regex: new RegExp(`^(?:${names.join('|')})$`) } },
    format: { comments: false, preamble: banner }
  });
  parse(small, { ecmaVersion: 5 }); // throws where something newer has come through
  return `${small}\n`;
}
