/** One card of the list: a notification, or a group of them that is closed. */

import type { NotifygateBell } from './bell';
import type { Row } from './arrangement';
import { sendersOf } from './arrangement';
import {
  append, el, empty, icon, iconButton, isPlainClick, makeButton, setAttribute, setAttributes, setText, toggleClass, uid
} from './dom';
import { ICONS } from './icons';
import { linked } from './links';
import type { List } from './list';
import { fillIcon, linkTo, metaRow, nameAbove, showTime } from './looks';
import { menuButton } from './menu';
import { priorityOf } from './notification';
import { each } from './objects';
import { followLink, opened, setRead } from './reader';
import { Slot } from './slots';
import { isSafeUrl } from './urls';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

export interface Card {
  node: HTMLElement;
  /** The group that the card stands for; of one that is open, the newest alone. */
  row: Row;
  slots: Slot[];
  show(row: Row, now: number): void;
  /** Offer the whole text where the preview cuts it. Only possible while the card is visible. */
  measure(): void;
  /** Open: follow the link, or show the whole text; either way it is read then. */
  open(event?: MouseEvent | KeyboardEvent): void;
  /** Archive everything that the card stands for. */
  remove(): void;
  /** Give the card and its controls their place in the order of tabbing, or take it. */
  setCurrent(isCurrent: boolean): void;
  release(): void;
}

/** Make the card of a notification. */
export function makeCard(bell: NotifygateBell, list: List, item: Notification): Card {
  const texts = bell.texts;
  let isExpanded = false;
  let isMeasured = false;
  let isRead: boolean;
  /** The tabindex of the controls. */
  let tabindex: string;
  const time = el('time', 'ngb-time');
  const unread = el('span', 'ngb-hidden');
  const title = el('h3', 'ngb-title', {id: uid('title'), dir: 'auto'});
  const link = isSafeUrl(item.action_url) ? linkTo(bell, item, 'ngb-link', item.title, () => list.keepInView(card.row)) : null;
  const more = makeButton('ngb-more', texts.get('more'), () => expand(!isExpanded), {'aria-expanded': false});
  const others = makeButton('ngb-others', '', () => list.toggleGroup(card.row.key!));
  const toggle = iconButton(ICONS.check, '', 'ngb-toggle', toggleRead);
  const dismiss = iconButton(ICONS.archive, texts.get('dismiss'), 'ngb-dismiss', remove);
  const menu = menuButton(bell, 'ngb-options', () => [
    {label: toggleLabel(), icon: isRead ? ICONS.mail : ICONS.check, work: toggleRead},
    {label: texts.get('dismiss'), icon: ICONS.archive, work: remove}
  ]);

  const avatar = el('span', 'ngb-icon', {'aria-hidden': 'true'});
  const body = el('div', 'ngb-body', {id: uid('body'), dir: 'auto'});
  const actions = el('div', 'ngb-custom');
  const content = el('div', 'ngb-content');
  const meta = metaRow(bell, item, time);
  const sender = meta.firstChild as HTMLElement;
  const text = el('div', 'ngb-text', null, [more, body]);
  const main = el('div', 'ngb-main', null, [meta, title, text, actions, others]);
  const node = el('article', 'ngb-card ngb-' + priorityOf(item) + (link ? ' ngb-linked' : ''),
    {tabindex: '-1', 'data-id': item.id, 'aria-describedby': item.body ? body.id : null},
    [el('span', 'ngb-dot', null, unread), content, el('div', 'ngb-actions', null, [toggle, dismiss, menu])]);
  const card = {
    node: node,
    slots: [
      new Slot(bell, 'item', content, () => {
        append(content, [avatar, main]);
      }),
      new Slot(bell, 'avatar', avatar, () => {
        fillIcon(bell, avatar, item);
      }),
      new Slot(bell, 'body', body, () => {
        append(body, linked(item.body || ''));
      }),
      new Slot(bell, 'actions', actions, () => undefined)
    ],
    show: show,
    measure: function () {
      if (!isMeasured && text.clientHeight) {
        isMeasured = true;
        more.hidden = text.scrollHeight <= text.clientHeight + 2;
        toggleClass(text, 'ngb-cut', !more.hidden);
      }
    },
    open: open,
    remove: remove,
    setCurrent: function (isCurrent) {
      const place = isCurrent ? '0' : '-1';
      if (tabindex === place) {
        return;
      }
      tabindex = place;
      const urls = Array.prototype.slice.call(text.querySelectorAll('.ngb-url'));
      each([node, link, more, others, toggle, dismiss, menu].concat(urls), (control) => {
        if (control) {
          setAttribute(control, 'tabindex', place);
        }
      });
    },
    release: function () {
      each(card.slots, (slot) => slot.release());
    }
  } as Card;

  function toggleLabel() {
    return texts.get(isRead ? 'markUnread' : 'markRead');
  }

  /** Mark everything that the card stands for as read, or as unread if it is. */
  function toggleRead() {
    list.keepFocusNear(card);
    setRead(bell, card.row.group, !isRead);
  }

  function remove() {
    list.keepFocusNear(card);
    bell.dismiss(card.row.group.map((one) => one.id));
  }

  function show(row: Row, now: number) {
    const wasRead = isRead;
    const isGroup = row.group.length > 1;
    const senders = isGroup ? sendersOf(row.group) : [];
    card.row = row;
    isRead = row.group.every((one) => !!one.read_at);
    each(card.slots, (slot) => slot.show(row.item));
    text.hidden = !row.item.body && card.slots[2]!.isOwn();
    setAttributes(node, card.slots[0]!.isOwn() ? {'aria-labelledby': title.id, 'aria-label': null} :
      {'aria-labelledby': null, 'aria-label': row.item.title});
    setText(sender, senders.length > 1 ? texts.get('andOthers', {sender: senders[0], n: senders.length - 1}) :
      nameAbove(bell, row.item));
    others.hidden = !row.others;
    setText(others, isGroup ? texts.get('showOthers', {n: row.others}) : texts.get('less'));
    setAttribute(others, 'aria-expanded', !isGroup);
    toggleClass(node, 'ngb-stack', isGroup);
    if (isRead !== wasRead) {
      toggleClass(node, 'ngb-unread', !isRead);
      setText(unread, isRead ? '' : texts.get('unreadMark'));
      setAttributes(toggle, {'aria-label': toggleLabel(), title: toggleLabel()});
      empty(toggle);
      toggle.appendChild(icon(isRead ? ICONS.mail : ICONS.check));
    }
    showTime(bell, time, row.item, now);
  }

  function expand(on: boolean) {
    const hadFocus = document.activeElement === more;
    isExpanded = on;
    toggleClass(node, 'ngb-expanded', on);
    setAttribute(more, 'aria-expanded', on);
    setText(more, texts.get(on ? 'less' : 'more'));
    // In the last line of a preview the text flows around the button; below the whole text it comes last.
    text.insertBefore(more, on ? null : text.firstChild);
    if (hadFocus) {
      more.focus();
    }
  }

  function open(event?: MouseEvent | KeyboardEvent) {
    list.keepInView(card.row);
    if (link) {
      followLink(bell, card.row.item, link, event!);
      return;
    }
    if (!more.hidden) {
      expand(!isExpanded);
    }
    opened(bell, card.row.item);
  }

  more.hidden = true;
  append(title, link ? [link, icon(ICONS.go, 'ngb-go')] : item.title);
  node.onclick = (event) => {
    if (isPlainClick(event, node)) {
      open(event);
    }
  };
  return card;
}
