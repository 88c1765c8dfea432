/** The options of a bell, with their defaults. docs/bell.md explains them. */

const TOAST_SECONDS = 6;

const UNDO_SECONDS = 6;

const PAGE_SIZE = 30;

export const DEFAULTS = {
  client: null, url: '', token: null, getToken: null, clientOptions: null,
  view: 'bell', open: null, onOpenChange: null, onOpen: null, navigate: null, portal: null, inboxUrl: '',
  language: '', strings: null, dir: 'auto', theme: 'auto',
  types: {}, tabs: [], groupBy: null, topics: {}, render: {}, icons: {}, iconOrigins: [],
  toasts: true, toastSeconds: TOAST_SECONDS, toastPosition: 'top-right',
  titleCount: true, pageSize: PAGE_SIZE, undoSeconds: UNDO_SECONDS
};

/** Copy the options that are given. A framework passes undefined for one that is not. */
export function setOptions(target: object, given: object | null | undefined): void {
  for (const name in given) {
    const value = (given as Record<string, unknown>)[name];
    if (value !== undefined) (target as Record<string, unknown>)[name] = value;
  }
}
