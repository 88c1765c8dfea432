/**
 * Builds what the gateway serves: `node build/main.mjs [FOLDER]`, by default into notifygate/web/static/.
 *
 * The same sources give the same bytes on every machine: nothing of the time, the place or the machine is in them.
 */

import { copyFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { internalNames } from './names.mjs';
import { LANGUAGES, SOURCES, TARGET } from './places.mjs';
import { buildScript } from './scripts.mjs';
import { buildStyles } from './styles.mjs';

const folder = process.argv[2] ? resolve(process.argv[2]) : TARGET;

const CLIENT = { notifygate: { file: './notifygate', global: 'Notifygate' } };

/**
 * Without a loader of modules the script adds itself to the table of the bell, or makes one where the bell is about to be.
 */
function buildLanguage(language) {
  const input = join(SOURCES, 'src/languages', `${language}.ts`);
  return (banner) => buildScript({ input, name: `NotifygateBell.strings.${language}`, banner });
}

const BUILDS = {
  'notifygate.js': (banner) =>
    buildScript({ input: join(SOURCES, 'src/core/index.ts'), name: 'Notifygate', banner, shorten: internalNames('core') }),
  'notifygate-bell.js': (banner) =>
    buildScript({
      input: join(SOURCES, 'src/bell/index.ts'),
      name: 'NotifygateBell',
      banner,
      external: CLIENT,
      shorten: internalNames('bell')
    }),
  ...Object.fromEntries(LANGUAGES.map((language) => [`notifygate-bell.${language}.js`, buildLanguage(language)])),
  'notifygate-bell.css': (banner) => buildStyles({ input: join(SOURCES, 'src/bell/bell.css'), banner })
};

for (const [name, build] of Object.entries(BUILDS)) {
  const banner = `/*! ${name}, MIT licence */`;
  await writeFile(join(folder, name), await build(banner));
}
for (const name of ['index.d.ts', 'notifygate-bell.d.ts']) {
  await copyFile(join(SOURCES, 'types', name), join(folder, name));
}
for (const language of LANGUAGES) {
  await copyFile(join(SOURCES, 'types/language.d.ts'), join(folder, `notifygate-bell.${language}.d.ts`));
}
