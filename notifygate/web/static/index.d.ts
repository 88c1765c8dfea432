// The types of notifygate.js, written by hand.
// Times are RFC 3339 strings, durations are seconds, ids are opaque and sort by creation to the millisecond.

export = Notifygate;
export as namespace Notifygate;

declare class Notifygate {
    constructor(options: Notifygate.Options);

    /** Every notification back to the end of the snapshot, and of the history that was read; merged by id, newest first. */
    items(): Notifygate.Notification[];
    /** The server's counts; null until they are known. */
    counts: Notifygate.Counts | null;
    /** Everything up to here was reported; `markAllRead` takes it as `upTo`. Null before the first answer. */
    cursor: string | null;
    /** The state of the client: the same object that the last `state` event carried. */
    state: Notifygate.State;

    on<E extends keyof Notifygate.Events>(event: E, handler: Notifygate.Events[E]): this;
    off<E extends keyof Notifygate.Events>(event: E, handler: Notifygate.Events[E]): this;

    /** From now on the client runs until `stop`, whether it has subscribers or not. On one that runs already: poll now. */
    start(): this;
    stop(): this;
    /**
     * On a client that runs: end the wait after an error, or while the browser reports to be offline, and poll now,
     * unless a `Retry-After` that this tab got forbids it. If another tab polls for this one, this one takes its place.
     */
    poll(): this;

    /** Shown at once, undone (by the same events) when the server refuses. At most 500 ids. */
    markRead(ids: string | string[], done?: Notifygate.Done<Notifygate.Changed>): void;
    markUnread(ids: string | string[], done?: Notifygate.Done<Notifygate.Changed>): void;
    /** Without ids (or with null): everything up to `cursor`. */
    markSeen(ids?: string | string[] | null, done?: Notifygate.Done<Notifygate.Changed>): void;
    dismiss(ids: string | string[], done?: Notifygate.Done<Notifygate.Changed>): void;
    /** Everything up to a cursor that the user was shown, by default the present one. Nothing newer is touched. */
    markAllRead(upTo?: string | null, done?: Notifygate.Done<Notifygate.Changed>): void;
    dismissAll(upTo?: string | null, done?: Notifygate.Done<Notifygate.Changed>): void;

    /** `before`: an id; without it, the newest. Its notifications are in `items()` afterwards; no event is sent. */
    history(query: { before?: string; limit?: number } | null, done: Notifygate.Done<Notifygate.Page>): void;
    follow(topic: string, done?: Notifygate.Done<Notifygate.Topic>): void;
    unfollow(topic: string, done?: Notifygate.Done<Notifygate.Topic>): void;
    /** Reads the topics that the recipient follows, and those that the operator offers. */
    topics(done: Notifygate.Done<{ topics: Notifygate.Topic[] }>): void;
    /** Reads, or with `types` replaces them. Error 412: another device has changed them since they were read. */
    preferences(types: Notifygate.TypePreferences | null, done?: Notifygate.Done<{ types: Notifygate.TypePreferences }>): void;

    /**
     * The client as a store, for views: the listener is called when `getSnapshot` returns another one. The first
     * subscriber starts the client; unless `start` was called, it stops a second after the last has left. Returns a
     * function that unsubscribes. All three may be passed on without the client.
     */
    subscribe(listener: () => void): () => void;
    /** Frozen, and the same until something in it changes. */
    getSnapshot(): Notifygate.Snapshot;
    /** The empty snapshot, as the first one of a page that was rendered on a server. */
    getServerSnapshot(): Notifygate.Snapshot;

    /** Measures the path to the gateway; takes up to two minutes. */
    diagnose(done: Notifygate.Done<Notifygate.Diagnosis>): void;
}

declare namespace Notifygate {
    interface Options {
        /** Where the gateway is: "https://notify.example.com". Default: the page's own origin. */
        url?: string;
        /** The recipient's JWT. */
        token?: string;
        /**
         * Gives a JWT when one is needed, at the start and after a 401: as its result, through a promise, or by
         * calling `done`. An empty one stops the client, as does one that is refused in its turn and one of another
         * recipient; after a rejected promise it is asked again later.
         */
        getToken?: (done: (token: string | null) => void) => string | PromiseLike<string> | void;
        /** Names the recipient in storage. Default: the token's `sub`. */
        user?: string;
        /** false: neither share polls with other tabs nor keep a cursor. */
        share?: boolean;
        /** Longest hold to ask for, in seconds. Default 55; 0: short polls only. */
        wait?: number;
        /** Where there is no window. */
        platform?: Platform;
    }

    interface Notification {
        id: string;
        type: string;
        title: string;
        body: string;
        priority: "low" | "normal" | "high" | "critical";
        sender: string;
        icon: string | null;
        action_url: string | null;
        data: Record<string, unknown>;
        audience: string;
        created_at: string;
        expires_at: string | null;
        seen_at: string | null;
        read_at: string | null;
    }

    interface Snapshot {
        /** Newest first, as `items()`. Not to be changed. */
        readonly notifications: readonly Notification[];
        readonly unread: number;
        readonly unseen: number;
        /** There may be older ones, see `history`. */
        readonly hasMore: boolean;
        /** `pending`: there was no answer yet. `error`: there was none, see `error`. `success`: the other fields are known. */
        readonly status: "pending" | "success" | "error";
        /** The error of the last poll; also after a success. */
        readonly error: Failure | null;
    }

    interface Counts {
        unread: number;
        unseen: number;
    }

    interface Events {
        /** New or changed notifications in their present state; a snapshot newest first, changes oldest first. */
        notifications: (items: Notification[], info: Info) => void;
        /** Dismissed here or elsewhere, retracted or expired. */
        removed: (ids: string[]) => void;
        counts: (counts: Counts) => void;
        /** Forget everything; a snapshot follows at once as `notifications`. */
        reset: () => void;
        state: (state: State) => void;
        error: (error: Failure) => void;
    }

    interface Info {
        /** These are all there is to show (back to the snapshot's end), not changes. */
        snapshot: boolean;
        /** Of a snapshot: there may be older ones, see `history`. Of changes: more follow at once. */
        has_more: boolean;
        /** Those that arrived since the first snapshot, or since this browser last looked: toast these. */
        added: Notification[];
        /** A change made here that the server has not confirmed yet, or the undoing of one. */
        optimistic: boolean;
    }

    interface State {
        /**
         * `connecting`: no answer yet. `long`: a request is held. `short`: short polls, because the path or the gateway
         * allows no hold. `hidden`: a short poll a minute, no tab can be seen. `offline`: the browser reports it.
         * `waiting`: after an error, see `error` and `retry`. `stopped`: by `stop()`, or for good when `error` is set.
         * A request that is to be answered at once keeps the mode that was there before.
         */
        mode: "connecting" | "long" | "short" | "hidden" | "offline" | "waiting" | "stopped";
        /** Whether this tab polls for the others. The figures below are those of the tab that does. */
        leader: boolean;
        /** Seconds that the present request asks to be held. */
        hold: number;
        /** The longest hold that the path was seen to survive; 0: no limit was found. */
        limit: number;
        /** Seconds until the next poll; 0 while one is under way. */
        retry: number;
        requests: number;
        /** Characters of all answers' bodies. */
        bytes: number;
        /** Answers 304. */
        notModified: number;
        error: Failure | null;
    }

    interface Failure {
        /** HTTP status; 0: no answer. */
        status: number;
        /** As in the problem document; "" where there was none. */
        code: string;
        detail: string;
        /** Seconds until it tries again; 0: it doesn't. Always 0 for what a method calls back with. */
        retry: number;
    }

    type Done<T> = (error: Failure | null, answer?: T) => void;

    interface Changed extends Counts {
        changed: number;
    }

    interface Page {
        notifications: Notification[];
        has_more: boolean;
    }

    interface Topic {
        topic: string;
        following: boolean;
    }

    type TypePreferences = Record<
        string,
        { muted?: boolean; display?: "none" | "badge" | "toast" | "modal" | "browser" }
    >;

    interface Diagnosis {
        /** Round trip, in seconds. */
        rtt: number;
        /** The longest hold that came back, in seconds; 0: none did. */
        hold: number;
        /** Whether answers are kept back on the way by more than a second. */
        buffered: boolean;
        /** Whether ETag and If-None-Match survive the way. */
        etag: boolean;
    }

    // ---- The interface to the engine. The default is a window's; others bring their own.

    type Timer = unknown;

    /** An answer to a request, as an XMLHttpRequest. */
    interface Reply {
        /** HTTP status; 0: no answer came. */
        status: number;
        responseText: string;
        getResponseHeader(name: string): string | null;
    }

    interface PendingRequest {
        /** End the request; its callback gets status 0. */
        abort(): void;
    }

    /** Texts by name that the tabs of one browser share, as localStorage. Everything may throw: it is full or forbidden. */
    interface SharedStorage {
        getItem(name: string): string | null;
        setItem(name: string, value: string): void;
        removeItem(name: string): void;
    }

    /** Messages to the other tabs, as BroadcastChannel. */
    interface Channel {
        postMessage(message: unknown): void;
        close(): void;
        onmessage: ((event: { data: unknown }) => void) | null;
    }

    /** Events that a running client handles. */
    interface PlatformEvents {
        /** The page was hidden or shown, or the network came or went. */
        wake(): void;
        /** The page is left; it may come back from the browser's memory. */
        hide(): void;
        /** Another tab wrote to the storage; null: it removed the value. */
        stored(name: string, value: string | null): void;
    }

    interface Platform {
        /** The clock, in milliseconds since 1970. */
        now(): number;
        /** From 0 to 1, without 1. */
        random(): number;
        setTimer(work: () => void, milliseconds: number): Timer;
        clearTimer(timer: Timer): void;

        /** Send a request and call `done` once. */
        request(
            method: string,
            url: string,
            headers: Record<string, string>,
            body: string | null,
            timeoutMs: number,
            done: (reply: Reply) => void
        ): PendingRequest;
        /** Decode base64 into bytes, one a character. May throw. */
        decodeBase64(text: string): string;

        isVisible(): boolean;
        isOnline(): boolean;

        storage(): SharedStorage;
        /** Open a channel to the other tabs; null where there is none: then messages go through the storage. */
        openChannel(name: string): Channel | null;
        /**
          * Take a lock that one tab of a browser can have. `taken` gets a function that releases it; `lost` is called when
          * another tab has stolen it, and in the place of `taken` where the browser denies locks to the page. Returns
          * false, and does nothing, where there are no locks.
          */
        takeLock(name: string, steal: boolean, taken: (release: () => void) => void, lost: () => void): boolean;
        /** Report events until the function that is returned is called. */
        listen(events: PlatformEvents): () => void;
    }
}
