/**
 * What the core needs of the engine that it runs in: the types are public, in `types/index.d.ts`. `browser.ts` has the
 * platform of a window; tests and other engines bring their own. Nothing else in this folder names a global of a browser.
 */

import type Notifygate from '../../types/index';

export type Platform = Notifygate.Platform;
export type PlatformEvents = Notifygate.PlatformEvents;
export type Channel = Notifygate.Channel;
export type PendingRequest = Notifygate.PendingRequest;
export type Reply = Notifygate.Reply;
export type SharedStorage = Notifygate.SharedStorage;
export type Timer = Notifygate.Timer;
