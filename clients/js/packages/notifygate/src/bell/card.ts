/** One notification in the list. */

import type { NotifygateBell } from './bell';
import { el, empty, hasSelection, icon, iconButton, isOnControl, setAttribute, setAttributes, setText, toggleClass, uid } from './dom';
import { ICONS } from './icons';
import type { List } from './list';
import { fillIcon, linkTo, priorityLabel, showTime, timeNode } from './looks';
import { priorityOf } from './notification';
import { each } from './objects';
import { isSafeUrl } from './urls';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

export class Card {
  bell: NotifygateBell;
  list: List;
  id: string;
  item: Notification;
  isExpanded: boolean;
  isMeasured: boolean;
  icon: HTMLElement;
  sender: HTMLElement;
  priority: HTMLElement;
  time: any;
  unread: HTMLElement;
  title: HTMLElement;
  body: HTMLElement;
  more: HTMLElement;
  toggle: HTMLElement;
  dismiss: HTMLElement;
  node: HTMLElement;
  isRead: boolean;
  link: any;

  constructor(bell: NotifygateBell, list: any, item: Notification) {
    const card = this;
    this.bell = bell;
    this.list = list;
    this.id = item.id;
    this.isExpanded = false;
    this.isMeasured = false;
    this.icon = el('span', 'ngb-icon', {'aria-hidden': 'true'});
    this.sender = el('span', 'ngb-sender', {dir: 'auto'});
    this.priority = el('span', 'ngb-priority');
    this.time = timeNode('ngb-time');
    this.unread = el('span', 'ngb-hidden', null, bell.texts.get('unreadMark'));
    this.title = el('h3', 'ngb-title', {id: uid('title')});
    this.body = el('p', 'ngb-body', {id: uid('body'), dir: 'auto'});
    this.more = el('button', 'ngb-more', {type: 'button', 'aria-expanded': 'false'}, bell.texts.get('more'));
    this.more.hidden = true;
    this.toggle = iconButton(ICONS.check, '', 'ngb-toggle');
    this.dismiss = iconButton(ICONS.close, bell.texts.get('dismiss'), 'ngb-dismiss');
    this.node = el('article', 'ngb-card', {tabindex: '-1', 'aria-labelledby': this.title.id}, [
      this.icon,
      el('div', 'ngb-main', null, [
        el('div', 'ngb-meta', null, [this.sender, this.priority, this.time]),
        this.title, this.body, this.more
      ]),
      el('span', 'ngb-dot', null, this.unread),
      el('div', 'ngb-actions', null, [this.toggle, this.dismiss])
    ]);
    this.node.onclick = function (event) {
      if (!isOnControl(event.target as HTMLElement, card.node) && !hasSelection(card.node)) {
        card.open(event);
      }
    };
    this.more.onclick = function () {
      card.expand(!card.isExpanded);
    };
    this.toggle.onclick = function () {
      list.keepFocusNear(card);
      bell.reader.setRead(card.item, !card.item.read_at);
    };
    this.dismiss.onclick = function () {
      list.keepFocusNear(card);
      bell.dismiss(card.id);
    };
    this.show(item, Date.now());
  }

  show(item: Notification, now: number) {
    const texts = this.bell.texts;
    const priority = priorityOf(item);
    const isRead = !!item.read_at;
    let label;
    if (!this.item) {
      this.fill(item);
    }
    this.item = item;
    if (this.isRead !== isRead) {
      this.isRead = isRead;
      toggleClass(this.node, 'ngb-unread', !isRead);
      toggleClass(this.node, 'ngb-low', priority === 'low');
      toggleClass(this.node, 'ngb-high', priority === 'high');
      toggleClass(this.node, 'ngb-critical', priority === 'critical');
      setText(this.unread, isRead ? '' : texts.get('unreadMark'));
      label = texts.get(isRead ? 'markUnread' : 'markRead');
      setAttributes(this.toggle, {'aria-label': label, title: label});
      empty(this.toggle);
      this.toggle.appendChild(icon(isRead ? ICONS.mail : ICONS.check));
    }
    showTime(this.bell, this.time, item, now);
  }

  /** Write what never changes: a notification is immutable once it is published. */
  fill(item: Notification) {
    const card = this;
    fillIcon(this.bell, this.icon, item);
    setText(this.sender, item.sender || this.bell.catalogue.typeTitle(item.type));
    setText(this.priority, priorityLabel(this.bell, item));
    this.link = null;
    if (isSafeUrl(item.action_url)) {
      this.link = linkTo(this.bell, item, 'ngb-link', item.title, function () {
        card.list.keepInView(card.id);
      });
      this.title.appendChild(this.link);
    } else {
      setAttribute(this.title, 'dir', 'auto');
      setText(this.title, item.title || '');
    }
    setText(this.body, item.body || '');
    this.body.hidden = !item.body;
    setAttribute(this.node, 'aria-describedby', item.body ? this.body.id : null);
  }

  /** Offer the whole text where the preview cuts it. Only possible while the card is to be seen. */
  measure() {
    if (!this.isMeasured && this.body.clientHeight) {
      this.isMeasured = true;
      this.more.hidden = this.body.scrollHeight <= this.body.clientHeight + 2;
    }
  }

  expand(on: boolean) {
    this.isExpanded = on;
    toggleClass(this.node, 'ngb-expanded', on);
    setAttribute(this.more, 'aria-expanded', on);
    setText(this.more, this.bell.texts.get(on ? 'less' : 'more'));
  }

  /** Open: follow the link, or show the whole text; either way it is read then. */
  open(event?: any) {
    this.list.keepInView(this.id);
    if (this.link) {
      this.bell.reader.follow(this.item, this.link, event);
      return;
    }
    if (!this.more.hidden) {
      this.expand(!this.isExpanded);
    }
    this.bell.reader.opened(this.item);
  }

  setCurrent(isCurrent: boolean) {
    const place = isCurrent ? '0' : '-1';
    setAttribute(this.node, 'tabindex', place);
    each([this.link, this.more, this.toggle, this.dismiss], function (control) {
      if (control) {
        setAttribute(control, 'tabindex', place);
      }
    });
  }
}
