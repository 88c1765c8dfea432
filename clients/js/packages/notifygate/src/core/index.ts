/** The entry of `notifygate.js`. */

export { Notifygate as default } from './client';
