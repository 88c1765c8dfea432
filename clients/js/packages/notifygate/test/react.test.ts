/** React's provider: when it makes another client. What it renders is tested in browsers. */

import { act, createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { NotifygateProvider, useNotifygate } from '../frameworks/react';
import type { NotifygateOptions } from '../frameworks/adapter';

vi.mock('notifygate', () => import('../src/core/index'));

beforeAll(() => {
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('HTMLIFrameElement', class {});
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
});
afterAll(() => {
  vi.unstubAllGlobals();
});

/** Render a provider that renders nothing itself, so that React needs hardly anything of a page. */
function provider() {
  const ownerDocument = { nodeType: 9, addEventListener: () => undefined };
  const node = { nodeType: 1, nodeName: 'DIV', tagName: 'DIV', addEventListener: () => undefined, ownerDocument };
  const root = createRoot(node as unknown as Element);
  let client: unknown;
  function Page(): null {
    client = useNotifygate();
    return null;
  }
  return async function render(options: NotifygateOptions): Promise<unknown> {
    await act(async () => root.render(createElement(NotifygateProvider, options, createElement(Page))));
    return client;
  };
}

it('makes another client when the page knows its token, and keeps it when that is renewed', async () => {
  const render = provider();
  const first = await render({ token: undefined });
  const second = await render({ token: 'of anna' });
  expect(second).not.toBe(first);
  expect(await render({ token: 'renewed' })).toBe(second);
  expect(await render({ getToken: () => 'renewed' })).toBe(second);
  expect(await render({ token: 'of bob', user: 'bob' })).not.toBe(second);
});
