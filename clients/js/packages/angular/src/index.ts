/** `@notifygate/angular`: signals and a bell for Angular. */

import { isPlatformBrowser } from '@angular/common';
import {
  afterNextRender, Component, computed, DestroyRef, Directive, effect, ElementRef, inject, InjectionToken, input,
  makeEnvironmentProviders, output, PLATFORM_ID, signal
} from '@angular/core';
import type { EnvironmentProviders, Signal } from '@angular/core';
import type Notifygate from 'notifygate';
import type Bell from 'notifygate/bell';
import { actionsOf, makeClient, mountBell, preferencesOf, topicsOf, unreadOf, view } from 'notifygate/adapter';
import type {
  Actions, BellOptions, Loaded, MountedBell, Notification, NotificationsOptions, NotificationsResult, NotifygateOptions, PreferencesResult, Store,
  TopicsResult
} from 'notifygate/adapter';

export type * from 'notifygate/adapter';

const CLIENT = new InjectionToken<Notifygate>('notifygate');

/** Give an application one client: `bootstrapApplication(App, {providers: [provideNotifygate({tokenUrl: '/my/token'})]})`. */
export function provideNotifygate(options: NotifygateOptions): EnvironmentProviders {
  return makeEnvironmentProviders([{ provide: CLIENT, useFactory: () => makeClient(options) }]);
}

/** Return the client. Like all functions named so, to be called in an injection context. */
export function injectNotifygate(): Notifygate {
  return inject(CLIENT);
}

/** The values of a view, each as a signal. */
export type Signals<T, Plain> = { readonly [Name in keyof Omit<T, keyof Plain>]: Signal<T[Name]> } & Plain;

/**
 * Return the notifications and what can be done with them. The client polls while anything uses this. `options` may read
 * signals.
 */
export function injectNotifications(options: () => NotificationsOptions = () => ({})): Signals<NotificationsResult, Actions> {
  const client = injectNotifygate();
  const snapshot = injectStore(client);
  const shown = computed(() => view(client, snapshot(), options().filter));
  return {
    ...actionsOf(client),
    notifications: computed(() => shown().notifications),
    unread: computed(() => shown().unread),
    unseen: computed(() => shown().unseen),
    hasMore: computed(() => shown().hasMore),
    status: computed(() => shown().status),
    error: computed(() => shown().error),
    isLoading: computed(() => shown().isLoading),
    isError: computed(() => shown().isError)
  };
}

/** Return the number of unread notifications. */
export function injectUnreadCount(): Signal<number> {
  return injectStore(unreadOf(injectNotifygate()));
}

/** Return the recipient's preferences by type, and `update` to change them. */
export function injectPreferences(): Signals<PreferencesResult, Pick<PreferencesResult, 'update'>> {
  const store = preferencesOf(injectNotifygate());
  const snapshot = injectStore(store);
  return {
    update: store.getSnapshot().update,
    preferences: computed(() => snapshot().preferences),
    ...loaded(snapshot)
  };
}

/** Return the topics that the recipient can follow, and `follow` and `unfollow`. */
export function injectTopics(): Signals<TopicsResult, Pick<TopicsResult, 'follow' | 'unfollow'>> {
  const store = topicsOf(injectNotifygate());
  const { follow, unfollow } = store.getSnapshot();
  const snapshot = injectStore(store);
  return { follow, unfollow, topics: computed(() => snapshot().topics), ...loaded(snapshot) };
}

/** What stores that are loaded have in common. */
function loaded(snapshot: Signal<Loaded>): Signals<Loaded, object> {
  return {
    status: computed(() => snapshot().status),
    isLoading: computed(() => snapshot().isLoading),
    error: computed(() => snapshot().error)
  };
}

/** What the three components share. On a server each is an empty element. */
@Directive()
abstract class View {
  readonly options = input<BellOptions>({});
  readonly theme = input<BellOptions['theme']>();
  /** Emits each notification that the user opens. */
  readonly opened = output<Notification>();
  /** Emits the bell when it is there. */
  readonly ready = output<Bell>();

  constructor(view: NonNullable<BellOptions['view']>) {
    const client = injectNotifygate();
    const node: HTMLElement = inject(ElementRef).nativeElement;
    const mounted = signal<MountedBell | null>(null);
    const onOpen: BellOptions['onOpen'] = (notification) => {
      this.opened.emit(notification);
      return this.options().onOpen?.(notification);
    };
    const options = computed<BellOptions>(() => {
      const theme = this.theme();
      return { ...this.options(), ...(theme ? { theme } : {}), view, onOpen };
    });
    afterNextRender(() => mounted.set(mountBell(node, client, options(), (bell) => this.ready.emit(bell))));
    effect(() => mounted()?.update(options()));
    inject(DestroyRef).onDestroy(() => mounted()?.unmount());
  }
}

/** The bell. */
@Component({ selector: 'notifygate-bell', template: '' })
export class NotifygateBell extends View {
  constructor() {
    super('bell');
  }
}

/** The list in the page, always open. */
@Component({ selector: 'notifygate-inbox', template: '' })
export class NotifygateInbox extends View {
  constructor() {
    super('list');
  }
}

/** The settings in the page. */
@Component({ selector: 'notifygate-preferences', template: '' })
export class NotifygatePreferences extends View {
  constructor() {
    super('preferences');
  }
}

function injectStore<T>(store: Store<T>): Signal<T> {
  // On a server there is no page to keep up to date.
  if (!isPlatformBrowser(inject(PLATFORM_ID))) return signal(store.getServerSnapshot());
  const value = signal(store.getSnapshot());
  inject(DestroyRef).onDestroy(store.subscribe(() => value.set(store.getSnapshot())));
  return value;
}
