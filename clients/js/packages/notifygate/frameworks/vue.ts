/** `notifygate/vue`: a plugin, composables and a bell for Vue 3. */

import type Notifygate from 'notifygate';
import {
  computed, defineComponent, h, hasInjectionContext, inject, onBeforeUnmount, onMounted, onScopeDispose, shallowRef, Teleport, toValue,
  watch
} from 'vue';
import type { ComputedRef, InjectionKey, MaybeRefOrGetter, Plugin, PropType, Ref } from 'vue';
import { actionsOf, isBrowser, makeClient, mountBell, preferencesOf, topicsOf, unreadOf, view as viewOf } from './adapter';
import type {
  Actions, BellOptions, Loaded, MountedBell, NotificationsOptions, NotificationsResult, NotifygateOptions, PreferencesResult, Store,
  TopicsResult
} from './adapter';
import { renderSlots, SLOT_NAMES } from './slots';
import type { Slot } from './slots';

export type * from './adapter';

const KEY: InjectionKey<Notifygate> = Symbol('notifygate');

/** Return a plugin that gives an application one client: `app.use(createNotifygate({tokenUrl: '/my/token'}))`. */
export function createNotifygate(options: NotifygateOptions): Plugin & { client: Notifygate } {
  const client = makeClient(options);
  return { client, install: (app) => void app.provide(KEY, client) };
}

/** Return the client of the plugin. */
export function useNotifygate(): Notifygate {
  const client = hasInjectionContext() ? inject(KEY, null) : null;
  if (!client) throw new Error('notifygate: call this in setup(), of an application that uses createNotifygate().');
  return client;
}

/** The values of a view, each as a ref. */
export type Refs<T, Plain> = { readonly [Name in keyof Omit<T, keyof Plain>]: ComputedRef<T[Name]> } & Plain;

/** Return the notifications and what can be done with them. The client polls while a component uses this. */
export function useNotifications(options: MaybeRefOrGetter<NotificationsOptions> = {}): Refs<NotificationsResult, Actions> {
  const client = useNotifygate();
  const snapshot = useStore(client);
  const shown = computed(() => viewOf(client, snapshot.value, toValue(options).filter));
  return {
    ...actionsOf(client),
    notifications: computed(() => shown.value.notifications),
    unread: computed(() => shown.value.unread),
    unseen: computed(() => shown.value.unseen),
    hasMore: computed(() => shown.value.hasMore),
    status: computed(() => shown.value.status),
    error: computed(() => shown.value.error),
    isLoading: computed(() => shown.value.isLoading),
    isError: computed(() => shown.value.isError)
  };
}

/** Return the number of unread notifications. */
export function useUnreadCount(): Readonly<Ref<number>> {
  return useStore(unreadOf(useNotifygate()));
}

/** Return the recipient's preferences by type, and `update` to change them. */
export function usePreferences(): Refs<PreferencesResult, Pick<PreferencesResult, 'update'>> {
  const store = preferencesOf(useNotifygate());
  const snapshot = useStore(store);
  return {
    update: store.getSnapshot().update,
    preferences: computed(() => snapshot.value.preferences),
    ...loaded(snapshot)
  };
}

/** What stores that are loaded have in common. */
function loaded(snapshot: Readonly<Ref<Loaded>>): Refs<Loaded, object> {
  return {
    status: computed(() => snapshot.value.status),
    isLoading: computed(() => snapshot.value.isLoading),
    error: computed(() => snapshot.value.error)
  };
}

/** Return the topics that the recipient can follow, and `follow` and `unfollow`. */
export function useTopics(): Refs<TopicsResult, Pick<TopicsResult, 'follow' | 'unfollow'>> {
  const store = topicsOf(useNotifygate());
  const { follow, unfollow } = store.getSnapshot();
  const snapshot = useStore(store);
  return { follow, unfollow, topics: computed(() => snapshot.value.topics), ...loaded(snapshot) };
}

/**
 * Return a component for a view of the bell. On a server it is an empty element. The slots `item`, `avatar`, `body` and
 * `actions` (each with `notification`), `empty`, `header` and `footer` render parts of it. `@ready` gets the bell.
 */
function makeView(name: string, view: NonNullable<BellOptions['view']>) {
  return defineComponent({
    name,
    inheritAttrs: false,
    props: {
      options: { type: Object as PropType<BellOptions>, default: () => ({}) },
      theme: String as PropType<BellOptions['theme']>,
      /** For `v-model:open`. */
      open: { type: Boolean, default: undefined },
      /** As the option; also `@open`. */
      onOpen: Function as PropType<BellOptions['onOpen']>
    },
    emits: ['ready', 'update:open'],
    setup(props, { attrs, emit, slots }) {
      const client = useNotifygate();
      const node = shallowRef<HTMLElement>();
      const filled = shallowRef<Slot[]>([]);
      const names = SLOT_NAMES.filter((one) => slots[one]);
      const render = names.length ? { render: renderSlots(names, (found) => (filled.value = found)) } : {};
      const onOpenChange = (isOpen: boolean) => emit('update:open', isOpen);
      const options = computed<BellOptions>(() => {
        const { theme, open, onOpen } = props;
        const given = Object.entries({ theme, open, onOpen }).filter(([, value]) => value !== undefined);
        return { onOpenChange, ...props.options, ...Object.fromEntries(given), ...render, view };
      });
      let mounted: MountedBell | undefined;
      onMounted(() => {
        mounted = mountBell(node.value!, client, options.value, (bell) => emit('ready', bell));
      });
      watch(options, (next) => mounted?.update(next));
      onBeforeUnmount(() => mounted?.unmount());
      return () => [
        h('div', { ...attrs, ref: node }),
        ...filled.value.map(({ key, node: to, name: slot, notification }) =>
          h(Teleport as never, { key, to }, slots[slot]!({ notification })))
      ];
    }
  });
}

/** The bell. */
export const NotifygateBell = makeView('NotifygateBell', 'bell');
/** The list in the page, always open. */
export const NotifygateInbox = makeView('NotifygateInbox', 'list');
/** The settings in the page. */
export const NotifygatePreferences = makeView('NotifygatePreferences', 'preferences');

function useStore<T>(store: Store<T>): Readonly<Ref<T>> {
  // What the server rendered is what the page begins with.
  const value = shallowRef(isBrowser ? store.getSnapshot() : store.getServerSnapshot()) as Ref<T>;
  if (isBrowser) {
    onScopeDispose(store.subscribe(() => {
      value.value = store.getSnapshot();
    }));
  }
  return value;
}
