/** An Angular application is built by the Angular CLI; this repository does without: ngc, the linker, and Vite. */

import linkerPlugin from '@angular/compiler-cli/linker/babel';
import { transformAsync } from '@babel/core';
import { example } from '../vite.mjs';

const linker = {
  name: 'angular-linker',
  async transform(code, filename) {
    if (!code.includes('ɵɵngDeclare')) return null;
    const options = { filename, plugins: [linkerPlugin], compact: false, configFile: false, babelrc: false };
    return { code: (await transformAsync(code, options)).code, map: null };
  }
};

export default { ...example([linker]), define: { ngDevMode: 'false', ngJitMode: 'false', ngServerMode: 'false' } };
