/** Starting and stopping; joining the other tabs of the recipient; events of the page. */

import type { Core } from './core';
import { resign, tick } from './election';
import { parse } from './json';
import { cut, fail, poll, report } from './poller';
import { failure } from './requests';
import { MESSAGE, openChannel, receive } from './tabs';
import { subjectOf, withToken } from './tokens';

export interface LifeState {
  /** Stops listening to the page; null: the client doesn't run. */
  unlisten: (() => void) | null;
  /** Whether the page was left since the last look at the lease. */
  isLeft: boolean;
  /** How often a token was asked for to join; only the last answer counts. */
  joins: number;
}

export function start(core: Core): void {
  if (!core.unlisten) {
    core.unlisten = core.ownPlatform.listen({
      wake() {
        // A page that is closed is reported to be hidden after it was left.
        if (core.isLeft && !core.ownPlatform.isVisible()) return;
        tick(core);
        if (core.ownPlatform.isVisible()) cut(core);
        poll(core);
      },
      hide() {
        core.isLeft = true;
        resign(core);
        // If it comes back, it is like a page that begins: others may have gone on and reported what is new.
        core.isSynced = false;
        core.cursor = null;
      },
      stored(name, value) {
        if (name === core.key + MESSAGE) receive(core, parse(value));
        if (name === core.key + 'lease' && !value) tick(core);
      }
    });
    core.ownState.error = null;
    report(core, 'connecting');
  }
  poll(core);
}

/** Find out whose client this is, and join the other tabs of theirs. */
export function join(core: Core): void {
  const number = ++core.joins;
  withToken(core, () => {
    const token = core.token;
    if (!core.unlisten || core.user !== null || number < core.joins) return;
    if (!token) return fail(core, failure(token === 0 ? 0 : 401, {}));
    core.user = core.options.user || subjectOf(token, core.ownPlatform) || '';
    core.key = 'notifygate:' + core.baseUrl + ':' + core.user + ':';
    core.isShared = !!core.user && core.options.share !== false;
    openChannel(core);
    core.isWaiting = true; // the others went on while this client didn't run
    tick(core);
  });
}

export function stop(core: Core): void {
  resign(core);
  if (core.unlisten) core.unlisten();
  if (core.channel) core.channel.close();
  core.unlisten = core.user = core.channel = null;
  report(core, 'stopped');
}
