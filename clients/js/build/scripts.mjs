/**
 * Modules in TypeScript -> one file of ES5 that a browser, CommonJS and AMD can load.
 *
 * tsc emits the fewest helpers of the tools that emit ES5 at all, and its output runs in an engine without Symbol.
 * `npm run check` checks the types; here they are only dropped.
 */

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'acorn';
import { rollup } from 'rollup';
import { minify } from 'terser';
import ts from 'typescript';

const COMPILER = {
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

/** Return a plugin for Rollup. `@rollup/plugin-typescript` would bundle tslib, and take ten times as long. */
export function typescriptFor(target) {
  const compilerOptions = { ...COMPILER, target: ts.ScriptTarget[target] };
  return {
    name: 'typescript',
    resolveId(source, importer) {
      const path = importer && source.startsWith('.') ? resolve(dirname(importer), `${source}.ts`) : null;
      return path && existsSync(path) ? path : null;
    },
    transform(code, path) {
      return path.endsWith('.ts') ? { code: ts.transpileModule(code, { compilerOptions }).outputText, map: null } : null;
    }
  };
}

/** Throw what Rollup warns of, except that modules call each other's functions: none calls one while it is loaded. */
export function refuse(warning) {
  if (warning.code !== 'CIRCULAR_DEPENDENCY') throw new Error(warning.message);
}

/**
 * Build a script and return its text. `external`: what is loaded apart, by the name that modules import it by.
 * `shorten`: names of properties that get shorter ones.
 */
export async function buildScript({ input, name, banner, external = {}, shorten = [] }) {
  const bundle = await rollup({
    input,
    external: Object.keys(external),
    plugins: [typescriptFor('ES5')],
    onwarn: refuse
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
  const { code: small } = await minify(code, {
    ecma: 5,
    // Inlined functions with parameters or variables compress worse than calls.
    compress: { passes: 3, inline: 1 },
    // `builtins`: terser would keep what some DOM object has, too; these names are of none.
    mangle: { properties: { builtins: true, regex: new RegExp(`^(?:${shorten.join('|')})$`) } },
    format: { comments: false, preamble: banner }
  });
  parse(small, { ecmaVersion: 5 }); // throws where something newer has come through
  return `${small}\n`;
}
