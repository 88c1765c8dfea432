// The types of notifygate-bell.js, written by hand. docs/bell.md explains the options.

import Notifygate = require("./index");

export = NotifygateBell;
export as namespace NotifygateBell;

declare global {
    interface Element {
        /** The bell that `data-notifygate-bell` put into the element. */
        notifygateBell?: NotifygateBell;
    }
}

declare class NotifygateBell {
    /** Mounts a bell, or the part of it that `view` names, in an element of the page or in the first one that a selector finds. */
    constructor(target: Element | string, options?: NotifygateBell.Options);

    readonly client: Notifygate;
    readonly isOpen: boolean;

    /** With `focusCard` the current card gets the focus, else the panel as a whole. */
    open(focusCard?: boolean): void;
    /** The focus goes back to the bell, unless `leaveFocus`. */
    close(leaveFocus?: boolean): void;
    toggle(): void;
    showSettings(): void;
    setTheme(theme: NotifygateBell.Theme): void;
    /** Changes options of a mounted bell. Those of the client, `view`, `portal`, `language` and `strings` are read once. */
    set(options: NotifygateBell.Options): void;
    /** Shows no toasts and no desktop notifications on this device for so many seconds; 0 ends the pause. */
    pausePopups(seconds: number): void;
    /** Unmounts: takes everything out of the page and leaves the element as it was. */
    destroy(): void;

    /** The texts, by language and name. English is complete; scripts such as `notifygate-bell.de.js` add theirs, and a page may. */
    static readonly strings: { en: NotifygateBell.Strings; [language: string]: NotifygateBell.Strings };
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
    /** Texts in one language, by name. Those that are missing stay English. */
    type Strings = Record<string, Text>;

    /** Attributes of notification types as the page knows them. */
    interface Type {
        title?: string;
        icon?: string | null;
        display?: Display;
        mandatory?: boolean;
        /** Whether the sender's initials are shown instead of the icon; by default for comments, likes and users. */
        face?: boolean;
    }

    /** A filter beside "all" and "unread". */
    interface Tab {
        label: string;
        /** Names of types; one that ends in `*` stands for all that begin so. */
        types?: string[];
        /** Instead of `types`: whether a notification belongs to the tab. */
        filter?: (notification: Notifygate.Notification) => boolean;
    }

    /** A topic as the page knows it. */
    interface Topic {
        title?: string;
        description?: string;
    }

    /** The part of the bell that a render function fills. */
    interface Part {
        readonly bell: NotifygateBell;
        /** The node that the function returned last time, null the first time: return it again to keep it. */
        readonly node: Node | null;
    }

    /** A node or a text takes the part's place; null leaves the part out; undefined keeps the bell's own. */
    type Rendered = Node | string | null | undefined;

    type RenderCard = (notification: Notifygate.Notification, part: Part) => Rendered;
    type RenderPart = (part: Part) => Rendered;

    /** Functions that render parts. They are called again whenever what they show may have changed. */
    interface Render {
        /** Everything in a card but its mark for unread and its buttons. */
        item?: RenderCard;
        avatar?: RenderCard;
        body?: RenderCard;
        /** Below the body; the bell itself shows nothing there. */
        actions?: RenderCard;
        empty?: RenderPart;
        /** In the place of the heading. */
        header?: RenderPart;
        footer?: RenderPart;
        /** Called with a node that one of the others made when the bell has dropped it. */
        release?: (node: Node) => void;
    }

    interface Options {
        /** The page's own client; without it the bell makes one of `url`, `token`, `getToken`, `clientOptions`. */
        client?: Notifygate;
        url?: string;
        token?: string;
        getToken?: Notifygate.Options["getToken"];
        clientOptions?: Notifygate.Options;
        /** `bell`: a button with a panel; `list`: the panel in the page, always open; `preferences`: the settings in the page. */
        view?: "bell" | "list" | "preferences";
        /** Given: the page decides whether the panel is open, and follows `onOpenChange`. */
        open?: boolean | null;
        /** Called when the panel was opened or closed; with `open` given, when it should be. */
        onOpenChange?: ((isOpen: boolean) => void) | null;
        /** Called when a notification is opened; what returns false follows `action_url` itself. */
        onOpen?: ((notification: Notifygate.Notification) => boolean | void) | null;
        /** Follows links within the page's origin in the place of the browser, as a router does. */
        navigate?: ((url: string, notification: Notifygate.Notification | null) => void) | null;
        /** Where panel, toasts and dialogs are put; default: the panel beside the bell, all else in the body. */
        portal?: Element | string | null;
        /** The page with all notifications: there is a link to it below the list. */
        inboxUrl?: string;
        /** Default: the page's. */
        language?: string;
        strings?: Strings;
        dir?: "ltr" | "rtl" | "auto";
        theme?: Theme;
        types?: Record<string, Type>;
        tabs?: Tab[];
        /** Notifications with the same key become one card. `sender`: those of one type and sender. */
        groupBy?: "type" | "sender" | ((notification: Notifygate.Notification) => string | null | undefined) | null;
        /** Topics, by name, that the settings offer to follow beside those that the gateway lists; or titles for these. */
        topics?: Record<string, Topic>;
        render?: Render;
        icons?: Record<string, string>;
        /** Origins that pictures may come from; none by default, not even the page's own. */
        iconOrigins?: string[];
        toasts?: boolean;
        toastSeconds?: number;
        toastPosition?: "top-right" | "top-left" | "bottom-right" | "bottom-left";
        titleCount?: boolean;
        pageSize?: number;
        undoSeconds?: number;
    }
}
