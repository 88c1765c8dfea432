/** Notices a cursor that is answered again and again without moving on: some cache or proxy repeats an answer. */

const MAX_ANSWERS = 4;
const WITHIN_MS = 500;

export interface LoopGuard {
  cursor?: string | null;
  since?: number;
  answers?: number;
}

/** Note an answer to a cursor. Returns whether the client runs in circles. */
export function isLoop(guard: LoopGuard, cursor: string | null | undefined, now: number): boolean {
  if (cursor !== guard.cursor || !(Math.abs(now - guard.since!) <= WITHIN_MS)) {
    guard.cursor = cursor;
    guard.since = now;
    guard.answers = 0;
  }
  return ++guard.answers! > MAX_ANSWERS;
}
