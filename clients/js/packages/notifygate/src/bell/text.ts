/** Texts in one language, and times in words. */

import { copy } from './objects';
import { STRINGS } from './strings';
import type Bell from '../../types/notifygate-bell';

/** Remove the characters that make text read backwards: "gpj.exe" must not look like "exe.jpg". */
export function withoutOverrides(text: string) {
  return String(text).replace(/[\u202d\u202e]/g, '');
}

/** Remove the characters that turn the direction of text around, for texts that are joined from several. */
export function withoutDirections(text: string) {
  return String(text).replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
}

export function capitalized(text: string) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The strings of one language, with what the page adds to them. */
export class Texts {
  language: string;
  table: Record<string, Bell.Text | undefined>;

  constructor(language: string, own: Bell.Options['strings']) {
    const short = String(language || 'en').toLowerCase();
    const tables: Record<string, object> = STRINGS;
    const table = tables[short] || tables[short.split('-')[0]!];
    this.language = language || 'en';
    this.table = copy({}, STRINGS.en, table, own);
  }

  /** Return the text of a name with its gaps filled in; `values.n` chooses between the forms for one and for many. */
  get(name: string, values?: Record<string, string | number | undefined>) {
    let entry = this.table[name];
    const gaps = values || {};
    if (typeof entry === 'function') {
      entry = entry(gaps.n as number);
    }
    if (entry instanceof Array) {
      entry = entry[gaps.n === 1 ? 0 : 1];
    }
    return String(entry === undefined ? name : entry).replace(/\{(\w+)\}/g, function (whole, gap) {
      return gaps[gap] === undefined ? whole : String(gaps[gap]);
    });
  }

  relativeTime(time: number, now: number) {
    const seconds = Math.round((now - time) / 1000);
    const days = daysBetween(time, now);
    if (seconds < 60) {
      return this.get('now'); // a clock that is ahead counts as now, too
    }
    if (seconds < 3600) {
      return this.get('minutes', {n: Math.floor(seconds / 60)});
    }
    if (days === 0 || seconds < 6 * 3600) {
      return this.get('hours', {n: Math.floor(seconds / 3600)});
    }
    if (days === 1) {
      return this.get('yesterday');
    }
    if (days < 7) {
      return this.get('days', {n: days});
    }
    return this.format(time, new Date(time).getFullYear() === new Date(now).getFullYear() ?
      {day: 'numeric', month: 'short'} : {day: 'numeric', month: 'short', year: 'numeric'}, 'toLocaleDateString');
  }

  exactTime(time: number) {
    return this.format(time, {
      weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit',
      second: '2-digit'
    }, 'toLocaleString');
  }

  clockTime(time: number) {
    return this.format(time, {hour: '2-digit', minute: '2-digit'}, 'toLocaleTimeString');
  }

  format(time: number, options: Intl.DateTimeFormatOptions,
    method: 'toLocaleString' | 'toLocaleDateString' | 'toLocaleTimeString') {
    const date = new Date(time);
    try {
      return date[method](this.language, options);
    } catch (error) {
      return date[method](); // an engine without Intl, or an invalid language tag
    }
  }
}

export function daysBetween(time: number, now: number) {
  const then = new Date(time);
  const today = new Date(now);
  then.setHours(0, 0, 0, 0);
  today.setHours(0, 0, 0, 0);
  return Math.round((today.getTime() - then.getTime()) / 86400000);
}
