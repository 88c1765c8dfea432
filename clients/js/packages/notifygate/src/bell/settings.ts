/** The second page of the panel: what is muted, how each type is shown, the browser's permission. */

import type { NotifygateBell } from './bell';
import { el, icon, iconButton, setAttributes, setText, toggleClass, uid } from './dom';
import { ICONS } from './icons';
import { DISPLAYS } from './notification';
import { contains, dictionary, each, own } from './objects';

/** The second page of the panel: what is muted, how each type is shown, and the browser's permission. */
export class SettingsView {
  bell: NotifygateBell;
  rows: Record<string, SettingsRow>;
  back: HTMLElement;
  heading: HTMLElement;
  note: HTMLElement;
  types: any;
  typesEmpty: HTMLElement;
  desktopState: HTMLElement;
  allow: HTMLElement;
  desktop: HTMLElement;
  node: HTMLElement;

  constructor(bell: NotifygateBell) {
    const view = this;
    const texts = bell.texts;
    this.bell = bell;
    this.rows = dictionary();
    this.back = iconButton(ICONS.back, texts.get('back'), 'ngb-back');
    this.heading = el('h2', 'ngb-heading', {id: uid('settings'), tabindex: '-1'}, texts.get('settingsHeading'));
    this.note = el('p', 'ngb-note', {role: 'status'});
    this.note.hidden = true;
    this.types = el('ul', 'ngb-types');
    this.typesEmpty = el('p', 'ngb-hint', null, texts.get('settingsEmpty'));
    this.desktopState = el('p', 'ngb-hint');
    this.allow = el('button', 'ngb-allow', {type: 'button'}, texts.get('desktopAllow'));
    this.desktop = el('section', 'ngb-desktop', null, [
      el('div', 'ngb-desktop-text', null, [
        el('h3', 'ngb-subheading', {id: uid('desktop')}, texts.get('desktop')), this.desktopState
      ]),
      this.allow
    ]);
    this.allow.setAttribute('aria-label', texts.get('desktopAllow') + ': ' + texts.get('desktop'));
    this.node = el('div', 'ngb-settings', null, [
      el('div', 'ngb-header', null, [this.back, this.heading]),
      el('div', 'ngb-settings-body', null, [
        this.note,
        this.desktop,
        el('h3', 'ngb-subheading', null, texts.get('settingsTypes')),
        el('p', 'ngb-hint', null, texts.get('settingsTypesHint')),
        this.types, this.typesEmpty
      ])
    ]);
    this.back.onclick = function () {
      bell.panel.show('list');
    };
    this.allow.onclick = function () {
      bell.desktop.ask(function () {
        view.update();
        if (view.allow.hidden) {
          view.heading.focus();
        }
      });
    };
  }

  update() {
    const view = this;
    const names = this.bell.catalogue.knownTypes();
    const permission = this.bell.desktop.permission();
    each(names, function (name) {
      if (!own(view.rows, name)) {
        view.rows[name] = new SettingsRow(view.bell, view, name);
      }
      view.rows[name].update();
      if (view.types.children[names.indexOf(name)] !== view.rows[name].node) {
        view.types.insertBefore(view.rows[name].node, view.types.children[names.indexOf(name)] || null);
      }
    });
    this.types.hidden = !names.length;
    this.typesEmpty.hidden = !!names.length;
    this.desktop.hidden = permission === 'none';
    this.allow.hidden = permission !== 'default';
    setText(this.desktopState, this.bell.texts.get(permission === 'granted' ? 'desktopGranted' :
      permission === 'denied' ? 'desktopDenied' : 'desktopHint'));
  }

  say(text: string) {
    setText(this.note, text || '');
    this.note.hidden = !text;
  }
}

class SettingsRow {
  bell: NotifygateBell;
  type: any;
  receive: HTMLElement;
  display: any;
  state: HTMLElement;
  node: HTMLElement;

  constructor(bell: NotifygateBell, view: any, type: string) {
    const row = this;
    const texts = bell.texts;
    const title = bell.catalogue.typeTitle(type);
    const known = bell.catalogue.typeOf(type);
    this.bell = bell;
    this.type = type;
    this.receive = el('button', 'ngb-switch', {type: 'button', role: 'switch',
      'aria-label': texts.get('receive', {type: title})}, el('span', 'ngb-switch-knob'));
    this.display = el('select', 'ngb-select', {'aria-label': texts.get('displayOf', {type: title})}, [
      el('option', '', {value: ''}, texts.get('displayDefault')),
      el('option', '', {value: 'toast'}, texts.get('displayToast')),
      el('option', '', {value: 'browser'}, texts.get('displayBrowser')),
      el('option', '', {value: 'modal'}, texts.get('displayModal')),
      el('option', '', {value: 'badge'}, texts.get('displayBadge')),
      el('option', '', {value: 'none'}, texts.get('displayNone'))
    ]);
    this.state = el('span', 'ngb-type-state');
    this.node = el('li', 'ngb-type', null, [
      el('span', 'ngb-icon', {'aria-hidden': 'true'}, icon(bell.catalogue.iconPath(known.icon || '') || bell.catalogue.iconPath(type) ||
        bell.catalogue.iconPath(type.split(/[._-]/)[0]) || ICONS.bell)),
      el('div', 'ngb-type-text', null, [el('span', 'ngb-type-title', {dir: 'auto'}, title), this.state]),
      this.display, this.receive
    ]);
    this.receive.onclick = function () {
      if (!known.mandatory) {
        row.save({muted: !bell.catalogue.preferenceOf(type).muted}, view);
      }
    };
    this.display.onchange = function () {
      row.save({display: row.display.value || null}, view);
    };
  }

  update() {
    const preference = this.bell.catalogue.preferenceOf(this.type);
    const isMandatory = !!this.bell.catalogue.typeOf(this.type).mandatory;
    const isMuted = !!preference.muted && !isMandatory;
    setAttributes(this.receive, {'aria-checked': isMuted ? 'false' : 'true', 'aria-disabled': isMandatory || null});
    setText(this.state, isMandatory ? this.bell.texts.get('mandatory') : isMuted ? this.bell.texts.get('muted') : '');
    this.display.disabled = isMuted;
    this.display.value = contains(DISPLAYS, preference.display) ? preference.display : '';
    toggleClass(this.node, 'ngb-muted', isMuted);
  }

  save(change: any, view: any) {
    const bell = this.bell;
    view.say('');
    bell.preferenceStore.change(this.type, change, function (error: any) {
      if (error) {
        view.say(bell.texts.get('settingsSaveFailed'));
      }
    });
    if (change.display === 'browser' && bell.desktop.permission() === 'default') {
      view.allow.focus(); // what is missing now; the permission itself is asked for by a click only
    }
  }
}
