/**
 * `notifygate/element`: the custom element `<notifygate-bell>`, for pages without a framework and for any framework.
 *
 *     <notifygate-bell token-url="/my/notification-token" theme="dark"></notifygate-bell>
 *
 * It is defined when this module is loaded in a browser. Its content is ordinary, not in a shadow tree, so that one style
 * sheet and custom properties on `:root` apply to it.
 */

import type Notifygate from 'notifygate';
import type NotifygateBell from 'notifygate/bell';
import { isBrowser, makeClient, mountBell } from './adapter';
import type { BellOptions, MountedBell, NotifygateOptions } from './adapter';

export type * from './adapter';

/** Attributes, and the options that they stand for. Where one of the client's changes, the element makes another client. */
const CLIENT_ATTRIBUTES = { url: 'url', token: 'token', 'token-url': 'tokenUrl', user: 'user' };
const BELL_ATTRIBUTES = { view: 'view', language: 'language', dir: 'dir', theme: 'theme', 'toast-position': 'toastPosition' };

// On a server there is no such class; there the module has to load, but no element is made.
const Base = isBrowser ? HTMLElement : (class {} as unknown as typeof HTMLElement);

export type ElementOptions = BellOptions & Pick<NotifygateOptions, 'getToken'>;

/** A bell as an element. Events: `notifygate-ready`, and `notifygate-open` with the notification as `detail`: one that
 * is cancelled does not follow the notification's link. */
export class NotifygateBellElement extends Base {
  static readonly observedAttributes = Object.keys({ ...BELL_ATTRIBUTES, ...CLIENT_ATTRIBUTES });

  /** The bell, once its code is loaded. */
  bell: NotifygateBell | null = null;
  private given: ElementOptions = {};
  private givenClient?: Notifygate;
  private mounted: MountedBell | null = null;

  /** The page's own client; without it the element makes one. */
  get client(): Notifygate | undefined {
    return this.givenClient;
  }

  set client(client: Notifygate | undefined) {
    if (client === this.givenClient) return;
    this.givenClient = client;
    this.mountSoon();
  }

  /** Options that no attribute stands for; `getToken` is read when a client is made. */
  get options(): ElementOptions {
    return this.given;
  }

  set options(options: ElementOptions) {
    this.given = options;
    this.mounted?.update(this.bellOptions());
  }

  connectedCallback(): void {
    // Set before this class was defined, they hide the accessors.
    for (const name of ['options', 'client'] as const) {
      if (!Object.hasOwn(this, name)) continue;
      const { [name]: value } = this;
      delete (this as Record<string, unknown>)[name];
      Object.assign(this, { [name]: value });
    }
    this.mount();
  }

  private mount(): void {
    const { getToken } = this.given;
    const client = makeClient({ client: this.client, getToken, ...this.read(CLIENT_ATTRIBUTES) });
    this.mounted = mountBell(this, client, this.bellOptions(), (bell) => {
      this.bell = bell;
      this.dispatchEvent(new CustomEvent('notifygate-ready', { bubbles: true }));
    });
  }

  disconnectedCallback(): void {
    this.mounted?.unmount();
    this.mounted = this.bell = null;
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (name in BELL_ATTRIBUTES) this.mounted?.update(this.bellOptions());
    else if (before !== after && !this.client) this.mountSoon();
  }

  /** Mount another bell when all attributes of another recipient are there, not one with one's name and the other's token. */
  private mountSoon(): void {
    const old = this.mounted;
    queueMicrotask(() => {
      if (!old || this.mounted !== old) return;
      this.disconnectedCallback();
      this.mount();
    });
  }

  private bellOptions(): BellOptions {
    const { getToken, ...options } = this.given;
    return { ...options, ...this.read(BELL_ATTRIBUTES), onOpen: this.onOpen };
  }

  private onOpen: BellOptions['onOpen'] = (notification) => {
    const event = new CustomEvent('notifygate-open', { detail: notification, bubbles: true, cancelable: true });
    return this.dispatchEvent(event) && this.given.onOpen?.(notification);
  };

  /** Return the options that attributes are given for. */
  private read(names: Record<string, string>): object {
    const given = Object.entries(names).filter(([attribute]) => this.hasAttribute(attribute));
    return Object.fromEntries(given.map(([attribute, option]) => [option, this.getAttribute(attribute)]));
  }
}

if (isBrowser && !customElements.get('notifygate-bell')) customElements.define('notifygate-bell', NotifygateBellElement);

declare global {
  interface HTMLElementTagNameMap {
    'notifygate-bell': NotifygateBellElement;
  }
}
