/** Mounting a bell for a framework: which options change it, and which cost another one. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mountBell, type MountedBell } from '../frameworks/mount';
import type { BellOptions } from '../frameworks/adapter';
import type Notifygate from '../types/index';

/** What happened to the bells, in order. */
let log: unknown[];
let mounted: MountedBell;
/** How many of the next attempts to load the code of the bell fail. */
let failures = 0;

class Bell {
  constructor(_node: Element, { client: _client, ...options }: BellOptions & { client: Notifygate }) {
    log.push(['make', options]);
  }
  set(options: BellOptions) {
    log.push(['set', options]);
  }
  destroy() {
    log.push(['destroy']);
  }
}

vi.mock('notifygate/bell', () => ({
  get default() {
    if (failures && failures--) throw new Error('the network is away');
    return Bell;
  }
}));

beforeEach(() => {
  log = [];
});

async function mount(options: BellOptions): Promise<void> {
  const client = { subscribe: () => () => undefined };
  mounted = mountBell({} as Element, client as unknown as Notifygate, options);
  await vi.waitFor(() => expect(log).toHaveLength(1));
  log = [];
}

it('sets what has changed, and nothing else', async () => {
  await mount({ theme: 'dark', toasts: true });
  mounted.update({ theme: 'light', toasts: true });
  expect(log).toEqual([['set', { theme: 'light' }]]);
});

it('makes another bell for what is read once', async () => {
  await mount({ strings: { heading: 'One' } });
  mounted.update({ strings: { heading: 'Two' } });
  mounted.update({ strings: { heading: 'Two' }, toastPosition: 'top-left' });
  expect(log).toEqual([
    ['destroy'],
    ['make', { strings: { heading: 'Two' } }],
    ['destroy'],
    ['make', { strings: { heading: 'Two' }, toastPosition: 'top-left' }]
  ]);
});

it('keeps the bell when a rendering makes another object of the same texts', async () => {
  const options = () => ({ strings: { heading: 'One', minutes: (n: number) => `${n}` } });
  await mount(options());
  mounted.update(options());
  expect(log).toEqual([]);
});

it.each([{}, { theme: undefined }])('goes back to the default of an option that is left out: %o', async (options) => {
  await mount({ theme: 'dark', inboxUrl: '/inbox' });
  mounted.update({ ...options, inboxUrl: '/inbox' });
  expect(log).toEqual([['destroy'], ['make', { ...options, inboxUrl: '/inbox' }]]);
  mounted.update({ inboxUrl: '/inbox' });
  expect(log).toHaveLength(2);
});

describe('code that can not be loaded', () => {
  /** The client's subscribers. */
  let subscribers: number;

  beforeEach(async () => {
    vi.useFakeTimers();
    failures = 2;
    subscribers = 1;
    const client = { subscribe: () => () => subscribers-- };
    mounted = mountBell({} as Element, client as unknown as Notifygate, { theme: 'dark' });
    await pass(0);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  async function pass(seconds: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    await vi.dynamicImportSettled();
  }

  it('is loaded again, after longer and longer waits', async () => {
    expect(failures).toBe(1);
    await pass(1);
    expect(failures).toBe(0);
    await pass(1.9);
    expect(log).toEqual([]);
    mounted.update({ theme: 'light' });
    await pass(0.2);
    expect(log).toEqual([['make', { theme: 'light' }]]);
  });

  it('is not loaded any more for a bell that was unmounted', async () => {
    mounted.unmount();
    expect(subscribers).toBe(0);
    await pass(9);
    expect(failures).toBe(1);
    expect(log).toEqual([]);
  });
});
