/**
 * Builds what npm gets: `node build/packages.mjs`, into packages/<name>/dist/, and packs it into dist/. Not committed.
 *
 * `notifygate` is the browser's files, the same as modules, and the wrappers as modules and for CommonJS.
 * `@notifygate/angular` is compiled by Angular's own compiler, to be linked by the application's.
 */

import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { rollup } from 'rollup';
import { LANGUAGES, NPM, ROOT, SOURCES, TARGET } from './places.mjs';
import { refuse, typescriptFor } from './scripts.mjs';

const FRAMEWORKS = join(SOURCES, 'frameworks');
const DIST = join(SOURCES, 'dist');
export const ANGULAR = join(ROOT, 'packages/angular');
export const PACKED = join(ROOT, 'dist');
export const WRAPPERS = ['react', 'vue', 'svelte', 'element'];

/** Where a module of this package is, seen from another one in the folder, without its ending. */
const NEIGHBOURS = {
  notifygate: './notifygate',
  'notifygate/bell': './notifygate-bell',
  './adapter': './adapter',
  './loaded_store': './loaded_store',
  './mount': './mount',
  './per_client': './per_client',
  './preferences': './preferences',
  './slots': './slots',
  './topics': './topics'
};

function run(program, ...argv) {
  const { status } = spawnSync(process.execPath, [program, ...argv], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
}

function tool(path) {
  return join(ROOT, 'node_modules', path);
}

function paths(ending) {
  return (name) => (NEIGHBOURS[name] ? NEIGHBOURS[name] + ending : name);
}

/** The client and the bell as modules, beside the scripts that the gateway serves. */
async function buildModules() {
  const entries = {
    notifygate: 'src/core/index.ts',
    'notifygate-bell': 'src/bell/index.ts',
    ...Object.fromEntries(LANGUAGES.map((language) => [`notifygate-bell.${language}`, `src/languages/${language}.ts`]))
  };
  for (const [name, input] of Object.entries(entries)) {
    const bundle = await rollup({
      input: join(SOURCES, input),
      external: ['notifygate'],
      plugins: [typescriptFor('ES2020')],
      onwarn: refuse
    });
    await bundle.write({ file: join(DIST, `${name}.mjs`), format: 'es', paths: paths('.mjs') });
    await bundle.close();
  }
  for (const name of await readdir(TARGET)) {
    if (/\.(js|css|ts)$/.test(name)) await cp(join(TARGET, name), join(DIST, name));
  }
  await writeFile(join(DIST, 'bell.css.d.ts'), 'export {};\n');
  await writeFile(join(DIST, 'index.d.mts'), reexported('Notifygate', './index.js'));
  await writeFile(join(DIST, 'notifygate-bell.d.mts'), reexported('NotifygateBell', './notifygate-bell.js'));
  for (const language of LANGUAGES) {
    const name = `notifygate-bell.${language}`;
    await writeFile(join(DIST, `${name}.d.mts`), reexported('strings', `./${name}.js`));
  }
}

function reexported(name, from) {
  return `import ${name} from '${from}';\nexport default ${name};\n`;
}

async function buildWrappers() {
  const bundle = await rollup({
    input: ['adapter', ...WRAPPERS].map((name) => join(FRAMEWORKS, `${name}.ts`)),
    external: ['notifygate', 'notifygate/bell', 'react', 'react-dom', 'vue'],
    plugins: [typescriptFor('ES2020')],
    onwarn(warning) {
      // Rollup drops 'use client'; it is put back below.
      if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') throw new Error(warning.message);
    }
  });
  for (const [format, ending] of [['es', '.mjs'], ['cjs', '.js']]) {
    await bundle.write({
      dir: DIST,
      format,
      paths: paths(ending),
      interop: 'default',
      hoistTransitiveImports: false,
      entryFileNames: `[name]${ending}`,
      chunkFileNames: `[name]${ending}`,
      banner: (chunk) => (chunk.name === 'react' ? "'use client';" : '')
    });
  }
  await bundle.close();
}

/** Declarations for both kinds of modules: they differ in the endings of what they import. */
async function buildTypes() {
  run(tool('typescript/bin/tsc'), '--project', join(FRAMEWORKS, 'tsconfig.json'));
  const folder = join(DIST, 'types');
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name), 'utf8');
    for (const [ending, extension] of [['.js', '.d.ts'], ['.mjs', '.d.mts']]) {
      const retargeted = text.replace(/(from |import\()'([^']+)'/g, (whole, before, from) => {
        const found = NEIGHBOURS[from];
        return found ? `${before}'${from === 'notifygate' ? './index' : found}${ending}'` : whole;
      });
      await writeFile(join(DIST, name.replace(/\.d\.ts$/, extension)), retargeted);
    }
  }
  await rm(folder, { recursive: true });
}

/** Pack a package as it is published. In this workspace it is private: nobody publishes what is not built. */
async function pack(folder) {
  const { private: _, ...manifest } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const stage = join(PACKED, basename(folder));
  await cp(join(folder, 'dist'), join(stage, 'dist'), { recursive: true });
  await writeFile(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  run(NPM, 'pack', stage, '--silent', '--pack-destination', PACKED);
}

export async function buildPackages() {
  for (const folder of [DIST, join(ANGULAR, 'dist'), PACKED]) await rm(folder, { recursive: true, force: true });
  await mkdir(DIST, { recursive: true });
  await buildModules();
  await buildWrappers();
  await buildTypes();
  run(tool('@angular/compiler-cli/bundles/src/bin/ngc.js'), '--project', join(ANGULAR, 'tsconfig.json'));
  for (const folder of [SOURCES, ANGULAR]) await pack(folder);
}

if (process.argv[1] === new URL(import.meta.url).pathname) await buildPackages();
