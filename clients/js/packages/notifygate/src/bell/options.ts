/** The options of a bell, with their defaults. docs/bell.md explains them. */

const TOAST_SECONDS = 6;

const UNDO_SECONDS = 6;

const PAGE_SIZE = 30;

export const DEFAULTS = {
  client: null, url: '', token: null, getToken: null, clientOptions: null,
  language: '', strings: null, dir: 'auto', theme: 'auto',
  types: {}, icons: {}, iconOrigins: [],
  toasts: true, toastSeconds: TOAST_SECONDS, toastPosition: 'top-right',
  titleCount: true, pageSize: PAGE_SIZE, undoSeconds: UNDO_SECONDS, onOpen: null
};
