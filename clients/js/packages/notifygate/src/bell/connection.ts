/** The state of the client in words. */

import type { NotifygateBell } from './bell';

interface Connection {
  /** '' while all is well. */
  text: string;
  isBad: boolean;
  canRetry: boolean;
  /** Nothing will come any more. */
  isOver: boolean;
}

export function connection(bell: NotifygateBell): Connection {
  const state = bell.client.state;
  const texts = bell.texts;
  // `retry` counts from when the client reported it.
  const seconds = Math.ceil(state.retry - (Date.now() - bell.stateSince) / 1000);
  const isWaiting = state.mode === 'waiting';
  const isOver = state.mode === 'stopped' && !!state.error;
  return {
    text: state.mode === 'offline' ? texts.get('offline') :
      isWaiting ? seconds > 0 ? texts.get('retrying', {n: seconds}) : texts.get('retryingNow') :
        isOver ? texts.get('unauthorized') : '',
    isBad: isWaiting || isOver,
    canRetry: isWaiting && seconds > 1,
    isOver: isOver
  };
}
