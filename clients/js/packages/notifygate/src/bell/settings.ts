/** The settings: how each type is shown, the topics, the browser's permission. */

import type { NotifygateBell } from './bell';
import { el, iconButton, makeButton, setText, uid } from './dom';
import { ICONS } from './icons';
import { dictionary, each } from './objects';
import { SettingsRow } from './settings_row';
import { Topics } from './topics';

/** The second page of the panel, or a part of its own in the page. */
export class SettingsView {
  bell: NotifygateBell;
  rows: Record<string, SettingsRow>;
  heading: HTMLElement;
  note: HTMLElement;
  types: HTMLElement;
  typesEmpty: HTMLElement;
  topics: Topics;
  desktopState: HTMLElement;
  allow: HTMLElement;
  desktop: HTMLElement;
  node: HTMLElement;

  constructor(bell: NotifygateBell) {
    const texts = bell.texts;
    const back = iconButton(ICONS.back, texts.get('back'), 'ngb-back');
    this.bell = bell;
    this.rows = dictionary();
    this.heading = el('h2', 'ngb-heading', {id: uid('settings'), tabindex: '-1'}, texts.get('settingsHeading'));
    this.note = el('p', 'ngb-note', {role: 'status'});
    this.note.hidden = true;
    this.types = el('ul', 'ngb-types');
    this.typesEmpty = el('p', 'ngb-hint', null, texts.get('settingsEmpty'));
    this.topics = new Topics(bell, this);
    this.desktopState = el('p', 'ngb-hint');
    this.allow = makeButton('ngb-allow', texts.get('desktopAllow'),
      {'aria-label': texts.get('desktopAllow') + ': ' + texts.get('desktop')});
    this.desktop = el('section', 'ngb-desktop', null, [
      el('div', 'ngb-desktop-text', null, [
        el('h3', 'ngb-subheading', {id: uid('desktop')}, texts.get('desktop')), this.desktopState
      ]),
      this.allow
    ]);
    this.node = el('div', 'ngb-settings', null, [
      el('div', 'ngb-header', null, [bell.options.view === 'preferences' ? null : back, this.heading]),
      el('div', 'ngb-settings-body', null, [
        this.note, this.desktop,
        el('h3', 'ngb-subheading', null, texts.get('settingsTypes')),
        el('p', 'ngb-hint', null, texts.get('settingsTypesHint')),
        this.types, this.typesEmpty, this.topics.node
      ])
    ]);
    back.onclick = () => bell.panel.show('list');
    this.allow.onclick = () => {
      bell.desktop.ask(() => {
        this.update();
        if (this.allow.hidden) {
          this.heading.focus();
        }
      });
    };
  }

  /** Read preferences and topics from the gateway. */
  load() {
    this.bell.preferenceStore.load();
    this.topics.load();
    this.update();
  }

  update() {
    const names = this.bell.catalogue.knownTypes();
    const permission = this.bell.desktop.permission();
    each(names, (name, place) => {
      const row = this.rows[name] || (this.rows[name] = new SettingsRow(this.bell, this, name));
      row.update();
      if (this.types.children[place] !== row.node) {
        this.types.insertBefore(row.node, this.types.children[place] || null);
      }
    });
    this.types.hidden = !names.length;
    this.typesEmpty.hidden = !!names.length;
    this.topics.update();
    this.desktop.hidden = permission === 'none';
    this.allow.hidden = permission !== 'default';
    setText(this.desktopState, this.bell.texts.get(permission === 'granted' ? 'desktopGranted' :
      permission === 'denied' ? 'desktopDenied' : 'desktopHint'));
  }

  say(text: string) {
    setText(this.note, text);
    this.note.hidden = !text;
  }
}
