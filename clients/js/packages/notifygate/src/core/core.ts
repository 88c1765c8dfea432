/**
 * The state of one client. Each file declares the part that it owns, and writes no other; functions take the whole.
 *
 * A record that functions take, rather than objects with methods: the built file is 770 bytes smaller.
 */

import type Notifygate from '../../types/index';
import type { ElectionState } from './election';
import type { EmitterState } from './emitter';
import type { FeedState } from './feed';
import type { InboxState } from './inbox';
import type { LifeState } from './life';
import type { Platform } from './platform';
import type { PollState } from './poller';
import type { PreferencesState } from './preferences';
import type { StoreState } from './store';
import type { TabsState } from './tabs';
import type { TokenState } from './tokens';

export interface Core
  extends ElectionState,
    EmitterState,
    FeedState,
    InboxState,
    LifeState,
    PollState,
    PreferencesState,
    StoreState,
    TabsState,
    TokenState {
  /** The object that the page uses. */
  readonly client: Notifygate;
  readonly options: Notifygate.Options;
  /** The options' platform, or that of a window. */
  readonly ownPlatform: Platform;
  /** Of this client among those of all tabs. */
  readonly tabId: string;
  /** Of the gateway, without a slash at its end. */
  readonly baseUrl: string;
  /** The longest hold to ask for, in seconds. */
  readonly longestHold: number;
  /** What this tab does; another one's is shown while that one polls. */
  readonly ownState: Notifygate.State;
}
