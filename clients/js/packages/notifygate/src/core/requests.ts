/** Requests to the gateway: with a token, with a second one after a 401, with the answer read and the fault named. */

import type Notifygate from '../../types/index';
import type { Core } from './core';
import { parse } from './json';
import type { PendingRequest, Reply } from './platform';
import { withToken } from './tokens';

/** Seconds within which an answer comes, beyond those for which the gateway was asked to hold the request. */
export const GRACE_SECONDS = 15;

export type Answered = (error: Notifygate.Failure | null, answer: any, reply: Reply) => void;

/** A request that is on its way. */
export interface Flight {
  /** Its callback is not called any more. */
  isCut?: boolean;
  pending?: PendingRequest;
  /** When it should have ended by itself, in milliseconds; later than that, the device slept. */
  due?: number;
}

export function failure(status: number, problem: { code?: string; detail?: string }): Notifygate.Failure {
  return { status: status, code: problem.code || '', detail: problem.detail || '', retry: 0 };
}

/**
 * Send a request.
 *
 * `path`: below `/v1/`. `field`: one that every answer of the gateway has; a body without it is that of a proxy or a
 * captive portal. `holdSeconds`: for how long the gateway may hold it. `header`: with `value`, where that is not empty;
 * without it a 304 is an error, too. `done`: called once, with the reply itself last.
 */
export function send(
  core: Core,
  method: string,
  path: string,
  field: string,
  body: object | null | undefined,
  done?: Answered,
  holdSeconds?: number,
  header?: string | null,
  value?: string | null
): Flight {
  const flight: Flight = {};
  const timeoutMs = ((holdSeconds || 0) + GRACE_SECONDS) * 1000;
  let isRenewed = false;

  function finish(reply: Reply): void {
    const status = reply.status;
    const answer = parse(reply.responseText) || {};
    const isGood = status === 304 ? header : status === 200 && answer[field] != null;
    if (done && !flight.isCut) done(isGood ? null : failure(status, answer), answer, reply);
  }

  function attempt(): void {
    const headers: Record<string, string> = { Authorization: 'Bearer ' + core.token };
    if (flight.isCut) return;
    if (!core.token) return finish({ status: core.token === 0 ? 0 : 401 } as Reply);
    if (body) headers['Content-Type'] = 'application/json';
    if (value) headers[header!] = value;
    flight.due = core.ownPlatform.now() + timeoutMs;
    core.ownState.requests++;
    flight.pending = core.ownPlatform.request(
      method,
      core.baseUrl + '/v1/' + path,
      headers,
      body ? JSON.stringify(body) : null,
      timeoutMs,
      (reply) => {
        core.ownState.bytes += reply.responseText.length;
        if (reply.status !== 401 || isRenewed || !core.options.getToken) return finish(reply);
        isRenewed = true;
        core.token = null;
        withToken(core, attempt);
      }
    );
  }

  withToken(core, attempt);
  return flight;
}
