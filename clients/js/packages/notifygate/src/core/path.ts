/**
 * The longest hold that survives the path to the gateway, as it was measured.
 *
 * Something on the way may cut idle requests. A hold that dies without an answer of the gateway, while the next request
 * succeeds, has died at an age; two deaths at about the same age are a limit. From then on holds are 0.7 of it, and from
 * time to time a longer one is tried.
 */

/** Kept in the storage of the browser. Times are in milliseconds since 1970, ages in seconds. */
export interface Path {
  /** The longest hold that may be asked for; without it no limit is known. */
  wait?: number;
  /** Until when the limit holds. */
  until?: number;
  /** The age at which a hold died last. */
  death?: number | null;
  /** From when on a longer hold is tried. */
  again?: number;
}

/** A shorter hold costs more than a short poll. */
const SHORTEST_HOLD_SECONDS = 5;
const DAY_MS = 864e5;
const TRY_LONGER_MS = 18e5;
/** By how much longer the hold is that is tried. */
const STEP_SECONDS = 7;
/** Below the age at which holds die. */
const SAFETY = 0.7;

/** Return the path, an empty one if it has expired. */
export function unexpired(path: Path, now: number): Path {
  return now > path.until! ? {} : path;
}

/** Return the seconds for which to ask for a hold, at most `longest`; 0: only short polls come through. */
export function holdFor(path: Path, longest: number, now: number): number {
  const most = path.wait ? Math.min(longest, now < path.again! ? path.wait : path.wait + STEP_SECONDS) : longest;
  return most < SHORTEST_HOLD_SECONDS ? 0 : most;
}

/** Note that a hold died at an age although the gateway answers, and return the path. */
export function afterDeath(path: Path, age: number, now: number): Path {
  if (path.death && Math.abs(age - path.death) < 1 + age / 10) {
    path.wait = Math.max(1, Math.floor(age * SAFETY));
    path.until = now + DAY_MS;
  }
  path.death = age;
  path.again = now + TRY_LONGER_MS;
  return path;
}

/** Note that a hold of this age was answered, and return the path. */
export function afterSurvival(path: Path, age: number, longest: number): Path {
  if (age > 0.8 * longest) return {};
  if (age > path.wait! + 1) {
    path.wait = Math.floor(age);
    path.again = 0;
  }
  if (age > path.death! * 1.1) path.death = null;
  return path;
}
