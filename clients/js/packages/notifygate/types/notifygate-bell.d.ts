// The types of notifygate-bell.js, written by hand. docs/bell.md explains the options.

import Notifygate = require("./index");

export = NotifygateBell;
export as namespace NotifygateBell;

declare class NotifygateBell {
    /** Makes a bell in an element of the page, or in the first one that a selector finds. */
    constructor(target: Element | string, options?: NotifygateBell.Options);

    readonly client: Notifygate;

    /** With `focusCard` the current card gets the focus, else the panel as a whole. */
    open(focusCard?: boolean): void;
    /** The focus goes back to the bell, unless `leaveFocus`. */
    close(leaveFocus?: boolean): void;
    toggle(): void;
    showSettings(): void;
    setTheme(theme: NotifygateBell.Theme): void;
    /** Takes the bell out of the page and leaves the element as it was. */
    destroy(): void;

    /** Every text, by language and name. */
    static readonly strings: Record<"en" | "de", Record<string, NotifygateBell.Text>>;
    /** Path data by name, in a box of 24 x 24. */
    static readonly icons: Record<string, string>;
    /** Whether an `action_url` may be followed: http, https, or a path that begins with a single slash. */
    static isSafeUrl(url: unknown): url is string;
}

declare namespace NotifygateBell {
    type Theme = "light" | "dark" | "auto";
    type Display = "none" | "badge" | "toast" | "modal" | "browser";
    /** One text with gaps such as `{n}`, one for 1 and one for other numbers, or a function of the number. */
    type Text = string | [string, string] | ((n: number) => string);

    interface Options {
        /** The page's own client; without it the bell makes one of `url`, `token`, `getToken`, `clientOptions`. */
        client?: Notifygate;
        url?: string;
        token?: string;
        getToken?: Notifygate.Options["getToken"];
        clientOptions?: Notifygate.Options;
        /** Default: the page's. */
        language?: string;
        strings?: Record<string, Text>;
        dir?: "ltr" | "rtl" | "auto";
        theme?: Theme;
        types?: Record<string, { title?: string; icon?: string | null; display?: Display; mandatory?: boolean }>;
        icons?: Record<string, string>;
        /** Origins that pictures may come from; none by default, not even the page's own. */
        iconOrigins?: string[];
        toasts?: boolean;
        toastSeconds?: number;
        toastPosition?: "top-right" | "top-left" | "bottom-right" | "bottom-left";
        titleCount?: boolean;
        pageSize?: number;
        undoSeconds?: number;
        /** Called when one is opened; what returns false follows `action_url` itself. */
        onOpen?: (notification: Notifygate.Notification) => boolean | void;
    }
}
