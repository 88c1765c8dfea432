/** The pause of pop-ups on this device. All tabs of the browser share it. */

import { readStored, store } from './desktop';

export const PAUSE_KEY = 'notifygate-bell.paused-until';

export const PAUSE_SECONDS = 3600;

/** Return until when pop-ups are paused, in milliseconds since 1970; 0: they aren't. */
export function pausedUntil(): number {
  const until = Number(readStored(PAUSE_KEY));
  return until > Date.now() ? until : 0;
}

export function pause(seconds: number): void {
  store(PAUSE_KEY, String(seconds > 0 ? Date.now() + seconds * 1000 : 0));
}
