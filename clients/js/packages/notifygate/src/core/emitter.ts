/** Event handlers of a client. One that throws stops neither the others nor the client. */

import type { Core } from './core';
import { refresh } from './store';

export interface EmitterState {
  handlers: Record<string, ((...values: any[]) => void)[]>;
}

export function emit(core: Core, event: string, first?: unknown, second?: unknown): void {
  (core.handlers[event] || []).forEach((handler) => {
    try {
      handler(first, second);
    } catch (error) {
      core.platform.setTimer(() => {
        throw error;
      }, 0);
    }
  });
  refresh(core);
}
