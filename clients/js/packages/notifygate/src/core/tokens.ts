/** The recipient's token: its source, and its subject. */

import type { Core } from './core';
import { callEach } from './emitter';
import { parse } from './json';
import type { Platform } from './platform';

export interface TokenState {
  /** Empty: there is none for this recipient; 0: it could not be fetched, try again later. */
  token: string | 0 | null | undefined;
  /** The recipient whose tabs this client has joined; null: none. No token of another one is used. */
  user: string | null;
}

/** Longer than a user takes to log in again; then the page is asked again. */
const PATIENCE_MS = 6e4;

/** Return the `sub` of a JWT, '' where there is none. */
export function subjectOf(token: string, platform: Platform): string {
  try {
    return parse(platform.decodeBase64(token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'))).sub;
  } catch (error) {
    return '';
  }
}

/** Call back when there is a token, or when it is clear that there is none. */
export function withToken(core: Core, use: () => void): void {
  const options = core.options;
  let isGiven = false;
  function give(value?: TokenState['token']): void {
    if (isGiven) return;
    isGiven = true;
    core.ownPlatform.clearTimer(timer);
    const isOfAnother =
      value && core.user !== null && !options.user && subjectOf(value, core.ownPlatform) !== core.user;
    // With a space in it, it is a page: that of the login, to which the request for a token was redirected.
    core.token = isOfAnother || /\S\s+\S/.test(value as string) ? '' : value;
    use();
  }
  if (core.token || !options.getToken) return use();
  const timer = core.ownPlatform.setTimer(() => give(0), PATIENCE_MS);
  let made = 0 as 0 | ReturnType<typeof options.getToken>;
  callEach(core, [() => (made = options.getToken!(give))]);
  if (typeof made === 'string' || made === 0) give(made);
  else if (made) made.then(give, () => give(0));
}
