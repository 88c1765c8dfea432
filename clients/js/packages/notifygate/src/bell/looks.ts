/** Parts that cards, toasts and dialogs share. */

import type { NotifygateBell } from './bell';
import { allowsPicture, hasFace, iconOf, iconPath, typeOf, typeTitle } from './catalogue';
import { append, el, empty, icon, setAttributes, setText, toggleClass } from './dom';
import { colourOf, initials } from './faces';
import { ICONS } from './icons';
import { openElsewhere } from './links';
import { isUrgent, timeOf } from './notification';
import { followLink } from './reader';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** Put the icon of a notification into its circle: initials, a picture from where the page allows it, a sign. */
export function fillIcon(bell: NotifygateBell, node: HTMLElement, item: Notification) {
  const given = item.icon || typeOf(bell, item.type).icon || '';
  const path = iconPath(bell, given);
  const ofType = iconPath(bell, iconOf(bell, item.type));
  const letters = hasFace(bell, item) ? initials(item.sender) : '';
  let picture: HTMLImageElement;
  empty(node);
  toggleClass(node, 'ngb-face', !!letters);
  if (letters) {
    append(node, letters);
    node.style.background = colourOf(item.sender);
    if (ofType && !isUrgent(item)) {
      node.appendChild(el('span', 'ngb-mark', null, icon(ofType)));
    }
  } else if (!path && allowsPicture(bell, given)) {
    // Before src: the request goes out when that is set, and must not carry cookies.
    picture = el('img', 'ngb-picture', {alt: '', crossorigin: 'anonymous', referrerpolicy: 'no-referrer', src: given});
    picture.onerror = function () {
      empty(node);
      node.appendChild(icon(ICONS.bell));
    };
    node.appendChild(picture);
  } else if (!path && isPictograph(given)) {
    node.appendChild(el('span', 'ngb-emoji', null, given));
  } else {
    node.appendChild(icon(path || ofType || (isUrgent(item) ? ICONS.warning : ICONS.bell)));
  }
  if (isUrgent(item)) {
    node.appendChild(el('span', 'ngb-mark ngb-urgent-mark', null, '!'));
  }
}

/** Make the circle with the icon of a notification. */
export function iconFor(bell: NotifygateBell, item: Notification) {
  const node = el('span', 'ngb-icon', {'aria-hidden': 'true'});
  fillIcon(bell, node, item);
  return node;
}

/** An emoji as an icon's name: short, and nothing of it is ASCII. */
function isPictograph(name: string) {
  return name.length > 0 && name.length <= 11 && /^[^\u0000-\u2000]+$/.test(name);
}

/** Make the row above a title: the sender, the name of an urgent priority, the time. */
export function metaRow(bell: NotifygateBell, item: Notification, time: HTMLElement) {
  return el('div', 'ngb-meta', null, [
    el('span', 'ngb-sender', {dir: 'auto'}, nameAbove(bell, item)),
    el('span', 'ngb-priority', null, isUrgent(item) ? bell.texts.get(item.priority) : ''), time
  ]);
}

export function showTime(bell: NotifygateBell, node: HTMLElement, item: Notification, now: number) {
  const time = timeOf(item);
  setText(node, bell.texts.relativeTime(time, now));
  if (node.getAttribute('datetime') !== item.created_at) { // writing the exact time takes an engine long
    setAttributes(node, {datetime: item.created_at, title: bell.texts.exactTime(time)});
  }
}

/** Make a link that opens a notification; the click is the bell's, so that it can be marked read first. */
export function linkTo(bell: NotifygateBell, item: Notification, className: string, label: string, onOpen?: () => void) {
  const link = el('a', className, {href: item.action_url, dir: 'auto'}, label);
  openElsewhere(link, item.action_url!);
  link.onclick = function (event) {
    event.stopPropagation();
    followLink(bell, item, link, event, onOpen);
  };
  return link;
}

/** Return the name that stands above a title: the sender, unless the title begins with it; else the type. */
export function nameAbove(bell: NotifygateBell, item: Notification) {
  return item.sender && item.title.indexOf(item.sender) !== 0 ? item.sender : typeTitle(bell, item.type);
}
