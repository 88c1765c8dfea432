import { Component } from '@angular/core';
import { injectNotifications, injectUnreadCount, NotifygateBell } from '@notifygate/angular';

@Component({
  selector: 'app-inbox',
  imports: [NotifygateBell],
  template: `
    <section>
      <header>
        <h1>Orders</h1>
        <notifygate-bell />
      </header>
      <p role="status">{{ inbox.isLoading() ? 'Loading' : unread() + ' unread' }}</p>
      <button (click)="inbox.markAllRead()">Mark all as read</button>
      <ul aria-label="Inbox">
        @for (one of inbox.notifications(); track one.id) {
          <li [class.unread]="!one.read_at">
            {{ one.title }}
            @if (!one.read_at) { <button (click)="inbox.markRead(one.id)">Mark as read</button> }
          </li>
        }
      </ul>
    </section>
  `
})
export class Inbox {
  readonly inbox = injectNotifications();
  readonly unread = injectUnreadCount();
}
