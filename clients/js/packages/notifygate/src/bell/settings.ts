/** The settings: how each type is shown, the topics, the browser's permission. */

import type { NotifygateBell } from './bell';
import { knownTypes } from './catalogue';
import { askForDesktop, desktopPermission } from './desktop';
import { el, iconButton, makeButton, setText, uid } from './dom';
import { ICONS } from './icons';
import { dictionary, each } from './objects';
import { makeSettingsRow, type SettingsRow } from './settings_row';
import { makeTopics } from './topics';

/** The second page of the panel, or a part of its own in the page. */
export interface SettingsView {
  node: HTMLElement;
  heading: HTMLElement;
  /** The button that asks for the browser's permission. */
  allow: HTMLElement;
  /** Read preferences and topics from the gateway. */
  load(): void;
  update(): void;
  /** Show a text above the settings, '' for none. */
  say(text: string): void;
  /** Show that a change was refused, if it was. */
  complain(error: unknown): void;
}

/** Make the settings. */
export function makeSettings(bell: NotifygateBell): SettingsView {
  const texts = bell.texts;
  const rows = dictionary<SettingsRow>();
  const heading = el('h2', 'ngb-heading', {id: uid('settings'), tabindex: '-1'}, texts.get('settingsHeading'));
  const back = iconButton(ICONS.back, texts.get('back'), 'ngb-back', () => bell.panel.show('list'));
  const note = el('p', 'ngb-note', {role: 'status'});
  const types = el('ul', 'ngb-types');
  const typesEmpty = el('p', 'ngb-hint', null, texts.get('settingsEmpty'));
  const topics = makeTopics(bell, say, complain);
  const desktopState = el('p', 'ngb-hint');
  const allow = makeButton('ngb-allow', texts.get('desktopAllow'), () => {
    askForDesktop(() => {
      update();
      if (allow.hidden) {
        heading.focus();
      }
    });
  }, {'aria-label': texts.get('desktopAllow') + ': ' + texts.get('desktop')});
  const desktop = el('section', 'ngb-desktop', null, [
    el('div', 'ngb-desktop-text', null, [el('h3', 'ngb-subheading', {id: uid('desktop')}, texts.get('desktop')), desktopState]),
    allow
  ]);
  const view: SettingsView = {
    node: el('div', 'ngb-settings', null, [
      el('div', 'ngb-header', null, [bell.options.view === 'preferences' ? null : back, heading]),
      el('div', 'ngb-settings-body', null, [
        note, desktop,
        el('h3', 'ngb-subheading', null, texts.get('settingsTypes')),
        el('p', 'ngb-hint', null, texts.get('settingsTypesHint')),
        types, typesEmpty, topics.node
      ])
    ]),
    heading: heading,
    allow: allow,
    load: function () {
      bell.preferenceStore.load();
      topics.load();
      update();
    },
    update: update,
    say: say,
    complain: complain
  };

  function update() {
    const names = knownTypes(bell);
    const permission = desktopPermission();
    each(names, (name, place) => {
      const row = rows[name] || (rows[name] = makeSettingsRow(bell, view, name));
      row.update();
      if (types.children[place] !== row.node) {
        types.insertBefore(row.node, types.children[place] || null);
      }
    });
    types.hidden = !names.length;
    typesEmpty.hidden = !!names.length;
    topics.update();
    desktop.hidden = permission === 'none';
    allow.hidden = permission !== 'default';
    setText(desktopState, texts.get(permission === 'granted' ? 'desktopGranted' :
      permission === 'denied' ? 'desktopDenied' : 'desktopHint'));
  }

  function say(text: string) {
    setText(note, text);
    note.hidden = !text;
  }

  function complain(error: unknown) {
    if (error) say(texts.get('settingsSaveFailed'));
  }

  note.hidden = true;
  return view;
}
