/** One card of the list: a notification, or a group of them that is closed. */

import type { NotifygateBell } from './bell';
import type { Row } from './arrangement';
import { sendersOf } from './arrangement';
import { append, el, empty, icon, iconButton, isPlainClick, makeButton, setAttribute, setAttributes, setText, toggleClass, uid } from './dom';
import { ICONS } from './icons';
import { linked } from './links';
import type { List } from './list';
import { fillIcon, linkTo, metaRow, nameAbove, showTime } from './looks';
import { priorityOf } from './notification';
import { each } from './objects';
import { Slot } from './slots';
import { isSafeUrl } from './urls';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

export class Card {
  bell: NotifygateBell;
  list: List;
  /** The group that the card stands for; of one that is open, the newest alone. */
  row: Row;
  isExpanded: boolean;
  isMeasured: boolean;
  /** Whether the controls have their place in the order of tabbing. */
  isPlaced: boolean;
  sender: HTMLElement;
  time: HTMLElement;
  unread: HTMLElement;
  title: HTMLElement;
  text: HTMLElement;
  more: HTMLElement;
  others: HTMLElement;
  toggle: HTMLElement;
  dismiss: HTMLElement;
  menu: HTMLElement;
  node: HTMLElement;
  isRead: boolean;
  link: HTMLAnchorElement | null;
  slots: Slot[];

  constructor(bell: NotifygateBell, list: List, item: Notification) {
    const texts = bell.texts;
    const priority = priorityOf(item);
    this.bell = bell;
    this.list = list;
    this.isExpanded = false;
    this.isMeasured = false;
    this.time = el('time', 'ngb-time');
    this.unread = el('span', 'ngb-hidden');
    this.title = el('h3', 'ngb-title', {id: uid('title')});
    this.link = isSafeUrl(item.action_url) ? linkTo(bell, item, 'ngb-link', item.title, () => {
      list.keepInView(this.row);
    }) : null;
    append(this.title, this.link ? [this.link, icon(ICONS.go, 'ngb-go')] : item.title);
    setAttribute(this.title, 'dir', 'auto');
    this.more = makeButton('ngb-more', texts.get('more'), {'aria-expanded': false});
    this.more.hidden = true;
    this.others = makeButton('ngb-others');
    this.toggle = iconButton(ICONS.check, '', 'ngb-toggle');
    this.dismiss = iconButton(ICONS.archive, texts.get('dismiss'), 'ngb-dismiss');
    this.menu = iconButton(ICONS.dots, texts.get('menu'), 'ngb-options');
    setAttributes(this.menu, {'aria-haspopup': 'menu', 'aria-expanded': false});

    const avatar = el('span', 'ngb-icon', {'aria-hidden': 'true'});
    const body = el('div', 'ngb-body', {id: uid('body'), dir: 'auto'});
    const actions = el('div', 'ngb-custom');
    const content = el('div', 'ngb-content');
    const meta = metaRow(bell, item, this.time);
    this.sender = meta.firstChild as HTMLElement;
    this.text = el('div', 'ngb-text', null, [this.more, body]);
    const own = [avatar, el('div', 'ngb-main', null, [
      meta, this.title, this.text, actions, this.others
    ])];
    this.slots = [
      new Slot(bell, 'item', content, () => {
        append(content, own);
      }),
      new Slot(bell, 'avatar', avatar, () => {
        fillIcon(bell, avatar, item);
      }),
      new Slot(bell, 'body', body, () => {
        append(body, linked(item.body || ''));
      }),
      new Slot(bell, 'actions', actions, () => undefined)
    ];
    this.node = el('article', 'ngb-card ngb-' + priority + (this.link ? ' ngb-linked' : ''),
      {tabindex: '-1', 'data-id': item.id, 'aria-describedby': item.body ? body.id : null},
      [el('span', 'ngb-dot', null, this.unread), content, el('div', 'ngb-actions', null, [this.toggle, this.dismiss, this.menu])]);
    this.listen();
  }

  listen() {
    this.node.onclick = (event) => {
      if (isPlainClick(event, this.node)) {
        this.open(event);
      }
    };
    this.more.onclick = () => {
      this.expand(!this.isExpanded);
    };
    this.others.onclick = () => {
      this.list.toggleGroup(this.row.key!);
    };
    this.toggle.onclick = () => {
      this.setRead();
    };
    this.dismiss.onclick = () => {
      this.remove();
    };
    this.menu.onclick = () => {
      const texts = this.bell.texts;
      this.bell.panel.menu.toggle(this.menu, [
        {label: this.toggleLabel(), icon: this.isRead ? ICONS.mail : ICONS.check, work: () => {
          this.setRead();
        }},
        {label: texts.get('dismiss'), icon: ICONS.archive, work: () => {
          this.remove();
        }}
      ]);
    };
  }

  toggleLabel() {
    return this.bell.texts.get(this.isRead ? 'markUnread' : 'markRead');
  }

  /** Mark everything that the card stands for as read, or as unread if it is. */
  setRead() {
    this.list.keepFocusNear(this);
    this.bell.reader.setRead(this.row.group, !this.isRead);
  }

  remove() {
    this.list.keepFocusNear(this);
    this.bell.dismiss(this.row.group.map((item) => item.id));
  }

  show(row: Row, now: number) {
    const texts = this.bell.texts;
    const isRead = row.group.every((item) => !!item.read_at);
    const senders = row.group.length > 1 ? sendersOf(row.group) : [];
    this.row = row;
    each(this.slots, (slot) => {
      slot.show(row.item);
    });
    this.text.hidden = !row.item.body && this.slots[2]!.isOwn();
    setAttributes(this.node, this.slots[0]!.isOwn() ? {'aria-labelledby': this.title.id, 'aria-label': null} :
      {'aria-labelledby': null, 'aria-label': row.item.title});
    setText(this.sender, senders.length > 1 ? texts.get('andOthers', {sender: senders[0], n: senders.length - 1}) :
      nameAbove(this.bell, row.item));
    this.others.hidden = !row.others;
    setText(this.others, row.group.length > 1 ? texts.get('showOthers', {n: row.others}) : texts.get('less'));
    setAttribute(this.others, 'aria-expanded', row.group.length === 1);
    toggleClass(this.node, 'ngb-stack', row.group.length > 1);
    if (this.isRead !== isRead) {
      this.isRead = isRead;
      toggleClass(this.node, 'ngb-unread', !isRead);
      setText(this.unread, isRead ? '' : texts.get('unreadMark'));
      setAttributes(this.toggle, {'aria-label': this.toggleLabel(), title: this.toggleLabel()});
      empty(this.toggle);
      this.toggle.appendChild(icon(isRead ? ICONS.mail : ICONS.check));
    }
    showTime(this.bell, this.time, row.item, now);
  }

  /** Offer the whole text where the preview cuts it. Only possible while the card is visible. */
  measure() {
    if (!this.isMeasured && this.text.clientHeight) {
      this.isMeasured = true;
      this.more.hidden = this.text.scrollHeight <= this.text.clientHeight + 2;
      toggleClass(this.text, 'ngb-cut', !this.more.hidden);
    }
  }

  expand(on: boolean) {
    const hadFocus = document.activeElement === this.more;
    this.isExpanded = on;
    toggleClass(this.node, 'ngb-expanded', on);
    setAttribute(this.more, 'aria-expanded', on);
    setText(this.more, this.bell.texts.get(on ? 'less' : 'more'));
    // In the last line of a preview the text flows around the button; below the whole text it comes last.
    this.text.insertBefore(this.more, on ? null : this.text.firstChild);
    if (hadFocus) {
      this.more.focus();
    }
  }

  /** Open: follow the link, or show the whole text; either way it is read then. */
  open(event?: MouseEvent | KeyboardEvent) {
    this.list.keepInView(this.row);
    if (this.link) {
      this.bell.reader.follow(this.row.item, this.link, event!);
      return;
    }
    if (!this.more.hidden) {
      this.expand(!this.isExpanded);
    }
    this.bell.reader.opened(this.row.item);
  }

  setCurrent(isCurrent: boolean) {
    const place = isCurrent ? '0' : '-1';
    if (this.node.getAttribute('tabindex') === place && this.isPlaced) {
      return;
    }
    this.isPlaced = true;
    setAttribute(this.node, 'tabindex', place);
    each([this.link, this.more, this.others, this.toggle, this.dismiss, this.menu], (control) => {
      if (control) {
        setAttribute(control, 'tabindex', place);
      }
    });
    each(this.text.querySelectorAll('.ngb-url'), (control) => {
      setAttribute(control as HTMLElement, 'tabindex', place);
    });
  }

  release() {
    each(this.slots, (slot) => {
      slot.release();
    });
  }
}
