/** A browser with several tabs of one site, which share a storage, a clock, and in new browsers locks and channels. */

import Client from '../src/core/index';
import type { Channel } from '../src/core/platform';
import type Notifygate from '../types/index';
import { FakePlatform, type FakeRequest } from './fake_platform';

export const Notify = Client as unknown as typeof Notifygate;

/** A token of a recipient. */
export function tokenOf(recipient: string): string {
  return `x.${Buffer.from(JSON.stringify({ sub: recipient })).toString('base64url')}.y`;
}

/** The body of an answer to a poll. */
export function answerOf(fields: object = {}): object {
  const poll = { after: 15, wait: 55 };
  return { notifications: [], removed: [], unread: 0, unseen: 0, cursor: 'c1', has_more: false, poll, ...fields };
}

let tabsMade = 0;

/** A tab; messages, events and timers reach it only while its browser's time passes. */
export class FakeTab extends FakePlatform {
  client: Notifygate;
  /** Titles of the notifications that were reported as new, in order. */
  added: string[] = [];
  modes: string[] = [];
  errors: Notifygate.Failure[] = [];
  resets = 0;
  isHanging = false;
  /** Whether messages reach the tab while it hangs, as in Firefox while a dialog of the page is open. */
  isReachable = false;
  private readonly number = ++tabsMade;

  constructor(
    readonly browser: FakeBrowser,
    options: Partial<Notifygate.Options>
  ) {
    super();
    this.values = browser.values;
    this.client = new Notify({ token: tokenOf('anna'), ...options, platform: this });
    this.client.on('notifications', (_items, info) => this.added.push(...info.added.map((item) => item.title)));
    this.client.on('state', (state) => this.modes.push(state.mode));
    this.client.on('error', (error) => this.errors.push(error));
    this.client.on('reset', () => this.resets++);
  }

  /** The polls that were sent, oldest first. */
  get polls(): FakeRequest[] {
    return this.requests.filter((request) => /inbox(\?.*)?$/.test(request.url));
  }

  /** Seconds for which each poll asked to be held. */
  get waits(): number[] {
    return this.polls.map((poll) => Number(/wait=(\d+)/.exec(poll.url)?.[1] ?? 0));
  }

  /** Close the tab: its requests end, and so do its timers. */
  close(): void {
    this.events?.hide();
    this.browser.forget(this);
  }

  show(isShown: boolean): void {
    this.isShown = isShown;
    this.events!.wake();
  }

  override now(): number {
    return this.browser.time;
  }
  override random(): number {
    return 0.5 + this.number / 1e6;
  }
  override storage() {
    const own = super.storage();
    const changed = (name: string, value: string | null) =>
      this.browser.reach(this, (tab) => tab.events?.stored(name, value));
    return {
      getItem: own.getItem,
      setItem: (name: string, value: string) => {
        if (this.browser.isFull) throw new Error('QuotaExceededError');
        own.setItem(name, value);
        changed(name, value);
      },
      removeItem: (name: string) => {
        own.removeItem(name);
        changed(name, null);
      }
    };
  }
  override openChannel(name: string): Channel | null {
    if (!this.browser.isNew) return null;
    const channel: Channel & { name: string } = {
      name,
      onmessage: null,
      postMessage: (message: unknown) => {
        const text = JSON.stringify(message);
        this.browser.reach(this, (tab) => {
          const other = tab.channel as (Channel & { name: string }) | null;
          if (other?.name === name) other.onmessage?.({ data: JSON.parse(text) });
        });
      },
      close: () => {
        this.channel = null;
      }
    };
    return (this.channel = channel);
  }
  override takeLock(name: string, steal: boolean, taken: (release: () => void) => void, lost?: () => void): boolean {
    return this.browser.isNew && this.browser.takeLock(name, this, steal, taken, lost!);
  }
}

export class FakeBrowser {
  time = 1_000_000;
  values: Record<string, string> = {};
  tabs: FakeTab[] = [];
  /** Whether nothing more fits into the storage. */
  isFull = false;
  private locks: Record<string, { tab: FakeTab; lost: () => void } | undefined> = {};

  /** `isNew`: it has locks and channels. */
  constructor(readonly isNew = true) {}

  /** Open a tab whose client runs. */
  open(options: Partial<Notifygate.Options> = {}): FakeTab {
    const tab = new FakeTab(this, options);
    this.tabs.push(tab);
    tab.client.start();
    this.pass(0.5);
    return tab;
  }

  /** The tabs that poll for all. */
  get leaders(): FakeTab[] {
    return this.tabs.filter((tab) => tab.client.state.leader);
  }

  /** The only one. */
  get leader(): FakeTab {
    const [leader, ...others] = this.leaders;
    if (!leader || others.length) throw new Error(`${this.leaders.length} tabs lead`);
    return leader;
  }

  /** Let time pass in all tabs that don't hang. */
  pass(seconds: number): void {
    const end = this.time + seconds * 1000;
    for (;;) {
      const running = this.tabs.filter((tab) => !tab.isHanging);
      const due = running.flatMap((tab) => tab.timers.filter((timer) => timer.at <= end));
      const next = due.sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = Math.max(this.time, next.at);
      running.forEach((tab) => tab.clearTimer(next));
      next.work();
    }
    this.time = end;
  }

  /** Do something in the other tabs, as soon as they run. */
  reach(from: FakeTab, work: (tab: FakeTab) => void): void {
    for (const tab of this.tabs) {
      if (tab === from) continue;
      if (tab.isHanging && tab.isReachable) work(tab);
      else tab.setTimer(() => work(tab), 0);
    }
  }

  takeLock(name: string, tab: FakeTab, steal: boolean, taken: (release: () => void) => void, lost: () => void): boolean {
    const holder = this.locks[name];
    if (holder && !steal) return true;
    const mine = (this.locks[name] = { tab, lost });
    if (holder) holder.tab.setTimer(holder.lost, 0);
    taken(() => {
      if (this.locks[name] === mine) delete this.locks[name];
    });
    return true;
  }

  forget(tab: FakeTab): void {
    this.tabs = this.tabs.filter((one) => one !== tab);
    for (const name in this.locks) if (this.locks[name]!.tab === tab) delete this.locks[name];
  }
}
