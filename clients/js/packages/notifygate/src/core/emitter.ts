/** Event handlers of a client. One that throws stops neither the others nor the client. */

import type { Core } from './core';
import { refresh } from './store';

export interface EmitterState {
  handlers: Record<string, ((...values: any[]) => void)[]>;
}

/** Call functions of the page. */
export function callEach(core: Core, handlers: ((...values: any[]) => void)[], first?: unknown, second?: unknown): void {
  handlers.forEach((handler) => {
    try {
      handler(first, second);
    } catch (error) {
      core.ownPlatform.setTimer(() => {
        throw error;
      }, 0);
    }
  });
}

export function emit(core: Core, event: string, first?: unknown, second?: unknown): void {
  callEach(core, core.handlers[event] || [], first, second);
  refresh(core);
}
