/** Mounting a bell for a framework: which options change it, and which cost another one. */

import { beforeEach, expect, it, vi } from 'vitest';
import { mountBell, type MountedBell } from '../frameworks/mount';
import type { BellOptions } from '../frameworks/adapter';
import type Notifygate from '../types/index';

/** What happened to the bells, in order. */
let log: unknown[];
let mounted: MountedBell;
/** Called when a bell writes its direction on its element, or takes it away. */
let changed: (options: BellOptions) => void;

class Bell {
  constructor(_node: Element, { client: _client, ...options }: BellOptions & { client: Notifygate }) {
    log.push(['make', options]);
    changed({ ...options, dir: 'ltr' });
  }
  set(options: BellOptions) {
    log.push(['set', options]);
  }
  destroy() {
    log.push(['destroy']);
    changed({});
  }
}

vi.mock('notifygate/bell', () => ({ default: Bell }));

beforeEach(() => {
  log = [];
  changed = () => undefined;
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

it('makes no bell of the attributes that one writes and gives back', async () => {
  await mount({ language: 'en' });
  changed = (options) => mounted.update(options);
  mounted.update({ language: 'de' });
  expect(log).toEqual([['destroy'], ['make', { language: 'de' }]]);
  mounted.unmount();
  expect(log).toHaveLength(3);
});
