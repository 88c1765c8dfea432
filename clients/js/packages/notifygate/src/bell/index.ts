/** The entry of `notifygate-bell.js`. */

// Some small modules and the data first, then the largest module: in another order the file is compressed worse.
import './items';
import './urls';
import './icons';
import { STRINGS } from './strings';
import './list';
import { NotifygateBell } from './bell';
import { addStyles, makeDeclared } from './declared';
import { copy } from './objects';

if (typeof document !== 'undefined') {
  const earlier = (window as any).NotifygateBell;
  // Scripts of languages that ran before this one have left their texts where the bell is about to be.
  copy(STRINGS, copy({}, earlier && earlier.strings, STRINGS));
  addStyles(document.currentScript);
  if (document.readyState === 'complete') {
    makeDeclared();
  } else {
    // Not at once: deferred scripts, of which the client may be one, have all run by then.
    document.addEventListener('DOMContentLoaded', makeDeclared);
  }
}

export default NotifygateBell;
