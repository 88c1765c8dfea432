/** Small things that ES5 lacks. */

/**
 * Copy the properties of some objects into the first one, and return it. Undefined ones are skipped, as frameworks pass
 * them for options that are not given, and so are those that a page has added to all objects.
 */
export function copy<T extends object>(target: T, ...others: (object | null | undefined)[]): T & Record<string, any> {
  others.forEach((other) => {
    for (const name in other) {
      const value = (other as Record<string, unknown>)[name];
      if (value !== ({} as Record<string, unknown>)[name]) (target as Record<string, unknown>)[name] = value;
    }
  });
  return target;
}

/** Make an empty object to look things up in, by names from outside: even `__proto__` is only a name in it. */
export function dictionary<T>(): Record<string, T> {
  return Object.create(null);
}

export function contains<T>(list: readonly T[], value: T): boolean {
  return list.indexOf(value) >= 0;
}

/** Call a function for each of a list, which may be a list of nodes. */
export function each<T>(list: ArrayLike<T>, work: (one: T, index: number) => void): void {
  for (let i = 0; i < list.length; i++) work(list[i]!, i);
}

/** Return a property of the object itself, undefined for one that it inherits. */
export function own<T>(object: Record<string, T> | null | undefined, name: string): T | undefined {
  return object && Object.prototype.hasOwnProperty.call(object, name) ? object[name] : undefined;
}
