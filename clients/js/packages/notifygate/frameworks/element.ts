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

/** Attributes, and the options that they stand for. Those of the client are read when the element is connected. */
const CLIENT_ATTRIBUTES = { url: 'url', token: 'token', 'token-url': 'tokenUrl', user: 'user' };
const BELL_ATTRIBUTES = { view: 'view', language: 'language', dir: 'dir', theme: 'theme', 'toast-position': 'toastPosition' };

// On a server there is no such class; there the module has to load, but no element is made.
const Base = isBrowser ? HTMLElement : (class {} as unknown as typeof HTMLElement);

export type ElementOptions = BellOptions & Pick<NotifygateOptions, 'getToken'>;

/** A bell as an element. Events: `notifygate-ready`, and `notifygate-open` with the notification as `detail`: one that
 * is cancelled does not follow the notification's link. */
export class NotifygateBellElement extends Base {
  static readonly observedAttributes = Object.keys(BELL_ATTRIBUTES);

  /** The page's own client, to be set before the element is connected; without it the element makes one. */
  client?: Notifygate;
  /** The bell, once its code is loaded. */
  bell: NotifygateBell | null = null;
  private given: ElementOptions = {};
  private mounted: MountedBell | null = null;

  /** Options that no attribute stands for; `getToken` is read when the element is connected. */
  get options(): ElementOptions {
    return this.given;
  }

  set options(options: ElementOptions) {
    this.given = options;
    this.attributeChangedCallback();
  }

  connectedCallback(): void {
    // Set before this class was defined, it hides the accessor.
    if (Object.hasOwn(this, 'options')) {
      const { options } = this;
      delete (this as { options?: unknown }).options;
      this.given = options;
    }
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

  attributeChangedCallback(): void {
    this.mounted?.update(this.bellOptions());
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
