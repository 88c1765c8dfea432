/** The entry of `notifygate-bell.js`. */

// Data first: code between which it stood would be compressed worse.
import './icons';
import './strings';
import { NotifygateBell } from './bell';
import { addStyles, makeDeclared } from './declared';

if (typeof document !== 'undefined') {
  addStyles(document.currentScript);
  if (document.readyState === 'complete') {
    makeDeclared();
  } else {
    // Not at once: deferred scripts, of which the client may be one, have all run by then.
    document.addEventListener('DOMContentLoaded', makeDeclared);
  }
}

export default NotifygateBell;
