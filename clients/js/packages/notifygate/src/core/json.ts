/** JSON that may come from anywhere. */

/** Return the value of a text, null for a text that is not JSON. */
export function parse(text: string | null): any {
  try {
    return JSON.parse(text as string);
  } catch (error) {
    return null;
  }
}

/** Return whether two values are written as the same JSON. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
