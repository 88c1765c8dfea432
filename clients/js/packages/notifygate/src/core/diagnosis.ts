/** Measures the path to the gateway. */

import type Notifygate from '../../types/index';
import type { Core } from './core';
import { send } from './requests';

/** After a hold that died: try one that is this part of its age. */
const SHORTER = 0.7;
/** An answer that comes so much later than it was sent was kept back on the way. */
const BUFFERED_SECONDS = 1;

export function diagnose(core: Core, done: Notifygate.Done<Notifygate.Diagnosis>): void {
  const report = {} as Notifygate.Diagnosis;
  let began = core.ownPlatform.now();

  function age(): number {
    return (core.ownPlatform.now() - began) / 1000;
  }

  function measure(seconds: number): void {
    began = core.ownPlatform.now();
    send(
      core,
      'GET',
      'probe?hold=' + seconds,
      'held',
      null,
      (error, answer) => {
        if (error && seconds > 1) return measure(Math.floor(Math.min(seconds, age() + 1) * SHORTER));
        report.hold = answer.held || 0;
        report.buffered = !error && age() - report.hold - report.rtt > BUFFERED_SECONDS;
        done(null, report);
      },
      seconds
    );
  }

  send(core, 'GET', 'inbox/unread', 'unread', null, (error, _answer, first) => {
    if (error) return done(error);
    report.rtt = age();
    send(
      core,
      'GET',
      'inbox/unread',
      'unread',
      null,
      (failed, answer) => {
        report.etag = !failed && !('unread' in answer);
        measure(core.longestHold || 55);
      },
      0,
      'If-None-Match',
      first.getResponseHeader('ETag')
    );
  });
}
