/** The topics that can be followed: those that the gateway lists, and those that the page names. */

import type { NotifygateBell } from './bell';
import { append, el, setAttribute } from './dom';
import { copy, dictionary, each, own } from './objects';
import { makeQueue } from './queue';
import type { SettingsView } from './settings';
import { switchFor } from './settings_row';

export interface Topics {
  node: HTMLElement;
  load(): void;
  update(): void;
}

/** Make the list of topics. `say` and `complain`: those of the settings. */
export function makeTopics(bell: NotifygateBell, say: SettingsView['say'], complain: SettingsView['complain']): Topics {
  const texts = bell.texts;
  /** Whether each topic is followed: as its switch shows it, and as the gateway has it. */
  const following = dictionary<boolean>();
  const saved = dictionary<boolean>();
  const inTurn = makeQueue();
  const switches = dictionary<HTMLElement>();
  const list = el('ul', 'ngb-types');
  const node = el('section', 'ngb-topics', null, [
    el('h3', 'ngb-subheading', null, texts.get('topics')), el('p', 'ngb-hint', null, texts.get('topicsHint')), list
  ]);
  let isLoaded = false;

  function load() {
    inTurn((next) => bell.client.topics((error, answer) => {
      if (!error) { // topics that can't be read are not offered
        isLoaded = true;
        each(answer!.topics, (one) => {
          if (following[one.topic] === saved[one.topic]) following[one.topic] = one.following;
          saved[one.topic] = one.following;
        });
        update();
      }
      next();
    }));
  }

  function update() {
    const named = bell.options.topics;
    const names = isLoaded ? Object.keys(copy(dictionary(), named, following)).sort() : [];
    each(names, (name) => {
      if (!switches[name]) {
        const known = own(named, name) || {};
        const title = known.title || name;
        switches[name] = switchFor(texts.get('follow', {topic: title}), () => change(name));
        append(list, el('li', 'ngb-type', null, [
          el('div', 'ngb-type-text', null, [
            el('span', 'ngb-type-title', {dir: 'auto'}, title), el('span', 'ngb-type-state', {dir: 'auto'}, known.description || '')
          ]),
          switches[name]
        ]));
      }
      setAttribute(switches[name]!, 'aria-checked', !!following[name]);
    });
    node.hidden = !names.length;
  }

  function change(name: string) {
    following[name] = !following[name];
    say('');
    update();
    inTurn((next) => {
      const wanted = following[name]!;
      if (wanted === saved[name]) return next(); // switched back, or refused before
      bell.client[wanted ? 'follow' : 'unfollow'](name, (error) => {
        if (error) following[name] = saved[name]!;
        else saved[name] = wanted;
        complain(error);
        update();
        next();
      });
    });
  }

  return {node: node, load: load, update: update};
}
