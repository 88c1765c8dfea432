'use client';
/** `notifygate/react`: hooks and a bell for React 18 and newer. */

import type Notifygate from 'notifygate';
import type NotifygateBellClass from 'notifygate/bell';
import {
  createContext, createElement, Fragment, useContext, useEffect, useInsertionEffect, useMemo, useRef, useState,
  useSyncExternalStore
} from 'react';
import type { ReactElement, ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { makeClient, mountBell, preferencesOf, topicsOf, unreadOf, view as viewOf } from './adapter';
import type {
  BellOptions, MountedBell, Notification, NotificationsOptions, NotificationsResult, NotifygateOptions, PreferencesResult, Store,
  TopicsResult
} from './adapter';
import { renderSlots, SLOT_NAMES } from './slots';
import type { CardSlotName, Slot, SlotName } from './slots';

export type * from './adapter';

const Context = createContext<Notifygate | null>(null);

/**
 * Gives the components in it one client. `user` is the recipient's id: when it changes, as do `url`, `tokenUrl` and
 * `client`, they get another client. Of `token` and `getToken` the newest are used.
 */
export function NotifygateProvider({ children, ...options }: NotifygateOptions & { children?: ReactNode }): ReactElement {
  const newest = useNewest(options);
  const { client, url, user, token, tokenUrl, getToken } = options;
  // A page may know its token later; the client that was made without one has stopped.
  const hasToken = !!(token || getToken);
  const value = useMemo(() => {
    if (client || tokenUrl || !hasToken) return makeClient(options);
    const newestToken: NotifygateOptions['getToken'] = (done) =>
      newest.current.getToken ? newest.current.getToken(done) : newest.current.token!;
    return makeClient({ ...options, token: undefined, getToken: newestToken });
  }, [client, url, user, tokenUrl, hasToken, newest]);
  return createElement(Context.Provider, { value }, children);
}

/** Return the client of the provider. */
export function useNotifygate(): Notifygate {
  const client = useContext(Context);
  if (!client) throw new Error('notifygate: there is no <NotifygateProvider> around this component.');
  return client;
}

/** Return the notifications and what can be done with them. The client polls while a component uses this. */
export function useNotifications({ filter }: NotificationsOptions = {}): NotificationsResult {
  const client = useNotifygate();
  const snapshot = useStore(client);
  return useMemo(() => viewOf(client, snapshot, filter), [client, snapshot, filter]);
}

/** Return the number of unread notifications. The component is rendered again only when it changes. */
export function useUnreadCount(): number {
  return useStore(unreadOf(useNotifygate()));
}

/** Return the recipient's preferences by type, and `update` to change them. */
export function usePreferences(): PreferencesResult {
  return useStore(preferencesOf(useNotifygate()));
}

/** Return the topics that the recipient can follow, and `follow` and `unfollow`. */
export function useTopics(): TopicsResult {
  return useStore(topicsOf(useNotifygate()));
}

type RenderProps = {
  [Name in SlotName as `render${Capitalize<Name>}`]?: Name extends CardSlotName
    ? (notification: Notification) => ReactNode
    : () => ReactNode;
};

export interface NotifygateBellProps extends BellOptions, RenderProps {
  className?: string;
  /** Called with the bell when it is there. */
  onReady?: (bell: NotifygateBellClass) => void;
}

/**
 * Return a component for a view of the bell. On a server it is an empty element. `renderItem`, `renderAvatar`,
 * `renderBody`, `renderActions`, `renderEmpty`, `renderHeader` and `renderFooter` render parts of it with React.
 */
function makeView(view: NonNullable<BellOptions['view']>) {
  return function NotifygateView({ className, onReady, ...props }: NotifygateBellProps): ReactElement {
    const client = useNotifygate();
    const node = useRef<HTMLDivElement>(null);
    const mounted = useRef<MountedBell>(null);
    const ready = useNewest(onReady);
    const [slots, setSlots] = useState<Slot[]>([]);
    const rendered = props as Partial<Record<string, (notification: Notification | null) => ReactNode>>;
    const names = SLOT_NAMES.filter((name) => rendered[propOf(name)]).join();
    const render = useMemo(() => names && renderSlots(names.split(',') as SlotName[], setSlots), [names]);
    const given = Object.entries(props).filter(([name]) => !name.startsWith('render'));
    const options = useNewest<BellOptions>({ ...Object.fromEntries(given), view, ...(render ? { render } : {}) });
    useEffect(() => {
      mounted.current = mountBell(node.current!, client, options.current, (bell) => ready.current?.(bell));
      return () => mounted.current!.unmount();
    }, [client, options, ready]);
    useEffect(() => mounted.current?.update(options.current));
    const portals = slots.map((slot) => createPortal(rendered[propOf(slot.name)]?.(slot.notification), slot.node, slot.key));
    return createElement(Fragment, null, createElement('div', { ref: node, className }), portals);
  };
}

function propOf(name: SlotName): string {
  return `render${name[0].toUpperCase()}${name.slice(1)}`;
}

/** The bell. */
export const NotifygateBell = makeView('bell');
/** The list in the page, always open. */
export const NotifygateInbox = makeView('list');
/** The settings in the page. */
export const NotifygatePreferences = makeView('preferences');

function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot);
}

/** Return a box that holds the newest value: for callbacks that outlive the rendering that gave them. */
function useNewest<T>(value: T): { current: T } {
  const box = useRef(value);
  // Before any effect of a child, which may subscribe and so ask for a token.
  useInsertionEffect(() => {
    box.current = value;
  });
  return box;
}
