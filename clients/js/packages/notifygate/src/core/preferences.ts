/** The recipient's preferences, guarded by their ETag against a change on another device. For `_` see `poller.ts`. */

import type Notifygate from '../../types/index';
import type { Core } from './core';
import { send } from './requests';

type Types = Notifygate.TypePreferences;

export interface PreferencesState {
  preferencesTag: string | null;
  preferencesSent: number;
  /** The number of the request from which the tag is; an answer that was overtaken doesn't replace a newer one. */
  preferencesTagFrom: number;
}

export function preferences(core: Core, types: Types | null, done?: Notifygate.Done<{ types: Types }>): void {
  const number = ++core.preferencesSent;
  send(
    core,
    types ? 'PUT' : 'GET',
    'inbox/preferences?_=' + core.client.cursor,
    'types',
    types && { types: types },
    (error, answer, reply) => {
      if (!error && number > core.preferencesTagFrom) {
        core.preferencesTagFrom = number;
        core.preferencesTag = reply.getResponseHeader('ETag');
      }
      if (done) done(error, answer);
    },
    0,
    'If-Match',
    types && core.preferencesTag
  );
}
