/** What cards, toasts and dialogs have in common. */

import type { NotifygateBell } from './bell';
import { el, empty, icon, setAttribute, setAttributes, setText } from './dom';
import { ICONS } from './icons';
import { isUrgent, timeOf } from './notification';
import { isOwnOrigin } from './urls';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** Put the icon of a notification into its circle; a picture only from where the page allows it. */
export function fillIcon(bell: NotifygateBell, node: HTMLElement, item: Notification) {
  const given = item.icon || bell.catalogue.typeOf(item.type).icon || '';
  const path = bell.catalogue.iconPath(given);
  let picture;
  empty(node);
  if (!path && bell.catalogue.allowsPicture(given)) {
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
    node.appendChild(icon(path || bell.catalogue.iconPath(item.type) || bell.catalogue.iconPath(item.type.split(/[._-]/)[0]) ||
      (isUrgent(item) ? ICONS.warning : ICONS.bell)));
  }
  if (isUrgent(item)) {
    node.appendChild(el('span', 'ngb-urgent-mark', null, '!'));
  }
}

/** An emoji as an icon's name: short, and nothing of it is ASCII. */
function isPictograph(name: string) {
  return name.length > 0 && name.length <= 11 && /^[^\u0000-\u2000]+$/.test(name);
}

/** Return the words for an urgent priority, '' for others: what is not urgent must not stand out. */
export function priorityLabel(bell: NotifygateBell, item: Notification) {
  return isUrgent(item) ? bell.texts.get(item.priority) : '';
}

export function timeNode(className: string) {
  return el('time', className);
}

export function showTime(bell: NotifygateBell, node: HTMLElement, item: Notification, now: number) {
  const time = timeOf(item);
  setText(node, bell.texts.relativeTime(time, now));
  setAttribute(node, 'datetime', item.created_at);
  setAttribute(node, 'title', bell.texts.exactTime(time));
}

/** Make a link that opens a notification; the click is the bell's, so that it can be marked read first. */
export function linkTo(bell: NotifygateBell, item: Notification, className: string, label: string, onOpen?: any) {
  const link = el('a', className, {href: item.action_url, dir: 'auto'}, label);
  if (!isOwnOrigin(item.action_url!)) {
    setAttributes(link, {target: '_blank', rel: 'noopener noreferrer'});
  }
  link.onclick = function (event: any) {
    event.stopPropagation();
    bell.reader.follow(item, link, event, onOpen);
  };
  return link;
}
