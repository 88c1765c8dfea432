/** The style sheet -> one that a WebKit of 2014 and an Internet Explorer 10 show right, too. */

import { readFile } from 'node:fs/promises';
import autoprefixer from 'autoprefixer';
import { transform } from 'lightningcss';
import postcss from 'postcss';

const BROWSERS = ['safari 7', 'ie 10', 'android 4.4', 'firefox 28'];
/** lightningcss counts versions so. */
const TARGETS = { safari: 7 << 16, ie: 10 << 16, android: (4 << 16) | (4 << 8), firefox: 28 << 16 };

const VARIABLE = /var\(\s*(--[\w-]+)\s*(?:,((?:[^()]|\((?:[^()]|\([^()]*\))*\))*))?\)/;

/** lightningcss drops one of these before another one that it knows: until it is done the first has another name. */
const DROPPED = ['color', 'font-weight'];
/** To this one it would add properties for `light-dark()`, which the sheet does not use. */
const SCHEME = 'color-scheme';
const PREFIX = '-fallback-';

/**
 * A plugin for PostCSS: where a value has custom properties, put the same declaration with their defaults before it.
 * The default of an inner property (--_x) is what the first rule of the sheet gives it. Before a weight between two
 * hundreds goes the nearest hundred.
 */
const fallbacks = {
  postcssPlugin: 'fallbacks',
  Once(root) {
    const defaults = {};
    root.walkDecls(/^--_/, (declaration) => {
      defaults[declaration.prop] ??= declaration.value;
    });

    function resolved(value) {
      let plain = value;
      for (let match; (match = VARIABLE.exec(plain)); ) {
        const fallback = match[2] ?? defaults[match[1]];
        if (fallback === undefined) throw new Error(`${match[1]} has no default`);
        plain = plain.replace(match[0], () => fallback.trim());
      }
      return plain;
    }

    root.walkDecls((declaration) => {
      const { prop, value } = declaration;
      if (prop === SCHEME) declaration.prop = PREFIX + prop;
      const plain = prop === 'font-weight' && value % 100 ? `${Math.round(value / 100)}00` : resolved(value);
      if (prop.startsWith('--') || plain === value) return;
      declaration.cloneBefore({ prop: DROPPED.includes(prop) ? PREFIX + prop : prop, value: plain });
    });
  }
};

/** Build a style sheet and return its text. */
export async function buildStyles({ input, banner }) {
  // `remove: false`: -webkit-box with a line clamp is what all browsers know.
  const plugins = [fallbacks, autoprefixer({ overrideBrowserslist: BROWSERS, remove: false })];
  const { css, messages } = await postcss(plugins).process(await readFile(input, 'utf8'), { from: input });
  for (const message of messages) if (message.type === 'warning') throw new Error(message.text);
  const { code } = transform({ filename: 'notifygate-bell.css', code: Buffer.from(css), minify: true, targets: TARGETS });
  return `${banner}\n${code.toString().replaceAll(PREFIX, '')}\n`;
}
