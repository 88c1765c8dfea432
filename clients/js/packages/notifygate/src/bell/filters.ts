/** The filters above the list: all, unread, and the tabs that the page names. No DOM. */

import type Notifygate from '../../types/index';
import type Bell from '../../types/notifygate-bell';
import type { Texts } from './text';

type Notification = Notifygate.Notification;

export interface Filter {
  label: string;
  kind: 'all' | 'unread' | 'tab';
  matches(item: Notification): boolean;
}

function isOfType(item: Notification, pattern: string): boolean {
  const isPrefix = pattern.slice(-1) === '*';
  return isPrefix ? item.type.indexOf(pattern.slice(0, -1)) === 0 : item.type === pattern;
}

export function filtersFor(texts: Texts, tabs: readonly Bell.Tab[]): Filter[] {
  const filters: Filter[] = [
    { label: texts.get('all'), kind: 'all', matches: () => true },
    { label: texts.get('unread'), kind: 'unread', matches: (item) => !item.read_at }
  ];
  return filters.concat(
    tabs.map((tab): Filter => {
      const matches = tab.filter || ((item: Notification) => (tab.types || []).some((type) => isOfType(item, type)));
      return { label: tab.label, kind: 'tab', matches: matches };
    })
  );
}

/** Return the count beside a filter, '' for none. `unread`: of all; beyond what is known here a tab has a plus sign. */
export function filterCount(filter: Filter, items: readonly Notification[], unread: number): string {
  const known = items.filter((item) => !item.read_at);
  const count = filter.kind === 'unread' ? unread : filter.kind === 'tab' ? known.filter(filter.matches).length : 0;
  return count ? count + (filter.kind === 'tab' && known.length < unread ? '+' : '') : '';
}
