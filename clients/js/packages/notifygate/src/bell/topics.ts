/** The topics that can be followed: those that the gateway lists, and those that the page names. */

import type { NotifygateBell } from './bell';
import { append, el, setAttribute } from './dom';
import { copy, dictionary, each, own } from './objects';
import type { SettingsView } from './settings';
import { switchFor } from './settings_row';

export class Topics {
  bell: NotifygateBell;
  view: SettingsView;
  /** Whether each topic is followed. */
  following: Record<string, boolean>;
  switches: Record<string, HTMLElement>;
  isLoaded = false;
  list: HTMLElement;
  node: HTMLElement;

  constructor(bell: NotifygateBell, view: SettingsView) {
    this.bell = bell;
    this.view = view;
    this.following = dictionary();
    this.switches = dictionary();
    this.list = el('ul', 'ngb-types');
    this.node = el('section', 'ngb-topics', null, [
      el('h3', 'ngb-subheading', null, bell.texts.get('topics')), el('p', 'ngb-hint', null, bell.texts.get('topicsHint')), this.list
    ]);
  }

  load() {
    this.bell.client.topics((error, answer) => {
      if (error || this.bell.isDestroyed) {
        return; // topics that can't be read are not offered
      }
      this.isLoaded = true;
      each(answer!.topics, (one) => {
        this.following[one.topic] = one.following;
      });
      this.update();
    });
  }

  update() {
    const named = this.bell.options.topics;
    const names = this.isLoaded ? Object.keys(copy(dictionary(), named, this.following)).sort() : [];
    each(names, (name) => {
      if (!this.switches[name]) {
        const known = own(named, name) || {};
        const title = known.title || name;
        const control = this.switches[name] = switchFor(this.bell.texts.get('follow', {topic: title}));
        control.onclick = () => this.change(name);
        append(this.list, el('li', 'ngb-type', null, [
          el('div', 'ngb-type-text', null, [
            el('span', 'ngb-type-title', {dir: 'auto'}, title), el('span', 'ngb-type-state', {dir: 'auto'}, known.description || '')
          ]),
          control
        ]));
      }
      setAttribute(this.switches[name]!, 'aria-checked', !!this.following[name]);
    });
    this.node.hidden = !names.length;
  }

  change(name: string) {
    const wanted = !this.following[name];
    this.following[name] = wanted;
    this.view.say('');
    this.update();
    this.bell.client[wanted ? 'follow' : 'unfollow'](name, (error) => {
      if (error) {
        this.following[name] = !wanted;
        this.view.say(this.bell.texts.get('settingsSaveFailed'));
        this.update();
      }
    });
  }
}
