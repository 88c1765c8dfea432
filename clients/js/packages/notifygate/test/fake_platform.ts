/** A platform whose clock is the test's, and a gateway that answers when the test wants it. */

import type Notifygate from '../types/index';
import type { Channel, Platform, PlatformEvents, Reply } from '../src/core/platform';

export function notification(id: string, fields: Partial<Notifygate.Notification> = {}): Notifygate.Notification {
  return {
    id,
    type: 'general',
    title: `Title ${id}`,
    body: '',
    priority: 'normal',
    sender: '',
    icon: null,
    action_url: null,
    data: {},
    audience: 'user:anna',
    created_at: '2026-01-01T00:00:00Z',
    expires_at: null,
    seen_at: null,
    read_at: null,
    ...fields
  };
}

/** A request that waits for its answer. */
export interface FakeRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: any;
  isAborted: boolean;
  answer(status: number, body?: object | null, headers?: Record<string, string>): void;
}

export interface FakeTimer {
  at: number;
  work: () => void;
}

export class FakePlatform implements Platform {
  time = 1_000_000;
  isShown = true;
  /** As the browser reports it. */
  isConnected = true;
  requests: FakeRequest[] = [];
  events: PlatformEvents | null = null;
  values: Record<string, string> = {};
  channel: Channel | null = null;
  /** What was sent to the other tabs. */
  posted: any[] = [];
  timers: FakeTimer[] = [];

  /** The newest request. */
  get last(): FakeRequest {
    return this.requests[this.requests.length - 1]!;
  }

  pass(seconds: number): void {
    const end = this.time + seconds * 1000;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = Math.max(this.time, next.at);
      this.timers.splice(this.timers.indexOf(next), 1);
      next.work();
    }
    this.time = end;
  }

  now(): number {
    return this.time;
  }
  random(): number {
    return 0.5;
  }
  setTimer(work: () => void, milliseconds: number): unknown {
    const timer = { at: this.now() + milliseconds, work };
    this.timers.push(timer);
    return timer;
  }
  clearTimer(timer: unknown): void {
    this.timers = this.timers.filter((one) => one !== timer);
  }
  request(
    method: string,
    url: string,
    headers: Record<string, string>,
    body: string | null,
    _timeoutMs: number,
    done: (reply: Reply) => void
  ) {
    const request: FakeRequest = {
      method,
      url,
      headers,
      body: body && JSON.parse(body),
      isAborted: false,
      answer(status, answer = null, answerHeaders = {}) {
        done({
          status,
          responseText: answer ? JSON.stringify(answer) : '',
          getResponseHeader: (name) => answerHeaders[name] ?? null
        });
      }
    };
    this.requests.push(request);
    return {
      abort() {
        request.isAborted = true;
        request.answer(0);
      }
    };
  }
  decodeBase64(text: string): string {
    return Buffer.from(text, 'base64').toString('latin1');
  }
  isVisible(): boolean {
    return this.isShown;
  }
  isOnline(): boolean {
    return this.isConnected;
  }
  storage() {
    return {
      getItem: (name: string) => this.values[name] ?? null,
      setItem: (name: string, value: string) => {
        this.values[name] = value;
      },
      removeItem: (name: string) => {
        delete this.values[name];
      }
    };
  }
  openChannel(): Channel {
    return (this.channel = {
      onmessage: null,
      postMessage: (message) => {
        this.posted.push(message);
      },
      close: () => undefined
    });
  }
  takeLock(_name: string, _steal: boolean, taken: (release: () => void) => void): boolean {
    taken(() => undefined);
    return true;
  }
  listen(events: PlatformEvents): () => void {
    this.events = events;
    return () => {
      this.events = null;
    };
  }
}
