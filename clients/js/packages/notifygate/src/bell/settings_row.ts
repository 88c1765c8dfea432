/** How notifications of one type are shown, and whether at all. */

import type { NotifygateBell } from './bell';
import { el, icon, makeButton, setAttributes, setText, toggleClass } from './dom';
import { ICONS } from './icons';
import { DISPLAYS } from './notification';
import { contains, each } from './objects';
import type { SettingsView } from './settings';
import { capitalized } from './text';

export function switchFor(label: string) {
  return makeButton('ngb-switch', el('span', 'ngb-switch-knob'), {role: 'switch', 'aria-label': label});
}

export class SettingsRow {
  bell: NotifygateBell;
  view: SettingsView;
  type: string;
  receive: HTMLElement;
  display: HTMLSelectElement;
  automatic: HTMLElement;
  state: HTMLElement;
  node: HTMLElement;

  constructor(bell: NotifygateBell, view: SettingsView, type: string) {
    const texts = bell.texts;
    const catalogue = bell.catalogue;
    const title = catalogue.typeTitle(type);
    this.bell = bell;
    this.view = view;
    this.type = type;
    this.receive = switchFor(texts.get('receive', {type: title}));
    this.automatic = el('option', '', {value: ''});
    this.display = el('select', 'ngb-select', {'aria-label': texts.get('displayOf', {type: title})}, this.automatic);
    each(DISPLAYS, (name) => {
      this.display.appendChild(el('option', '', {value: name}, texts.get('display' + capitalized(name))));
    });
    this.state = el('span', 'ngb-type-state');
    this.node = el('li', 'ngb-type', null, [
      el('span', 'ngb-icon', {'aria-hidden': 'true'},
        icon(catalogue.iconPath(catalogue.typeOf(type).icon || '') || catalogue.iconPath(catalogue.iconOf(type)) || ICONS.bell)),
      el('div', 'ngb-type-text', null, [el('span', 'ngb-type-title', {dir: 'auto'}, title), this.state]),
      this.display, this.receive
    ]);
    this.receive.onclick = () => {
      if (!this.isMandatory()) {
        this.save({muted: !catalogue.preferenceOf(type).muted});
      }
    };
    this.display.onchange = () => this.save({display: this.display.value || null});
  }

  isMandatory() {
    return !!this.bell.catalogue.typeOf(this.type).mandatory;
  }

  update() {
    const texts = this.bell.texts;
    const preference = this.bell.catalogue.preferenceOf(this.type);
    const isMandatory = this.isMandatory();
    const isMuted = !!preference.muted && !isMandatory;
    setAttributes(this.receive, {'aria-checked': !isMuted, 'aria-disabled': isMandatory || null});
    setText(this.state, isMandatory ? texts.get('mandatory') : isMuted ? texts.get('muted') : '');
    setText(this.automatic, texts.get('displayDefault', {display:
      texts.get('display' + capitalized(this.bell.catalogue.usualDisplay(this.type)))}));
    this.display.disabled = isMuted;
    this.display.value = contains(DISPLAYS, preference.display!) ? preference.display! : '';
    toggleClass(this.node, 'ngb-muted', isMuted);
  }

  save(change: { muted?: boolean; display?: string | null }) {
    const bell = this.bell;
    this.view.say('');
    bell.preferenceStore.change(this.type, change, (error: unknown) => {
      if (error) {
        this.view.say(bell.texts.get('settingsSaveFailed'));
      }
    });
    if (change.display === 'browser' && bell.desktop.permission() === 'default') {
      this.view.allow.focus(); // the permission is missing; only a click asks for it
    }
  }
}
