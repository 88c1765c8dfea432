/** Messages between the tabs of one recipient: through a channel, else through the shared storage. */

import type Notifygate from '../../types/index';
import type { Core } from './core';
import { emit } from './emitter';
import { everything, follow } from './feed';
import type { Batch } from './inbox';
import type { Channel } from './platform';
import { stored } from './shared';

export interface TabsState {
  /** What the names of everything shared begin with; also the name of the lock and of the channel. */
  key: string;
  /** Whether there are other tabs that could share, as far as is known. */
  isShared: boolean;
  channel: Channel | null;
}

/** A batch, a state, or both. The fields keep their names in every version: an old tab may be open beside a new one. */
export interface Message extends Partial<Batch> {
  from?: string;
  /** The only tab that it is for; without it, all. */
  to?: string;
  /** A tab asks for everything. */
  hello?: boolean;
  state?: Notifygate.State;
}

export const MESSAGE = 'message';

export function openChannel(core: Core): void {
  core.channel = core.isShared ? core.ownPlatform.openChannel(core.key) : null;
  if (core.channel) core.channel.onmessage = (event) => receive(core, event.data as Message);
}

export function post(core: Core, message: Message): void {
  message.from = core.tabId;
  if (core.channel) return core.channel.postMessage(message);
  stored(core, MESSAGE, message);
  stored(core, MESSAGE, null);
}

export function receive(core: Core, message: Message | null): void {
  if (core.user === null || !message || message.from === core.tabId || (message.to && message.to !== core.tabId)) return;
  if (core.isLeader) {
    if (message.hello && core.isSynced) post(core, everything(core, message.from!));
    return;
  }
  if (message.answer) follow(core, message as Batch, !!message.to);
  if (message.state) {
    message.state.leader = false;
    emit(core, 'state', (core.client.state = message.state));
  }
}
