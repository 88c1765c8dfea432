/** The order of the list: which heading stands above which notification, and which are one group. No DOM. */

import { isUrgent, timeOf } from './notification';
import { dictionary } from './objects';
import { daysBetween } from './text';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** Also the name of the heading's text. */
export type Section = 'sectionNew' | 'sectionToday' | 'sectionYesterday' | 'sectionEarlier';

/** One card. */
export interface Row {
  item: Notification;
  section: Section;
  /** Everything that the card stands for, newest first: itself, and the rest of a group that is closed. */
  group: Notification[];
  /** How many others belong to its group, open or closed, if it is the newest of it. */
  others: number;
  key: string | null;
}

export interface Arrangement {
  now: number;
  /** The newest one that was seen before the list was opened; newer ones have their own heading. null: none has. */
  seenUpTo: string | null;
  keyOf(item: Notification): string | null | undefined;
  isGroupOpen(key: string): boolean;
}

/** Return the id above which notifications are new to the user; null: none or all of them are. */
export function newestSeen(items: readonly Notification[]): string | null {
  const seen = items.filter((item) => item.seen_at || item.read_at);
  return seen.length && seen[0] !== items[0] ? seen[0]!.id : null;
}

export function sectionOf(item: Notification, now: number, seenUpTo: string | null): Section {
  const days = daysBetween(timeOf(item), now);
  if (seenUpTo !== null && item.id > seenUpTo) return 'sectionNew';
  return days < 1 ? 'sectionToday' : days === 1 ? 'sectionYesterday' : 'sectionEarlier';
}

/** Arrange notifications, newest first. A group stands where its newest one does, and never crosses a heading. */
export function arrange(items: readonly Notification[], how: Arrangement): Row[] {
  const newest = dictionary<Row>();
  const rows: Row[] = [];
  function rowOf(item: Notification, section: Section, key: string | null): Row {
    return { item: item, section: section, group: [item], others: 0, key: key };
  }
  items.forEach((item) => {
    const section = sectionOf(item, how.now, how.seenUpTo);
    const key = (!isUrgent(item) && how.keyOf(item)) || null;
    const first = key && newest[section + key];
    if (first) {
      first.group.push(item);
      first.others++;
    } else {
      rows.push((newest[section + key] = rowOf(item, section, key)));
    }
  });
  return rows.reduce<Row[]>((all, row) => {
    // The others of a group that is open have rows of their own.
    const rest = how.isGroupOpen(row.key!) ? row.group.splice(1) : [];
    return all.concat(row, rest.map((item) => rowOf(item, row.section, row.key)));
  }, []);
}

/** Return the senders of a group, each once, newest first. */
export function sendersOf(group: readonly Notification[]): string[] {
  return group
    .map((item) => item.sender)
    .filter((sender, place, all) => !!sender && all.indexOf(sender) === place);
}
