/** How long to wait after an error. */

const MAX_SECONDS = 180;

/** Return the larger of `Retry-After` and a random part of 1, 2, 4 … 180 s (full jitter), in seconds. */
export function backOff(failures: number, retryAfter: number, random: number): number {
  return Math.max(retryAfter, random * Math.min(MAX_SECONDS, Math.pow(2, failures)));
}

/** How long an offline browser is left alone, unless it reports that it is back. */
export const OFFLINE_SECONDS = MAX_SECONDS;
