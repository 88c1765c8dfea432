/**
 * Loads the packages where there is no browser, as modules and by `require`, and renders pages with them:
 * `node build/check_server.mjs`. Nothing may touch the network, and the markup is that of an inbox that is loading.
 */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createElement as h } from 'react';
import { renderToString as renderReact } from 'react-dom/server';
import { createSSRApp, h as hVue } from 'vue';
import { renderToString as renderVue } from 'vue/server-renderer';
import { createNotifygate as createStores } from 'notifygate/svelte';
import * as react from 'notifygate/react';
import * as vue from 'notifygate/vue';

const require = createRequire(import.meta.url);
const OPTIONS = { tokenUrl: '/my/notification-token' };

globalThis.fetch = () => assert.fail('a server asks for no token');

const WANTED = '<div></div>true 0';

function reactPage({ NotifygateBell, NotifygateProvider, useNotifications, usePreferences, useTopics, useUnreadCount }) {
  function Page() {
    const { isLoading, notifications } = useNotifications();
    assert.equal(usePreferences().status, 'pending');
    assert.deepEqual(useTopics().topics, []);
    assert.deepEqual(notifications, []);
    return [h(NotifygateBell, { key: 'bell' }), `${isLoading} ${useUnreadCount()}`];
  }
  return renderReact(h(NotifygateProvider, OPTIONS, h(Page)));
}

function vuePage({ createNotifygate, NotifygateBell, useNotifications, usePreferences, useTopics, useUnreadCount }) {
  const page = {
    setup() {
      const { isLoading, notifications } = useNotifications();
      const unread = useUnreadCount();
      assert.equal(usePreferences().status.value, 'pending');
      assert.deepEqual(useTopics().topics.value, []);
      assert.deepEqual(notifications.value, []);
      return () => [hVue(NotifygateBell), `${isLoading.value} ${unread.value}`];
    }
  };
  return renderVue(createSSRApp(page).use(createNotifygate(OPTIONS)));
}

function svelteValues({ notifications, topics, unreadCount }) {
  const seen = [];
  notifications().subscribe((inbox) => seen.push(inbox.isLoading))();
  unreadCount.subscribe((count) => seen.push(count))();
  topics.subscribe((store) => seen.push(store.isLoading))();
  return seen;
}

assert.equal(reactPage(react), WANTED);
assert.equal(reactPage(require('notifygate/react')), WANTED);
for (const found of [vue, require('notifygate/vue')]) {
  assert.equal((await vuePage(found)).replaceAll(/<!--.*?-->/g, ''), WANTED);
}
assert.deepEqual(svelteValues(createStores(OPTIONS)), [true, 0, true]);
assert.deepEqual(svelteValues(require('notifygate/svelte').createNotifygate(OPTIONS)), [true, 0, true]);
for (const name of ['notifygate', 'notifygate/bell', 'notifygate/element', 'notifygate/adapter']) {
  const [module, required] = [await import(name), require(name)];
  assert.equal(typeof (module.default ?? module.makeClient ?? module.NotifygateBellElement), 'function', name);
  assert.equal(typeof required === 'function' || Object.keys(required).length > 0, true, name);
}
const [german, required] = [(await import('notifygate/bell/de')).default, require('notifygate/bell/de')];
assert.equal(german.undo, 'Rückgängig');
assert.deepEqual(required, german);
console.log('every entry point loads and renders on a server');
