/** How notifications of one type are shown, and whether at all. */

import type { NotifygateBell } from './bell';
import { iconOf, iconPath, preferenceOf, typeOf, typeTitle, usualDisplay } from './catalogue';
import { desktopPermission } from './desktop';
import { el, icon, makeButton, setAttributes, setText, toggleClass } from './dom';
import { ICONS } from './icons';
import { DISPLAYS } from './notification';
import { contains, each } from './objects';
import type { SettingsView } from './settings';
import { capitalized } from './text';

/** Make a switch. */
export function switchFor(label: string, onclick: () => void) {
  return makeButton('ngb-switch', el('span', 'ngb-switch-knob'), onclick, {role: 'switch', 'aria-label': label});
}

export interface SettingsRow {
  node: HTMLElement;
  update(): void;
}

/** Make the row of a type. */
export function makeSettingsRow(bell: NotifygateBell, view: SettingsView, type: string): SettingsRow {
  const texts = bell.texts;
  const title = typeTitle(bell, type);
  const receive = switchFor(texts.get('receive', {type: title}), () => {
    if (!isMandatory()) {
      save({muted: !preferenceOf(bell, type).muted});
    }
  });
  const automatic = el('option', '', {value: ''});
  const display = el('select', 'ngb-select', {'aria-label': texts.get('displayOf', {type: title})}, automatic);
  const state = el('span', 'ngb-type-state');
  const node = el('li', 'ngb-type', null, [
    el('span', 'ngb-icon', {'aria-hidden': 'true'},
      icon(iconPath(bell, typeOf(bell, type).icon || '') || iconPath(bell, iconOf(bell, type)) || ICONS.bell)),
    el('div', 'ngb-type-text', null, [el('span', 'ngb-type-title', {dir: 'auto'}, title), state]),
    display, receive
  ]);
  each(DISPLAYS, (name) => {
    display.appendChild(el('option', '', {value: name}, nameOf(name)));
  });
  display.onchange = () => save({display: display.value || null});

  function nameOf(display: string) {
    return texts.get('display' + capitalized(display));
  }

  function isMandatory() {
    return !!typeOf(bell, type).mandatory;
  }

  function update() {
    const preference = preferenceOf(bell, type);
    const isMuted = !!preference.muted && !isMandatory();
    setAttributes(receive, {'aria-checked': !isMuted, 'aria-disabled': isMandatory() || null});
    setText(state, isMandatory() ? texts.get('mandatory') : isMuted ? texts.get('muted') : '');
    setText(automatic, texts.get('displayDefault', {display: nameOf(usualDisplay(bell, type))}));
    display.disabled = isMuted;
    display.value = contains(DISPLAYS, preference.display!) ? preference.display! : '';
    toggleClass(node, 'ngb-muted', isMuted);
  }

  function save(change: { muted?: boolean; display?: string | null }) {
    view.say('');
    bell.preferenceStore.change(type, change, view.complain);
    if (change.display === 'browser' && desktopPermission() === 'default') {
      view.allow.focus(); // the permission is missing; only a click asks for it
    }
  }

  return {node: node, update: update};
}
