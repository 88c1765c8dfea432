import { Component, signal } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { provideNotifygate } from '@notifygate/angular';
import { Inbox } from './inbox';
import { Topics } from './topics';

@Component({
  selector: 'app-root',
  imports: [Inbox, Topics],
  template: `
    <button (click)="isShown.set(!isShown())">{{ isShown() ? 'Hide the inbox' : 'Show the inbox' }}</button>
    @if (isShown()) { <app-inbox /><app-topics /> }
  `
})
class App {
  readonly isShown = signal(true);
}

bootstrapApplication(App, { providers: [provideNotifygate({ tokenUrl: '/my/notification-token' })] });
