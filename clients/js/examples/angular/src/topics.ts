import { Component } from '@angular/core';
import { injectTopics } from '@notifygate/angular';

@Component({
  selector: 'app-topics',
  template: `
    <fieldset>
      <legend>Topics</legend>
      @for (one of store.topics(); track one.topic) {
        <label>
          <input
            type="checkbox"
            [checked]="one.following"
            (change)="one.following ? store.unfollow(one.topic) : store.follow(one.topic)"
          >
          {{ one.topic }}
        </label>
      }
    </fieldset>
  `
})
export class Topics {
  readonly store = injectTopics();
}
